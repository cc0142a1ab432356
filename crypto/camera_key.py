"""An Ed25519 key that only one camera gives, and what is signed with it.

It comes from a fuzzy extractor's key (`fuzzy_extractor.py`), at enrolment and again from fresh
photos; the service has its public half and the helper data. docs/PROTOCOL.md, "By key".
"""

import hashlib

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .canonical import canonical
from .errors import MisuseError
from .profiles import FuzzyProfile
from .signing import SigningKey
from .transcript import SessionContext


def camera_key_of(profile: FuzzyProfile, key: bytes) -> SigningKey:
    """The signing key of an extractor's key, `profile.key_bytes` long."""
    if len(key) != profile.key_bytes:
        raise MisuseError(f"a key of {profile.name} has {profile.key_bytes} bytes")
    info = canonical("fuzzy-signing", [profile.name])
    return SigningKey(HKDF(SHA256(), 32, salt=None, info=info).derive(key))


def helper_hash(helper: bytes) -> bytes:
    """What stands for helper data in transcripts, in the vault and in the log: its SHA-256."""
    return hashlib.sha256(helper).digest()


def key_enrollment_transcript(
    context: SessionContext, frame: tuple[int, int], helper: bytes, camera_key: bytes
) -> bytes:
    """What device key and camera key sign to enrol; `frame`: (height, width) of the photos."""
    return canonical("key-enrollment", [*context.fields(), *frame, helper_hash(helper), camera_key])


def fetch_transcript(context: SessionContext) -> bytes:
    """What the device key signs to be given the helper data."""
    return canonical("key-fetch", context.fields())


def proof_transcript(context: SessionContext, helper_sha256: bytes) -> bytes:
    """What the camera key signs to authenticate; the signature is the proof."""
    return canonical("key-proof", [*context.fields(), helper_sha256])


def answer_transcript(context: SessionContext, helper_sha256: bytes, proof: bytes) -> bytes:
    """What the device key signs to answer: the proof, empty if the photos did not give the key."""
    return canonical("key-answer", [*context.fields(), helper_sha256, proof])
