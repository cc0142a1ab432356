"""Photos in, fingerprint out: which files, which profile, are they fit, what do they say."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from grainseal.crypto.errors import MisuseError
from grainseal.crypto.profiles import AUTH_JPEG_V1, AUTH_RAW_V1, Profile, profile_named
from grainseal.models.codes import code_for
from grainseal.models.extractor import Extractor, get_extractor
from grainseal.models.fingerprint import Fingerprint, estimate
from grainseal.models.photo import RAW_SUFFIXES, Photo, PhotoError, PhotoKind, read_photo
from grainseal.models.quality import problems

from .errors import ClientError, PhotosRefused

Progress = Callable[[int, int], None]
"""Told how many photos are done and how many there are."""
Photos = Sequence[str | Path] | Fingerprint
"""Files, or a fingerprint that `fingerprint_of` made of them before."""

DEFAULT_EXTRACTOR: Final = "wavelet"
DEVELOPED_SUFFIXES: Final = frozenset([".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic", ".heif"])
_PROFILE_OF_KIND: Final[dict[PhotoKind, Profile]] = {
    "developed": AUTH_JPEG_V1,
    "raw": AUTH_RAW_V1,
}


def photo_files(paths: Iterable[str | Path]) -> list[Path]:
    """Files as given; of a folder, the photos in it by name. `PhotosRefused` if that is nothing."""
    files: list[Path] = []
    for path in map(Path, paths):
        files += photos_in(path) if path.is_dir() else [path]
    if not files:
        raise PhotosRefused("no photos: name photo files, or a folder that has some")
    return files


def photos_in(folder: Path) -> list[Path]:
    """Photos directly in a folder, by name; hidden files and files of other kinds are left out."""
    known = DEVELOPED_SUFFIXES | RAW_SUFFIXES
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in known and not path.name.startswith(".") and path.is_file()
    )


def profile_for(photos: Photos, name: str | None = None) -> Profile:
    """The profile of that name, by default the one for the first photo's kind.

    `ClientError` for an unknown name, `PhotosRefused` for a photo that cannot be read.
    """
    try:
        return profile_named(name) if name is not None else _PROFILE_OF_KIND[_kind_of(photos)]
    except MisuseError as error:
        raise ClientError(str(error)) from None


def require_fit(photos: Photos, profile: Profile) -> None:
    """`PhotosRefused` with advice for each photo that would spoil a code of that profile."""
    if isinstance(photos, Fingerprint):
        return
    try:
        found = problems(map(read_photo, photo_files(photos)), code_for(profile.name))
    except PhotoError as error:
        raise PhotosRefused(str(error)) from None
    blocking = [problem for problem in found if problem.blocking]
    if blocking:
        advice = "; ".join(problem.message for problem in blocking)
        raise PhotosRefused(f"unsuitable photos: {advice}", blocking)


def fingerprint_of(
    photos: Photos, profile: Profile, progress: Progress | None = None
) -> Fingerprint:
    """Fingerprint for a profile's codes; the profile says which extractor makes it.

    `PhotosRefused` for photos that cannot be read or do not belong together.
    """
    if isinstance(photos, Fingerprint):
        return photos
    return extract(photos, code_for(profile.name).extractor, progress=progress)


def extract(
    photos: Sequence[str | Path],
    extractor: str = DEFAULT_EXTRACTOR,
    *,
    crop: int | None = None,
    progress: Progress | None = None,
) -> Fingerprint:
    """Fingerprint of the camera that took the photos, read one by one, by any extractor.

    `crop`: use only the centre crop × crop pixels. `PhotosRefused` for photos that cannot be read
    or do not belong together, `ClientError` for an unknown extractor.
    """
    files = photo_files(photos)

    def report(done: int) -> None:
        if progress is not None:
            progress(done, len(files))

    try:
        return estimate(map(read_photo, files), extractor_named(extractor), crop, report)
    except PhotoError as error:
        raise PhotosRefused(str(error)) from None


def _kind_of(photos: Photos) -> PhotoKind:
    if isinstance(photos, Fingerprint):
        return photos.kind
    return _read(photo_files(photos)[0]).kind


def _read(path: Path) -> Photo:
    try:
        return read_photo(path)
    except PhotoError as error:
        raise PhotosRefused(str(error)) from None


def extractor_named(name: str) -> Extractor:
    """The extractor of that name; `ClientError` lists the names there are."""
    try:
        return get_extractor(name)
    except ValueError as error:
        raise ClientError(str(error)) from None
