"""What is logged: the entry that a leaf commits to, and its canonical bytes.

docs/PROTOCOL.md, "The log". An entry names people, so it is never in the log itself: it stays in
the service's store, from where it can be erased, and in the receipt of whom it concerns.
"""

from dataclasses import astuple, dataclass, fields
from typing import Any

from .canonical import canonical, fields_of
from .errors import MalformedMessage
from .merkle import HASH_BYTES
from .signing import PUBLIC_KEY_BYTES

ENROLLMENT_TAG = "enrollment-entry"
_INTEGER_BYTES = 8


@dataclass(frozen=True)
class EnrollmentEntry:
    """One enrolment: who, under whose warrant, with which device and which encrypted template.

    `device_key`: Ed25519, 32 bytes. `*_sha256`: of what `SubmitTemplate` sent, 32 bytes each;
    `claim_template_sha256` is empty without a claim template. `created_at`: Unix seconds.
    """

    enrollment_id: str
    subject: str
    issuer: str
    profile: str
    device_key: bytes
    template_sha256: bytes
    relin_key_sha256: bytes
    zero_key_sha256: bytes
    claim_template_sha256: bytes
    created_at: int

    @property
    def encoded(self) -> bytes:
        """The bytes that the leaf commits to: the fields in this order."""
        return canonical(ENROLLMENT_TAG, astuple(self))


def parse_enrollment_entry(data: bytes) -> EnrollmentEntry:
    """The entry of its canonical bytes; `MalformedMessage` if they are none."""
    found, expected = fields_of(ENROLLMENT_TAG, data), fields(EnrollmentEntry)
    if len(found) != len(expected):
        raise MalformedMessage(f"an enrolment's entry has {len(expected)} fields, not {len(found)}")
    values = [_decoded(each, field.type) for each, field in zip(found, expected, strict=True)]
    entry = EnrollmentEntry(*values)
    check_enrollment_entry(entry)
    return entry


def check_enrollment_entry(entry: EnrollmentEntry) -> None:
    """`MalformedMessage` unless key and hashes have their lengths."""
    hashes = (entry.template_sha256, entry.relin_key_sha256, entry.zero_key_sha256)
    if len(entry.device_key) != PUBLIC_KEY_BYTES or any(len(h) != HASH_BYTES for h in hashes):
        raise MalformedMessage("an enrolment's entry has keys and hashes of 32 bytes")
    if len(entry.claim_template_sha256) not in (0, HASH_BYTES):
        raise MalformedMessage("a claim template's hash has 32 bytes, or none without a template")


# The field types are str, bytes and int, as `EnrollmentEntry` has them.
def _decoded(data: bytes, kind: object) -> Any:
    if kind is bytes:
        return data
    if kind is str:
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise MalformedMessage("text in an entry is UTF-8") from None
    if len(data) != _INTEGER_BYTES:
        raise MalformedMessage(f"a number in an entry has {_INTEGER_BYTES} bytes")
    return int.from_bytes(data, "big")
