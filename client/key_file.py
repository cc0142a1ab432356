"""Keys made from a camera, without any service: key files, and files sealed under their keys.

A key file is helper data (`crypto/helper_data.py`). The key is in no file: it takes photos of the
camera, the vault and the key file together.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.helper_data import HelperData, device_secret_of
from grainseal.crypto.profiles import FUZZY_V1, FuzzyProfile, fuzzy_profile_named
from grainseal.crypto.sealed_file import key_id_of, open_file, seal_file
from grainseal.models.codes import CodeError, code_for, features, select_positions
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator
from grainseal.models.photo import PhotoError, read_photo

from .errors import ClientError, PhotosRefused
from .key_coding import forecast, new_key, same_key
from .output_files import new_file
from .photos import Photos, Progress, extract, extractor_named, photo_files, require_fit
from .vault import Vault

LEAST_PHOTOS = 2
# Of the amplitude that the decoder is made for: below it keys are lost more often than one in ten.
LEAST_FORECAST = 0.9


@dataclass(frozen=True)
class CameraKey:
    """A key, and the id that files sealed under it carry: the SHA-256 of its key file."""

    profile: FuzzyProfile
    key_id: bytes
    key: bytes = field(repr=False)


def generate_key_file(
    out: Path,
    vault: Vault,
    photos: Sequence[str | Path],
    *,
    profile: str = FUZZY_V1.name,
    any_photos: bool = False,
    progress: Progress | None = None,
) -> CameraKey:
    """A new key of the camera that took the photos; its key file is written to `out`, a new file.

    `PhotosRefused`, with what to do, for photos that are unfit or would not give the key back;
    `any_photos` tries them all the same.
    """
    chosen = _profile(profile)
    burst = burst_for_key(photos, chosen, any_photos, progress)
    secret = device_secret_of(vault.state.device_seed)
    made = new_key(burst, chosen, secret)
    content = made.helper.to_bytes(secret)
    with new_file(out) as opened:
        opened.write(content)
    return CameraKey(chosen, hashlib.sha256(content).digest(), made.key)


def burst_for_key(
    photos: Photos, profile: FuzzyProfile, any_photos: bool, progress: Progress | None
) -> Fingerprint:
    """Fingerprint of photos that a key is to be made of.

    `PhotosRefused`, with what to do, for photos that are unfit or would not give the key back;
    `any_photos` tries them all the same. A fingerprint is taken as it is.
    """
    if isinstance(photos, Fingerprint):
        return photos
    files = photo_files(photos)
    if len(files) < LEAST_PHOTOS:
        raise PhotosRefused(f"a key takes {LEAST_PHOTOS} photos or more: six are a good number")
    if not any_photos:
        require_fit(files, profile)
    burst, expected = _burst(files, profile, progress)
    least = LEAST_FORECAST * profile.amplitude
    if expected < least and not any_photos:
        raise PhotosRefused(
            f"a key of these photos would often not come back (signal {expected:.3f}, "
            f"{least:.3f} is needed): take more of something bright and even, out of "
            "focus, at the lowest ISO and the best quality"
        )
    return burst


def reproduce_key(
    key_file: Path,
    vault: Vault,
    photos: Sequence[str | Path],
    *,
    any_photos: bool = False,
    progress: Progress | None = None,
) -> CameraKey:
    """The key of a key file, from fresh photos of its camera.

    `CameraNotRecognised` if they do not give it, `PhotosRefused` for photos that are unfit,
    `ClientError` for a key file that is damaged or was made with another vault.
    """
    secret = device_secret_of(vault.state.device_seed)
    content = _content(key_file)
    try:
        helper = HelperData.from_bytes(content, secret)
    except MalformedMessage as error:
        raise ClientError(f"{key_file} is not a key file: {error}") from None
    except VerificationFailed:
        raise ClientError(
            f"{key_file} does not open: it was changed, or made with another vault"
        ) from None
    files = photo_files(photos)
    if not any_photos:
        require_fit(files, helper.profile)
    fingerprint = extract(files, code_for(helper.profile.name).extractor, progress=progress)
    key = same_key(fingerprint, helper, secret)
    return CameraKey(helper.profile, hashlib.sha256(content).digest(), key)


def seal(key: CameraKey, source: Path, target: Path) -> None:
    """Write `source`, sealed, to `target`, a new file; `source` stays as it is."""
    try:
        with source.open("rb") as opened, new_file(target) as sealed:
            seal_file(key.key, key.key_id, opened, sealed)
    except OSError as error:
        raise ClientError(f"cannot seal {source}: {error.strerror or error}") from None


def open_sealed(key: CameraKey, source: Path, target: Path) -> None:
    """Write what is sealed in `source` to `target`, a new file, once all of it is verified."""
    try:
        with source.open("rb") as sealed:
            # Nothing of a changed file reaches the disk, not even under another name.
            with Path(os.devnull).open("wb") as nowhere:
                open_file(key.key, sealed, nowhere)
            with new_file(target) as opened:
                open_file(key.key, sealed, opened)
    except (MalformedMessage, VerificationFailed) as error:
        raise ClientError(f"{source} does not open: {error}") from None
    except OSError as error:
        raise ClientError(f"cannot open {source}: {error.strerror or error}") from None


def require_sealed_with(source: Path, key_file: Path) -> None:
    """`ClientError` unless `source` is a file that was sealed with this key file's key."""
    try:
        with source.open("rb") as sealed:
            key_id = key_id_of(sealed)
    except MalformedMessage as error:
        raise ClientError(f"{source} does not open: {error}") from None
    except OSError as error:
        raise ClientError(f"cannot open {source}: {error.strerror or error}") from None
    if key_id != hashlib.sha256(_content(key_file)).digest():
        raise ClientError(
            f"{source} was sealed with another key file than {key_file}, or {key_file} was changed"
        )


def _profile(name: str) -> FuzzyProfile:
    try:
        return fuzzy_profile_named(name)
    except MisuseError as error:
        raise ClientError(str(error)) from None


def _burst(
    files: Sequence[Path], profile: FuzzyProfile, progress: Progress | None
) -> tuple[Fingerprint, float]:
    """Fingerprint of a burst, and the amplitude to expect, from its halves."""
    spec = code_for(profile.name)
    halves = [FingerprintEstimator(extractor_named(spec.extractor)) for _ in range(2)]
    try:
        for done, path in enumerate(files):
            halves[done % 2].add(read_photo(path))
            if progress is not None:
                progress(done + 1, len(files))
        burst = halves[0].joined(halves[1]).finish()
        first, second = (features(each.finish(), spec) for each in halves)
        positions = select_positions(features(burst, spec), spec)
    except (PhotoError, CodeError) as error:
        raise PhotosRefused(str(error)) from None
    return burst, forecast(first, second, len(files), positions)


def _content(key_file: Path) -> bytes:
    try:
        return key_file.read_bytes()
    except OSError as error:
        raise ClientError(f"cannot read {key_file}: {error.strerror or error}") from None
