"""What the service compares is of one extractor on both sides, and of the weights installed."""

from dataclasses import replace

import numpy as np
import pytest
from tests.server.claims import ClaimMaterial
from tests.server.device import context_of, noisy, refused
from tests.server.photographer import (
    SIDE,
    Copy,
    Photographer,
    certified,
    codes_of,
    flats,
    jpeg,
    picture,
)
from tests.server.test_photo_work import noisy_picture

from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import CLAIM_TESTING_V2
from grainseal.crypto.transcript import probe_transcript
from grainseal.models import claim_code, tiling
from grainseal.models.claim_code import claim_for, claim_positions
from grainseal.models.claims import enrol_claim
from grainseal.models.codes import extractor_for
from grainseal.models.fingerprint import estimate
from grainseal.models.photo import read_photo
from grainseal.server import authority, workers
from grainseal.server.photo_work import Frame, PhotoUnusable, cut_claim

SPEC = claim_for("CLAIM_TESTING_V2")


def by_network(seed: int) -> ClaimMaterial:
    """A claim template of a camera's flats, by the network."""
    mask = bytes([seed]) * 32
    whole = estimate(map(read_photo, flats(seed)), extractor_for(SPEC))
    made = enrol_claim(whole, SPEC, mask)
    key = HomomorphicKey(CLAIM_TESTING_V2)
    return ClaimMaterial(CLAIM_TESTING_V2, (SIDE, SIDE), mask, made.signs, made.positions, key)


@pytest.fixture
def other_weights(monkeypatch):
    """As if the network of CLAIM_TESTING_V2 were not the one that is installed."""
    authority._installed.cache_clear()
    other = replace(SPEC, weights="ab" * 32)
    monkeypatch.setitem(claim_code.CLAIMS, SPEC.name, other)
    yield
    authority._installed.cache_clear()


def enrolled(world, material):
    device = world.device(cls=Photographer)
    device.claims = material
    device.enroll(world.ticket())
    return device


def test_workers_cut_probes_by_the_templates_own_extractor(world):
    """Of two cameras with templates by the network: the own copy matches, the control does not."""
    ann, bob = (enrolled(world, by_network(seed)) for seed in (0, 1))
    copy = jpeg(picture(0), 90)
    own, other = (certified(world, device.claim(Copy(copy))) for device in (ann, bob))
    assert (own.verdict, codes_of(own)) == ("supported", ["match", "not-registered"])
    assert own.findings.control == "no match"
    assert (other.verdict, codes_of(other)) == ("rejected", ["no-match"])


def test_other_weights_are_refused_before_anything_is_compared(world, other_weights):
    device = world.device(cls=Photographer)
    device.claims = ClaimMaterial.random(world.rng, CLAIM_TESTING_V2)
    error = refused("CLAIMS_UNKNOWN", device.begin_enrollment, world.ticket())
    assert "weights abababababababab" in error.details()
    assert error.details().startswith("renew the claim template")


def test_a_stored_template_of_other_weights_is_refused(world, request):
    device = enrolled(world, ClaimMaterial.random(world.rng, CLAIM_TESTING_V2))
    request.getfixturevalue("other_weights")
    refused("CLAIMS_UNKNOWN", device.begin_registration)
    token = device.authenticate(noisy(device.code, world.rng), "grainseal", "claim").token
    refused("CLAIMS_UNKNOWN", device.begin_claim, token)
    assert device.renewal_token()  # which is how it gets a template that can be compared


def test_a_worker_with_other_weights_cuts_nothing(other_weights):
    strengths = np.random.default_rng(3).standard_normal(SPEC.feature_count((322, 386)))
    chosen = np.zeros(strengths.size, np.bool_)
    chosen[claim_positions(strengths.astype(np.float32), (322, 386), SPEC)] = True
    frame = Frame(SPEC.name, 322, 386, bytes(32), np.packbits(chosen).tobytes())
    with pytest.raises(PhotoUnusable, match="weights abababababababab"):
        cut_claim(frame, jpeg(noisy_picture()), None, None)


def test_a_probe_made_for_another_profile_is_refused(world):
    """The device signs what it cut the probe for: a probe by another extractor has another name."""
    device = world.enrolled()
    session = device.begin("grainseal", "renew")
    probe = device.encrypt(noisy(device.code, world.rng))
    other = replace(context_of(session), profile="TESTING_V2")
    request = device.probe_request(session, probe)
    request.signature = device.sign(probe_transcript(other, probe))
    refused("SIGNATURE_INVALID", device.submit_probe, request)


def test_a_worker_gives_a_photo_one_thread(monkeypatch):
    monkeypatch.setattr(tiling, "_most_threads", 0)
    monkeypatch.setattr(workers.threading.Thread, "start", lambda _: None)
    monkeypatch.setattr(workers.signal, "signal", lambda *_: None)
    workers._begin()
    assert tiling._threads() == 1
