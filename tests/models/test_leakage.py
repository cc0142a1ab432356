"""What published photos give away: the attacks find what is there, and the controls hold."""

import numpy as np
import pytest

from grainseal.crypto.profiles import PROFILES
from grainseal.models.bootstrap import share_interval
from grainseal.models.codes import band_pass, features, select_positions
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.leakage import area, median_interval, points_of, score
from grainseal.models.leakage_attacker import PublishedPhotos, chroma_alias, enlarged, on_sites
from grainseal.models.leakage_camera import (
    CODE_NAMES,
    Enrolled,
    LeakageSpec,
    measured_code,
    try_camera,
)
from grainseal.models.matching import ncc
from grainseal.models.photo import Photo, read_photo
from grainseal.models.simulator import VirtualCamera, take_burst
from grainseal.models.simulator.develop import demosaic_bilinear

SHAPE = (320, 320)
SPEC = LeakageSpec(cameras=3, photos=(1, 2), shape=SHAPE)
RAW_LOW = PROFILES["AUTH_RAW_V1"].score_low / PROFILES["AUTH_RAW_V1"].length ** 0.5


@pytest.fixture(scope="module")
def trials():
    taken = []
    made = [try_camera(SPEC, index, lambda: taken.append(1)) for index in range(SPEC.cameras)]
    assert len(taken) == SPEC.cameras * SPEC.shots_per_camera
    return made


@pytest.fixture(scope="module")
def points(trials):
    return {(each.code, each.source, each.photos): each for each in points_of(trials)}


def test_the_owner_is_accepted_and_an_unrelated_camera_is_not(points):
    control = points["AUTH_RAW_V1", "owner", 4]
    assert control.genuine.min() > RAW_LOW
    assert control.impostor.max() < RAW_LOW
    assert control.impostor.size == 6
    value, interval = area(control)
    assert (value, interval.low, interval.high) == (1, 1, 1)


def test_every_source_and_number_of_photos_is_scored_for_both_codes(points):
    expected = {
        ("owner", 1),
        ("owner", 4),
        *((s, n) for s in ("full", "platform") for n in SPEC.photos),
    }
    assert set(points) == {(code, *each) for code in CODE_NAMES for each in expected}
    ways = {"luminance", "sites", "chroma"}
    assert set(points["AUTH_RAW_V1", "full", 2].by_way) == ways | {"cfa", "cfa+chroma"}
    assert set(points["AUTH_RAW_V1", "platform", 2].by_way) == ways
    assert set(points["AUTH_JPEG_V1", "full", 2].by_way) == {"luminance"}
    for point in points.values():
        assert np.array_equal(point.best, np.maximum.reduce(list(point.by_way.values())))


def test_the_same_seed_gives_the_same_and_another_number_of_cameras_too(trials):
    again = try_camera(LeakageSpec(cameras=1, photos=(1,), shape=SHAPE), 0, lambda: None)
    for name in CODE_NAMES:
        assert np.array_equal(again.enrolled[name].signs, trials[0].enrolled[name].signs)
    first = next(p for p in trials[0].probes if (p.source, p.photos) == ("full", 1))
    same = next(p for p in again.probes if p.source == "full")
    assert all(np.array_equal(first.ways[way], same.ways[way]) for way in first.ways)


def test_an_attacker_who_is_given_the_raw_values_passes(tmp_path):
    """The upper bound: pictures that keep every site's own value, in 8 bits, uncompressed."""
    code = measured_code("AUTH_RAW_V1", SHAPE)
    attacks = []
    for seed in (1, 2):
        camera = VirtualCamera(seed, SHAPE[1], SHAPE[0])
        enrolled = take_burst(camera, 6, tmp_path / f"{seed}", raw=True, seed=1)
        wavelet = get_extractor("wavelet")
        truth = features(estimate(map(read_photo, enrolled), wavelet), code)
        places = select_positions(truth, code)
        collected = PublishedPhotos(SHAPE, wavelet, wavelet)
        for path in take_burst(camera, 4, tmp_path / f"{seed}", raw=True, seed=2):
            grey = np.rint(255 * read_photo(path).plane(0) ** (1 / 2.2)).astype(np.uint8)
            collected.add(Photo(np.stack([grey] * 3, axis=2), "developed", "given", ""))
        ways = dict(collected.ways("raw"))
        signs = np.where(features(ways["cfa"], code) < 0, -1, 1).astype(np.int8)
        truth_signs = np.where(truth[places] < 0, -1, 1).astype(np.int8)
        attacks.append((Enrolled(places, truth_signs), signs))
    scores = np.array([[score(e, offered) for _, offered in attacks] for e, _ in attacks])
    assert np.diag(scores).min() > RAW_LOW
    assert scores[~np.eye(2, dtype=bool)].max() < RAW_LOW


def test_demosaicing_leaves_the_band_at_its_sites_and_in_the_colours():
    pattern = np.random.default_rng(3).standard_normal((256, 256)).astype(np.float32)
    planes = list(demosaic_bilinear(pattern))
    assert np.array_equal(on_sites(planes), pattern)
    low, high = 3 / 8, 7 / 16
    truth, alias = (band_pass(each, low, high) for each in (pattern, chroma_alias(planes)))
    assert ncc(truth, alias) > 0.7
    stranger = np.random.default_rng(4).standard_normal((256, 256)).astype(np.float32)
    assert abs(ncc(band_pass(stranger, low, high), alias)) < 0.1


def test_enlarging_puts_a_reduced_picture_back_on_its_grid():
    def wave(length: int) -> np.ndarray:
        place = (np.arange(length) + 0.5) / length
        return np.cos(2 * np.pi * 6 * place).astype(np.float32)

    small, large = (np.outer(wave(n), wave(n + 20)) for n in (96, 192))
    made = enlarged(small, (192, 212))
    expected = np.outer(wave(192), wave(212))
    inside = np.s_[12:-12, 12:-12]
    assert np.abs(made - expected)[inside].max() < 0.02
    assert large.shape == made.shape
    assert enlarged(small, small.shape) is small


def test_intervals_of_shares_and_medians():
    assert share_interval(0, 12) == pytest.approx((0, 0.2646), abs=1e-4)  # 1 - .025 ** (1 / 12)
    assert share_interval(12, 12) == pytest.approx((0.7354, 1), abs=1e-4)
    found = median_interval(np.arange(101.0))
    assert 30 < found.low < 50 < found.high < 70


def test_a_single_camera_has_no_impostors(trials):
    with pytest.raises(ValueError, match="two cameras"):
        points_of(trials[:1])


def test_a_code_is_shortened_only_where_the_frame_is_too_small():
    assert measured_code("AUTH_RAW_V1", (1024, 1536)).length == 16_384
    assert measured_code("AUTH_JPEG_V1", (1920, 2560)).length == 16_384
    assert measured_code("AUTH_JPEG_V1", (1920, 2496)).length == 16_380
    assert measured_code("AUTH_RAW_V1", SHAPE).length == 1400
