"""Fuzzy extractor: the same key from every noisy reading of one code, with a device secret.

Generate and reproduce as in Dodis, Ostrovsky, Reyzin and Smith (SIAM J. Comput. 38(1), 2008), with
a sketch (`sketch.py`), HKDF with a public seed as the strong extractor, and robust as in Boyen et
al. (EUROCRYPT 2005): the helper data carries a tag that takes the code itself to compute, so that
changed helper data gives no key instead of another one. The tag also picks the right codeword from
the decoder's list, so the code needs no checksum of its own.

    prk = HKDF-Extract(salt = seed, device secret ‖ code)
    key = HKDF-Expand(prk, canonical("fuzzy-key", profile))
    tag = HMAC(HKDF-Expand(prk, canonical("fuzzy-tag", profile)), the rest of the helper data)
"""

import hmac
import secrets

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .canonical import canonical
from .errors import MisuseError, VerificationFailed
from .helper_data import SECRET_BYTES, TAG_BYTES, HelperData
from .polar import Bits
from .profiles import FuzzyProfile
from .sketch import Code, Soft, bits_of, packed, recovered, sketch_of


def generate(
    profile: FuzzyProfile,
    code: Code,
    device_secret: bytes,
    seed: bytes,
    frame: tuple[int, int],
    positions: bytes,
    message: Bits | None = None,
) -> tuple[bytes, HelperData]:
    """A key of `profile.key_bytes` and the helper data that gives it back.

    `code`: ±1 (N,), made with `enrolment_keys(...).code_key` of the same seed, which is fresh.
    `message`: k bits, drawn if they are not given, as they are by test vectors alone.
    """
    if message is None:
        drawn = np.frombuffer(secrets.token_bytes(profile.message_bits), np.uint8)
        message = drawn & np.uint8(1)
    sketch = sketch_of(profile, code, message)
    untagged = HelperData(profile, seed, frame, positions, sketch, b"")
    key, tag = _key_and_tag(untagged, bits_of(code), device_secret)
    return key, HelperData(profile, seed, frame, positions, sketch, tag)


def reproduce(helper: HelperData, soft: Soft, device_secret: bytes) -> bytes:
    """The key again, from soft decisions (N,) on the same code.

    `VerificationFailed` if they are too far from the code, or the helper data was changed.
    """
    for code in recovered(helper.profile, helper.sketch, soft):
        key, tag = _key_and_tag(helper, code, device_secret)
        # H6
        if hmac.compare_digest(tag, helper.tag):
            return key
    raise VerificationFailed("no key: another camera, too noisy, or changed helper data")


def _key_and_tag(helper: HelperData, code: Bits, device_secret: bytes) -> tuple[bytes, bytes]:
    if len(device_secret) != SECRET_BYTES:
        raise MisuseError(f"a device secret has {SECRET_BYTES} bytes")
    secret = device_secret + packed(code)

    def derived(tag: str, length: int) -> bytes:
        info = canonical(tag, [helper.profile.name])
        return HKDF(SHA256(), length, salt=helper.seed, info=info).derive(secret)

    tag_key = derived("fuzzy-tag", TAG_BYTES)
    key = derived("fuzzy-key", helper.profile.key_bytes)
    return key, hmac.digest(tag_key, helper.tagged, "sha256")
