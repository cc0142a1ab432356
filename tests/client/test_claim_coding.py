"""Claim templates on the device: what the vault keeps, what an own photo says, what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from grainseal.client.claim_coding import new_claim_template, own_code, stored_positions
from grainseal.client.claim_photos import (
    encrypted_claims,
    renewed_claims,
    wanted_claims,
)
from grainseal.client.errors import ClientError, PhotosRefused
from grainseal.client.photos import extract
from grainseal.client.vault_state import StoredClaims
from grainseal.crypto.profiles import CLAIM_TESTING, CLAIM_V1
from grainseal.models.alignment import Placement, copy_features
from grainseal.models.claim_code import claim_for, claim_positions
from grainseal.models.claims import claim_probe
from grainseal.models.codes import features
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.photo import read_photo

SPEC = claim_for("CLAIM_TESTING")
SHAPE = (522, 600)  # 4 divides neither count of features


def noise(photos: int = 6, shape: tuple[int, int] = SHAPE) -> Fingerprint:
    values = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    return Fingerprint(values, "developed", photos)


def stored(template) -> StoredClaims:
    return StoredClaims(
        template.profile, template.frame, 2, template.seed, template.positions, b"secret"
    )


@pytest.fixture(scope="module")
def template(alice):
    return new_claim_template(
        extract(alice.enroll, claim_for(CLAIM_TESTING.name).extractor), CLAIM_TESTING
    )


def test_the_bitmap_has_one_bit_for_each_feature_of_the_frame() -> None:
    mine = noise()
    template = new_claim_template(mine, CLAIM_TESTING)
    count = SHAPE[0] // 2 * (SHAPE[1] // 2)
    assert len(template.positions) == (count + 7) // 8
    bits = "".join(f"{byte:08b}" for byte in template.positions)
    assert set(bits[count:]) <= {"0"}
    set_bits = [place for place, bit in enumerate(bits) if bit == "1"]
    expected = claim_positions(features(mine, SPEC), SHAPE, SPEC)
    assert set_bits == sorted(expected.tolist())
    np.testing.assert_array_equal(stored_positions(stored(template)), expected)


def test_every_template_has_a_seed_of_its_own() -> None:
    one, other = (new_claim_template(noise(), CLAIM_TESTING) for _ in range(2))
    assert one.positions == other.positions
    assert one.seed != other.seed
    assert abs(int(one.code.astype(int) @ other.code)) < 5 * SPEC.length**0.5


def test_an_own_photo_s_code_is_the_sign_of_its_probe(alice, template) -> None:
    photo, claims = read_photo(alice.probe[0]), stored(template)
    code = own_code(photo, claims)
    values = copy_features(photo, Placement((1.0, 1.0)), photo.shape, SPEC)
    probe = claim_probe(values, stored_positions(claims), SPEC, claims.seed)
    assert code.dtype == np.int8
    assert np.all(code[probe == 0] == 1)
    assert np.all(code[probe != 0] == np.sign(probe[probe != 0]))
    assert np.count_nonzero(probe == 0) > 100


def test_an_own_photo_s_code_agrees_with_its_camera_only(alice, mallory, template) -> None:
    claims = stored(template)
    genuine, impostor = (
        int(own_code(read_photo(shots.probe[0]), claims).astype(int) @ template.code)
        for shots in (alice, mallory)
    )
    unit = SPEC.length**0.5
    assert genuine > 2 * SPEC.low * unit
    assert impostor < (SPEC.low - 1) * unit


def test_photos_that_have_no_code(alice, template) -> None:
    photo, claims = read_photo(alice.probe[0]), stored(template)
    with pytest.raises(PhotosRefused, match="enrolled ones"):
        own_code(photo.cropped(384), claims)
    turned = replace(photo, pixels=np.zeros((514, 512, 3), np.uint8))
    with pytest.raises(PhotosRefused, match="rotated"):
        own_code(turned, replace(claims, frame=(512, 514)))
    blank = replace(photo, pixels=np.full_like(photo.pixels, 200))
    with pytest.raises(PhotosRefused, match="blank or synthetic"):
        own_code(blank, claims)


def test_too_few_photos_and_too_small_frames(alice) -> None:
    with pytest.raises(PhotosRefused, match="at least 6 photos, not 5"):
        wanted_claims(True, alice.enroll[:5], None, "CLAIM_TESTING", False)
    with pytest.raises(PhotosRefused, match="at least 6 photos, not 3"):
        wanted_claims(True, alice.enroll, alice.probe, "CLAIM_TESTING", False)
    with pytest.raises(PhotosRefused, match="at least 1024x1024"):
        wanted_claims(True, alice.enroll, None, None, False)
    with pytest.raises(ClientError, match="CLAIM_MAX_V1"):
        wanted_claims(True, alice.enroll, None, "CLAIM_V9", False)
    with pytest.raises(PhotosRefused, match="cannot read"):
        wanted_claims(True, alice.enroll, [Path("/nowhere.jpg")] * 6, "CLAIM_TESTING", False)


def test_raw_photos_make_no_claim_template(alice) -> None:
    raw = replace(noise(), kind="raw")
    for photos, named in ((raw, None), (alice.enroll, raw)):
        with pytest.raises(PhotosRefused, match="--claim-photos"):
            wanted_claims(True, photos, named, "CLAIM_TESTING", False)
    with pytest.raises(PhotosRefused, match="not raw ones"):
        new_claim_template(raw, CLAIM_TESTING)


def test_a_fingerprint_for_authentication_makes_none_either(alice) -> None:
    with pytest.raises(ClientError, match="give claim photos too"):
        wanted_claims(True, noise(), None, "CLAIM_TESTING", False)
    named = wanted_claims(True, noise(), alice.enroll, "CLAIM_TESTING", False)
    assert named is not None
    assert (named.photos, named.count, named.looked_at) == (alice.enroll, 6, False)


def test_claim_photos_without_claims(alice) -> None:
    assert wanted_claims(False, alice.enroll, None, None, False) is None
    for photos, profile in ((alice.enroll, None), (None, "CLAIM_V1")):
        with pytest.raises(ClientError, match="go with --claims"):
            wanted_claims(False, alice.enroll, photos, profile, False)


def test_a_renewal_keeps_what_there_is_unless_told(alice, template) -> None:
    photos, old = alice.enroll, stored(template)
    assert renewed_claims(None, None, photos, None, None, False) is None
    assert renewed_claims(old, False, photos, None, None, False) is None
    kept = renewed_claims(old, None, photos, None, None, False)
    assert kept is not None
    assert kept.profile is CLAIM_TESTING
    added = renewed_claims(None, True, photos, None, "CLAIM_TESTING", False)
    assert added == kept
    with pytest.raises(PhotosRefused, match="--no-claims"):
        renewed_claims(old, None, alice.later, None, None, False)
    with pytest.raises(PhotosRefused, match="1024x1024"):
        renewed_claims(None, True, photos, None, CLAIM_V1.name, False)


def test_claim_photos_are_looked_at(alice) -> None:
    same_shot = [alice.enroll[0]] * 6
    wanted = wanted_claims(True, noise(), same_shot, "CLAIM_TESTING", False)
    assert wanted is not None
    with pytest.raises(PhotosRefused, match="same shot"):
        encrypted_claims(wanted)


def test_what_is_uploaded_and_what_stays(alice) -> None:
    seen: list[tuple[int, int]] = []
    wanted = wanted_claims(True, alice.enroll, None, "CLAIM_TESTING", False)
    assert wanted is not None
    encrypted = encrypted_claims(wanted, lambda done, total: seen.append((done, total)))
    assert seen == [(done, 6) for done in range(1, 7)]
    # docs/PROTOCOL.md, "Wire forms": code, relinearisation key, zero-key, a bit for each feature.
    assert len(encrypted.upload) == 262_208 + 786_560 + 262_208 + 256 * 256 // 8
    assert encrypted.upload.endswith(encrypted.stored.positions)
    assert encrypted.stored.sums_opened == 2
    parameters = encrypted.parameters
    assert (parameters.profile, parameters.height, parameters.width) == ("CLAIM_TESTING", 512, 512)
    assert parameters.seed == encrypted.stored.seed
