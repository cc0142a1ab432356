"""A receipt: the proof, for whom it concerns, that an enrolment is in the log.

One JSON file with the entry in readable fields, the salt under which the log's leaf commits to it,
and the way from that leaf to a signed checkpoint. Checking it takes the log's public key and
nothing else: no network, no service, no homomorphic library. docs/PROTOCOL.md, "The log".

- L1 the file is a receipt: its members, and no others, each once and of its form
- L2 the leaf commits to this entry under this salt
- L3 the checkpoint is signed by the log
- L4 it counts more leaves than the leaf's index
- L5 the inclusion proof leads from the leaf to its root
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from types import MappingProxyType
from typing import Any

from .checkpoint import MAX_NOTE_BYTES, Checkpoint, VerifierKey, verify_checkpoint
from .entries import EnrollmentEntry, check_enrollment_entry
from .errors import MalformedMessage, VerificationFailed
from .leaves import SALT_BYTES, Kind, Leaf, LogProof, Opening, require_counted, verify_opening
from .merkle import HASH_BYTES, MAX_SIZE, verify_inclusion

FORMAT = "grainseal-receipt/1"
# The note is the largest part; the rest is a few kilobytes, names included.
MAX_RECEIPT_BYTES = 2 * MAX_NOTE_BYTES
CHECKS: Mapping[str, str] = MappingProxyType(
    {
        "L1": "the file is a receipt",
        "L2": "the leaf commits to this entry",
        "L3": "the checkpoint is signed by the log",
        "L4": "the checkpoint counts the leaf",
        "L5": "the leaf is in the tree of the checkpoint",
    }
)
_MEMBERS = frozenset(
    {"format", "kind", "entry", "salt", "commitment", "index", "inclusion", "checkpoint"}
)


@dataclass(frozen=True)
class Receipt:
    """An entry, the salt (32 bytes) and commitment (32 bytes) of its leaf, and the leaf's place."""

    entry: EnrollmentEntry
    salt: bytes
    commitment: bytes
    proof: LogProof

    @property
    def leaf(self) -> Leaf:
        """What stands in the log."""
        return Leaf(Kind.ENROLLMENT, self.commitment)

    @property
    def opening(self) -> Opening:
        """What opens the leaf."""
        return Opening(self.salt, self.entry.encoded)

    def to_json(self) -> str:
        """The file's content."""
        entry = {k: v.hex() if isinstance(v, bytes) else v for k, v in asdict(self.entry).items()}
        content = {
            "format": FORMAT,
            "kind": self.leaf.kind.value,
            "entry": entry,
            "salt": self.salt.hex(),
            "commitment": self.commitment.hex(),
            "index": self.proof.index,
            "inclusion": [each.hex() for each in self.proof.inclusion],
            "checkpoint": self.proof.checkpoint.decode(),
        }
        return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


@dataclass(frozen=True)
class Step:
    """One check of a receipt; `problem` is None if it passed."""

    check: str
    what: str
    problem: str | None


@dataclass(frozen=True)
class Verification:
    """The checks in order, up to the first that failed; what they found."""

    steps: tuple[Step, ...]
    receipt: Receipt | None
    checkpoint: Checkpoint | None

    @property
    def valid(self) -> bool:
        """Whether every check was made and passed."""
        return len(self.steps) == len(CHECKS) and self.problem is None

    @property
    def problem(self) -> str | None:
        """Why it is not valid."""
        return self.steps[-1].problem


def verify_receipt(data: bytes, keys: Sequence[VerifierKey]) -> Verification:
    """L1–L5 of a receipt's file, by nothing but the log's keys; `MisuseError` without keys."""
    steps: list[Step] = []
    receipt = checkpoint = None
    try:
        with _step(steps, "L1"):
            receipt = parse_receipt(data)
        with _step(steps, "L2"):
            verify_opening(receipt.leaf, receipt.opening)
        proof = receipt.proof
        with _step(steps, "L3"):
            checkpoint = verify_checkpoint(proof.checkpoint, keys)
        with _step(steps, "L4"):
            require_counted(proof.index, checkpoint)
        with _step(steps, "L5"):
            size, root = checkpoint.size, checkpoint.root
            verify_inclusion(receipt.leaf.hash, proof.index, size, proof.inclusion, root)
    except (MalformedMessage, VerificationFailed):
        pass  # the last step says it
    return Verification(tuple(steps), receipt, checkpoint)


def parse_receipt(data: bytes) -> Receipt:
    """L1: the receipt of its file; `MalformedMessage` if it is none. Nothing is verified."""
    content = _object(_json(data), _MEMBERS, "a receipt")
    if content["format"] != FORMAT:
        raise MalformedMessage(f"the receipt's format is not {FORMAT!r}")
    if content["kind"] != Kind.ENROLLMENT.value:
        raise MalformedMessage("the receipt is not an enrolment's")
    inclusion = content["inclusion"]
    if not isinstance(inclusion, list):
        raise MalformedMessage("the receipt's inclusion is a list of hashes")
    proof = LogProof(
        _number(content["index"], "index"),
        tuple(_bytes(each, "inclusion", HASH_BYTES) for each in inclusion),
        _text(content["checkpoint"], "checkpoint").encode(),
    )
    return Receipt(
        _entry(content["entry"]),
        _bytes(content["salt"], "salt", SALT_BYTES),
        _bytes(content["commitment"], "commitment", HASH_BYTES),
        proof,
    )


@contextmanager
def _step(steps: list[Step], check: str) -> Iterator[None]:
    problem = None
    try:
        yield
    except (MalformedMessage, VerificationFailed) as error:
        problem = str(error)
        raise
    finally:
        steps.append(Step(check, CHECKS[check], problem))


def _json(data: bytes) -> Any:
    if len(data) > MAX_RECEIPT_BYTES:
        raise MalformedMessage(f"a receipt has at most {MAX_RECEIPT_BYTES} bytes")
    try:
        return json.loads(data.decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise MalformedMessage(f"the receipt is not JSON: {error}") from None


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    # Of a member that stands twice one reader shows the first value and another takes the last.
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member stands twice")
    return found


def _object(value: Any, members: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != members:
        raise MalformedMessage(f"{what} has the members {', '.join(sorted(members))}")
    return value


def _entry(value: Any) -> EnrollmentEntry:
    wanted = fields(EnrollmentEntry)
    content = _object(value, frozenset(each.name for each in wanted), "a receipt's entry")
    readers = {bytes: _bytes, str: _text, int: _number}
    values = {each.name: readers[each.type](content[each.name], each.name) for each in wanted}  # type: ignore[index,operator]
    entry = EnrollmentEntry(**values)
    check_enrollment_entry(entry)
    return entry


def _bytes(value: Any, what: str, length: int | None = None) -> bytes:
    """Bytes of lower-case hexadecimal, so that no two receipts say the same."""
    text = _text(value, what)
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if data.hex() != text or (length is not None and len(data) != length):
        wanted = "hexadecimal" if length is None else f"{length} bytes in hexadecimal"
        raise MalformedMessage(f"the receipt's {what} is not {wanted}")
    return data


def _text(value: Any, what: str) -> str:
    # A lone surrogate is valid in JSON and has no UTF-8.
    if not isinstance(value, str) or any("\ud800" <= each <= "\udfff" for each in value):
        raise MalformedMessage(f"the receipt's {what} is not text")
    return value


def _number(value: Any, what: str) -> int:
    if type(value) is not int or not 0 <= value <= MAX_SIZE:
        raise MalformedMessage(f"the receipt's {what} is not a number from 0 to 2^63 - 1")
    return value
