"""Fingerprint to key and helper data, and fresh photos' fingerprint to the key again."""

import math
import secrets
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.fuzzy_extractor import generate, reproduce
from grainseal.crypto.helper_data import SEED_BYTES, HelperData, enrolment_keys
from grainseal.crypto.profiles import FuzzyProfile
from grainseal.crypto.sketch import packed, unpacked
from grainseal.models.codes import (
    CodeError,
    Features,
    Positions,
    code_for,
    encode,
    features,
    require_same_frame,
    select_positions,
    soft_code,
)
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.matching import ncc

from .errors import CameraNotRecognised, ClientError, PhotosRefused

ADVICE: Final = (
    "these photos do not give the key: take four or more fresh ones with the camera that the key "
    "was made with, of something bright and even, out of focus, at its lowest ISO"
)
# How many fresh photos a key should come back from.
FRESH_PHOTOS = 4


@dataclass(frozen=True)
class NewKey:
    """A key and what gives it back; nothing else is kept of the photos."""

    key: bytes = field(repr=False)
    helper: HelperData = field(repr=False)


def new_key(fingerprint: Fingerprint, profile: FuzzyProfile, device_secret: bytes) -> NewKey:
    """A new key under a new seed; `PhotosRefused` for photos of the wrong kind or size."""
    spec, seed = code_for(profile.name), secrets.token_bytes(SEED_BYTES)
    keys = enrolment_keys(profile, device_secret, seed)
    try:
        strengths = features(fingerprint, spec)
        positions = select_positions(strengths, spec)
        code = encode(strengths, positions, spec, keys.code_key)
    except CodeError as error:
        raise PhotosRefused(str(error)) from None
    chosen = np.zeros(strengths.size, np.uint8)
    chosen[positions] = 1
    bitmap = packed(chosen)
    return NewKey(*generate(profile, code, device_secret, seed, fingerprint.shape, bitmap))


def same_key(fingerprint: Fingerprint, helper: HelperData, device_secret: bytes) -> bytes:
    """The key that `helper` belongs to.

    `PhotosRefused` for photos of the wrong kind or size, `CameraNotRecognised` if they do not give
    the key, `ClientError` for helper data that cannot be of any camera.
    """
    spec = code_for(helper.profile.name)
    keys = enrolment_keys(helper.profile, device_secret, helper.seed)
    try:
        # H5
        require_same_frame(fingerprint.shape, helper.frame)
        strengths = features(fingerprint, spec)
        soft = soft_code(strengths, _positions(helper), spec, keys.code_key)
        return reproduce(helper, soft, device_secret)
    except CodeError as error:
        raise PhotosRefused(str(error)) from None
    except MalformedMessage:
        raise ClientError("the key file is damaged: use a copy of it") from None
    except VerificationFailed:
        raise CameraNotRecognised(ADVICE) from None


def forecast(first: Features, second: Features, photos: int, positions: Positions) -> float:
    """Amplitude of soft decisions that four fresh photos will give, in units of their noise.

    From the features of two halves of a burst of `photos`, which share the pattern and nothing
    else. With q the power of the pattern over that of one photo's noise, halves correlate by
    q/(q + 2/n), the whole burst and four fresh photos by q/√((q + 1/n)(q + 1/4)); at the chosen
    positions the code is larger than elsewhere. For features of a normal distribution; a camera
    with a few large ones does better than it says.
    """
    limit = [3 * float(np.median(np.abs(each))) / 0.6745 for each in (first, second)]
    a, b = (np.clip(x, -most, most) for x, most in zip((first, second), limit, strict=True))
    shared = min(max(ncc(a, b), 0.0), 0.999)
    q = 2 / photos * shared / (1 - shared)
    correlation = q / math.sqrt((q + 1 / photos) * (q + 1 / FRESH_PHOTOS))
    whole = a + b
    return correlation * float(np.mean(np.abs(whole[positions]))) / float(np.std(whole))


def _positions(helper: HelperData) -> Positions:
    # H4
    spec = code_for(helper.profile.name)
    chosen = unpacked(helper.positions, spec.feature_count(helper.frame))
    if int(chosen.sum()) != spec.length:
        raise MalformedMessage(f"{int(chosen.sum())} positions, not {spec.length}")
    return np.flatnonzero(chosen).astype(np.uint32)
