"""Photos by camera for a table: simulated, or those of a folder; each is made when asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from grainseal.models.photo import Photo, PhotoError, read_photo
from grainseal.models.simulator.series import SIBLINGS, SeriesCamera, unseen_camera

from ..errors import ClientError
from ..photos import photos_in

# Kinds as `grainseal dataset` calls them: its own name, then VISION's and SOCRatES's.
FLATS: Final = ("flat", "background")
SCENES: Final = ("natural", "nat", "foreground")


class Shot(Protocol):
    """One photo; `ClientError` where it cannot be read."""

    def photo(self) -> Photo:
        """What is compared: side x side pixels."""

    def whole(self) -> Photo:
        """All of the file."""


@dataclass(frozen=True)
class Camera:
    """Even photos and scenes of one camera."""

    name: str
    flats: tuple[Shot, ...]
    scenes: tuple[Shot, ...]


@dataclass(frozen=True)
class PhotoSet:
    """The photos of a table and, in words, what they are."""

    described: str
    cameras: tuple[Camera, ...]


@dataclass(frozen=True)
class Wanted:
    """What a table takes: cameras and photos of each, at most where a folder has them.

    `siblings`: False takes simulated cameras of different models. `raw`: of Bayer planes.
    """

    cameras: int
    scenes: int
    flats: int = 0
    siblings: bool = True
    raw: bool = False


@dataclass(frozen=True)
class SimulatedShot:
    """Photo number `index` of a simulated camera."""

    number: int
    side: int
    index: int
    flat: bool = False
    raw: bool = False

    def photo(self) -> Photo:
        """As the camera saved it."""
        camera = _camera(self.number, self.side)
        name = f"camera {self.number}, {'even photo' if self.flat else 'scene'} {self.index}"
        if not self.raw:
            return Photo(camera.photo(self.index, self.flat), "developed", name, name)
        return camera.raw(self.index, self.flat).photo(name, name)

    def whole(self) -> Photo:
        """The same: it is no larger."""
        return self.photo()


@dataclass(frozen=True)
class FileShot:
    """A file of which the centre is compared."""

    path: Path
    side: int

    def photo(self) -> Photo:
        """The centre; `ClientError` if there is not so much of it."""
        whole = self.whole()
        if min(whole.shape) < self.side:
            raise ClientError(
                f"{whole.name} is {whole.width}x{whole.height}, and {self.side} pixels a side are "
                "compared: leave it out, or choose a smaller --side if the table takes one"
            )
        return whole.cropped(self.side)

    def whole(self) -> Photo:
        """`ClientError` if it is no photo."""
        try:
            return read_photo(self.path)
        except PhotoError as error:
            raise ClientError(str(error)) from None


def photo_set(data: Path | None, wanted: Wanted, side: int) -> PhotoSet:
    """Those of DATA/<kind>/<camera>, kinds as in FLATS and SCENES, or simulated ones without DATA.

    `ClientError` for folders that have not what is wanted.
    """
    return simulated(wanted, side) if data is None else given(data, wanted, side)


def simulated(wanted: Wanted, side: int) -> PhotoSet:
    """Cameras that nothing was trained on."""
    step = 1 if wanted.siblings else SIBLINGS
    numbers = [unseen_camera(step * index) for index in range(wanted.cameras)]
    cameras = tuple(
        series(f"camera {at + 1}", number, side, wanted) for at, number in enumerate(numbers)
    )
    return PhotoSet(
        f"simulated photos, {_counts(cameras)}, {side}x{side} {'RAW' if wanted.raw else 'JPEG'}; "
        f"no training has seen them, {SIBLINGS if wanted.siblings else 1} of each model",
        cameras,
    )


def series(name: str, number: int, side: int, wanted: Wanted, start: int = 0) -> Camera:
    """A simulated camera's photos from number `start`."""
    flats, scenes = (
        tuple(SimulatedShot(number, side, at, flat, wanted.raw) for at in range(first, first + n))
        for flat, first, n in ((True, 0, wanted.flats), (False, start, wanted.scenes))
    )
    return Camera(name, flats, scenes)


def given(data: Path, wanted: Wanted, side: int) -> PhotoSet:
    """The first cameras by name that have photos of all kinds that are wanted."""
    scenes = shots_by_camera(data, SCENES, side)
    flats = shots_by_camera(data, FLATS, side) if wanted.flats else {}
    both = [name for name in scenes if name in flats or not wanted.flats][: wanted.cameras]
    if len(both) < 2:
        kinds = "even photos and scenes" if wanted.flats else "scenes"
        raise ClientError(f"{data} has fewer than two cameras with {kinds}: a table takes two")
    cameras = tuple(
        Camera(
            name, tuple(flats.get(name, ())[: wanted.flats]), tuple(scenes[name][: wanted.scenes])
        )
        for name in both
    )
    return PhotoSet(f"{data}, {_counts(cameras)}, centre {side}x{side}", cameras)


def shots_by_camera(data: Path, kinds: Sequence[str], side: int) -> dict[str, list[FileShot]]:
    """Photos of DATA/<kind>/<camera>, by name, of the first kind that there is.

    `ClientError` where there is none.
    """
    folder = next((data / kind for kind in kinds if (data / kind).is_dir()), data / kinds[0])
    try:
        names = sorted(path for path in folder.iterdir() if path.is_dir())
        found = {path.name: [FileShot(each, side) for each in photos_in(path)] for path in names}
    except OSError as error:
        raise ClientError(
            f"cannot read {folder}: {error.strerror or error}; --data has DIR/<kind>/<camera>/"
            f"photos, as `grainseal dataset` makes them, with the kind {' or '.join(kinds)}"
        ) from None
    return {name: shots for name, shots in found.items() if shots}


def _counts(cameras: Sequence[Camera]) -> str:
    scenes = sum(len(camera.scenes) for camera in cameras)
    flats = sum(len(camera.flats) for camera in cameras)
    even = f" and {flats} even photos" if flats else ""
    return f"{len(cameras)} cameras, {scenes} scenes{even}"


@lru_cache(maxsize=64)
def _camera(number: int, side: int) -> SeriesCamera:
    """Kept: its pattern is drawn once."""
    return SeriesCamera(number, side)
