"""A burst is of one camera: strays are found, and nobody's good photos are refused."""

from pathlib import Path

import numpy as np
import pytest

from grainseal.models.burst import own_score, pair_scores, score, strays
from grainseal.models.photo import read_photo
from grainseal.models.quality import inspect
from grainseal.models.simulator import VirtualCamera, take_burst


def noises(files: list[Path]) -> list[np.ndarray]:
    return [inspect(read_photo(file)).noise for file in files]


@pytest.fixture(scope="module")
def siblings(tmp_path_factory: pytest.TempPathFactory) -> list[list[np.ndarray]]:
    """Six flats each of three cameras of one model."""
    folder = tmp_path_factory.mktemp("siblings")
    cameras = [VirtualCamera(seed, 512, 512) for seed in (310, 311, 312)]
    return [noises(take_burst(c, 6, folder / str(n))) for n, c in enumerate(cameras)]


@pytest.mark.parametrize("counts", [(6,), (5, 1), (1, 5), (4, 2), (4, 1, 1), (3, 2, 1), (2, 1)])
def test_photos_of_other_cameras_are_found(siblings, counts) -> None:
    burst = [
        noise for camera, count in zip(siblings, counts, strict=False) for noise in camera[:count]
    ]
    owner = np.repeat(range(len(counts)), counts)
    assert strays(burst) == np.flatnonzero(owner != np.argmax(counts)).tolist()


def test_of_two_halves_one_is_found(siblings) -> None:
    burst = [noise for pair in zip(siblings[0][:3], siblings[1][:3], strict=True) for noise in pair]
    assert strays(burst) in ([0, 2, 4], [1, 3, 5])


def test_a_noisier_photo_of_the_camera_is_no_stray(siblings, tmp_path: Path) -> None:
    """ISO 1600 among ISO 100: it matches far less than the others, and is sure all the same."""
    noisy = noises(take_burst(VirtualCamera(310, 512, 512), 1, tmp_path, seed=5, iso=1600))
    assert strays([*siblings[0][:5], *noisy]) == []
    assert strays([*siblings[1][:5], *noisy]) == [5]


def test_where_photos_are_too_poor_to_tell_nobody_is_refused(tmp_path: Path) -> None:
    files = []
    for seed, count in ((310, 5), (311, 1)):
        camera = VirtualCamera(seed, 512, 512)
        files += take_burst(camera, count, tmp_path / str(seed), seed=1, iso=6400)
    assert strays(noises(files)) == []
    blank = np.zeros((512, 512), np.float32)
    assert strays([blank] * 4) == []


def test_two_photos_cannot_be_told(siblings) -> None:
    assert strays([siblings[0][0], siblings[1][0]]) == []
    assert strays([]) == []


def test_scores_are_in_deviations_of_the_null() -> None:
    """White noise of no camera: each score, of pairs and against sums, is N(0, 1)."""
    rng = np.random.default_rng(3)
    scores = pair_scores([rng.standard_normal((128, 128)).astype(np.float32) for _ in range(40)])
    pairs = scores[np.triu_indices(40, 1)]
    assert pairs.std() == pytest.approx(1, abs=0.1)
    others = list(range(1, 20))
    sums = [score(scores, photo, others) for photo in range(20, 40)]
    assert np.std(sums) == pytest.approx(1, abs=0.4)
    assert abs(own_score(scores, list(range(20)))) < 2


@pytest.mark.photos
def test_real_flats(photos_root: Path) -> None:
    """Two Nikon D70: of each six good photos, and one of the other is found among five."""
    first, second = (
        noises(sorted((photos_root / "nikon/flat" / f"Nikon_D70_{number}").iterdir())[:6])
        for number in (0, 1)
    )
    for own, other in ((first, second), (second, first)):
        assert strays(own) == []
        for stray in other:
            assert strays([*own[:5], stray]) == [5]
