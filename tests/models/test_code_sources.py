"""Codes take fingerprints of their own extractor only, and of their own weights."""

import hashlib
from dataclasses import replace

import numpy as np
import pytest

from grainseal.models import codes
from grainseal.models.claim_code import CLAIMS, claim_for
from grainseal.models.codes import CODES, CodeError, code_for, extractor_for, features
from grainseal.models.extractor import get_extractor, source_of
from grainseal.models.fingerprint import Fingerprint, estimate
from grainseal.models.manifest import WEIGHTS, WeightsError, read_weights
from grainseal.models.photo import Photo

V1, V2 = code_for("TESTING"), code_for("TESTING_V2")
SPECS = [*CODES.values(), *CLAIMS.values()]


def photo(side=512):
    pixels = np.random.default_rng(5).integers(90, 110, (side, side, 3), np.uint8)
    return Photo(pixels, "developed", "noise", "")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_every_code_finds_its_extractor_here(spec):
    assert extractor_for(spec).source(spec.kind) == spec.source
    assert bool(spec.weights) == (spec.extractor == "neural")


def test_the_pinned_weights_are_those_that_are_shipped():
    _, weights = read_weights(WEIGHTS, "neural-developed")
    assert hashlib.sha256(weights).hexdigest() == codes.NEURAL_V2
    assert V2.source == f"neural:{codes.NEURAL_V2}"


def test_other_weights_are_another_extractor():
    trained_anew = replace(V2, weights="ab" * 32)
    with pytest.raises(CodeError, match=r"TESTING_V2 .*weights abababababababab.*codes of the two"):
        extractor_for(trained_anew)
    with pytest.raises(CodeError, match="weights abababababababab"):
        features(estimate([photo()], get_extractor("neural")), trained_anew)


def test_missing_weights_are_a_codes_error(monkeypatch):
    def missing(name):
        raise WeightsError(f"the weights {name} are missing: install grainseal again")

    monkeypatch.setattr(codes, "get_extractor", missing)
    with pytest.raises(CodeError, match=r"TESTING_V2 cannot be made: .* install grainseal again"):
        extractor_for(V2)


@pytest.mark.parametrize(("made_for", "used_for"), [(V1, V2), (V2, V1)])
def test_a_fingerprint_of_another_extractor_gives_no_code(made_for, used_for):
    found = estimate([photo()], extractor_for(made_for))
    assert found.source == made_for.source
    assert features(found, made_for).size == made_for.feature_count((512, 512))
    with pytest.raises(CodeError, match=r"was made with the extractor .* give the photos instead"):
        features(found, used_for)


def test_the_depth_of_the_wavelet_counts_too():
    found = estimate([photo()], get_extractor("wavelet"))
    features(found, claim_for("CLAIM_TESTING"))
    with pytest.raises(CodeError, match=r"extractor wavelet and TESTING is made with .*wavelet5"):
        features(found, V1)


def test_values_that_no_extractor_made_are_taken_as_they_are():
    made = Fingerprint(np.ones((512, 512), np.float32), "developed", 1)
    assert features(made, V2).shape == features(made, V1).shape


def test_raw_has_one_source_under_both_names_of_the_network():
    by_network = get_extractor("neural").source("raw")
    assert by_network == get_extractor("neural-best").source("raw")
    assert by_network.startswith("neural:")
    assert by_network != get_extractor("neural").source("developed")
    assert source_of("wavelet") == get_extractor("wavelet").source("raw")
