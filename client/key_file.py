"""Keys made from a camera, without any service: key files, and files sealed under their keys.

A key file is helper data (`crypto/helper_data.py`). The key is in no file: it takes photos of the
camera, the vault and the key file together.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.helper_data import HelperData, device_secret_of
from grainseal.crypto.profiles import FUZZY_PROFILES, FUZZY_V1, FuzzyProfile
from grainseal.crypto.sealed_file import key_id_of, open_file, seal_file
from grainseal.models.codes import CodeError, code_for, features, select_positions
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator
from grainseal.models.photo import PhotoError, read_photo

from .errors import ClientError, PhotosRefused
from .key_coding import forecast, new_key, same_key
from .output_files import new_file, require_unwritten
from .photos import (
    Photos,
    Progress,
    Warn,
    extract,
    extractor_named,
    photo_files,
    require_burst,
    require_fit,
)
from .used_photos import UsedPhotos
from .vault import Vault

LEAST_PHOTOS = 2
# Of the amplitude that the decoder is made for: below it keys are lost more often than one in ten.
LEAST_FORECAST = 0.9

CODE_KEPT = (
    "this vault keeps the code that claim proofs are made of, which stands for the camera: make "
    "keys with another vault (--vault)"
)


@dataclass(frozen=True)
class CameraKey:
    """A key, and the id that files sealed under it carry: the SHA-256 of its key file.

    `warnings`: what speaks against the vault, or the photos if they were tried all the same.
    """

    profile: FuzzyProfile
    key_id: bytes
    key: bytes = field(repr=False)
    warnings: tuple[str, ...] = ()


def generate_key_file(
    out: Path,
    vault: Vault,
    photos: Sequence[str | Path],
    *,
    profile: str = FUZZY_V1.name,
    any_photos: bool = False,
    allow_testing_profiles: bool = False,
    progress: Progress | None = None,
) -> CameraKey:
    """A new key of the camera that took the photos; its key file is written to `out`, a new file.

    `PhotosRefused`, with what to do, for photos that are unfit, of several cameras, or would not
    give the key back; `any_photos` tries them all the same. Also for photos that a key of this
    vault, or a claim template with proofs, was made of, whatever `any_photos` says. `ClientError`
    if `out` exists.
    """
    require_unwritten([out])
    chosen = _profile(profile, allow_testing_profiles)
    warnings = [CODE_KEPT] if _keeps_a_code(vault) else []
    used = UsedPhotos(vault)
    burst = burst_for_key(photos, chosen, used, any_photos, warnings.append, progress)
    secret = device_secret_of(vault.state.device_seed)
    made = new_key(burst.fingerprint, chosen, secret)
    content = made.helper.to_bytes(secret)
    _keep(out, content, used, burst.marks)
    return CameraKey(chosen, hashlib.sha256(content).digest(), made.key, tuple(warnings))


@dataclass(frozen=True)
class KeyBurst:
    """Photos that a key is to be made of; `marks`: what the vault remembers of them."""

    fingerprint: Fingerprint
    marks: tuple[bytes, ...] = ()


def burst_for_key(
    photos: Photos,
    profile: FuzzyProfile,
    used: UsedPhotos,
    any_photos: bool,
    warn: Warn | None,
    progress: Progress | None,
) -> KeyBurst:
    """What photos say that a key is to be made of.

    `PhotosRefused`, with what to do, for photos that are unfit, of several cameras, or would not
    give the key back; `any_photos` tries them all the same and tells `warn`. Also for photos that a
    key was made of, whatever `any_photos` says. A fingerprint is taken as it is.
    """
    if isinstance(photos, Fingerprint):
        return KeyBurst(photos)
    files = photo_files(photos)
    if len(files) < LEAST_PHOTOS:
        raise PhotosRefused(f"a key takes {LEAST_PHOTOS} photos or more: six are a good number")
    require_burst(files, profile, any_photos, warn)
    burst, expected = _burst(files, profile, used, progress)
    least = LEAST_FORECAST * profile.amplitude
    if expected < least:
        message = (
            f"a key of these photos would often not come back (signal {expected:.3f}, "
            f"{least:.3f} is needed): take more of something bright and even, out of "
            "focus, at the lowest ISO and the best quality"
        )
        if not any_photos:
            raise PhotosRefused(message)
        if warn is not None:
            warn(message)
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
    except MalformedMessage:
        raise ClientError(
            f"{key_file} is not a key file, or a newer version of grainseal made it"
        ) from None
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


def _profile(name: str, allow_testing_profiles: bool) -> FuzzyProfile:
    profile = FUZZY_PROFILES.get(name)
    if profile is None or (profile.for_tests and not allow_testing_profiles):
        usable = [each.name for each in FUZZY_PROFILES.values() if not each.for_tests]
        raise ClientError(f"no key profile {name!r}: use one of {', '.join(usable)}")
    return profile


def _keeps_a_code(vault: Vault) -> bool:
    enrolled = vault.state.enrollment
    claims = None if enrolled is None else enrolled.claims
    return claims is not None and claims.proofs is not None


def _burst(
    files: Sequence[Path], profile: FuzzyProfile, used: UsedPhotos, progress: Progress | None
) -> tuple[KeyBurst, float]:
    """A burst none of which made a key before; the amplitude of fresh photos, from its halves."""
    spec = code_for(profile.name)
    halves = [FingerprintEstimator(extractor_named(spec.extractor)) for _ in range(2)]
    marks = []
    try:
        for done, path in enumerate(files):
            photo = read_photo(path)
            marks.append(used.fresh(photo))
            halves[done % 2].add(photo)
            if progress is not None:
                progress(done + 1, len(files))
        burst = halves[0].joined(halves[1]).finish()
        first, second = (features(each.finish(), spec) for each in halves)
        positions = select_positions(features(burst, spec), spec)
    except (PhotoError, CodeError) as error:
        raise PhotosRefused(str(error)) from None
    return KeyBurst(burst, tuple(marks)), forecast(first, second, len(files), positions)


def _keep(key_file: Path, content: bytes, used: UsedPhotos, marks: Sequence[bytes]) -> None:
    """The key file, its photos in the vault first: no key is without this memory of its photos."""
    used.add(marks)
    try:
        with new_file(key_file) as opened:
            opened.write(content)
    except BaseException:
        if not key_file.exists():
            used.forget(marks)
        raise


def _content(key_file: Path) -> bytes:
    try:
        return key_file.read_bytes()
    except OSError as error:
        raise ClientError(f"cannot read {key_file}: {error.strerror or error}") from None
