"""Photos of three real cameras, and their fingerprints: several tests need the same ones."""

import fcntl
import os
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path

from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Fingerprint, estimate
from grainseal.models.photo import read_photo

CAMERAS = ("Nikon_D200_0", "Nikon_D70_0", "Nikon_D70_1")
ENROLLED = 6  # of the ten flats of each, the first ones


class RealPhotos:
    """What one worker of a run has extracted spares another the work, which takes seconds."""

    def __init__(self, root: Path, kept: Path) -> None:
        """`root`: as GRAINSEAL_PHOTOS says; `kept`: a folder that all workers see."""
        self._root, self._kept = root / "nikon", kept

    def flats(self, camera: str) -> list[Path]:
        return sorted((self._root / "flat" / camera).iterdir())

    def scenes(self, camera: str) -> list[Path]:
        return sorted((self._root / "natural" / camera).iterdir())

    def fingerprint(
        self,
        photos: Sequence[Path],
        extractor: str,
        make: Callable[[], Fingerprint] | None = None,
    ) -> Fingerprint:
        """As `estimate` gives it. `make`: a shorter way to the same."""
        name = "-".join([extractor, *(photo.stem for photo in photos)])
        with (self._kept / name).open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # who comes second waits
            if file.seek(0, os.SEEK_END) == 0:
                read = map(read_photo, photos)
                found = make() if make else estimate(read, get_extractor(extractor))
                pickle.dump(found, file)
            file.seek(0)
            kept: Fingerprint = pickle.load(file)
        return kept

    def enrolled(self, camera: str, extractor: str) -> Fingerprint:
        """Of the flats that the camera is enrolled from."""
        return self.fingerprint(self.flats(camera)[:ENROLLED], extractor)
