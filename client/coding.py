"""Fingerprint to code: a template's at enrolment, a probe's at every authentication."""

import secrets
from dataclasses import dataclass, field

import numpy as np

from grainseal.crypto.profiles import Profile
from grainseal.models.codes import (
    CODE_KEY_BYTES,
    Code,
    CodeError,
    code_for,
    encode,
    features,
    require_same_frame,
    select_positions,
)
from grainseal.models.fingerprint import Fingerprint

from .errors import PhotosRefused
from .vault_state import StoredEnrollment


@dataclass(frozen=True)
class NewTemplate:
    """A template's code and what it takes to make its probes.

    `code`: int8 (N,) of ±1, to be encrypted and forgotten. `positions`: little-endian uint32.
    """

    frame: tuple[int, int]
    code: Code = field(repr=False)
    positions: bytes = field(repr=False)
    code_key: bytes = field(repr=False)


def new_template(fingerprint: Fingerprint, profile: Profile) -> NewTemplate:
    """Code under a new code key, at the fingerprint's strongest positions.

    `PhotosRefused` if the photos are of the wrong kind or too small for the profile.
    """
    spec, code_key = code_for(profile.name), secrets.token_bytes(CODE_KEY_BYTES)
    try:
        strengths = features(fingerprint, spec)
        positions = select_positions(strengths, spec)
        code = encode(strengths, positions, spec, code_key)
    except CodeError as error:
        raise PhotosRefused(str(error)) from None
    return NewTemplate(fingerprint.shape, code, positions.astype("<u4").tobytes(), code_key)


def probe_code(fingerprint: Fingerprint, enrolled: StoredEnrollment) -> Code:
    """The code that fresh photos give under an enrolment's code key: int8 (N,) of ±1.

    `PhotosRefused` if kind or frame are not the enrolled ones.
    """
    spec = code_for(enrolled.profile)
    positions = np.frombuffer(enrolled.positions, "<u4")
    try:
        require_same_frame(fingerprint.shape, enrolled.frame)
        return encode(features(fingerprint, spec), positions, spec, enrolled.code_key)
    except CodeError as error:
        raise PhotosRefused(str(error)) from None
