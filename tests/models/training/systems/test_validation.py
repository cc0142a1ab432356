"""What trainings report of themselves, of networks whose figures are known beforehand."""

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install grainseal[train]")

from grainseal.models.training.config import Stage  # noqa: E402 - after the skip
from grainseal.models.training.systems.config import SystemConfig  # noqa: E402
from grainseal.models.training.systems.photos import CameraPhotos  # noqa: E402
from grainseal.models.training.systems.run import TASKS  # noqa: E402

STAGES = {
    "csi-cnn": "cosine",
    "dncnn": "noise",
    "siamese": "pairs",
    "patch-classifier": "classes",
    "isonet": "metric",
    "signature-similarity": "signature",
}
CROPS = {"siamese": 128, "patch-classifier": 32, "isonet": 64, "signature-similarity": 116}


@pytest.fixture
def measures(tmp_path):
    """What the system's training says of a network on validation photos (C, P, S, S, 3).

    `kept`: what is computed of photos once, here written down; training has no photos at all.
    """

    def found(system, network, scenes, isos=None, **kept):
        cameras, photos, side = scenes.shape[:3]
        names = tuple(f"camera {at}" for at in range(cameras))
        sets = []
        for part in ("training", "validation"):
            folder = tmp_path / system / part
            folder.mkdir(parents=True, exist_ok=True)
            taken = scenes if part == "validation" else scenes[:, :0]
            for name, array in kept.items():
                np.save(folder / f"{name}.npy", array if part == "validation" else array[:0])
            speeds = np.ones(taken.shape[:2], np.int64) if isos is None else isos
            sets.append(CameraPhotos(names, taken, speeds, taken[:, :0], folder))
        crop, stages = CROPS.get(system, side), (Stage(STAGES[system], 1, 0.1),)
        config = SystemConfig(system, 1, cameras, 0, 8, photos, 0, side, crop, 8, stages)
        return TASKS[system](config, *sets, 1).validate(network)

    return found


@pytest.mark.parametrize("share", [0, 0.5, 1])
def test_dncnn_counts_what_is_left_of_the_noise(measures, share):
    """Who takes a share of the noise away leaves (1 - share)^2 of its mean square; borders are
    left out."""
    scenes = even(((64, 64), (128, 128)), 96)

    def network(planes):
        clean = torch.where(planes.mean(dim=(1, 2, 3), keepdim=True) > 96 / 255, 128, 64) / 255
        answer = torch.full_like(planes, 9)
        inside = np.s_[:, :, 24:-24, 24:-24]
        answer[inside] = share * (planes - clean)[inside]
        return answer

    left = measures("dncnn", network, scenes)["noise_left"]
    assert left == pytest.approx((1 - share) ** 2, rel=0.03, abs=1e-9)


def test_dncnn_counts_every_camera_alike(measures):
    """One camera's noise is found, the other's is missed by 64 of 255: (64 / 5)^2 and nothing."""
    found = measures("dncnn", lambda planes: planes - 64 / 255, even(((64,), (128,)), 64))
    assert found["noise_left"] == pytest.approx(12.8**2 / 2, rel=1e-4)


def test_csi_cnn_correlates_photos_with_all_fingerprints(measures):
    """Scenes of two patterns that are orthogonal, in shares whose squares sum to one."""
    row, column = np.indices((32, 32))
    patterns = [(-1.0) ** exponent for exponent in (column, row, row + column)]
    parts = (((10, 0), (6, 8)), ((10, 0), (15, 8)), ((10, 0), (12, -5)))  # own, next
    scenes = np.full((3, 2, 32, 32, 3), 250, np.uint8)
    fingerprints = np.full((3, 32, 32), 50, np.float32)
    inside = np.s_[8:24, 8:24]
    for camera, shares in enumerate(parts):
        fingerprints[camera][inside] = 0.01 * patterns[camera][inside]
        for photo, (own, other) in enumerate(shares):
            values = 128 + own * patterns[camera] + other * patterns[(camera + 1) % 3]
            scenes[camera, photo][inside] = values[inside][..., None]
    genuine = [1, 6 / 10, 1, 15 / 17, 1, 12 / 13]
    impostor = [8 / 10, 8 / 17, -5 / 13, *[0] * 9]
    found = measures("csi-cnn", lambda planes: planes[:, :1], scenes, fingerprints=fingerprints)
    assert found == pytest.approx(
        {
            "auc": 71 / 72,  # 8/10 is more than 6/10
            "genuine": np.mean(genuine),
            "impostor": np.mean(impostor),
            "impostor_sd": np.std(impostor),
        },
        abs=1e-6,
    )
    same = torch.from_numpy(fingerprints[:1])[None]
    found = measures("csi-cnn", lambda _: same, scenes, fingerprints=fingerprints)
    assert found["auc"] == pytest.approx(0.5)
    assert found["genuine"] == found["impostor"] == pytest.approx(1 / 3)


def test_siamese_compares_the_first_photos_with_the_next_ones(measures):
    """Of five photos two a side; of each residual the middle of 128x128."""
    values = np.array([
        [0, 0.25, 0.25, 0.25, 7],  # means .125 and .25
        [0.5, 0.5, 0.5, 0.25, 7],  # .5 and .375
        [1, 0.5, 0.5, 0.5, 7],  # .75 and .5
    ])  # fmt: skip
    residuals = np.full((3, 5, 3, 256, 256), 9, np.float16)
    residuals[..., 64:192, 64:192] = values[..., None, None, None]
    both = SimpleNamespace(
        features=lambda crops: crops.mean(dim=(1, 2, 3))[:, None],
        similarity=lambda one, other: 1 - (one - other).abs()[:, 0],
    )
    scenes = np.zeros((3, 5, 256, 256, 3), np.uint8)
    found = measures("siamese", both, scenes, residuals=residuals)
    genuine, impostor = [0.125, 0.125, 0.25], [0.25, 0.375, 0.25, 0, 0.5, 0.375]
    assert found == pytest.approx(
        {
            "auc": (5 + 5 + 4) / 18,
            "genuine": 1 - np.mean(genuine),
            "impostor": 1 - np.mean(impostor),
            "impostor_sd": np.std(impostor),
        }
    )
    both.features = lambda crops: torch.zeros(len(crops), 1)
    assert measures("siamese", both, scenes, residuals=residuals)["auc"] == pytest.approx(0.5)


def test_patch_classifier_averages_the_probabilities_of_patches(measures):
    """Probability of camera 1 is 1 / (1 + exp(-x / 10)) of patches of level 128 + x."""
    levels = np.array([
        # .269, three times, and .622: right by the mean, with three patches of four
        # .731, four times: wrong
        [[-10, -10, -10, 5], [10, 10, 10, 10]],
        # .401, three times, and .998: right by the mean though one patch alone is
        # .100, three times, and 1: wrong, though right by the mean of logits
        [[-4, -4, -4, 60], [-22, -22, -22, 127]],
    ])  # fmt: skip

    def network(patches):
        x = patches.mean(dim=(1, 2, 3)) * 255 - 128
        return torch.stack((torch.zeros_like(x), x / 10), dim=1)

    found = measures("patch-classifier", network, in_patches(128 + levels, 32))
    assert found == {"patch_accuracy": (3 + 0 + 1 + 1) / 16, "photo_accuracy": (1 + 0 + 1 + 0) / 4}


def test_isonet_is_off_by_the_median_of_patches(measures):
    """A patch's metric is its level by 20; medians are 0, 2, 1 and 6 where 0, 1, 2 and 3 are."""
    metrics = np.array([[[0, 0, 0, 9], [2, 2, 0, 2]], [[1, 9, 0, 1], [5, 7, 0, 9]]])
    isos = np.array([[100, 200], [400, 800]])
    found = measures(
        "isonet",
        lambda patches: patches.mean(dim=(1, 2, 3)) * 255 / 20,
        in_patches(20 * metrics, 64),
        isos,
    )
    assert found["stops_off"] == pytest.approx(np.sqrt((0 + 1 + 1 + 9) / 4), rel=1e-4)
    assert found["stops_off_of_the_mean"] == pytest.approx(np.sqrt(2 * (1.5**2 + 0.5**2) / 4))


def test_signatures_are_compared_pair_by_pair_in_both_orders(measures):
    """The centre of 116x116 begins at pixel 2 of 122; what one order adds the other takes."""
    levels = ((10, 20, 60), (50, 70, 80))
    scenes = np.full((2, 3, 122, 122, 3), 255, np.uint8)
    scenes[:, :, 2:118, 2:118] = even(levels, 116)

    def signature(planes):
        return torch.round(planes.amax(dim=(1, 2, 3)) * 255)[:, None]

    def similarity(one, other):
        difference = (one - other)[:, 0]
        return 1 - difference.abs() / 128 + difference.sign() / 4

    both = SimpleNamespace(signature=signature, similarity=similarity)
    found = measures("signature-similarity", both, scenes)
    genuine = [10, 50, 40, 20, 30, 10]
    impostor = [40, 60, 70, 30, 50, 60, 10, 10, 20]
    assert found == pytest.approx(
        {
            "auc": (8 + 3.5 + 4.5 + 6.5 + 5.5 + 8) / 54,
            "genuine": 1 - np.mean(genuine) / 128,
            "impostor": 1 - np.mean(impostor) / 128,
            "impostor_sd": np.std(impostor) / 128,
            "signature_auc": 0.5,  # numbers above 0 all point one way
        }
    )


@pytest.mark.parametrize(
    ("levels", "auc"),
    [(((1, 2), (3, 4)), 7 / 8), (((1, 1), (3, 3)), 1), (((1, 3), (3, 1)), 2 / 8)],
)
def test_signatures_alone_are_judged_by_their_angle(measures, levels, auc):
    """A level is a radian: first 1 and 1 from their own, 2, 3, 1 and 2 from others."""

    def signature(planes):
        angle = torch.round(planes[:, 0, 0, 0] * 255)
        return 7 * torch.stack((torch.cos(angle), torch.sin(angle)), dim=1)

    both = SimpleNamespace(signature=signature, similarity=lambda one, _: torch.zeros(len(one)))
    found = measures("signature-similarity", both, even(levels, 116))
    assert found["auc"] == 0.5
    assert found["signature_auc"] == pytest.approx(auc)


@pytest.mark.parametrize(("seen", "auc"), [(1, 1), (0, 0.5)])
def test_a_signature_that_is_the_camera_tells_all_and_one_that_is_not_nothing(measures, seen, auc):
    both = SimpleNamespace(
        signature=lambda planes: seen * torch.round(planes[:, :1, 0, 0] * 255),
        similarity=lambda one, other: 1 - (one - other).abs()[:, 0],
    )
    scenes = even(((3, 3), (4, 4), (5, 5)), 116)
    assert measures("signature-similarity", both, scenes)["auc"] == pytest.approx(auc)


def even(levels, side):
    """Photos (C, P, side, side, 3) of one level each."""
    each = np.array(levels, np.uint8)[..., None, None, None]
    return np.tile(each, (side, side, 3))


def in_patches(levels, patch):
    """Photos of two by two patches of one level each; `levels` (C, P, 4) row by row."""
    rows = levels.reshape(*levels.shape[:2], 2, 2).repeat(patch, axis=2)
    return np.repeat(rows.repeat(patch, axis=3)[..., None], 3, axis=4).astype(np.uint8)
