"""What is logged: the entries that leaves commit to, and their canonical bytes.

docs/PROTOCOL.md, "The log". An entry names people, so it is never in the log itself: it stays in
the service's store, from where it can be erased, and in the receipt of whom it concerns.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from enum import Enum
from typing import Any, TypeAlias, TypeVar

from .canonical import canonical, fields_of
from .errors import MalformedMessage
from .leaves import Kind
from .merkle import HASH_BYTES
from .signing import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from .texts import check_text

ENROLLMENT_TAG = "enrollment-entry"
KEY_ENROLLMENT_TAG = "key-enrollment-entry"
REGISTRATION_TAG = "registration-entry"
STATEMENT_TAG = "registration-statement"
PERCEPTUAL_HASH_BYTES = 32
MAX_SIDE = 1 << 16
"""Most rows or columns of a registered photo."""
MAX_COMPETING = 16
_INTEGER_BYTES = 8


class Grade(str, Enum):
    """How a registration was checked: by the device alone, or by the service on the photo."""

    DEVICE_ASSERTED = "device-asserted"
    CAMERA_VERIFIED = "camera-verified"


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


@dataclass(frozen=True)
class KeyEnrollmentEntry:
    """One enrolment by the fuzzy extractor: the same, with what recognises the camera there.

    `device_key`, `camera_key`: Ed25519, 32 bytes each. `helper_sha256`: of the helper data, 32
    bytes. `created_at`: Unix seconds.
    """

    enrollment_id: str
    subject: str
    issuer: str
    profile: str
    device_key: bytes
    helper_sha256: bytes
    camera_key: bytes
    created_at: int

    @property
    def encoded(self) -> bytes:
        """The bytes that the leaf commits to: the fields in this order."""
        return canonical(KEY_ENROLLMENT_TAG, astuple(self))


@dataclass(frozen=True)
class RegistrationStatement:
    """What an owner says of a photo; the device key signs `encoded` by itself.

    Keys: Ed25519, 32 bytes. `pixels_sha256`: see `models.identity`. `perceptual_hash`: 32 bytes.
    Sizes in [1, 2¹⁶]. `title` and what follows: up to 256 characters each, NFKC, or empty.
    """

    service_key: bytes
    enrollment_id: str
    device_key: bytes
    file_sha256: bytes
    pixels_sha256: bytes
    perceptual_hash: bytes
    height: int
    width: int
    title: str
    creator: str
    licence: str
    captured_at: str
    camera: str

    @property
    def encoded(self) -> bytes:
        """The bytes that the device signs: the fields in this order."""
        return canonical(STATEMENT_TAG, astuple(self))


@dataclass(frozen=True)
class RegistrationEntry:
    """One registered photo: the service's part around the owner's statement and its signature.

    `grade`: a `Grade`'s value. `signature`: the device key's of the statement, 64 bytes.
    `competing`: ids of registrations of others that look the same, at most 16, joined by commas.
    `registered_at`: Unix seconds.
    """

    registration_id: str
    subject: str
    issuer: str
    grade: str
    service_key: bytes
    enrollment_id: str
    device_key: bytes
    file_sha256: bytes
    pixels_sha256: bytes
    perceptual_hash: bytes
    height: int
    width: int
    title: str
    creator: str
    licence: str
    captured_at: str
    camera: str
    signature: bytes
    competing: str
    registered_at: int

    @property
    def encoded(self) -> bytes:
        """The bytes that the leaf commits to: the fields in this order."""
        return canonical(REGISTRATION_TAG, astuple(self))

    @property
    def statement(self) -> RegistrationStatement:
        """What the owner said."""
        names = (field.name for field in fields(RegistrationStatement))
        return RegistrationStatement(*(getattr(self, name) for name in names))

    @property
    def competing_ids(self) -> tuple[str, ...]:
        """The competing registrations, one by one."""
        return tuple(self.competing.split(",")) if self.competing else ()


Entry: TypeAlias = EnrollmentEntry | KeyEnrollmentEntry | RegistrationEntry
_Record = TypeVar(
    "_Record", EnrollmentEntry, KeyEnrollmentEntry, RegistrationEntry, RegistrationStatement
)


def parse_enrollment_entry(data: bytes) -> EnrollmentEntry:
    """The entry of its canonical bytes; `MalformedMessage` if they are none."""
    entry = _parsed(EnrollmentEntry, ENROLLMENT_TAG, "an enrolment's entry", data)
    check_enrollment_entry(entry)
    return entry


def parse_key_enrollment_entry(data: bytes) -> KeyEnrollmentEntry:
    """The entry of its canonical bytes; `MalformedMessage` if they are none."""
    entry = _parsed(KeyEnrollmentEntry, KEY_ENROLLMENT_TAG, "a key enrolment's entry", data)
    check_key_enrollment_entry(entry)
    return entry


def parse_registration_entry(data: bytes) -> RegistrationEntry:
    """The entry of its canonical bytes; `MalformedMessage` if they are none."""
    entry = _parsed(RegistrationEntry, REGISTRATION_TAG, "a registration's entry", data)
    check_registration_entry(entry)
    return entry


def parse_statement(data: bytes) -> RegistrationStatement:
    """The statement of its canonical bytes; `MalformedMessage` if they are none."""
    statement = _parsed(RegistrationStatement, STATEMENT_TAG, "a statement", data)
    check_statement(statement)
    return statement


def entry_of(kind: Kind, data: bytes) -> Entry:
    """The entry that a leaf of this kind commits to; `MalformedMessage` if it is none."""
    if kind is Kind.REGISTRATION:
        return parse_registration_entry(data)
    if data.startswith(canonical(KEY_ENROLLMENT_TAG, [])):
        return parse_key_enrollment_entry(data)
    return parse_enrollment_entry(data)


def check_enrollment_entry(entry: EnrollmentEntry) -> None:
    """`MalformedMessage` unless key and hashes have their lengths."""
    hashes = (entry.template_sha256, entry.relin_key_sha256, entry.zero_key_sha256)
    if len(entry.device_key) != PUBLIC_KEY_BYTES or any(len(h) != HASH_BYTES for h in hashes):
        raise MalformedMessage("an enrolment's entry has keys and hashes of 32 bytes")
    if len(entry.claim_template_sha256) not in (0, HASH_BYTES):
        raise MalformedMessage("a claim template's hash has 32 bytes, or none without a template")


def check_key_enrollment_entry(entry: KeyEnrollmentEntry) -> None:
    """`MalformedMessage` unless keys and hash have their lengths."""
    keys = (entry.device_key, entry.camera_key)
    if any(len(k) != PUBLIC_KEY_BYTES for k in keys) or len(entry.helper_sha256) != HASH_BYTES:
        raise MalformedMessage("an enrolment's entry has keys and hashes of 32 bytes")


def check_statement(statement: RegistrationStatement) -> None:
    """`MalformedMessage` unless keys, hashes, sizes and texts have their form."""
    keys = (statement.service_key, statement.device_key)
    hashes = (statement.file_sha256, statement.pixels_sha256)
    if any(len(k) != PUBLIC_KEY_BYTES for k in keys) or any(len(h) != HASH_BYTES for h in hashes):
        raise MalformedMessage("a statement has keys and hashes of 32 bytes")
    if len(statement.perceptual_hash) != PERCEPTUAL_HASH_BYTES:
        raise MalformedMessage(f"a perceptual hash has {PERCEPTUAL_HASH_BYTES} bytes")
    if not all(1 <= side <= MAX_SIDE for side in (statement.height, statement.width)):
        raise MalformedMessage(f"a registered photo has 1 to {MAX_SIDE} rows and columns")
    _check_id(statement.enrollment_id, "the enrolment id")
    for name in ("title", "creator", "licence", "captured_at", "camera"):
        check_text(getattr(statement, name), f"a statement's {name}")


def check_registration_entry(entry: RegistrationEntry) -> None:
    """`MalformedMessage` unless the statement and what the service adds to it have their form."""
    check_statement(entry.statement)
    if len(entry.signature) != SIGNATURE_BYTES:
        raise MalformedMessage(f"a statement's signature has {SIGNATURE_BYTES} bytes")
    if entry.grade not in {grade.value for grade in Grade}:
        raise MalformedMessage(f"a registration's grade is one of {', '.join(Grade)}")
    _check_id(entry.registration_id, "the registration id")
    for name in ("subject", "issuer"):
        check_text(getattr(entry, name), f"a registration's {name}")
    _check_competing(entry.competing_ids)


def _check_competing(ids: Sequence[str]) -> None:
    if len(ids) > MAX_COMPETING or len(set(ids)) != len(ids):
        raise MalformedMessage(f"a registration names at most {MAX_COMPETING} others, each once")
    for each in ids:
        _check_id(each, "a competing registration's id")


def _check_id(text: str, what: str) -> None:
    check_text(text, what)
    # a comma would make two of one where ids are joined
    if not text or "," in text:
        raise MalformedMessage(f"{what} is a text without commas")


def _parsed(form: type[_Record], tag: str, what: str, data: bytes) -> _Record:
    found, expected = fields_of(tag, data), fields(form)
    if len(found) != len(expected):
        raise MalformedMessage(f"{what} has {len(expected)} fields, not {len(found)}")
    values = [_decoded(each, field.type) for each, field in zip(found, expected, strict=True)]
    return form(*values)


# The field types are str, bytes and int, as the dataclasses above have them.
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
