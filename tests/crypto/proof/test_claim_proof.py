"""A claim proof's file: logged, of this photo, by this claimant, for this window, or refused."""

import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from tests.crypto.proof.cases import draw, score_of

from grainseal.crypto.checkpoint import Checkpoint, NoteSigner, parse_verifier_key, sign_checkpoint
from grainseal.crypto.claim_proof import (
    FORMAT,
    PROOF_CHECKS,
    ClaimProof,
    Seen,
    parse_claim_proof,
    signs_statement,
    verify_claim_proof,
    window_to_prove,
)
from grainseal.crypto.claim_proof_statement import ClaimProofStatement, ProofPlacement
from grainseal.crypto.claim_template import ClaimTemplateFacts
from grainseal.crypto.entries import EnrollmentEntry
from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit
from grainseal.crypto.masking import PublicKeys
from grainseal.crypto.merkle import leaf_hash, node_hash
from grainseal.crypto.proof.commitment import commit as commit_code
from grainseal.crypto.proof.packing import pack_probe, unpack_probe
from grainseal.crypto.proof.score_proof import prove_score
from grainseal.crypto.proof.signs_proof import prove_signs
from grainseal.crypto.proof.window import ScoreWindow
from grainseal.crypto.receipts import Receipt
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import claim_template_hash

SIGNER = NoteSigner("log.example", SigningKey(b"\1" * 32))
KEYS = [parse_verifier_key(str(SIGNER.verifier))]
PHOTO, POSITIONS = hashlib.sha256(b"photo").digest(), b"positions as uploaded"
DEVICE = SigningKey(b"\2" * 32).public
WHOLE = ProofPlacement(("1.00000", "1.00000"), ("0.0", "0.0"), 0, False)


def receipt_of(template_sha256: bytes, signer=SIGNER) -> Receipt:
    """An enrolment with that claim template, logged as the second of two leaves."""
    hashes = [bytes([i]) * 32 for i in range(3)]
    entry = EnrollmentEntry(
        "e1", "ann", "shop", "AUTH_JPEG_V1", DEVICE, *hashes, template_sha256, 1_800_000_000
    )
    leaf, other = commit(Kind.ENROLLMENT, Opening(b"s" * 32, entry.encoded)), leaf_hash(b"other")
    note = sign_checkpoint(Checkpoint(signer.name, 2, node_hash(other, leaf.hash)), [signer])
    return Receipt(entry, b"s" * 32, leaf.commitment, LogProof(1, (other,), note))


def facts_of(commitment_sha256: bytes) -> ClaimTemplateFacts:
    hashes = [bytes([i]) * 32 for i in range(3)]
    positions = hashlib.sha256(POSITIONS).digest()
    return ClaimTemplateFacts(
        "CLAIM_TESTING", 256, 256, b"m" * 32, *hashes, positions, commitment_sha256
    )


@pytest.fixture(scope="module")
def made():
    """A true claim proof and what its verifier has."""
    secret, probe = draw(6)
    score, commitment = score_of(secret, probe), commit_code(secret)
    accepted = ScoreWindow(score - 40, score + 40)
    window = window_to_prove(accepted, probe.size)
    template = facts_of(commitment.sha256)
    receipt = receipt_of(template.sha256)
    statement = ClaimProofStatement(PHOTO, "e1", DEVICE, "licence", 1_800_000_100, WHOLE)
    proof = ClaimProof(
        FORMAT,
        statement,
        template,
        POSITIONS,
        commitment.encoded,
        prove_signs(secret, commitment, signs_statement(receipt.entry)),
        window.low,
        window.high,
        pack_probe(probe),
        prove_score(secret, commitment, probe, window, statement.encoded),
        receipt.to_json(),
    )
    return proof, Seen(probe, accepted)


def checked(proof, seen, keys=KEYS, photo=PHOTO):
    return verify_claim_proof(proof.to_json().encode(), keys, photo, lambda _proof: seen)


def refused(proof, seen, check, problem, **options):
    done = checked(proof, seen, **options)
    assert not done.valid
    assert done.failed == check
    assert re.search(problem, done.problem)
    assert [each.check for each in (*done.steps, *done.not_made)] == list(PROOF_CHECKS)


def test_a_true_one_goes_through_its_file(made):
    proof, seen = made
    assert parse_claim_proof(proof.to_json().encode()) == proof
    done = checked(proof, seen)
    assert done.valid, done.problem
    assert (done.proof, done.distance, done.failed, done.not_made) == (proof, 0, None, ())
    assert done.receipt.entry.subject == "ann"


def test_a_commitment_that_is_not_in_the_log(made):
    proof, seen = made
    stranger = NoteSigner("log.example", SigningKey(b"\3" * 32))
    unlogged = receipt_of(proof.template.sha256, stranger)
    refused(replace(proof, receipt=unlogged.to_json()), seen, "O2", "to be logged: L3: ")
    content = json.loads(proof.receipt)
    content["inclusion"] = ["00" * 32]
    refused(replace(proof, receipt=json.dumps(content)), seen, "O2", "to be logged: L5: ")


def test_a_commitment_that_the_logged_enrolment_does_not_have(made):
    proof, seen = made
    secret, _ = draw(7)
    other = commit_code(secret)
    refused(replace(proof, commitment=other.encoded), seen, "O3", "another commitment, or none")
    template = replace(proof.template, commitment_sha256=other.sha256)
    changed = replace(proof, commitment=other.encoded, template=template)
    refused(changed, seen, "O3", "another claim template")
    none = facts_of(b"")
    without = replace(proof, template=none, receipt=receipt_of(none.sha256).to_json())
    refused(without, seen, "O3", "another commitment, or none")


def test_another_photo_claimant_time_or_place(made):
    proof, seen = made
    refused(proof, seen, "O4", "another photo", photo=bytes(32))
    for change, problem in (
        ({"enrollment_id": "e2"}, "another claimant"),
        ({"device_key": bytes(32)}, "another claimant"),
        ({"made_at": 1}, "older than the enrolment"),
    ):
        changed = replace(proof, statement=replace(proof.statement, **change))
        refused(changed, seen, "O4", problem)
    for change in (
        {"purpose": "takedown"},
        {"made_at": 1_800_000_101},
        {"placement": replace(WHOLE, turns=2)},
        {"placement": replace(WHOLE, mirrored=True)},
        {"placement": replace(WHOLE, origin=("0.1", "0.0"))},
        {"placement": replace(WHOLE, scale=("1.00000", "0.99999"))},
    ):
        changed = replace(proof, statement=replace(proof.statement, **change))
        refused(changed, seen, "O8", "does not prove")


def test_other_positions(made):
    proof, seen = made
    refused(replace(proof, positions=b"others"), seen, "O3", "other positions")


def test_what_the_photo_says_is_asked_of_the_enrolled_positions_only(made):
    proof, _ = made

    def unreadable(asked):
        assert asked == proof
        raise VerificationFailed("no place for it")

    done = verify_claim_proof(proof.to_json().encode(), KEYS, PHOTO, unreadable)
    assert (done.failed, done.problem) == ("O5", "no place for it")
    others = replace(proof, positions=b"others").to_json().encode()
    assert verify_claim_proof(others, KEYS, PHOTO, unreadable).failed == "O3"


def test_a_window_that_is_wider_or_changed(made):
    proof, seen = made
    wider = {"low": seen.window.low - 1}, {"high": seen.window.high + 1}
    for change in wider:
        refused(replace(proof, **change), seen, "O6", "not a match of this photo")
    refused(replace(proof, low=proof.low + 1), seen, "O8", "does not prove")
    refused(replace(proof, low=9, high=9), seen, "O6", "window is 0 <= low")


def test_rounding_may_differ_a_little_and_no_more(made):
    """N/1024 steps, here none: a window that was narrowed more leaves room for more."""
    proof, seen = made
    assert seen.probe.size < 1024
    probe = seen.probe.copy()
    probe[5] += 1 if probe[5] < 7 else -1
    refused(proof, replace(seen, probe=probe), "O6", r"differs too much \(by 1 steps\)")
    wide = ScoreWindow(seen.window.low - 1, seen.window.high + 1)
    done = checked(proof, replace(seen, probe=probe, window=wide))
    assert (done.valid, done.distance) == (True, 1)


def test_the_probe_is_the_proven_one(made):
    proof, seen = made
    probe = seen.probe.copy()
    probe[5] += 1 if probe[5] < 7 else -1
    wide = ScoreWindow(seen.window.low - 1, seen.window.high + 1)
    changed = replace(proof, probe=pack_probe(probe))
    refused(changed, replace(seen, window=wide), "O8", "does not prove")
    refused(replace(proof, probe=proof.probe[:-1]), seen, "O6", "differ in length")


def test_each_of_the_two_proofs_is_named(made):
    proof, seen = made
    for name, check in (("signs", "O7"), ("score", "O8")):
        whole = getattr(proof, name)
        another = whole[:-32] + (1).to_bytes(32, "big")
        refused(replace(proof, **{name: another}), seen, check, "does not prove")
        refused(replace(proof, **{name: whole[:-1]}), seen, check, "bytes")


def test_files_that_are_none(made):
    good = json.loads(made[0].to_json())
    said = good["statement"]
    place = said["placement"]
    bad = [
        {**good, "format": "grainseal-claim-proof/2"},
        {**good, "more": 1},
        {name: value for name, value in good.items() if name != "signs"},
        {**good, "signs": good["signs"].upper()},
        {**good, "statement": {**said, "purpose": ""}},
        {**good, "statement": {**said, "photo_sha256": "00"}},
        *(
            {**good, "statement": {**said, "placement": {**place, **change}}}
            for change in (
                {"scale": ["1.0", "1.00000"]},
                {"scale": ["2.00000", "1.00000"]},
                {"scale": ["1.00000"]},
                {"origin": ["-0.0", "0.0"]},
                {"origin": ["00.0", "0.0"]},
                {"origin": ["0.0", "1e3.0"]},
                {"turns": 4},
                {"mirrored": 1},
            )
        ),
    ]
    for content in bad:
        data = json.dumps(content).encode()
        with pytest.raises(MalformedMessage):
            parse_claim_proof(data)
        done = verify_claim_proof(data, KEYS, PHOTO, lambda _proof: made[1])
        assert (done.failed, done.proof) == ("O1", None)


def test_a_file_cut_off_anywhere(made):
    data = made[0].to_json().encode()
    for length in (0, 1, len(data) // 2, len(data) - 3):
        done = verify_claim_proof(data[:length], KEYS, PHOTO, lambda _proof: made[1])
        assert done.failed == "O1"


def test_the_template_hash_with_and_without_a_commitment():
    keys = PublicKeys(b"relin", b"zero")
    parts = "CLAIM_V1", 10, 20, b"m" * 32, b"code", keys, b"positions"
    hashes = [hashlib.sha256(each).digest() for each in (b"code", b"relin", b"zero", b"positions")]
    for commitment in (b"", b"c" * 32):
        facts = ClaimTemplateFacts("CLAIM_V1", 10, 20, b"m" * 32, *hashes, commitment)
        assert facts.sha256 == claim_template_hash(*parts, commitment)
    assert facts.sha256 != claim_template_hash(*parts)


def test_packing():
    probe = np.arange(-7, 7, dtype=np.int8)
    assert pack_probe(probe)[:2].hex() == "9abc"
    assert (unpack_probe(pack_probe(probe)) == probe).all()
    with pytest.raises(MalformedMessage):
        unpack_probe(b"\x18")
    for bad in (probe[:3], np.full(2, 8, np.int8), np.full(2, -128, np.int8), probe.astype(int)):
        with pytest.raises(MisuseError):
            pack_probe(bad)
