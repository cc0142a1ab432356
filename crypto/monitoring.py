"""Watching a log: the state that a monitor keeps, and what a new checkpoint means to it.

A monitor remembers the last checkpoint that it accepted, as the signed note. Every tree that the
log signs must begin with every smaller one that it signed. A log that breaks this has signed its
own conviction: the error carries both notes, which anybody can check with the log's key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from .checkpoint import Checkpoint, VerifierKey, verify_checkpoint
from .errors import MisuseError, VerificationFailed
from .merkle import verify_consistency


@dataclass(frozen=True)
class Sighting:
    """A verified checkpoint and the signed note that it was read from; made by `sight`."""

    checkpoint: Checkpoint
    note: bytes


class LogAlarm(VerificationFailed):
    """What the log shows now (`shown`) does not continue what it showed before (`known`)."""

    def __init__(self, message: str, known: Sighting, shown: Sighting) -> None:
        super().__init__(message)
        self.known = known
        self.shown = shown


class ForkedLog(LogAlarm):
    """Two roots for one size: the two notes alone prove it."""


class RewrittenLog(LogAlarm):
    """The larger tree does not begin with the smaller one, or the log does not prove it."""


class StaleCheckpoint(LogAlarm):
    """A true checkpoint, but older than one seen before: a cache, a roll-back, or a held-back log.

    Nothing is proven against the log; a log that keeps answering so hides its present.
    """


def sight(note: bytes, keys: Sequence[VerifierKey], origin: str | None = None) -> Sighting:
    """A checkpoint read from its note; arguments and errors as of `verify_checkpoint`."""
    return Sighting(verify_checkpoint(note, keys, origin), note)


def proof_needed(known: Sighting | None, shown: Sighting) -> tuple[int, int] | None:
    """Sizes (smaller, larger) between which `observe` needs a consistency proof, if it does."""
    if known is None:
        return None
    smaller, larger = sorted([known.checkpoint.size, shown.checkpoint.size])
    return (smaller, larger) if 0 < smaller < larger else None


def observe(
    known: Sighting | None, shown: Sighting, proof: Sequence[bytes] | None = None
) -> Sighting:
    """The monitor's new state after a checkpoint: `shown`, if it extends what is `known`.

    `known` None: nothing was seen before. `proof`: the consistency proof for `proof_needed`; None
    if the log gives none. `ForkedLog`, `RewrittenLog`, `StaleCheckpoint`; `MalformedMessage` if no
    two trees have such a proof; `MisuseError` for checkpoints of two logs. After any error the old
    state stands.
    """
    if known is None:
        return shown
    old, new = known.checkpoint, shown.checkpoint
    if old.origin != new.origin:
        raise MisuseError(f"a monitor of {old.origin!r} was given a checkpoint of {new.origin!r}")
    # V1: one root for one size
    if old.size == new.size and old.root != new.root:
        raise ForkedLog(f"the log shows two trees of {old.size} leaves", known, shown)
    # V2: the larger tree begins with the smaller one, whichever was seen first
    unproven = proof is None and proof_needed(known, shown) is not None
    if not unproven and not _consistent(old, new, proof or ()):
        raise RewrittenLog(
            f"the log's trees of {old.size} and {new.size} leaves do not begin alike", known, shown
        )
    # V3: the log does not go back
    if new.size < old.size:
        raise StaleCheckpoint(
            f"the checkpoint counts {new.size} leaves, {old.size} were seen before", known, shown
        )
    # V4: and proves that it does not
    if unproven:
        raise RewrittenLog(
            f"the log does not prove that its tree of {new.size} leaves begins with the one of"
            f" {old.size}",
            known,
            shown,
        )
    return shown


def _consistent(one: Checkpoint, other: Checkpoint, proof: Sequence[bytes]) -> bool:
    smaller, larger = sorted([one, other], key=lambda each: each.size)
    try:
        verify_consistency(smaller.size, larger.size, proof, smaller.root, larger.root)
    except VerificationFailed:
        return False
    return True
