"""A receipt: the proof, for whom it concerns, that an enrolment or a registration is in the log.

One JSON file with the entry in readable fields, the salt under which the log's leaf commits to it,
the way from that leaf to a signed checkpoint, and perhaps a time stamp of the checkpoint. Checking
it takes the log's public key and nothing else: no network, no service, no homomorphic library.
docs/PROTOCOL.md, "The log".

- L1 the file is a receipt: its members, and no others, each once and of its form
- L2 the leaf commits to this entry under this salt
- L3 the checkpoint is signed by the log
- L4 it counts more leaves than the leaf's index
- L5 the inclusion proof leads from the leaf to its root
- L6 a registration: the device key has signed the owner's statement
- L7 with a photo at hand: it is the registered one
- L8 with a root certificate at hand: an authority of that root stamped the checkpoint
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from .checkpoint import MAX_NOTE_BYTES, Checkpoint, VerifierKey, verify_checkpoint
from .entries import Entry, RegistrationEntry
from .entry_form import read_entry, readable_entry
from .errors import MalformedMessage, VerificationFailed
from .leaves import SALT_BYTES, Kind, Leaf, LogProof, Opening, require_counted, verify_opening
from .merkle import HASH_BYTES, verify_inclusion
from .signing import verify
from .strict_json import bytes_of, list_of, load, members_of, number_of, text_of
from .timestamps import MAX_STAMP_BYTES, verify_stamp

FORMAT = "grainseal-receipt/1"
# The note is the largest part; the rest is a few kilobytes, a time stamp some more.
MAX_RECEIPT_BYTES = 2 * MAX_NOTE_BYTES
CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "L1": "the file is a receipt",
        "L2": "the leaf commits to this entry",
        "L3": "the checkpoint is signed by the log",
        "L4": "the checkpoint counts the leaf",
        "L5": "the leaf is in the tree of the checkpoint",
        "L6": "the device key signed the statement",
        "L7": "the photo is the registered one",
        "L8": "an authority stamped the checkpoint",
    }
)
_OF_EVERY_RECEIPT = ("L1", "L2", "L3", "L4", "L5")
_MEMBERS = ("format", "kind", "entry", "salt", "commitment", "index", "inclusion", "checkpoint")
_STAMP = "timestamp"


@dataclass(frozen=True)
class Receipt:
    """An entry, the salt (32 bytes) and commitment (32 bytes) of its leaf, and the leaf's place.

    `timestamp`: RFC 3161 response over the checkpoint's note, DER, or None.
    """

    entry: Entry
    salt: bytes
    commitment: bytes
    proof: LogProof
    timestamp: bytes | None = None

    @property
    def kind(self) -> Kind:
        """What it is a receipt of."""
        if isinstance(self.entry, RegistrationEntry):
            return Kind.REGISTRATION
        return Kind.ENROLLMENT

    @property
    def leaf(self) -> Leaf:
        """What stands in the log."""
        return Leaf(self.kind, self.commitment)

    @property
    def opening(self) -> Opening:
        """What opens the leaf."""
        return Opening(self.salt, self.entry.encoded)

    def to_json(self) -> str:
        """The file's content."""
        content = {
            "format": FORMAT,
            "kind": self.kind.value,
            "entry": readable_entry(self.entry),
            "salt": self.salt.hex(),
            "commitment": self.commitment.hex(),
            "index": self.proof.index,
            "inclusion": [each.hex() for each in self.proof.inclusion],
            "checkpoint": self.proof.checkpoint.decode(),
        }
        if self.timestamp is not None:
            content[_STAMP] = self.timestamp.hex()
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class PhotoHashes:
    """A photo at hand: SHA-256 of its file and of its pixels, 32 bytes each."""

    file_sha256: bytes
    pixels_sha256: bytes


@dataclass(frozen=True)
class Step:
    """One check of a receipt; `problem` is None if it passed."""

    check: str
    what: str
    problem: str | None


@dataclass(frozen=True)
class NotMade:
    """A check that was not made, and why."""

    check: str
    what: str
    why: str


@dataclass(frozen=True)
class Verification:
    """The checks in order, up to the first that failed; what they found.

    `due`: all that had to be made. `not_made`: of those the ones after the failure, and those for
    which there was nothing at hand; these do not make a receipt invalid. `stamped_at`: in UTC, what
    L8 found.
    """

    steps: tuple[Step, ...]
    due: tuple[str, ...]
    not_made: tuple[NotMade, ...]
    receipt: Receipt | None
    checkpoint: Checkpoint | None
    stamped_at: datetime | None

    @property
    def valid(self) -> bool:
        """Whether every check that was due was made and passed."""
        return tuple(step.check for step in self.steps) == self.due and self.problem is None

    @property
    def problem(self) -> str | None:
        """Why it is not valid."""
        return self.steps[-1].problem


def verify_receipt(
    data: bytes,
    keys: Sequence[VerifierKey],
    *,
    photo: PhotoHashes | None = None,
    root: bytes | None = None,
) -> Verification:
    """L1–L8 of a receipt's file, by nothing but the log's keys; `MisuseError` without keys.

    `photo`: also that the receipt is of it (L7). `root`: PEM of a time stamp authority's root, also
    that the checkpoint is stamped (L8; `MisuseError` if it is no certificate). A receipt that has
    nothing to show for what is asked is not valid: no photo, or no time stamp.
    """
    steps: list[Step] = []
    receipt = checkpoint = stamped_at = None
    try:
        with recorded(steps, "L1"):
            receipt = parse_receipt(data)
        with recorded(steps, "L2"):
            verify_opening(receipt.leaf, receipt.opening)
        with recorded(steps, "L3"):
            checkpoint = verify_checkpoint(receipt.proof.checkpoint, keys)
        with recorded(steps, "L4"):
            require_counted(receipt.proof.index, checkpoint)
        with recorded(steps, "L5"):
            _verify_place(receipt, checkpoint)
        if receipt.kind is Kind.REGISTRATION:
            with recorded(steps, "L6"):
                verify_statement(receipt.entry)
        if photo is not None:
            with recorded(steps, "L7"):
                verify_photo(receipt.entry, photo)
        if root is not None:
            with recorded(steps, "L8"):
                stamped_at = _verify_stamp(receipt, root)
    except (MalformedMessage, VerificationFailed):
        pass  # the last step says it
    due = _due(receipt, photo is not None, root is not None)
    not_made = (*_after_failure(steps, due), *_not_at_hand(receipt, due))
    return Verification(tuple(steps), due, not_made, receipt, checkpoint, stamped_at)


def parse_receipt(data: bytes) -> Receipt:
    """L1: the receipt of its file; `MalformedMessage` if it is none. Nothing is verified."""
    content = load(data, MAX_RECEIPT_BYTES, "a receipt")
    content = members_of(content, _MEMBERS, "a receipt", optional=(_STAMP,))
    if content["format"] != FORMAT:
        raise MalformedMessage(f"the receipt's format is not {FORMAT!r}")
    kinds = {kind.value: kind for kind in Kind}
    kind = kinds.get(text_of(content["kind"], "the receipt's kind"))
    if kind is None:
        raise MalformedMessage(f"the receipt's kind is none of {', '.join(kinds)}")
    return Receipt(
        read_entry(kind, content["entry"], "the receipt's entry"),
        bytes_of(content["salt"], "the receipt's salt", SALT_BYTES),
        bytes_of(content["commitment"], "the receipt's commitment", HASH_BYTES),
        LogProof(
            number_of(content["index"], "the receipt's index"),
            tuple(
                bytes_of(each, "a hash of the receipt's inclusion", HASH_BYTES)
                for each in list_of(content["inclusion"], "the receipt's inclusion")
            ),
            text_of(content["checkpoint"], "the receipt's checkpoint").encode(),
        ),
        _stamp(content[_STAMP]) if _STAMP in content else None,
    )


def verify_statement(entry: Entry) -> None:
    """L6: the device key of a registration signed the owner's statement."""
    if not isinstance(entry, RegistrationEntry):
        raise VerificationFailed("an enrolment's receipt has no statement")
    try:
        verify(entry.device_key, entry.statement.encoded, entry.signature)
    except VerificationFailed:
        raise VerificationFailed("the device key did not sign this statement") from None


def verify_photo(entry: Entry, photo: PhotoHashes) -> None:
    """L7: the photo is the registered one, by the hash of the file or of the pixels."""
    if not isinstance(entry, RegistrationEntry):
        raise VerificationFailed("the receipt is of an enrolment: it names no photo")
    if entry.file_sha256 != photo.file_sha256 and entry.pixels_sha256 != photo.pixels_sha256:
        raise VerificationFailed("the photo is another one: neither file nor pixels are registered")


def _verify_place(receipt: Receipt, checkpoint: Checkpoint) -> None:
    proof = receipt.proof
    verify_inclusion(
        receipt.leaf.hash, proof.index, checkpoint.size, proof.inclusion, checkpoint.root
    )


def _verify_stamp(receipt: Receipt, root: bytes) -> datetime:
    if receipt.timestamp is None:
        raise VerificationFailed("the receipt has no time stamp")
    return verify_stamp(receipt.timestamp, receipt.proof.checkpoint, root)


def _stamp(value: object) -> bytes:
    stamp = bytes_of(value, "the receipt's timestamp")
    if not 0 < len(stamp) <= MAX_STAMP_BYTES:
        raise MalformedMessage(f"the receipt's timestamp has 1 to {MAX_STAMP_BYTES} bytes")
    return stamp


def _due(receipt: Receipt | None, photo: bool, root: bool) -> tuple[str, ...]:
    registered = receipt is not None and receipt.kind is Kind.REGISTRATION
    more = {"L6": registered, "L7": photo, "L8": root}
    return (*_OF_EVERY_RECEIPT, *(check for check, asked in more.items() if asked))


def _after_failure(steps: Sequence[Step], due: Sequence[str]) -> list[NotMade]:
    why = "an earlier check failed"
    return [NotMade(check, CHECKS[check], why) for check in due[len(steps) :]]


def _not_at_hand(receipt: Receipt | None, due: Sequence[str]) -> list[NotMade]:
    """What the receipt has to show, and nobody asked for."""
    if receipt is None:
        return []
    missing = []
    if receipt.kind is Kind.REGISTRATION and "L7" not in due:
        missing.append(NotMade("L7", CHECKS["L7"], "no photo was given"))
    if receipt.timestamp is not None and "L8" not in due:
        missing.append(NotMade("L8", CHECKS["L8"], "no root certificate was given"))
    return missing


@contextmanager
def recorded(steps: list[Step], check: str, checks: Mapping[str, str] = CHECKS) -> Iterator[None]:
    """One of the `checks`, as far as it came, is added to `steps`; what it raised goes on."""
    problem = None
    try:
        yield
    except (MalformedMessage, VerificationFailed) as error:
        problem = str(error)
        raise
    finally:
        steps.append(Step(check, checks[check], problem))
