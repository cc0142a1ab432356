"""Claim codes: positions by quota, integer probes, and what they reach on photos."""

import io
import math

import numpy as np
import pytest
from PIL import Image
from tests.real_photos import CAMERAS

from grainseal.models.alignment import Placement, copy_features, to_frame, uncropped
from grainseal.models.claim_code import (
    CLAIMS,
    PROBE_LIMIT,
    TILES,
    check_positions,
    claim_for,
    claim_positions,
    map_tile,
    positions_from,
    require_claim_frame,
)
from grainseal.models.claims import (
    claim_probe,
    claim_score,
    enrol_claim,
    kept_z,
    told_probability,
)
from grainseal.models.codes import CodeError, features, keyed_mask
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Fingerprint, estimate, zero_mean_by_cell
from grainseal.models.photo import read_photo
from grainseal.models.registration import register
from grainseal.models.simulator import VirtualCamera, take_burst

SEED = bytes(range(32))
SPEC = claim_for("CLAIM_TESTING")
V1 = claim_for("CLAIM_V1")
SHAPE = (522, 600)  # 8 does not divide the first, nor 64 the second
SAME_SIZE = Placement((1.0, 1.0))


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def fingerprint(shape=SHAPE, seed=0, photos=6):
    return Fingerprint(noise(shape, seed), "developed", photos)


def inner(template, probe):
    return int(template.signs.astype(np.int64) @ probe.astype(np.int64))


def z_of(template, values, spec):
    probe = claim_probe(values, template.positions, spec, SEED)
    return claim_score(inner(template, probe), probe, spec).z


def grid_coordinates(positions, shape):
    return np.divmod(positions.astype(int), shape[1] // 2)


def test_every_tile_and_phase_has_its_quota_and_its_strongest():
    values = features(fingerprint(), SPEC)
    positions = claim_positions(values, SHAPE, SPEC)
    rows, columns = grid_coordinates(positions, SHAPE)
    edges = [[tile * (n // 8) // TILES * 4 for tile in range(TILES + 1)] for n in SHAPE]
    tile_row = np.searchsorted(edges[0], rows, side="right") - 1
    tile_column = np.searchsorted(edges[1], columns, side="right") - 1
    cell = ((tile_row * TILES + tile_column) * 4 + rows % 4) * 4 + columns % 4
    assert np.bincount(cell, minlength=1024).tolist() == [SPEC.quota] * 1024
    # An independent selection of one tile's one phase: every chosen one beats every other.
    tile = values.reshape(SHAPE[0] // 2, -1)[edges[0][2] : edges[0][3], edges[1][5] : edges[1][6]]
    phase = np.sort(np.abs(tile[1::4, 2::4]).ravel())[::-1]
    mine = (tile_row == 2) & (tile_column == 5) & (rows % 4 == 1) & (columns % 4 == 2)
    np.testing.assert_array_equal(
        np.sort(np.abs(values[positions[mine]]))[::-1], phase[: SPEC.quota]
    )


def test_map_tiles_are_the_sixteenths_of_the_code():
    values = features(fingerprint(), SPEC)
    positions = claim_positions(values, SHAPE, SPEC)
    for index in range(16):
        part = positions[map_tile(SPEC, index)]
        assert np.all(np.diff(part.astype(int)) > 0)
        rows, columns = grid_coordinates(part, SHAPE)
        assert rows.min() >= index // 4 * 62
        assert rows.max() < (index // 4 + 1) * 66
        assert columns.min() >= index % 4 * 72
        assert columns.max() < (index % 4 + 1) * 76
    with pytest.raises(CodeError, match="16 tiles"):
        map_tile(SPEC, 16)


def test_positions_survive_as_one_bit_per_feature():
    positions = claim_positions(features(fingerprint(), SPEC), SHAPE, SPEC)
    chosen = np.zeros(SPEC.feature_count(SHAPE), np.bool_)
    chosen[positions] = True
    np.testing.assert_array_equal(positions_from(chosen, SHAPE, SPEC), positions)
    check_positions(positions, SHAPE, SPEC)


def test_foreign_positions_are_refused():
    positions = claim_positions(features(fingerprint(), SPEC), SHAPE, SPEC)
    swapped = positions.copy()
    swapped[:2] = swapped[1::-1]
    doubled = positions.copy()
    doubled[1] = doubled[0]
    region = np.arange(SPEC.length, dtype=np.uint32)
    for wrong in (swapped, doubled, region):
        with pytest.raises(CodeError, match=r"map order|quota"):
            check_positions(wrong, SHAPE, SPEC)
    with pytest.raises(CodeError, match="outside"):
        check_positions(positions + np.uint32(10**6), SHAPE, SPEC)
    with pytest.raises(CodeError, match="32-bit"):
        check_positions(positions[:-1], SHAPE, SPEC)


def test_template_is_the_masked_sign_at_each_position():
    mine = fingerprint()
    template = enrol_claim(mine, SPEC, SEED)
    values = features(mine, SPEC)
    expected = np.where(values[template.positions] < 0, -1, 1) * keyed_mask(SPEC, SEED)
    np.testing.assert_array_equal(template.signs, expected)
    other = enrol_claim(mine, SPEC, bytes(32))
    assert abs(int(template.signs.astype(int) @ other.signs.astype(int))) < 5 * SPEC.length**0.5


def test_probe_is_small_integers_and_costs_nothing():
    """The mask cancels; rounding keeps the statistic of real-valued features to 2 %."""
    template = enrol_claim(fingerprint(), SPEC, SEED)
    values = noise(SPEC.feature_count(SHAPE), 1) + 0.2 * features(fingerprint(), SPEC)
    probe = claim_probe(values, template.positions, SPEC, SEED)
    assert probe.dtype == np.int8
    assert np.abs(probe).max() == PROBE_LIMIT
    real = values[template.positions]
    signs = np.where(features(fingerprint(), SPEC)[template.positions] < 0, -1, 1)
    exact = float(signs @ real) / math.sqrt(float(real @ real))
    assert claim_score(inner(template, probe), probe, SPEC).z == pytest.approx(exact, rel=0.02)


def test_unknown_features_do_not_count():
    template = enrol_claim(fingerprint(), SPEC, SEED)
    values = features(fingerprint(), SPEC).copy()
    values[values.size // 2 :] = 0
    probe = claim_probe(values, template.positions, SPEC, SEED)
    assert np.all(probe[values[template.positions] == 0] == 0)
    assert np.count_nonzero(probe) > 0.4 * SPEC.length
    # Half the positions, so the square root of half the statistic.
    full = claim_probe(features(fingerprint(), SPEC), template.positions, SPEC, SEED)
    ratio = (
        claim_score(inner(template, probe), probe, SPEC).z
        / claim_score(inner(template, full), full, SPEC).z
    )
    assert ratio == pytest.approx(math.sqrt(0.5), rel=0.05)


def test_a_plaintext_modulus_of_22_or_24_bits_holds_every_score():
    assert 2 * V1.largest_sum < 2**22
    assert 2 * claim_for("CLAIM_MAX_V1").largest_sum < 2**24


def test_null_of_independent_signs_is_standard_normal():
    """Whatever the probe is; here heavy-tailed and smooth."""
    positions = claim_positions(features(fingerprint(), SPEC), SHAPE, SPEC)
    values = np.cumsum(noise(SPEC.feature_count(SHAPE)) ** 3).astype(np.float32)
    probe = claim_probe(values - values.mean(), positions, SPEC, SEED).astype(int)
    rng = np.random.default_rng(2)
    scores = [
        claim_score(int(rng.choice((-1, 1), SPEC.length) @ probe), probe, SPEC).z
        for _ in range(400)
    ]
    assert abs(np.mean(scores)) < 0.2
    assert 0.9 < np.std(scores) < 1.1


def test_the_threshold_keeps_false_matches_below_1e_4():
    for spec in CLAIMS.values():
        probe = np.ones(spec.length, np.int8)
        at_low = claim_score(math.ceil(spec.low * spec.length**0.5), probe, spec)
        assert 1e-5 < at_low.false_match_probability < 1e-4
        assert spec.low % 0.25 == 0


def test_what_is_kept_and_told_is_coarse():
    assert [kept_z(z) for z in (4.24, -0.1, 7.13)] == [4.25, 0.0, 7.25]
    told = {0.3: 1.0, 1e-4: 1e-4, 1.1e-5: 1e-4, 9e-6: 1e-5, 1e-30: 1e-12, 0.0: 1e-12}
    assert {p: told_probability(p) for p in told} == told


def test_wrong_inputs_are_refused_with_what_to_do():
    with pytest.raises(CodeError, match=r"at least 1024x1024"):
        require_claim_frame((1000, 1000), V1)
    require_claim_frame((1024, 1024), V1)
    with pytest.raises(CodeError, match=r"at least 2048x2048"):
        require_claim_frame((2000, 2048), claim_for("CLAIM_MAX_V1"))
    with pytest.raises(CodeError, match="at least 6 photos, not 5"):
        enrol_claim(fingerprint(photos=5), SPEC, SEED)
    with pytest.raises(CodeError, match="32 bytes"):
        enrol_claim(fingerprint(), SPEC, SEED[:5])
    with pytest.raises(CodeError, match="CLAIM_MAX_V1, CLAIM_MAX_V2, CLAIM_TESTING"):
        claim_for("CLAIM")
    template = enrol_claim(fingerprint(), SPEC, SEED)
    blank = np.zeros(SPEC.feature_count(SHAPE), np.float32)
    with pytest.raises(CodeError, match="blank or synthetic"):
        claim_probe(blank, template.positions, SPEC, SEED)
    with pytest.raises(CodeError, match="blank or synthetic"):
        claim_probe(blank + np.nan, template.positions, SPEC, SEED)
    with pytest.raises(CodeError, match="outside the frame"):
        claim_probe(blank[:5000], template.positions, SPEC, SEED)
    probe = np.ones(SPEC.length, np.int8)
    with pytest.raises(CodeError, match="cannot come from"):
        claim_score(SPEC.length + 1, probe, SPEC)


def test_enrolment_from_scenes_in_simulation(tmp_path):
    """Six scenes enrolled, three other scenes of each of two siblings; the very photo is told."""
    scores = {True: [], False: []}
    shape, cameras = (1024, 1536), [VirtualCamera(seed, 1536, 1024) for seed in range(2)]
    extractor = get_extractor(V1.extractor)
    enrolled, replays, probes = [], [], []
    for camera in cameras:
        folder = tmp_path / str(camera.seed)
        shots = take_burst(camera, 6, folder, flat=False, seed=1)
        fresh = take_burst(camera, 3, folder, flat=False, seed=2)
        enrolled.append(enrol_claim(estimate(map(read_photo, shots), extractor), V1, SEED))
        probes.append([copy_features(read_photo(p), SAME_SIZE, shape, V1) for p in fresh])
        replays.append(copy_features(read_photo(shots[0]), SAME_SIZE, shape, V1))
    for mine, template in enumerate(enrolled):
        for other in range(2):
            scores[mine == other] += [z_of(template, values, V1) for values in probes[other]]
        assert z_of(template, replays[mine], V1) > V1.high
    assert min(scores[True]) >= V1.low
    assert max(scores[False]) < V1.low - 1


def test_flats_make_the_testing_code_work(tmp_path):
    """What end-to-end tests with small photos can count on."""
    extractor, shape = get_extractor(SPEC.extractor), (512, 512)
    cameras = [VirtualCamera(seed, 512, 512) for seed in range(2)]
    shots = [take_burst(c, 6, tmp_path / str(c.seed), seed=1) for c in cameras]
    found = [read_photo(take_burst(c, 1, tmp_path / str(c.seed), seed=2)[0]) for c in cameras]
    probes = [copy_features(photo, SAME_SIZE, shape, SPEC) for photo in found]
    for mine in range(2):
        template = enrol_claim(estimate(map(read_photo, shots[mine]), extractor), SPEC, SEED)
        assert SPEC.low <= z_of(template, probes[mine], SPEC) < SPEC.high
        assert z_of(template, probes[1 - mine], SPEC) < SPEC.low - 1


def jpeg(image, quality):
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return read_photo(data.getvalue())


@pytest.fixture(scope="module")
def nikons(real_photos):
    """Template and frame of each camera, from six flats; the seven scenes by camera."""
    enrolled = {}
    for camera in CAMERAS:
        whole = real_photos.enrolled(camera, V1.extractor)
        enrolled[camera] = (enrol_claim(whole, V1, SEED), whole.shape)
    return enrolled, [(c, p) for c in CAMERAS for p in real_photos.scenes(c)]


def features_on(single, frames):
    """What `copy_features` gives on each of the frames; the residual, the same for all, once."""
    values = zero_mean_by_cell(single.values)
    for frame in frames:
        placed = to_frame(values, SAME_SIZE, frame)
        yield features(Fingerprint(placed, single.kind, single.photos), V1)


@pytest.mark.photos
@pytest.mark.parametrize("quality", [None, 90])
def test_real_scenes_are_accepted_for_their_own_camera_only(nikons, real_photos, quality):
    enrolled, scenes = nikons
    frames = [frame for _, frame in enrolled.values()]
    accepted, impostors = 0, []
    for index, (mine, path) in enumerate(scenes):
        if quality is None:
            single = real_photos.fingerprint([path], V1.extractor)
        else:
            with Image.open(path) as image:
                photo = jpeg(image, quality)
            single = estimate([photo], get_extractor(V1.extractor))
        # Frames of another size share only a part: that of the smaller, from its corner.
        for camera, values in zip(enrolled, features_on(single, frames), strict=True):
            template, frame = enrolled[camera]
            if index == 0 and quality is not None:
                np.testing.assert_array_equal(values, copy_features(photo, SAME_SIZE, frame, V1))
            z = z_of(template, values, V1)
            if camera == mine:
                accepted += V1.low <= z < V1.high
            else:
                impostors.append(z)
    assert accepted >= 6
    assert len(impostors) == 14
    assert max(impostors) < V1.low


@pytest.mark.photos
def test_a_real_web_copy_cropped_and_reduced_is_found_again(nikons):
    enrolled, scenes = nikons
    camera, path = next((c, p) for c, p in scenes if p.stem.endswith("20585"))
    template, frame = enrolled[camera]
    with Image.open(path) as image:
        cropped = image.crop((201, 98, 2901, 1898))
        copy = jpeg(cropped.resize((2025, 1350), Image.Resampling.LANCZOS), 90)
        half = jpeg(image.resize((1504, 1000), Image.Resampling.LANCZOS), 90)
    placed = register(copy, read_photo(path))
    assert z_of(template, copy_features(copy, placed, frame, V1), V1) >= V1.low
    by_size = uncropped(half.shape, frame)[0]
    assert z_of(template, copy_features(half, by_size, frame, V1), V1) >= V1.low
