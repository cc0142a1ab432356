"""What the log holds: salted commitments, and how one is opened and proven.

    commitment = SHA-256(canonical("log-entry", kind, salt, entry)),
    leaf       = canonical("log-leaf", kind, commitment),

with `transcript.canonical`. The entry is the canonical bytes of an enrolment or a registration;
it and its salt stay with the service and in the receipt. A leaf tells its kind and nothing else:
under a secret salt of 32 random bytes the commitment tells nothing of the entry, not even to
somebody who guesses it, so erasing entry and salt erases the person while the log stays whole.
SHA-256 binds: a leaf cannot be opened to another entry.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from .canonical import canonical
from .checkpoint import Checkpoint, VerifierKey, verify_checkpoint
from .errors import MalformedMessage, MisuseError, VerificationFailed
from .merkle import HASH_BYTES, leaf_hash, verify_inclusion

SALT_BYTES = 32


class Kind(Enum):
    """What a leaf commits to."""

    ENROLLMENT = "enrollment"
    REGISTRATION = "registration"


@dataclass(frozen=True)
class Leaf:
    """A log entry as everybody sees it: kind and commitment (32 bytes)."""

    kind: Kind
    commitment: bytes

    @property
    def encoded(self) -> bytes:
        """The leaf's bytes in the log."""
        return canonical("log-leaf", [self.kind.value, self.commitment])

    @property
    def hash(self) -> bytes:
        """Its leaf hash in the tree, 32 bytes."""
        return leaf_hash(self.encoded)


@dataclass(frozen=True)
class Opening:
    """What opens a leaf: the secret salt (32 bytes) and the entry's canonical bytes."""

    salt: bytes
    entry: bytes


@dataclass(frozen=True)
class LogProof:
    """A leaf's place: its index, and the inclusion proof that leads to a signed checkpoint."""

    index: int
    inclusion: tuple[bytes, ...]
    checkpoint: bytes


def commit(kind: Kind, opening: Opening) -> Leaf:
    """The leaf that commits to an entry; `salt` must be 32 fresh secret random bytes."""
    if len(opening.salt) != SALT_BYTES:
        raise MisuseError(f"a commitment takes a salt of {SALT_BYTES} bytes")
    return Leaf(kind, _commitment(kind, opening))


def parse_leaf(data: bytes) -> Leaf:
    """The leaf of its bytes in the log; `MalformedMessage` if it is none."""
    for kind in Kind:
        leaf = Leaf(kind, data[-HASH_BYTES:])
        if len(leaf.commitment) == HASH_BYTES and leaf.encoded == data:
            return leaf
    raise MalformedMessage("not a leaf of a grainseal log")


def verify_opening(leaf: Leaf, opening: Opening) -> None:
    """The leaf commits to this entry under this salt.

    `MalformedMessage` if salt or commitment have no such form, `VerificationFailed` if it does not.
    """
    # L2: entry and salt give the leaf's commitment
    if len(opening.salt) != SALT_BYTES or len(leaf.commitment) != HASH_BYTES:
        raise MalformedMessage(f"a salt has {SALT_BYTES} bytes and a commitment {HASH_BYTES}")
    if _commitment(leaf.kind, opening) != leaf.commitment:
        raise VerificationFailed("the log's leaf commits to another entry")


def verify_logged(
    leaf: Leaf, proof: LogProof, keys: Sequence[VerifierKey], origin: str | None = None
) -> Checkpoint:
    """The leaf is in the log whose keys these are; the checkpoint that says so.

    All that has to be trusted are `keys` (and `origin`, see `verify_checkpoint`). Errors of
    `verify_checkpoint` and `verify_inclusion`, and `VerificationFailed` for a checkpoint that is
    older than the leaf.
    """
    # L3: a checkpoint signed by the log
    checkpoint = verify_checkpoint(proof.checkpoint, keys, origin)
    # L4: of a time when it had such a leaf
    require_counted(proof.index, checkpoint)
    # L5: and this was that leaf
    verify_inclusion(leaf.hash, proof.index, checkpoint.size, proof.inclusion, checkpoint.root)
    return checkpoint


def require_counted(index: int, checkpoint: Checkpoint) -> None:
    """L4: `VerificationFailed` if the checkpoint is older than the leaf of that index."""
    if index >= checkpoint.size:
        raise VerificationFailed(
            f"the checkpoint is older than the leaf: it counts {checkpoint.size} leaves,"
            f" and the leaf has index {index}"
        )


def _commitment(kind: Kind, opening: Opening) -> bytes:
    fields = [kind.value, opening.salt, opening.entry]
    return hashlib.sha256(canonical("log-entry", fields)).digest()
