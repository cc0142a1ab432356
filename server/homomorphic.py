"""What worker processes run: plain bytes in, plain dataclasses out.

A peer's ciphertexts are parsed here too, so that a crash of native code costs a worker and one
answer, not the server. A worker keeps what it expanded last, keyed by content.
"""

from dataclasses import dataclass
from functools import lru_cache

from grainseal.crypto.claim_masking import load_claim_template
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
from grainseal.crypto.profiles import (
    CLAIM_PROFILES,
    PROFILES,
    claim_profile_named,
    profile_named,
)
from grainseal.crypto.seal import Ciphertext, ring_for

from .claim_upload import ClaimUpload, check_positions

# One template with its keys takes 1.5 MB expanded, and 0.7 MB as the bytes it is found by.
KEPT_TEMPLATES = 32
# A claim template of 2^18 symbols takes 17 MB expanded and 5 MB as the bytes that it is found by.
KEPT_CLAIM_TEMPLATES = 4


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
class LoadedClaimTemplate:
    """A claim template, validated and expanded: its ciphertexts are in NTT form."""

    template: list[Ciphertext]
    keys: LoadedKeys


@dataclass(frozen=True)
class _Loaded:
    template: list[Ciphertext]
    keys: LoadedKeys


class StoredTemplateDamaged(Exception):  # noqa: N818 - the name says what happened
    """A template that passed its checks at enrolment can no longer be read."""


def warm_up() -> None:
    """Build the rings, so that no caller waits for them."""
    for profile in (*PROFILES.values(), *CLAIM_PROFILES.values()):
        ring_for(profile.ring)


def check_upload(profile_name: str, upload: Upload, claims: ClaimUpload | None = None) -> None:
    """S4, S7: W1–W3 of templates and keys, and the positions; `MalformedMessage` if they fail."""
    _loaded(profile_name, upload)
    if claims is not None:
        check_claim_upload(claims)


def check_claim_upload(claims: ClaimUpload) -> None:
    """S7: W1–W3 of a claim template and its keys, and its positions; else `MalformedMessage`."""
    profile = claim_profile_named(claims.profile)
    LoadedKeys.from_wire(profile, claims.keys)
    load_code(profile, claims.code)
    check_positions(claims)


def check_probe(profile_name: str, probe: bytes) -> None:
    """W1–W3 of a probe; `MalformedMessage` if they fail."""
    load_code(profile_named(profile_name), probe)


def answer_upload(profile_name: str, upload: Upload, claims: ClaimUpload | None = None) -> Answer:
    """S6: the template check, and after it that of the claim template if there is one."""
    profile = profile_named(profile_name)
    loaded = _loaded(profile_name, upload)
    sums, masks = mask_template_check(profile, loaded.keys, loaded.template)
    if claims is not None:
        claim_profile = claim_profile_named(claims.profile)
        keys = LoadedKeys.from_wire(claim_profile, claims.keys)
        code = load_code(claim_profile, claims.code)
        more_sums, more_masks = mask_template_check(claim_profile, keys, code)
        sums, masks = [*sums, *more_sums], [*masks, *more_masks]
    return Answer(sums, masks)


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


@lru_cache(maxsize=KEPT_CLAIM_TEMPLATES)
def loaded_claim_template(profile_name: str, code: bytes, keys: PublicKeys) -> LoadedClaimTemplate:
    """An enrolled claim template, expanded; `StoredTemplateDamaged` if it cannot be."""
    profile = claim_profile_named(profile_name)
    try:
        loaded = LoadedKeys.from_wire(profile, keys)
        return LoadedClaimTemplate(load_claim_template(profile, code), loaded)
    except MalformedMessage as error:
        raise StoredTemplateDamaged(str(error)) from None


@lru_cache(maxsize=KEPT_TEMPLATES)
def _loaded(profile_name: str, upload: Upload) -> _Loaded:
    profile = profile_named(profile_name)
    keys = LoadedKeys.from_wire(profile, upload.keys)
    return _Loaded(load_code(profile, upload.template), keys)
