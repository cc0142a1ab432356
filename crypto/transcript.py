"""What a device signs: the session's fields, then the hashes of what goes with them.

docs/PROTOCOL.md, "Transcripts", lists the fields; `canonical` turns them into bytes.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from .canonical import Field, canonical
from .claim_template import ClaimTemplateFacts
from .masking import MaskedSum, PublicKeys


@dataclass(frozen=True)
class SessionContext:
    """What a session binds: fixed by the server at its beginning, signed by the device.

    `nonce`: 32 random bytes, single use. `service_key`: the service's Ed25519 public key, 32
    bytes. `audience`: the relying party that the decision is for. `expires_at`: Unix seconds.
    """

    nonce: bytes
    service_key: bytes
    audience: str
    enrollment_id: str
    subject: str
    purpose: str
    profile: str
    expires_at: int

    def fields(self) -> list[Field]:
        """The fields in transcript order."""
        return [
            self.nonce,
            self.service_key,
            self.audience,
            self.enrollment_id,
            self.subject,
            self.purpose,
            self.profile,
            self.expires_at,
        ]


def claim_template_facts(
    profile: str,
    height: int,
    width: int,
    seed: bytes,
    code: bytes,
    keys: PublicKeys,
    positions: bytes,
    commitment_sha256: bytes = b"",
) -> ClaimTemplateFacts:
    """What is public of a claim template: its frame, its mask's seed, its parts by their hashes.

    With the hash of a commitment to its code if claim proofs are to be made of it.
    """
    return ClaimTemplateFacts(
        profile=profile,
        height=height,
        width=width,
        seed=seed,
        code_sha256=_sha256(code),
        relin_key_sha256=_sha256(keys.relin_key),
        zero_key_sha256=_sha256(keys.zero_key),
        positions_sha256=_sha256(positions),
        commitment_sha256=commitment_sha256,
    )


def claim_template_hash(
    profile: str,
    height: int,
    width: int,
    seed: bytes,
    code: bytes,
    keys: PublicKeys,
    positions: bytes,
    commitment_sha256: bytes = b"",
) -> bytes:
    """The 32 bytes that stand for a claim template."""
    return claim_template_facts(
        profile, height, width, seed, code, keys, positions, commitment_sha256
    ).sha256


def template_transcript(
    context: SessionContext,
    template: bytes,
    keys: PublicKeys,
    claim_template_sha256: bytes = b"",
) -> bytes:
    """What a device signs to submit an encrypted template, with the hash of a claim template.

    Without one (empty) there is no such field, as there was none before claims.
    """
    hashes = [_sha256(template), _sha256(keys.relin_key), _sha256(keys.zero_key)]
    claimed = [claim_template_sha256] if claim_template_sha256 else []
    return canonical("template", [*context.fields(), *hashes, *claimed])


def upload_transcript(context: SessionContext, offset: int, data: bytes) -> bytes:
    """What a device signs to send a piece of something long; `offset` in bytes."""
    return canonical("upload", [*context.fields(), offset, _sha256(data)])


def probe_transcript(context: SessionContext, probe: bytes) -> bytes:
    """What a device signs to submit an encrypted probe."""
    return canonical("probe", [*context.fields(), _sha256(probe)])


def opening_transcript(
    context: SessionContext, sums: Sequence[MaskedSum], opened: Sequence[int]
) -> bytes:
    """What a device signs to answer: the sums that it opened and what it found."""
    return canonical("opening", [*context.fields(), sums_hash(sums), *opened])


def request_transcript(context: SessionContext) -> bytes:
    """What a device signs to ask for something that needs no photo: list, revoke."""
    return canonical("request", context.fields())


def registration_transcript(
    context: SessionContext,
    grade: str,
    statement: bytes,
    statement_signature: bytes,
    upload_sha256: bytes,
) -> bytes:
    """What a device signs to register a photo: the statement's bytes, and what was uploaded."""
    said: list[Field] = [grade, _sha256(statement), statement_signature, upload_sha256]
    return canonical("registration", [*context.fields(), *said])


def claim_transcript(
    context: SessionContext,
    copy_sha256: bytes,
    original_sha256: bytes,
    registration_id: str,
    seen_at: int,
    match_map: bool,
) -> bytes:
    """What a device signs to claim a copy; empty: no original, no registration. Unix seconds."""
    asked: list[Field] = [copy_sha256, original_sha256, registration_id, seen_at, int(match_map)]
    return canonical("claim", [*context.fields(), *asked])


def sums_hash(sums: Sequence[MaskedSum]) -> bytes:
    """SHA-256 of an answer: for each sum c1, then c0 as 8 bytes little-endian."""
    return _sha256(b"".join(each.c1 + struct.pack("<Q", each.c0) for each in sums))


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
