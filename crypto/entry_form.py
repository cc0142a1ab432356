"""An entry as readable members of a JSON object, as receipts show it; bytes as hexadecimal."""

from typing import Any

from .entries import (
    EnrollmentEntry,
    Entry,
    KeyEnrollmentEntry,
    RegistrationEntry,
    check_enrollment_entry,
    check_key_enrollment_entry,
    check_registration_entry,
)
from .errors import MalformedMessage
from .leaves import Kind
from .strict_json import list_of, plain, record_of, text_of

_JOINED = "competing"
# Only the entry of an enrolment by the fuzzy extractor has it.
_OF_KEY = "camera_key"


def readable_entry(entry: Entry) -> dict[str, Any]:
    """The members in the entry's order; of a registration `competing` is a list."""
    members: dict[str, Any] = plain(entry)
    if isinstance(entry, RegistrationEntry):
        members[_JOINED] = list(entry.competing_ids)
    return members


def read_entry(kind: Kind, value: Any, what: str) -> Entry:
    """What `readable_entry` made; `MalformedMessage` for anything else."""
    if kind is Kind.ENROLLMENT and isinstance(value, dict) and _OF_KEY in value:
        of_key = record_of(KeyEnrollmentEntry, value, what)
        check_key_enrollment_entry(of_key)
        return of_key
    if kind is Kind.ENROLLMENT:
        entry = record_of(EnrollmentEntry, value, what)
        check_enrollment_entry(entry)
        return entry
    registered = record_of(RegistrationEntry, _joined(value, what), what)
    check_registration_entry(registered)
    # An id with a comma in it would be two to one reader and one to another.
    if list(registered.competing_ids) != value[_JOINED]:
        raise MalformedMessage(f"{what}.{_JOINED} is not a list of ids")
    return registered


def _joined(value: Any, what: str) -> Any:
    if not isinstance(value, dict) or _JOINED not in value:
        return value  # `record_of` says what is missing
    ids = [
        text_of(each, f"{what}.{_JOINED}") for each in list_of(value[_JOINED], f"{what}.{_JOINED}")
    ]
    return {**value, _JOINED: ",".join(ids)}
