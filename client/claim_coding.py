"""Fingerprint to claim template, and an own photo to the code that it is compared by.

A claim template's positions and mask are public (docs/PROTOCOL.md, "Claims"); only its signs are
secret. The vault keeps what is public and forgets the signs, as it does with every template.
"""

import secrets
from dataclasses import dataclass, field

import numpy as np

from grainseal.crypto.profiles import ClaimProfile
from grainseal.models.alignment import Placement, copy_features
from grainseal.models.claim_code import (
    ClaimSpec,
    claim_for,
    positions_from,
    require_claim_frame,
)
from grainseal.models.claims import PHOTOS_NEEDED, claim_probe, enrol_claim
from grainseal.models.codes import CODE_KEY_BYTES, Code, CodeError, Positions, require_same_frame
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.photo import Photo, PhotoError

from .errors import PhotosRefused
from .vault_state import StoredClaims

_SAME_PLACE = Placement((1.0, 1.0))


@dataclass(frozen=True)
class NewClaimTemplate:
    """A claim template's code and its public parameters.

    `code`: int8 (N,) of ±1, to be encrypted and forgotten. `seed`: 32 bytes. `positions`: the
    bitmap, one bit for each feature of the (height, width) `frame`.
    """

    profile: str
    frame: tuple[int, int]
    seed: bytes = field(repr=False)
    code: Code = field(repr=False)
    positions: bytes = field(repr=False)


def new_claim_template(fingerprint: Fingerprint, profile: ClaimProfile) -> NewClaimTemplate:
    """Template of a fingerprint by the profile's extractor, under a new seed.

    `PhotosRefused` for another extractor's, RAW photos, fewer than six, or a frame too small for
    the profile.
    """
    spec, seed = claim_for(profile.name), secrets.token_bytes(CODE_KEY_BYTES)
    try:
        template = enrol_claim(fingerprint, spec, seed)
    except CodeError as error:
        raise PhotosRefused(str(error)) from None
    bitmap = to_bitmap(template.positions, fingerprint.shape, spec)
    return NewClaimTemplate(profile.name, fingerprint.shape, seed, template.signs, bitmap)


def own_code(photo: Photo, claims: StoredClaims) -> Code:
    """What an own photo says at the template's positions: signs of its probe, int8 (N,) of ±1.

    A probe of zero counts as +1. `PhotosRefused` for a photo that is RAW, blank or not of the
    frame's size.
    """
    spec = claim_for(claims.profile)
    try:
        require_same_frame(photo.shape, claims.frame)
        values = copy_features(photo, _SAME_PLACE, claims.frame, spec)
        probe = claim_probe(values, stored_positions(claims), spec, claims.seed)
    except (CodeError, PhotoError) as error:
        raise PhotosRefused(f"{photo.name}: {error}") from None
    return np.where(probe < 0, -1, 1).astype(np.int8)


def require_claim_photos(count: int) -> None:
    """`PhotosRefused` unless that many photos make a claim template."""
    if count < PHOTOS_NEEDED:
        raise PhotosRefused(
            f"a claim template is made from at least {PHOTOS_NEEDED} photos, not {count}: "
            "add more, of any scenes"
        )


def require_frame_for_claims(frame: tuple[int, int], profile: ClaimProfile) -> None:
    """`PhotosRefused` unless photos of (height, width) have room for the profile's template."""
    try:
        require_claim_frame(frame, claim_for(profile.name))
    except CodeError as error:
        raise PhotosRefused(str(error)) from None


def to_bitmap(positions: Positions, frame: tuple[int, int], spec: ClaimSpec) -> bytes:
    """One bit for each feature of the frame, row by row, the first in the most significant bit."""
    chosen = np.zeros(spec.feature_count(frame), np.bool_)
    chosen[positions] = True
    return np.packbits(chosen).tobytes()


def stored_positions(claims: StoredClaims) -> Positions:
    """The positions of a vault's bitmap, uint32 (N,) in map order."""
    spec = claim_for(claims.profile)
    count = spec.feature_count(claims.frame)
    bits = np.unpackbits(np.frombuffer(claims.positions, np.uint8), count=count)
    return positions_from(bits.astype(np.bool_), claims.frame, spec)
