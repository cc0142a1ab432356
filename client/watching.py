"""Watching a service's log: ask it for its state, compare with what it said before, keep both.

`crypto.monitoring` judges; here are the questions, the file of checkpoints seen, and the evidence.
The file has one JSON object a line, oldest first, and is only ever added to: the last line is what
the log has to continue.
"""

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grainseal.crypto.checkpoint import VerifierKey, parse_verifier_key
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.monitoring import LogAlarm, Sighting, observe, proof_needed, sight
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import ClientError, ServiceError, UntrustedService
from .transport import Transport

_NO_PROOF: Final = "LOG_RANGE"
"""The service's refusal to prove what it has not: the monitor's business, not an error."""
_NAME_DIGITS: Final = 16


@dataclass(frozen=True)
class Seen:
    """The file of checkpoints that a monitor has accepted."""

    path: Path

    def last(self, keys: Sequence[VerifierKey]) -> Sighting | None:
        """The last one, verified again; None without one. `ClientError` if the file is not ours."""
        lines = self._complete_lines()
        if not lines:
            return None
        try:
            return sight(str(json.loads(lines[-1])["note"]).encode(), keys)
        except (ValueError, KeyError, TypeError, VerificationFailed) as error:
            raise ClientError(f"{self.path} has no checkpoint of this log: {error}") from None

    def add(self, sighting: Sighting, now: float) -> None:
        """Keep one more; on the disk before this returns."""
        kept = b"".join(self._complete_lines())
        line = json.dumps({"seen_at": int(now), "note": sighting.note.decode()})
        try:
            with self.path.open("r+b" if self.path.exists() else "xb") as file:
                file.truncate(len(kept))  # a line that a crash cut off
                file.seek(len(kept))
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise ClientError(f"cannot write {self.path}: {error}") from None

    def _complete_lines(self) -> list[bytes]:
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ClientError(f"cannot read {self.path}: {error}") from None
        return lines if not lines or lines[-1].endswith(b"\n") else lines[:-1]


def read_log_keys(text_or_file: str) -> list[VerifierKey]:
    """Verifier keys: one in its one-line form, or those in a file, one a line.

    Two of them during the rotation of a log's key. `ClientError` if there is none.
    """
    try:
        return [parse_verifier_key(text_or_file)]
    except MalformedMessage:
        pass
    try:
        lines = Path(text_or_file).read_text().split("\n")
        keys = [parse_verifier_key(line) for line in lines if line.strip()]
    except (MalformedMessage, OSError, ValueError) as error:
        raise ClientError(f"no verifier key of a log in {text_or_file!r}: {error}") from None
    if len({key.name for key in keys}) != 1:
        raise ClientError(f"{text_or_file} has keys of {len(keys)} logs: name one log's")
    return list(dict.fromkeys(keys))


def get_checkpoint(transport: Transport, keys: Sequence[VerifierKey]) -> Sighting:
    """The log's state now, verified; `VerificationFailed` if it is not this log's."""
    note = transport.get_checkpoint().note
    try:
        return sight(note, keys)
    except MalformedMessage as error:
        raise UntrustedService(f"the log's checkpoint is none: {error}") from None


def look(transport: Transport, keys: Sequence[VerifierKey], known: Sighting | None) -> Sighting:
    """The log's state now, which continues what is known; else a `LogAlarm`."""
    shown = get_checkpoint(transport, keys)
    sizes = proof_needed(known, shown)
    proof = None if sizes is None else _proof(transport, *sizes)
    try:
        return observe(known, shown, proof)
    except MalformedMessage as error:
        raise UntrustedService(f"the log's proof is none: {error}") from None


def save_evidence(alarm: LogAlarm, folder: Path) -> list[Path]:
    """Both signed notes of an alarm, a file each; named by their content, so none is lost."""
    notes = {"known": alarm.known.note, "shown": alarm.shown.note}
    name = hashlib.sha256(b"".join(notes.values())).hexdigest()[:_NAME_DIGITS]
    written = []
    for what, note in notes.items():
        path = folder / f"log-evidence-{name}-{what}.note"
        try:
            path.write_bytes(note)
        except OSError as error:
            raise ClientError(f"{alarm}, and the evidence cannot be written: {error}") from None
        written.append(path)
    return written


def _proof(transport: Transport, old: int, new: int) -> Sequence[bytes] | None:
    """The service's consistency proof; None if it says that it has none."""
    request = pb.GetConsistencyProofRequest(old_size=old, new_size=new)
    try:
        return list(transport.get_consistency_proof(request).hashes)
    except ServiceError as error:
        if error.reason == _NO_PROOF:
            return None
        raise
