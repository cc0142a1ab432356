"""Wire forms: sizes, refusals and fuzzing of everything that a peer's bytes can reach in SEAL."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from grainseal.crypto.claim_masking import load_claim_template, mask_probe
from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.masking import LoadedKeys, PublicKeys, load_code, mask_comparison
from grainseal.crypto.profiles import AUTH_JPEG_V1, CLAIM_TESTING, TESTING

LOADERS = ["code", "relin", "zero"]


@pytest.fixture(scope="module")
def wires(device, random_code):
    keys = device.key.public_keys()
    return {
        "code": device.key.encrypt(random_code(TESTING.length, 1)),
        "relin": keys.relin_key,
        "zero": keys.zero_key,
    }


@pytest.fixture(scope="module")
def random_code():
    return lambda n, seed: np.random.default_rng(seed).choice(np.array([-1, 1], np.int8), n)


def load(wires, which, wire):
    if which == "code":
        load_code(TESTING, wire)
        return
    keys = {"relin_key": wires["relin"], "zero_key": wires["zero"], f"{which}_key": wire}
    LoadedKeys.from_wire(TESTING, PublicKeys(**keys))


def test_sizes_are_the_protocol_s(production, random_code):
    keys = production.key.public_keys()
    assert len(production.key.encrypt(random_code(AUTH_JPEG_V1.length, 1))) == 2 * 131_136
    assert len(keys.relin_key) == 393_344
    assert len(keys.zero_key) == 131_136


def test_sizes_for_claims_are_the_protocol_s(claimant, random_code):
    keys = claimant.key.public_keys()
    code = random_code(CLAIM_TESTING.length, 1)
    assert len(claimant.key.encrypt(code)) == CLAIM_TESTING.blocks * 262_208
    assert len(keys.relin_key) == 786_560
    assert len(keys.zero_key) == 262_208
    template = load_claim_template(CLAIM_TESTING, claimant.key.encrypt(code))
    sums, _ = mask_probe(CLAIM_TESTING, claimant.keys, template, code, 1)
    assert len(sums[0].c1) == 131_072


def test_keys_and_codes_of_another_ring_are_refused(device, claimant, wires, random_code):
    ours, theirs = claimant.key.public_keys(), device.key.public_keys()
    for mixed in (
        PublicKeys(ours.relin_key, theirs.zero_key),
        PublicKeys(theirs.relin_key, ours.zero_key),
    ):
        for profile in (CLAIM_TESTING, TESTING):
            with pytest.raises(MalformedMessage, match="bytes"):
                LoadedKeys.from_wire(profile, mixed)
    with pytest.raises(MalformedMessage, match="CLAIM_TESTING takes"):
        load_claim_template(CLAIM_TESTING, wires["code"])


@pytest.mark.parametrize("which", LOADERS)
def test_truncated_and_longer_bytes_are_refused(wires, which):
    wire = wires[which]
    for bad in (b"", wire[:-1], wire[: len(wire) // 2], wire + b"\0"):
        with pytest.raises(MalformedMessage, match="bytes"):
            load(wires, which, bad)


@pytest.mark.parametrize("which", LOADERS)
def test_coefficient_outside_its_modulus_is_refused(wires, which):
    q0 = TESTING.ring.last_prime
    for value in (q0, (1 << 64) - 1):
        bad = value.to_bytes(8, "little") + wires[which][8:]
        with pytest.raises(MalformedMessage, match="outside its modulus"):
            load(wires, which, bad)


@pytest.mark.parametrize("which", LOADERS)
def test_transparent_bytes_are_refused(wires, which):
    wire = wires[which]
    for bad in (b"\0" * len(wire), b"\0" * (len(wire) - 64) + wire[-64:], wire[:-64] + b"\0" * 64):
        with pytest.raises(MalformedMessage, match="transparent"):
            load(wires, which, bad)


def test_another_profile_s_code_is_refused(production, random_code):
    wire = production.key.encrypt(random_code(AUTH_JPEG_V1.length, 2))
    with pytest.raises(MalformedMessage, match="TESTING takes"):
        load_code(TESTING, wire)


@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_flipped_bits_load_or_are_refused_and_never_crash(device, wires, data):
    which = data.draw(st.sampled_from(LOADERS))
    wire = bytearray(wires[which])
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        load(wires, which, bytes(wire))
    except MalformedMessage:
        return
    if which == "code":  # a valid number in a wrong place is noise; it must still be computable
        code = load_code(TESTING, bytes(wire))
        mask_comparison(TESTING, device.keys, code, code)


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(junk=st.binary(max_size=600))
def test_junk_is_refused(wires, junk):
    for which in LOADERS:
        with pytest.raises(MalformedMessage):
            load(wires, which, junk)
