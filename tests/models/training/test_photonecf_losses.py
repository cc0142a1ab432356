"""PhotoNecf's losses at points that are computed by hand."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="losses need torch: pip install grainseal[train]")

from grainseal.models.training.photonecf_losses import hardest_triplet, loss  # noqa: E402


def at_angles(*degrees, lengths=None):
    """Float64 (N, 1, 1, 2): two pixels each; the chord of an angle t has the length 2 sin(t/2)."""
    angles = np.deg2rad(degrees)
    vectors = np.stack((np.cos(angles), np.sin(angles)), axis=1)
    if lengths is not None:
        vectors *= np.array(lengths)[:, None]
    return torch.from_numpy(vectors)[:, None, None]


def test_hardest_triplet_by_hand():
    """Cameras 0, 0, 0 at 0, 20, 60 degrees, 1, 1 at 90, 180. Farthest own, nearest other, margin .2

    0: 1 - 1.414214; 20: .684040 - 1.147153; 60: 1 - .517638; 90: 1.414214 - .517638;
    180: 1.414214 - 1.732051. So 0, 0, .682362, 1.096576, 0; whatever the lengths.
    """
    residual = at_angles(0, 20, 60, 90, 180, lengths=(2, 3, 0.5, 7, 1))
    camera = torch.tensor([0, 0, 0, 1, 1])
    found = hardest_triplet(residual, camera)
    assert float(found) == pytest.approx((0.682362 + 1.096576) / 5, abs=1e-6)
    narrow = hardest_triplet(residual, camera, margin=0.0)
    assert float(narrow) == pytest.approx((0.482362 + 0.896576) / 5, abs=1e-6)


def test_an_anchor_without_a_triplet_is_left_out():
    """Camera 1 has one photo, so its two neighbours are the only anchors: .682362 is one's."""
    found = hardest_triplet(at_angles(0, 60, 90), torch.tensor([0, 0, 1]))
    assert float(found) == pytest.approx((0 + 0.682362) / 2, abs=1e-6)


@pytest.mark.parametrize("camera", [[0, 0, 0], [0, 1, 2]])
def test_a_batch_without_triplets_has_no_loss_and_a_gradient(camera):
    residual = at_angles(0, 60, 90).requires_grad_()
    found = hardest_triplet(residual, torch.tensor(camera))
    found.backward()
    assert found.item() == 0
    assert bool((residual.grad == 0).all())


def test_equal_and_zero_residuals_have_finite_gradients():
    """Two of camera 0 are equal, as is one of camera 1; two are zero: 1 from the others, 0 apart.

    Each of the three equal ones: 1 - 0 + .2; each zero: 1 - 0 + .2.
    """
    vectors = [[3.0, 4.0], [3.0, 4.0], [3.0, 4.0], [0.0, 0.0], [0.0, 0.0]]
    residual = torch.tensor(vectors, requires_grad=True)
    camera = torch.tensor([0, 0, 1, 1, 0])
    found = hardest_triplet(residual, camera)
    assert found.item() == pytest.approx(1.2, abs=1e-6)
    whole = loss(residual, torch.zeros(5, 2), camera)
    whole.backward()
    assert bool(torch.isfinite(residual.grad).all())
    assert float(residual.grad.abs().max()) < 10


def test_the_gradient_draws_a_camera_together_and_pushes_others_away():
    residual = at_angles(0, 60, 90).requires_grad_()
    hardest_triplet(residual, torch.tensor([0, 0, 1])).backward()
    after = (residual - 0.1 * residual.grad).detach()[:, 0, 0].numpy()
    angles = np.rad2deg(np.arctan2(after[:, 1], after[:, 0]))
    assert angles[2] > 90.1
    assert angles[2] - angles[1] > 30.1
    assert angles[1] - angles[0] < 59.9


def test_the_sum_has_the_published_weights():
    """(3, 4) and (0, 2) of two cameras, with no triplet, and fingerprints (1, 4), (0, 0):

    MSE (4 + 0 + 0 + 4) / 4, mean norm 3.5. A third, (3, 4) of the first camera with the same
    fingerprint: MSE 12 / 6, mean norm 4, and two anchors with 0 - 2 sin(18.43 degrees) + .2 < 0.
    """
    residual = torch.tensor([[3.0, 4.0], [0.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    fingerprint = torch.tensor([[1.0, 4.0], [0.0, 0.0], [1.0, 4.0]], dtype=torch.float64)
    camera = torch.tensor([0, 1, 0])
    assert float(loss(residual[:2], fingerprint[:2], camera[:2])) == pytest.approx(2.000035)
    assert float(loss(residual, fingerprint, camera)) == pytest.approx(2.00004)
    hard = at_angles(0, 60, 90)
    expected = 0.01 * (0.682362 / 2 + 0.001)
    assert float(loss(hard, hard, torch.tensor([0, 0, 1]))) == pytest.approx(expected, abs=1e-8)
