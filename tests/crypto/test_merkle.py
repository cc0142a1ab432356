"""The tree agrees with published vectors and with the RFC's recursion; bad proofs are refused."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.merkle import (
    EMPTY_ROOT,
    MAX_SIZE,
    Frontier,
    Node,
    append,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    read_frontier,
    verify_consistency,
    verify_inclusion,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "log"
EIGHT = json.loads((VECTORS / "eight_leaves.json").read_text())
LARGEST = 130


class MemoryStore:
    """Nodes in a dictionary; remembers how many a call read."""

    def __init__(self) -> None:
        self.nodes: dict[Node, bytes] = {}
        self.reads: list[int] = []

    def read(self, nodes: Sequence[Node]) -> Mapping[Node, bytes]:
        self.reads.append(len(nodes))
        return {node: self.nodes[node] for node in nodes if node in self.nodes}

    def write(self, level: int, first: int, hashes: Sequence[bytes]) -> None:
        for index, each in enumerate(hashes, first):
            assert Node(level, index) not in self.nodes, "a complete subtree is written once"
            self.nodes[Node(level, index)] = each


# The textbook: RFC 6962 section 2.1 word for word, sharing nothing with the code under test.


def textbook_split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def textbook_root(leaves):
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = textbook_split(len(leaves))
    children = textbook_root(leaves[:k]) + textbook_root(leaves[k:])
    return hashlib.sha256(b"\1" + children).digest()


def textbook_path(m, leaves):
    if len(leaves) == 1:
        return ()
    k = textbook_split(len(leaves))
    if m < k:
        return (*textbook_path(m, leaves[:k]), textbook_root(leaves[k:]))
    return (*textbook_path(m - k, leaves[k:]), textbook_root(leaves[:k]))


def textbook_subproof(m, leaves, whole):
    if m == len(leaves):
        return () if whole else (textbook_root(leaves),)
    k = textbook_split(len(leaves))
    if m <= k:
        return (*textbook_subproof(m, leaves[:k], whole), textbook_root(leaves[k:]))
    return (*textbook_subproof(m - k, leaves[k:], False), textbook_root(leaves[:k]))


def a_leaf(index):
    return b"leaf %d" % index


textbook_root = lru_cache(maxsize=None)(textbook_root)
LEAVES = tuple(a_leaf(i) for i in range(LARGEST))


def grown(leaves, batch=None):
    store, frontier = MemoryStore(), Frontier()
    batch = batch or len(leaves) or 1
    for start in range(0, len(leaves), batch):
        hashes = [leaf_hash(each) for each in leaves[start : start + batch]]
        frontier = append(frontier, hashes, store)
    return frontier, store


@pytest.fixture(scope="module")
def tree():
    return grown(LEAVES)


def unhex(texts):
    return tuple(bytes.fromhex(each) for each in texts)


# Published vectors


def test_published_hashes():
    assert EMPTY_ROOT.hex() == EIGHT["empty_root"] == Frontier().root.hex()
    for each in EIGHT["leaf_hashes"]:
        assert leaf_hash(bytes.fromhex(each["leaf"])).hex() == each["hash"]
    for each in EIGHT["node_hashes"]:
        assert node_hash(*unhex([each["left"], each["right"]])).hex() == each["hash"]


def test_published_roots():
    leaves = unhex(EIGHT["leaves"])
    frontier, store = grown(leaves)
    for size, root in enumerate(unhex(EIGHT["roots"]), 1):
        assert textbook_root(leaves[:size]) == root
        assert grown(leaves[:size])[0].root == root
        assert read_frontier(size, store).root == root
    assert frontier == read_frontier(8, store)


@pytest.mark.parametrize("vector", EIGHT["inclusion"], ids=lambda v: f"{v['index']}of{v['size']}")
def test_published_inclusion_proofs(vector):
    leaves, roots = unhex(EIGHT["leaves"]), unhex(EIGHT["roots"])
    index, size, proof = vector["index"], vector["size"], unhex(vector["proof"])
    assert textbook_path(index, leaves[:size]) == proof
    assert inclusion_proof(index, size, grown(leaves)[1]) == proof
    verify_inclusion(leaf_hash(leaves[index]), index, size, proof, roots[size - 1])


@pytest.mark.parametrize("vector", EIGHT["consistency"], ids=lambda v: f"{v['old']}to{v['new']}")
def test_published_consistency_proofs(vector):
    leaves, roots = unhex(EIGHT["leaves"]), unhex(EIGHT["roots"])
    old, new, proof = vector["old"], vector["new"], unhex(vector["proof"])
    assert textbook_subproof(old, leaves[:new], True) == proof
    assert consistency_proof(old, new, grown(leaves)[1]) == proof
    verify_consistency(old, new, proof, roots[old - 1], roots[new - 1])


def test_the_rfc_s_own_example():
    """RFC 6962 section 2.1.3: seven leaves, with the nodes named as in its figure."""
    leaves = LEAVES[:7]
    _, store = grown(leaves)
    a, b, c, d, e, f, j = (leaf_hash(each) for each in leaves)
    g, h, i = node_hash(a, b), node_hash(c, d), node_hash(e, f)
    k, l = node_hash(g, h), node_hash(i, j)  # noqa: E741 - the figure's letters
    assert [inclusion_proof(m, 7, store) for m in (0, 3, 4, 6)] == [
        (b, h, l),
        (c, g, l),
        (f, j, k),
        (i, k),
    ]
    assert [consistency_proof(m, 7, store) for m in (3, 4, 6)] == [(c, d, g, l), (l,), (i, j, k)]


def test_inclusion_in_a_public_log():
    v = json.loads((VECTORS / "public_ct_log_inclusion.json").read_text())
    leaf, root, proof = *unhex([v["leaf_hash"], v["root"]]), unhex(v["proof"])
    verify_inclusion(leaf, v["index"], v["size"], proof, root)
    with pytest.raises(VerificationFailed):
        verify_inclusion(leaf, v["index"] ^ 1, v["size"], proof, root)


# Every size against the textbook


def test_every_size_has_the_textbook_s_root(tree):
    frontier, store = tree
    assert frontier == read_frontier(LARGEST, store)
    for size in range(LARGEST + 1):
        assert read_frontier(size, store).root == textbook_root(LEAVES[:size])


def test_every_inclusion_proof_is_the_textbook_s(tree):
    _, store = tree
    for size in range(1, LARGEST + 1):
        root = textbook_root(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(index, size, store)
            assert proof == textbook_path(index, LEAVES[:size])
            verify_inclusion(leaf_hash(LEAVES[index]), index, size, proof, root)


def test_every_consistency_proof_is_the_textbook_s(tree):
    _, store = tree
    for new in range(LARGEST + 1):
        for old in range(new + 1):
            proof = consistency_proof(old, new, store)
            assert proof == (textbook_subproof(old, LEAVES[:new], True) if old else ())
            verify_consistency(
                old, new, proof, textbook_root(LEAVES[:old]), textbook_root(LEAVES[:new])
            )


@settings(deadline=None, max_examples=60)
@given(st.lists(st.binary(max_size=40), max_size=60), st.integers(1, 20))
def test_batches_do_not_matter(leaves, batch):
    frontier, store = grown(leaves, batch)
    whole, nodes = grown(leaves)
    assert frontier == whole
    assert store.nodes == nodes.nodes
    assert frontier.root == textbook_root(tuple(leaves))


# Strictness


def outcome(check, *arguments):
    try:
        check(*arguments)
    except (MalformedMessage, VerificationFailed) as error:
        return type(error)
    return None


def flipped(data, bit):
    changed = bytearray(data)
    changed[bit // 8 % len(data)] ^= 1 << bit % 8
    return bytes(changed)


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_tampered_inclusion_proof_fails(tree, data):
    size = data.draw(st.integers(2, LARGEST))
    index = data.draw(st.integers(0, size - 1))
    bit = data.draw(st.integers(0, 255))
    leaf, root = leaf_hash(LEAVES[index]), textbook_root(LEAVES[:size])
    proof = inclusion_proof(index, size, tree[1])
    at = data.draw(st.integers(0, len(proof) - 1))
    changed = (*proof[:at], flipped(proof[at], bit), *proof[at + 1 :])
    other = data.draw(st.integers(0, size - 1).filter(lambda i: i != index))
    for arguments, expected in [
        ((leaf, index, size, changed, root), VerificationFailed),
        ((flipped(leaf, bit), index, size, proof, root), VerificationFailed),
        ((leaf, index, size, proof, flipped(root, bit)), VerificationFailed),
        ((leaf, index, size, proof[:-1], root), MalformedMessage),
        ((leaf, index, size, proof[1:], root), MalformedMessage),
        ((leaf, index, size, (*proof, root), root), MalformedMessage),
        ((leaf, index, size, (leaf, *proof), root), MalformedMessage),
        ((leaf, index, size, (*proof[:-1], proof[-1][:31]), root), MalformedMessage),
        ((leaf, size, size, proof, root), MalformedMessage),
        ((leaf, -1, size, proof, root), MalformedMessage),
        ((leaf, index, 0, proof, root), MalformedMessage),
        ((leaf, index, MAX_SIZE + 1, proof, root), MalformedMessage),
    ]:
        assert outcome(verify_inclusion, *arguments) is expected
    # another position has a path of another length, or of other sides
    assert outcome(verify_inclusion, leaf, other, size, proof, root) in (
        MalformedMessage,
        VerificationFailed,
    )


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_tampered_consistency_proof_fails(tree, data):
    new = data.draw(st.integers(2, LARGEST))
    old = data.draw(st.integers(1, new - 1))
    bit = data.draw(st.integers(0, 255))
    before, after = textbook_root(LEAVES[:old]), textbook_root(LEAVES[:new])
    proof = consistency_proof(old, new, tree[1])
    at = data.draw(st.integers(0, len(proof) - 1))
    changed = (*proof[:at], flipped(proof[at], bit), *proof[at + 1 :])
    for arguments, expected in [
        ((old, new, changed, before, after), VerificationFailed),
        ((old, new, proof, flipped(before, bit), after), VerificationFailed),
        ((old, new, proof, before, flipped(after, bit)), VerificationFailed),
        ((old, new, proof, after, before), VerificationFailed),
        ((old, new, proof[:-1], before, after), MalformedMessage),
        ((old, new, (), before, after), MalformedMessage),
        ((old, new, (*proof, after), before, after), MalformedMessage),
        ((old, new, (before, *proof), before, after), MalformedMessage),
        ((old, new, (b"", *proof[1:]), before, after), MalformedMessage),
        ((new, old, proof, after, before), MalformedMessage),
        ((-1, new, proof, before, after), MalformedMessage),
        ((old, MAX_SIZE + 1, proof, before, after), MalformedMessage),
        ((old, old, proof, before, before), MalformedMessage),
        ((0, new, proof, EMPTY_ROOT, after), MalformedMessage),
    ]:
        assert outcome(verify_consistency, *arguments) is expected


@settings(deadline=None, max_examples=200)
@given(
    st.integers(-3, 140),
    st.integers(-3, 140),
    st.lists(st.binary(min_size=31, max_size=33)),
    st.data(),
)
def test_garbage_gives_our_errors_only(first, second, proof, data):
    root = data.draw(st.binary(min_size=31, max_size=33))
    outcome(verify_inclusion, root, first, second, proof, root)
    outcome(verify_consistency, first, second, proof, root, root[::-1])


def test_empty_and_equal_trees():
    one, other = leaf_hash(b"one"), leaf_hash(b"other")
    verify_consistency(0, 0, (), EMPTY_ROOT, EMPTY_ROOT)
    verify_consistency(0, 1, (), EMPTY_ROOT, one)
    verify_consistency(5, 5, (), one, one)
    for arguments in [
        (0, 0, (), one, one),
        (0, 0, (), EMPTY_ROOT, one),
        (0, 3, (), one, other),
        (5, 5, (), one, other),
    ]:
        assert outcome(verify_consistency, *arguments) is VerificationFailed
    verify_inclusion(one, 0, 1, (), one)
    assert outcome(verify_inclusion, one, 0, 1, (), other) is VerificationFailed
    assert outcome(verify_inclusion, one, 0, 0, (), EMPTY_ROOT) is MalformedMessage


def test_a_node_is_no_leaf():
    """Domain separation: an inner node's bytes as a leaf do not verify one level higher."""
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    root = node_hash(left, right)
    assert leaf_hash(b"\x01" + left + right) != root
    assert outcome(verify_inclusion, leaf_hash(left + right), 0, 1, (), root) is VerificationFailed


def test_misuse():
    frontier, store = grown(LEAVES[:5])
    with pytest.raises(MisuseError, match="no leaf 5"):
        inclusion_proof(5, 5, store)
    with pytest.raises(MisuseError, match="does not extend"):
        consistency_proof(6, 5, store)
    with pytest.raises(MisuseError, match="no hash of node"):
        inclusion_proof(0, 8, store)
    with pytest.raises(MisuseError, match="no hash of node"):
        read_frontier(6, store)
    with pytest.raises(MisuseError, match="leaf hashes of 32 bytes"):
        append(frontier, [b"a leaf, not its hash"], store)
    with pytest.raises(MisuseError, match="no frontier"):
        Frontier(5, frontier.hashes[:1])
    with pytest.raises(MisuseError, match="no tree"):
        read_frontier(-1, store)


# Growth


def test_a_long_log_grows_from_its_frontier_alone():
    """20,000 leaves: O(log n) hashes stay in memory and O(log n) nodes make a proof."""
    total, batch, store, frontier, past = 20_000, 777, MemoryStore(), Frontier(), {}
    for start in range(0, total, batch):
        stop = min(total, start + batch)
        frontier = append(frontier, [leaf_hash(a_leaf(i)) for i in range(start, stop)], store)
        assert len(frontier.hashes) == stop.bit_count()
        past[stop] = frontier.root
    assert len(store.nodes) == 2 * total - total.bit_count()
    store.reads.clear()
    for index in (0, 1, 776, 777, 8191, 8192, 16383, 16384, 19998, 19999):
        proof = inclusion_proof(index, total, store)
        verify_inclusion(leaf_hash(a_leaf(index)), index, total, proof, frontier.root)
    for old, root in past.items():
        verify_consistency(old, total, consistency_proof(old, total, store), root, frontier.root)
        assert read_frontier(old, store).root == root
    assert max(store.reads) <= 2 * total.bit_length()


def test_growth_goes_on_after_a_restart():
    _, store = grown(LEAVES[:77])
    again = append(read_frontier(77, store), [leaf_hash(each) for each in LEAVES[77:]], store)
    assert again.root == textbook_root(LEAVES)
    assert append(again, [], store) == again
