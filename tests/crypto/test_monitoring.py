"""A monitor accepts a log that grows and tells a fork, a rewrite and a roll-back apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainseal.crypto.checkpoint import Checkpoint, NoteSigner, sign_checkpoint
from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.merkle import (
    Frontier,
    Node,
    append,
    consistency_proof,
    leaf_hash,
    read_frontier,
)
from grainseal.crypto.monitoring import (
    ForkedLog,
    LogAlarm,
    RewrittenLog,
    StaleCheckpoint,
    observe,
    proof_needed,
    sight,
)
from grainseal.crypto.signing import SigningKey

SIGNER = NoteSigner("log.example", SigningKey(b"\x01" * 32))


class Log:
    """A real log in memory: grows, signs, proves; `rewritten` changes one past leaf."""

    def __init__(self, leaves):
        self.nodes = {}
        append(Frontier(), [leaf_hash(each) for each in leaves], self)

    def read(self, nodes):
        return {node: self.nodes[node] for node in nodes if node in self.nodes}

    def write(self, level, first, hashes):
        self.nodes.update({Node(level, first + i): each for i, each in enumerate(hashes)})

    def at(self, size, signer=SIGNER):
        checkpoint = Checkpoint(signer.name, size, read_frontier(size, self).root)
        return sight(sign_checkpoint(checkpoint, [signer]), [signer.verifier])

    def proof(self, sizes):
        return None if sizes is None else consistency_proof(*sizes, self)


LEAVES = [b"leaf %d" % i for i in range(40)]
HONEST = Log(LEAVES)
REWRITTEN = Log([*LEAVES[:3], b"never happened", *LEAVES[4:]])


def watch(log, known, shown):
    return observe(known, shown, log.proof(proof_needed(known, shown)))


@settings(deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=6))
def test_an_honest_log_is_followed(sizes):
    known = None
    for size in sorted(sizes):
        known = watch(HONEST, known, HONEST.at(size))
        assert known.checkpoint.size == size


def test_the_first_checkpoint_is_believed():
    assert observe(None, HONEST.at(5)) == HONEST.at(5)
    assert proof_needed(None, HONEST.at(5)) is None


def test_the_same_checkpoint_again():
    assert observe(HONEST.at(5), HONEST.at(5)) == HONEST.at(5)


def test_a_fork():
    with pytest.raises(ForkedLog, match="two trees of 10 leaves") as caught:
        observe(HONEST.at(10), REWRITTEN.at(10))
    # the evidence convinces anybody who has the key
    for each in (caught.value.known, caught.value.shown):
        assert sight(each.note, [SIGNER.verifier]) == each
    assert caught.value.known.checkpoint.root != caught.value.shown.checkpoint.root


@settings(deadline=None)
@given(st.integers(4, 39), st.integers(1, 36))
def test_a_rewrite(old, more):
    """A past leaf was changed and everything after it hashed anew: no proof it has will do."""
    new = min(40, old + more)
    with pytest.raises(RewrittenLog, match="do not begin alike"):
        watch(REWRITTEN, HONEST.at(old), REWRITTEN.at(new))
    with pytest.raises(RewrittenLog, match="do not begin alike"):
        watch(HONEST, HONEST.at(old), REWRITTEN.at(new))


def test_what_is_common_to_both_is_no_rewrite():
    assert watch(REWRITTEN, HONEST.at(3), REWRITTEN.at(9)) == REWRITTEN.at(9)


def test_growth_without_a_proof():
    with pytest.raises(RewrittenLog, match="does not prove"):
        observe(HONEST.at(5), HONEST.at(9))


@pytest.mark.parametrize("proven", [True, False])
def test_an_older_checkpoint(proven):
    known, shown = HONEST.at(9), HONEST.at(5)
    assert proof_needed(known, shown) == (5, 9)
    with pytest.raises(StaleCheckpoint, match="counts 5 leaves, 9 were seen") as caught:
        observe(known, shown, HONEST.proof((5, 9)) if proven else None)
    assert caught.value.shown == shown


def test_an_older_checkpoint_of_a_rewritten_log():
    with pytest.raises(RewrittenLog):
        watch(HONEST, HONEST.at(9), REWRITTEN.at(5))


def test_a_log_that_became_empty():
    with pytest.raises(StaleCheckpoint):
        observe(HONEST.at(9), HONEST.at(0))


def test_growth_from_nothing_needs_no_proof():
    assert proof_needed(HONEST.at(0), HONEST.at(9)) is None
    assert observe(HONEST.at(0), HONEST.at(9)) == HONEST.at(9)


def test_a_truncated_proof_is_nonsense():
    proof = HONEST.proof((5, 9))
    for wrong in (proof[:-1], (), (*proof, proof[0])):
        with pytest.raises(MalformedMessage, match="hashes"):
            observe(HONEST.at(5), HONEST.at(9), wrong)


def test_every_alarm_is_a_failed_verification():
    assert issubclass(LogAlarm, VerificationFailed)
    assert not issubclass(ForkedLog, RewrittenLog | StaleCheckpoint)
    assert not issubclass(RewrittenLog, StaleCheckpoint)


def test_two_logs_are_not_compared():
    other = NoteSigner("other.example", SIGNER.key)
    with pytest.raises(MisuseError, match="other"):
        observe(HONEST.at(5), HONEST.at(5, other))
