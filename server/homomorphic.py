"""What worker processes run: plain bytes in, plain dataclasses out.

A peer's ciphertexts are parsed here too, so that a crash of native code costs a worker and one
answer, not the server. A worker keeps what it expanded last, keyed by content.
"""

from dataclasses import dataclass
from functools import lru_cache

from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.masking import (
    LoadedKeys,
    Mask,
    MaskedSum,
    PublicKeys,
    load_code,
    mask_comparison,
    mask_template_check,
)
from grainseal.crypto.profiles import PROFILES, profile_named
from grainseal.crypto.seal import Ciphertext, ring_for

# One template with its keys takes 1.5 MB expanded, and 0.7 MB as the bytes it is found by.
KEPT_TEMPLATES = 32


@dataclass(frozen=True)
class Upload:
    """A device's encrypted template and public keys, in wire form."""

    template: bytes
    keys: PublicKeys


@dataclass(frozen=True)
class Answer:
    """Masked sums for the device, and the masks that the server remembers."""

    sums: list[MaskedSum]
    masks: list[Mask]


@dataclass(frozen=True)
class _Loaded:
    template: list[Ciphertext]
    keys: LoadedKeys


class StoredTemplateDamaged(Exception):  # noqa: N818 - the name says what happened
    """A template that passed its checks at enrolment can no longer be read."""


def warm_up() -> None:
    """Build the rings, so that no caller waits for them."""
    for profile in PROFILES.values():
        ring_for(profile.ring)


def check_upload(profile_name: str, upload: Upload) -> None:
    """W1–W3 of a template and its keys; `MalformedMessage` if they fail."""
    _loaded(profile_name, upload)


def check_probe(profile_name: str, probe: bytes) -> None:
    """W1–W3 of a probe; `MalformedMessage` if they fail."""
    load_code(profile_named(profile_name), probe)


def answer_upload(profile_name: str, upload: Upload) -> Answer:
    """S6: the template check."""
    profile = profile_named(profile_name)
    loaded = _loaded(profile_name, upload)
    return Answer(*mask_template_check(profile, loaded.keys, loaded.template))


def answer_probe(profile_name: str, upload: Upload, probe: bytes) -> Answer:
    """P7: the comparison of a probe that passed `check_probe` with the enrolled template."""
    profile = profile_named(profile_name)
    try:
        loaded = _loaded(profile_name, upload)
    except MalformedMessage as error:
        raise StoredTemplateDamaged(str(error)) from None
    return Answer(
        *mask_comparison(profile, loaded.keys, loaded.template, load_code(profile, probe))
    )


@lru_cache(maxsize=KEPT_TEMPLATES)
def _loaded(profile_name: str, upload: Upload) -> _Loaded:
    profile = profile_named(profile_name)
    keys = LoadedKeys.from_wire(profile, upload.keys)
    return _Loaded(load_code(profile, upload.template), keys)
