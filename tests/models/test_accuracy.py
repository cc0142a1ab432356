"""What the codes and the match statistics reach, on real photos and on simulated cameras.

Scores are S = <template, probe> in units of sqrt(N): an unrelated camera's are close to N(0, 1).
"""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from tests.real_photos import CAMERAS, ENROLLED

from grainseal.models.alignment import Placement, copy_features
from grainseal.models.claim_code import claim_for
from grainseal.models.codes import (
    code_for,
    encode,
    features,
    require_same_frame,
    select_positions,
)
from grainseal.models.extractor import Observation, get_extractor
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator, estimate
from grainseal.models.matching import compare
from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, take_burst

KEY = bytes(range(32))
# False match rate of one normal tail: 1.9e-8, so 1e-6 holds even if null scores spread 15 % more.
TAU_LOW = 5.5
# Five of the six enrolment photos again score above this, the strongest fresh bursts below.
TAU_HIGH = 110.0


def fingerprint(paths, spec):
    return estimate(map(read_photo, paths), get_extractor(spec.extractor))


def score(enrolled, probe, spec):
    """Score on the frame that both have: same-size cameras use all of it."""
    height, width = np.minimum(enrolled.shape, probe.shape)
    ours, theirs = (
        features(Fingerprint(f.values[:height, :width], f.kind, f.photos), spec)
        for f in (enrolled, probe)
    )
    positions = select_positions(ours, spec)
    template, code = (encode(f, positions, spec, KEY).astype(int) for f in (ours, theirs))
    return int(template @ code) / spec.length**0.5


JPEG = code_for("AUTH_JPEG_V1")


@pytest.fixture(scope="module")
def nikons(real_photos):
    return {
        kind: {camera: photos(camera) for camera in CAMERAS}
        for kind, photos in (("flat", real_photos.flats), ("natural", real_photos.scenes))
    }


class Once:
    """An extractor that looks only once at a photo it is shown several times in a row."""

    def __init__(self, name):
        self.name, self._extractor = name, get_extractor(name)
        self._photo, self._seen = None, []

    def source(self, kind):
        return self._extractor.source(kind)

    def observe(self, photo):
        if photo is not self._photo:
            self._seen = list(self._extractor.observe(photo))
            self._photo = photo
        # The arrays are the caller's to overwrite, so each caller gets copies.
        return (Observation(*(plane.copy() for plane in each)) for each in self._seen)


@pytest.fixture(scope="module")
def growing(nikons, real_photos):
    """Of each camera the fingerprint of all enrolment photos but one, and of all."""
    found = {}
    for camera in CAMERAS:
        estimator = FingerprintEstimator(get_extractor(JPEG.extractor))
        flats = nikons["flat"][camera][:ENROLLED]
        *most, last = map(read_photo, flats)
        for photo in most:
            estimator.add(photo)
        before = estimator.finish()
        estimator.add(last)
        whole = real_photos.fingerprint(flats, JPEG.extractor, estimator.finish)
        found[camera] = before, whole
    return found


@pytest.fixture(scope="module")
def enrolled(growing):
    return {camera: whole for camera, (_, whole) in growing.items()}


@pytest.fixture(scope="module")
def fresh(nikons, real_photos):
    """Of each camera the fingerprint of all fresh flats, and those of each alone."""
    found = {}
    for camera in CAMERAS:
        extractor, flats = Once(JPEG.extractor), nikons["flat"][camera][ENROLLED:]
        together, alone = FingerprintEstimator(extractor), []
        for path, photo in zip(flats, map(read_photo, flats), strict=True):
            together.add(photo)
            single = partial(estimate, [photo], extractor)
            alone.append(real_photos.fingerprint([path], JPEG.extractor, single))
        four = real_photos.fingerprint(flats, JPEG.extractor, together.finish)
        found[camera] = four, alone
    return found


@pytest.fixture(scope="module")
def bursts(fresh):
    return {camera: together for camera, (together, _) in fresh.items()}


@pytest.fixture(scope="module")
def single_flats(fresh):
    return [(camera, one) for camera, (_, alone) in fresh.items() for one in alone]


@pytest.fixture(scope="module")
def scenes(nikons, real_photos):
    return [
        (camera, real_photos.fingerprint([path], JPEG.extractor))
        for camera in CAMERAS
        for path in nikons["natural"][camera]
    ]


def test_four_flats_of_the_camera_are_accepted_and_no_other_camera(enrolled, bursts):
    for mine in CAMERAS:
        for other in CAMERAS:
            reached = score(enrolled[mine], bursts[other], JPEG)
            if mine == other:
                assert 2 * TAU_LOW < reached < TAU_HIGH
            else:
                assert reached < TAU_LOW - 1


def test_one_flat_is_enough(enrolled, single_flats):
    for mine in CAMERAS:
        for other, probe in single_flats:
            reached = score(enrolled[mine], probe, JPEG)
            if mine == other:
                assert 2 * TAU_LOW < reached < TAU_HIGH
            else:
                assert reached < TAU_LOW - 1


def test_scenes_never_lead_to_a_false_accept(enrolled, scenes):
    for mine in CAMERAS:
        for other, probe in scenes:
            if mine != other:
                assert score(enrolled[mine], probe, JPEG) < TAU_LOW - 1


def test_unrelated_scores_are_standard_normal(enrolled, bursts, single_flats, scenes):
    probes = [*bursts.items(), *single_flats, *scenes]
    scores = [
        score(enrolled[mine], probe, JPEG)
        for mine in CAMERAS
        for other, probe in probes
        if mine != other
    ]
    assert len(scores) == 44
    assert abs(np.mean(scores)) < 0.5
    assert np.std(scores) < 1.3


def test_replaying_the_enrolment_burst_scores_too_well(growing, enrolled):
    for camera in CAMERAS:
        assert score(enrolled[camera], enrolled[camera], JPEG) == JPEG.length**0.5
        five = growing[camera][0]
        assert five.photos == 5
        assert score(enrolled[camera], five, JPEG) > TAU_HIGH


def test_cameras_of_other_models_are_told_apart_by_their_frame(enrolled):
    with pytest.raises(ValueError, match="full size"):
        require_same_frame(enrolled["Nikon_D70_0"].shape, enrolled["Nikon_D200_0"].shape)


def test_compare_ranks_every_scene_with_its_own_camera(nikons):
    """Ten flats against each scene, centre 1024 x 1024."""
    wavelet = get_extractor("wavelet")
    references = {
        c: estimate(map(read_photo, nikons["flat"][c]), wavelet, crop=1024) for c in CAMERAS
    }
    for mine in CAMERAS:
        for path in nikons["natural"][mine]:
            probe = estimate([read_photo(path)], wavelet, crop=1024)
            matches = {c: compare(probe, references[c]) for c in CAMERAS}
            assert max(matches, key=lambda c: matches[c].ncc) == mine
            assert matches[mine].pce >= 15
            assert matches[mine].false_match_probability < 1e-6
            assert all(m.pce < 12 for c, m in matches.items() if c != mine)


@pytest.mark.parametrize(
    ("name", "width", "height", "raw"),
    [("TESTING", 512, 512, False), ("AUTH_RAW_V1", 1536, 1024, True)],
)
def test_simulated_siblings(tmp_path, name, width, height, raw):
    """Three cameras of one model: each accepted by one photo or four, none for another."""
    spec = code_for(name)
    cameras = [VirtualCamera(seed, width, height) for seed in range(3)]
    enrolments, probes, singles = [], [], []
    for camera in cameras:
        folder = tmp_path / str(camera.seed)
        shots = take_burst(camera, ENROLLED, folder, raw=raw, seed=1)
        fresh = take_burst(camera, 4, folder, raw=raw, seed=2)
        enrolments.append(fingerprint(shots, spec))
        probes.append(fingerprint(fresh, spec))
        singles.append(fingerprint(fresh[:1], spec))
    for mine in range(3):
        for other in range(3):
            reached = [score(enrolments[mine], p[other], spec) for p in (probes, singles)]
            if mine == other:
                assert min(reached) > 2 * TAU_LOW
                assert max(reached) < 0.7 * spec.length**0.5
            else:
                assert max(reached) < TAU_LOW - 1


@pytest.fixture(scope="module")
def by_raw(tmp_path_factory):
    """A virtual camera, and its fingerprint from RAW photos."""
    camera, folder = VirtualCamera(5, 1536, 1024), tmp_path_factory.mktemp("raw")
    shots = take_burst(camera, ENROLLED, folder, raw=True, seed=1)
    return camera, fingerprint(shots, code_for("AUTH_RAW_V1"))


@pytest.mark.parametrize("flat", [False, True])
def test_published_jpegs_do_not_reproduce_the_raw_code(by_raw, tmp_path, flat):
    """Ten full-size JPEGs of the camera, more than any site shows: no better than a stranger's."""
    spec, (camera, own) = code_for("AUTH_RAW_V1"), by_raw
    published = fingerprint(take_burst(camera, 10, tmp_path, flat=flat, seed=2), spec)
    published = replace(published, kind="raw")
    assert compare(published, own).ncc > 0.05  # the pattern as a whole does leak
    assert abs(score(own, published, spec)) < TAU_LOW - 1  # the code's band does not


def test_signs_of_the_jpeg_grid_match_nobody(nikons, real_photos):
    """Learned from one model's photo, alike all over the frame: what a planted template would be.

    Against photos of another model as they are it passes for a camera's; as probes are cut it must
    not.
    """
    spec, (model, *others) = claim_for("CLAIM_V1"), CAMERAS
    learned = real_photos.fingerprint(nikons["flat"][model][:1], spec.extractor)
    places = folded(features(learned, spec), learned.shape).mean(axis=(0, 2))
    signs = np.where(places < 0, -1, 1)
    reached = {"as it is": [], "as a probe": []}
    for camera in others:
        path = nikons["natural"][camera][0]
        photo, single = read_photo(path), real_photos.fingerprint([path], spec.extractor)
        cut = copy_features(photo, Placement((1.0, 1.0)), photo.shape, spec)
        for way, values in (("as it is", features(single, spec)), ("as a probe", cut)):
            blocks = folded(values, photo.shape)
            # A quarter of all features, as if at positions that meet the quotas.
            at_random = np.random.default_rng(1).random(blocks.shape) < 0.25
            planted = np.broadcast_to(signs[None, :, None, :], blocks.shape)[at_random]
            scores = planted @ blocks[at_random] / np.linalg.norm(blocks[at_random])
            reached[way].append(float(scores))
    assert max(reached["as it is"]) > spec.low
    assert max(np.abs(reached["as a probe"])) < 3


def folded(values, shape):
    """Features of a frame by their place in the 8x8 pixel cell: (rows, 4, columns, 4)."""
    rows, columns = shape[0] // 8, shape[1] // 8
    grid = values.reshape(shape[0] // 2, shape[1] // 2)[: 4 * rows, : 4 * columns]
    return grid.reshape(rows, 4, columns, 4)
