"""The log's Merkle tree (RFC 6962 §2.1, RFC 9162 §2.1): hashing, growth, proofs and their checks.

    leaf hash = SHA-256(0x00 ‖ leaf),  node hash = SHA-256(0x01 ‖ left ‖ right),

and a tree of n > 1 leaves splits at the largest power of two below n. A tree of n leaves is a row
of *complete* subtrees, one for every set bit of n, the largest first: its `Frontier`. A complete
subtree never changes again, so those are what is stored, level by level; whatever is ragged at
the right edge is hashed anew when a proof needs it. Growing needs only the frontier in memory, a
proof reads O(log n) nodes, and checking a proof needs nothing but its arguments.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

from .errors import MalformedMessage, MisuseError, VerificationFailed

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
# Sizes and indices stay within a signed 64-bit database column.
MAX_SIZE = (1 << 63) - 1


@dataclass(frozen=True)
class Node:
    """The complete subtree over leaves index·2^level … (index+1)·2^level − 1; level 0: a leaf."""

    level: int
    index: int


class NodeStore(Protocol):
    """Where the hashes of complete subtrees are kept: about two for every leaf."""

    def read(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        """Hashes (32 bytes) of those of the nodes that are stored."""

    def write(self, level: int, first: int, hashes: Sequence[bytes]) -> None:
        """Keep the hashes of consecutive nodes of a level, from index `first` on."""


@dataclass(frozen=True)
class Frontier:
    """All of a tree that its growth needs: `hashes` of its complete subtrees, largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        _require_size(self.size)
        if [len(each) for each in self.hashes] != [HASH_BYTES] * self.size.bit_count():
            raise MisuseError(f"{len(self.hashes)} hashes are no frontier of {self.size} leaves")

    @property
    def root(self) -> bytes:
        """Root hash, 32 bytes; of the empty tree SHA-256 of nothing."""
        return _joined(self.hashes) if self.hashes else EMPTY_ROOT


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of a leaf's bytes, 32 bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node, 32 bytes, of its children's hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def append(frontier: Frontier, leaf_hashes: Sequence[bytes], store: NodeStore) -> Frontier:
    """The frontier after more leaves; every subtree that they complete goes to the store.

    Memory is that of the batch: a long list is appended in pieces. The store's writes of one call
    belong together, so it makes them in one transaction, with the new size. `MisuseError` if a
    hash has not 32 bytes.
    """
    if any(len(each) != HASH_BYTES for each in leaf_hashes):
        raise MisuseError(f"append takes leaf hashes of {HASH_BYTES} bytes, see leaf_hash")
    size = frontier.size + len(leaf_hashes)
    edge = dict(zip(_complete(0, frontier.size), frontier.hashes, strict=True))
    level, first, row = 0, frontier.size, list(leaf_hashes)
    while row:
        store.write(level, first, row)
        if first % 2:  # the first one's left sibling was the old frontier's at this level
            first -= 1
            row.insert(0, edge.pop(Node(level, first)))
        if len(row) % 2:
            last = row.pop()
            edge[Node(level, first + len(row))] = last
        row = [node_hash(*pair) for pair in zip(row[::2], row[1::2], strict=True)]
        level, first = level + 1, first // 2
    return Frontier(size, tuple(edge[node] for node in _complete(0, size)))


def read_frontier(size: int, store: NodeStore) -> Frontier:
    """Frontier of the tree's first `size` leaves; its `root` is the root at that size.

    `MisuseError` if the store holds fewer.
    """
    _require_size(size)
    nodes = _complete(0, size)
    found = _stored(nodes, store)
    return Frontier(size, tuple(found[node] for node in nodes))


def inclusion_proof(index: int, size: int, store: NodeStore) -> tuple[bytes, ...]:
    """PATH(index, D[size]): what leads from a leaf to the root of the first `size` leaves.

    `MisuseError` unless 0 ≤ index < size ≤ leaves in the store.
    """
    _require_size(size)
    if not 0 <= index < size:
        raise MisuseError(f"a tree of {size} leaves has no leaf {index}")
    return _hashes_of(_inclusion_ranges(index, size), store)


def consistency_proof(old: int, new: int, store: NodeStore) -> tuple[bytes, ...]:
    """PROOF(old, D[new]): the tree of `new` leaves begins with that of `old`; () if old is 0.

    `MisuseError` unless 0 ≤ old ≤ new ≤ leaves in the store.
    """
    _require_size(new)
    if not 0 <= old <= new:
        raise MisuseError(f"a tree of {new} leaves does not extend one of {old}")
    chain = _consistency_ranges(old, new)
    # what begins at leaf 0 is the old tree itself, whose root the verifier has
    return _hashes_of([each for each in chain if each != (0, old)], store)


def verify_inclusion(
    leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Leaf `index` of the tree with `size` leaves and this root has this leaf hash.

    `MalformedMessage` if no tree has such a proof, `VerificationFailed` if this one has not.
    """
    # I1: hashes are hashes, and the tree has such a leaf
    _check_hashes([leaf_hash, root, *proof])
    if not 0 <= index < size <= MAX_SIZE:
        raise MalformedMessage(f"a tree of {size} leaves has no leaf {index}")
    # I2: the proof has exactly the path's length
    siblings = _inclusion_ranges(index, size)
    if len(proof) != len(siblings):
        raise MalformedMessage(
            f"the inclusion proof of leaf {index} of {size} has {len(siblings)} hashes,"
            f" not {len(proof)}"
        )
    # I3: from the leaf upwards it gives the root
    found = leaf_hash
    for sibling, (start, _) in zip(proof, siblings, strict=True):
        found = node_hash(sibling, found) if start < index else node_hash(found, sibling)
    if found != root:
        raise VerificationFailed("the inclusion proof does not lead from the leaf to the root")


def verify_consistency(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    """The tree with `new` leaves and its root begins with the one with `old` leaves and its root.

    `MalformedMessage` if no two trees have such a proof, `VerificationFailed` if these have not.
    """
    # K1: hashes are hashes, and the sizes are in order
    _check_hashes([old_root, new_root, *proof])
    if not 0 <= old <= new <= MAX_SIZE:
        raise MalformedMessage(f"a tree of {new} leaves does not extend one of {old}")
    # K2: the proof has exactly the right length: none for equal sizes and for the empty tree
    chain = _consistency_ranges(old, new)
    known = [old_root] if chain[:1] == [(0, old)] else []
    if len(known) + len(proof) != len(chain):
        raise MalformedMessage(
            f"the consistency proof from {old} to {new} leaves has {len(chain) - len(known)}"
            f" hashes, not {len(proof)}"
        )
    # K3: it gives the old root; the empty tree begins every tree
    if old:
        before, after = _roots(old, chain, [*known, *proof])
    else:
        before, after = EMPTY_ROOT, new_root if new else EMPTY_ROOT
    if before != old_root:
        raise VerificationFailed("the consistency proof does not lead to the old root")
    # K4: and the new one
    if after != new_root:
        raise VerificationFailed("the consistency proof does not lead to the new root")


Range = tuple[int, int]


def _inclusion_ranges(index: int, size: int) -> list[Range]:
    """Leaves [start, end) below each sibling of the path from leaf `index`, upwards."""
    start, end, siblings = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return siblings[::-1]


def _consistency_ranges(old: int, new: int) -> list[Range]:
    """The largest subtree that ends the old tree and is in the new one too, then the siblings of
    the path from it upwards; nothing for old = 0."""
    if old == 0:
        return []
    start, end, siblings = 0, new, []
    while end != old:
        middle = start + _split(end - start)
        if old <= middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return [(start, old), *siblings[::-1]]


def _roots(old: int, chain: Sequence[Range], hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Roots of the old and the new tree from the hashes of `_consistency_ranges`."""
    before = after = hashes[0]
    for sibling, (start, _) in zip(hashes[1:], chain[1:], strict=True):
        if start < old:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
        else:
            after = node_hash(after, sibling)
    return before, after


def _split(size: int) -> int:
    """Largest power of two below `size`, which is at least 2."""
    return 1 << ((size - 1).bit_length() - 1)


def _complete(start: int, end: int) -> list[Node]:
    """The complete subtrees that make up leaves [start, end) of a subtree, largest first."""
    nodes = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(Node(level, start >> level))
        start += 1 << level
    return nodes


def _joined(hashes: Sequence[bytes]) -> bytes:
    """Root over complete subtrees, largest first; at least one."""
    return reduce(lambda right, left: node_hash(left, right), reversed(hashes))


def _hashes_of(ranges: Sequence[Range], store: NodeStore) -> tuple[bytes, ...]:
    parts = [_complete(*each) for each in ranges]
    found = _stored([node for part in parts for node in part], store)
    return tuple(_joined([found[node] for node in part]) for part in parts)


def _stored(nodes: Sequence[Node], store: NodeStore) -> Mapping[Node, bytes]:
    found = store.read(nodes)
    for node in nodes:
        if len(found.get(node, b"")) != HASH_BYTES:
            raise MisuseError(f"the store has no hash of node {node.index} at level {node.level}")
    return found


def _require_size(size: int) -> None:
    if not 0 <= size <= MAX_SIZE:
        raise MisuseError(f"no tree has {size} leaves")


def _check_hashes(hashes: Sequence[bytes]) -> None:
    if any(len(each) != HASH_BYTES for each in hashes):
        raise MalformedMessage(f"hashes of the log have {HASH_BYTES} bytes")
