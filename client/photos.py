"""Photos in, fingerprint out: which files, which profile, are they fit, what do they say."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from grainseal.crypto.errors import MisuseError
from grainseal.crypto.profiles import (
    AUTH_JPEG_V1,
    AUTH_RAW_V1,
    ClaimProfile,
    FuzzyProfile,
    Profile,
    profile_named,
)
from grainseal.models.claim_code import claim_for
from grainseal.models.codes import CodeError, CodeSpec, code_for, extractor_for
from grainseal.models.extractor import NAMES, Extractor, get_extractor
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator, estimate
from grainseal.models.matching import ncc
from grainseal.models.photo import RAW_SUFFIXES, Photo, PhotoError, PhotoKind, read_photo
from grainseal.models.quality import Problem, problems

from .errors import ClientError, PhotosRefused

Progress = Callable[[int, int], None]
"""Told how many photos are done and how many there are."""
Stages = Callable[[str, int, int], None]
"""Told the name of a stage, how many of its steps are done and how many there are."""
Photos = Sequence[str | Path] | Fingerprint
"""Files, or a fingerprint that `fingerprint_of` made of them before."""
Warn = Callable[[str], None]
"""Told what speaks against photos that are tried all the same."""

DEFAULT_EXTRACTOR: Final = "neural"
EXTRACTOR_HELP: Final = f"One of {', '.join(NAMES)} (docs/EVALUATION.md, Extractors)."
MAX_UPLOADED_PHOTO: Final = 64 * 2**20  # bytes; docs/PROTOCOL.md, "Uploads"
DEVELOPED_SUFFIXES: Final = frozenset(
    [".jpg", ".jpeg", ".png", ".tif", ".tiff", ".heic", ".heif", ".webp"]
)
DEFAULT_PROFILES: Final[dict[PhotoKind, Profile]] = {
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


@dataclass(frozen=True)
class PhotoFile:
    """A developed photo together with its file's bytes."""

    path: Path
    photo: Photo
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> bytes:
        """Of the file, 32 bytes."""
        return bytes.fromhex(self.photo.sha256)


def developed_file(path: str | Path, purpose: str) -> PhotoFile:
    """A photo whose file itself matters: one to register or upload, or a copy of one.

    `PhotosRefused` for what is no photo, RAW, or larger than the service takes; `purpose` ends its
    message: "to be ...".
    """
    path = Path(path)
    photo = _read(path)
    if photo.kind != "developed":
        raise PhotosRefused(f"{path} is RAW: give the JPEG made of it {purpose}")
    data = _bytes_of(path)
    if len(data) > MAX_UPLOADED_PHOTO:
        raise PhotosRefused(
            f"{path} is larger than {MAX_UPLOADED_PHOTO >> 20} MiB: too large {purpose}"
        )
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        raise PhotosRefused(f"{path} changed while it was read: try again")
    return PhotoFile(path, photo, data)


def count_of(photos: Photos) -> int:
    """How many photos are still to be read."""
    return 0 if isinstance(photos, Fingerprint) else len(photo_files(photos))


def shared_progress(
    progress: Progress | None, first: int, second: int
) -> tuple[Progress | None, Progress | None]:
    """One bar for two readings of so many photos each."""
    if progress is None:
        return None, None
    tell, total = progress, first + second
    return (
        lambda done, _: tell(done, total),
        lambda done, _: tell(first + done, total),
    )


def profile_for(photos: Photos, name: str | None = None) -> Profile:
    """The profile of that name, by default the one for the first photo's kind.

    `ClientError` for an unknown name, `PhotosRefused` for a photo that cannot be read.
    """
    try:
        return profile_named(name) if name is not None else DEFAULT_PROFILES[kind_of(photos)]
    except MisuseError as error:
        raise ClientError(str(error)) from None


def first_photo(photos: Iterable[str | Path]) -> Photo:
    """The first one, for its kind and size; `PhotosRefused` if it cannot be read."""
    return _read(photo_files(photos)[0])


def require_fit(photos: Photos, profile: Profile | FuzzyProfile) -> None:
    """`PhotosRefused` with advice for each photo that would spoil a code of that profile."""
    _require(_problems(photos, code_for(profile.name)))


def require_burst(
    photos: Photos,
    profile: Profile | FuzzyProfile,
    any_photos: bool = False,
    warn: Warn | None = None,
) -> None:
    """The same for an enrolment, and all photos must be of one camera.

    With `any_photos` nothing is refused, and `warn` told instead.
    """
    if not any_photos:
        _require(_problems(photos, code_for(profile.name), one_camera=True))
    elif warn is not None:
        for problem in _problems(photos, code_for(profile.name), one_camera=True):
            warn(problem.message)


def require_fit_for_claims(photos: Photos, profile: ClaimProfile) -> None:
    """The same for a claim template, which photos of any scenes serve."""
    _require(_problems(photos, claim_for(profile.name), need_flat=False))


def _problems(
    photos: Photos, spec: CodeSpec, *, need_flat: bool = True, one_camera: bool = False
) -> list[Problem]:
    if isinstance(photos, Fingerprint):
        return []
    try:
        read = map(read_photo, photo_files(photos))
        return problems(read, spec, need_flat=need_flat, one_camera=one_camera)
    except PhotoError as error:
        raise PhotosRefused(str(error)) from None


def _require(found: Sequence[Problem]) -> None:
    blocking = [problem for problem in found if problem.blocking]
    if blocking:
        advice = "; ".join(problem.message for problem in blocking)
        raise PhotosRefused(f"unsuitable photos: {advice}", blocking)


def fingerprint_of(
    photos: Photos, profile: Profile | FuzzyProfile, progress: Progress | None = None
) -> Fingerprint:
    """Fingerprint for a profile's codes; the profile says which extractor makes it.

    `PhotosRefused` for photos that cannot be read or do not belong together.
    """
    if isinstance(photos, Fingerprint):
        return photos
    return extract_for(photos, code_for(profile.name), progress)


def extract_for(
    photos: Sequence[str | Path], spec: CodeSpec, progress: Progress | None = None
) -> Fingerprint:
    """Fingerprint by a code's own extractor; `ClientError` if that is not the installed one."""
    try:
        extractor = extractor_for(spec)
    except CodeError as error:
        raise ClientError(str(error)) from None
    return _estimated(photos, extractor, None, progress)


def extract(
    photos: Sequence[str | Path],
    extractor: str = DEFAULT_EXTRACTOR,
    *,
    crop: int | None = None,
    progress: Progress | None = None,
) -> Fingerprint:
    """Fingerprint of the camera that took the photos, read one by one, by any extractor.

    `crop`: use only the centre crop × crop pixels. `PhotosRefused` for photos that cannot be read
    or do not belong together, `ClientError` for an extractor that is unknown or has no weights.
    """
    return _estimated(photos, extractor_named(extractor), crop, progress)


@dataclass(frozen=True)
class Halves:
    """A fingerprint of some photos, and the NCC of those of every other one; None of one photo."""

    fingerprint: Fingerprint
    ncc: float | None


def extract_halves(
    photos: Sequence[str | Path],
    extractor: str = DEFAULT_EXTRACTOR,
    *,
    crop: int | None = None,
    progress: Progress | None = None,
) -> Halves:
    """As `extract`, and how alike two halves of the photos are; of copies of a file one counts."""
    files, by = photo_files(photos), extractor_named(extractor)
    halves = [FingerprintEstimator(by, crop) for _ in range(2)]
    count = 0
    try:
        for photo in distinct_photos(files, progress):
            halves[count % 2].add(photo)
            count += 1
        whole = halves[0].joined(halves[1]).finish()
        if count == 1:
            return Halves(whole, None)
        return Halves(whole, ncc(*(half.finish().values for half in halves)))
    except PhotoError as error:
        raise PhotosRefused(str(error)) from None


def distinct_photos(files: Sequence[Path], progress: Progress | None = None) -> Iterator[Photo]:
    """Each photo once, however many copies of its file there are; `progress` counts files."""
    seen: set[str] = set()
    for number, path in enumerate(files, start=1):
        photo = read_photo(path)
        if photo.sha256 not in seen:
            seen.add(photo.sha256)
            yield photo
        if progress is not None:
            progress(number, len(files))


def _estimated(
    photos: Sequence[str | Path],
    extractor: Extractor,
    crop: int | None,
    progress: Progress | None,
) -> Fingerprint:
    files = photo_files(photos)

    def report(done: int) -> None:
        if progress is not None:
            progress(done, len(files))

    try:
        return estimate(map(read_photo, files), extractor, crop, report)
    except PhotoError as error:
        raise PhotosRefused(str(error)) from None


def kind_of(photos: Photos) -> PhotoKind:
    """RAW or developed; of files, the first one's. `PhotosRefused` if it cannot be read."""
    if isinstance(photos, Fingerprint):
        return photos.kind
    return first_photo(photos).kind


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PhotosRefused(f"cannot read {path}: {error.strerror or error}") from None


def _read(path: Path) -> Photo:
    try:
        return read_photo(path)
    except PhotoError as error:
        raise PhotosRefused(str(error)) from None


def extractor_named(name: str) -> Extractor:
    """The extractor of that name; `ClientError` says which there are, or what this one lacks."""
    try:
        return get_extractor(name)
    except ValueError as error:
        raise ClientError(str(error)) from None
