"""A leaf tells its kind and nothing else, opens to one entry, and is proven with a public key."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grainseal.crypto.checkpoint import Checkpoint, NoteSigner, parse_verifier_key, sign_checkpoint
from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.leaves import (
    Kind,
    Leaf,
    LogProof,
    Opening,
    commit,
    parse_leaf,
    verify_logged,
    verify_opening,
)
from grainseal.crypto.merkle import leaf_hash, node_hash
from grainseal.crypto.signing import SigningKey

OPENING = Opening(b"s" * 32, b"title: Dunes; creator: Ann")
LEAF = commit(Kind.REGISTRATION, OPENING)
LOG = NoteSigner("log.example", SigningKey(b"\x01" * 32))
PUBLISHED = str(LOG.verifier)


def framed(tag, *fields):
    return b"grainseal/v1/" + tag + b"\0" + b"".join(len(f).to_bytes(4, "big") + f for f in fields)


def test_bytes_by_hand():
    preimage = framed(b"log-entry", b"registration", OPENING.salt, OPENING.entry)
    commitment = hashlib.sha256(preimage).digest()
    assert LEAF.commitment == commitment
    assert LEAF.encoded == framed(b"log-leaf", b"registration", commitment)
    assert LEAF.hash == hashlib.sha256(b"\0" + LEAF.encoded).digest()


def test_a_leaf_has_one_length_and_no_word_of_its_entry():
    """Whatever is logged, the leaf is as long; another salt makes it another leaf."""
    for kind in Kind:
        leaves = [
            commit(kind, Opening(salt * 32, entry))
            for salt in (b"a", b"b")
            for entry in (b"", OPENING.entry, b"x" * 100_000)
        ]
        assert len({len(each.encoded) for each in leaves}) == 1
        assert len({each.commitment for each in leaves}) == len(leaves)
    assert OPENING.entry not in LEAF.encoded
    assert OPENING.salt not in LEAF.encoded


def test_opening():
    verify_opening(LEAF, OPENING)
    for opening in (replace(OPENING, entry=b"title: Mine"), replace(OPENING, salt=b"t" * 32)):
        with pytest.raises(VerificationFailed, match="another entry"):
            verify_opening(LEAF, opening)
    with pytest.raises(VerificationFailed, match="another entry"):
        verify_opening(replace(LEAF, kind=Kind.ENROLLMENT), OPENING)


OPENINGS = st.builds(Opening, st.binary(min_size=32, max_size=32), st.binary(max_size=8))


@given(st.sampled_from(Kind), OPENINGS, st.sampled_from(Kind), OPENINGS)
def test_a_leaf_opens_to_one_kind_salt_and_entry(kind, opening, other_kind, other):
    one, two = commit(kind, opening), commit(other_kind, other)
    assert (one.commitment == two.commitment) == ((kind, opening) == (other_kind, other))
    verify_opening(parse_leaf(one.encoded), opening)


def test_openings_of_no_such_form():
    with pytest.raises(MalformedMessage, match="salt has 32 bytes"):
        verify_opening(LEAF, replace(OPENING, salt=b"short"))
    with pytest.raises(MalformedMessage, match="commitment 32"):
        verify_opening(replace(LEAF, commitment=b""), OPENING)
    with pytest.raises(MisuseError, match="salt of 32 bytes"):
        commit(Kind.ENROLLMENT, replace(OPENING, salt=b""))


def test_parsing():
    for kind in Kind:
        leaf = commit(kind, OPENING)
        assert parse_leaf(leaf.encoded) == leaf
    for end in range(len(LEAF.encoded)):
        with pytest.raises(MalformedMessage):
            parse_leaf(LEAF.encoded[:end])
    for data in (LEAF.encoded + b"\0", b"\0" + LEAF.encoded, LEAF.commitment):
        with pytest.raises(MalformedMessage):
            parse_leaf(data)


@given(st.binary(max_size=120))
def test_no_bytes_crash_the_parser(data):
    with pytest.raises(MalformedMessage):
        parse_leaf(data)


# Proven in a log, with its verifier key and nothing else

NEIGHBOURS = [leaf_hash(b"first"), leaf_hash(b"third")]
ROOT = node_hash(node_hash(NEIGHBOURS[0], LEAF.hash), NEIGHBOURS[1])
PROOF = LogProof(1, tuple(NEIGHBOURS), sign_checkpoint(Checkpoint(LOG.name, 3, ROOT), [LOG]))


def check(leaf=LEAF, proof=PROOF, key=PUBLISHED):
    return verify_logged(leaf, proof, [parse_verifier_key(key)])


def test_a_logged_leaf():
    assert check() == Checkpoint(LOG.name, 3, ROOT)


def test_a_leaf_that_is_not_logged():
    with pytest.raises(VerificationFailed, match="does not lead from the leaf"):
        check(leaf=commit(Kind.REGISTRATION, replace(OPENING, entry=b"title: Mine")))
    with pytest.raises(VerificationFailed, match="does not lead from the leaf"):
        check(leaf=Leaf(Kind.ENROLLMENT, LEAF.commitment))


def test_a_proof_of_another_place():
    with pytest.raises(VerificationFailed, match="does not lead from the leaf"):
        check(proof=replace(PROOF, index=0))
    with pytest.raises(MalformedMessage, match="no leaf -1"):
        check(proof=replace(PROOF, index=-1))


def test_a_truncated_proof():
    with pytest.raises(MalformedMessage, match="has 2 hashes, not 1"):
        check(proof=replace(PROOF, inclusion=PROOF.inclusion[:1]))


def test_a_checkpoint_from_before_the_leaf():
    early = sign_checkpoint(Checkpoint(LOG.name, 1, NEIGHBOURS[0]), [LOG])
    with pytest.raises(VerificationFailed, match="older than the leaf"):
        check(proof=replace(PROOF, checkpoint=early))


def test_another_log_s_key():
    other = NoteSigner(LOG.name, SigningKey(b"\x02" * 32))
    with pytest.raises(VerificationFailed, match="not signed by"):
        check(key=str(other.verifier))


def test_a_changed_checkpoint():
    with pytest.raises(VerificationFailed, match="signature"):
        check(proof=replace(PROOF, checkpoint=PROOF.checkpoint.replace(b"\n3\n", b"\n4\n")))
