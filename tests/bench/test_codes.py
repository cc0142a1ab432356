"""The bench's scores are the product's, and its figures what they are called."""

import numpy as np
import pytest
from bench.code_figures import genuine_mean, standing_out
from bench.code_photos import COPIES, SimulatedCamera, copied
from bench.code_scores import SEED, Template, burst_score
from bench.extractors import with_extractor

from grainseal.models.claim_code import claim_for
from grainseal.models.claims import claim_probe, claim_score, enrol_claim
from grainseal.models.codes import code_for, encode, features, select_positions
from grainseal.models.evaluation import Ranking, across
from grainseal.models.fingerprint import Fingerprint

AUTH, CLAIM = code_for("TESTING"), claim_for("CLAIM_TESTING")
RNG = np.random.default_rng(4)


def pair(spec):
    """Two fingerprints that have something in common, and their features in rows and columns."""
    common, *own = RNG.standard_normal((3, 512, 512)).astype(np.float32)
    prints = [Fingerprint(common / 2 + each, "developed", 6) for each in own]
    side = 512 // spec.step
    return prints, [features(each, spec).reshape(side, side) for each in prints]


def test_a_burst_scores_what_its_codes_do():
    _, (enrolled, probe) = pair(AUTH)
    positions = select_positions(enrolled.ravel(), AUTH)
    ours, theirs = (
        encode(each.ravel(), positions, AUTH, bytes(range(32))).astype(int)
        for each in (enrolled, probe)
    )
    score = burst_score(enrolled, probe, AUTH)
    assert score == pytest.approx(ours @ theirs / AUTH.length**0.5)
    assert score > 10


def test_a_copy_scores_what_its_probe_does():
    (whole, _), (enrolled, probe) = pair(CLAIM)
    made = enrol_claim(whole, CLAIM, SEED)
    cut = claim_probe(probe.ravel(), made.positions, CLAIM, SEED)
    product = int(made.signs.astype(np.int64) @ cut.astype(np.int64))
    template = Template.of(enrolled, CLAIM)
    assert template.z(probe, CLAIM) == pytest.approx(claim_score(product, cut, CLAIM).z)
    assert abs(template.control_z(probe, CLAIM)) < 4.25
    spread, tail = template.null(RNG.standard_normal(probe.shape).astype(np.float32), CLAIM)
    assert 0.9 < spread < 1.1
    assert 3 < tail < 4.5


def test_figures_are_means_in_the_impostors_deviations():
    scores = RNG.standard_normal((4, 8)) + 5 * np.repeat(np.eye(4), 2, axis=1)
    pairs = across(scores, np.arange(4), np.repeat(np.arange(4), 2))
    own, others = pairs.scores[pairs.genuine], pairs.scores[~pairs.genuine]
    assert (own.size, others.size) == (8, 24)
    curve = Ranking(pairs.scores, pairs.genuine).curve()
    assert genuine_mean(curve) == pytest.approx(own.mean())
    expected = (own.mean() - others.mean()) / others.std()
    assert standing_out(curve) == pytest.approx(expected)


def test_the_networks_profiles_are_the_same_codes_of_another_extractor():
    for first, second in (("AUTH_JPEG_V1", "AUTH_JPEG_V2"), ("TESTING", "TESTING_V2")):
        assert vars(with_extractor(code_for(first), "neural")) == {
            **vars(code_for(second)),
            "name": first,
        }
    for first, second in (("CLAIM_V1", "CLAIM_V2"), ("CLAIM_MAX_V1", "CLAIM_MAX_V2")):
        assert vars(with_extractor(claim_for(first), "neural")) == {
            **vars(claim_for(second)),
            "name": first,
        }


def test_simulated_photos_come_from_their_seeds():
    camera, again = (SimulatedCamera(0, 0, 2, 128) for _ in range(2))
    flats = camera.flats(2)
    np.testing.assert_array_equal(flats[1].pixels, again.flats(1, first=1)[0].pixels)
    assert not np.array_equal(flats[0].pixels, flats[1].pixels)
    sizes = [copied(flats[0], *copy).shape for copy in COPIES.values()]
    assert sizes == [(128, 128), (128, 128), (64, 64)]
