"""The reference systems' networks: layers counted by hand, losses at points computed by hand."""

from itertools import pairwise

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch: pip install grainseal[train]")

from torch import nn  # noqa: E402 - after the skip

from grainseal.models.iso_map import iso_metric  # noqa: E402
from grainseal.models.training.systems import siamese, signature_similarity  # noqa: E402
from grainseal.models.training.systems.csi_cnn import CsiCnn, cosine_loss  # noqa: E402
from grainseal.models.training.systems.dncnn import DnCnn, noise_loss  # noqa: E402
from grainseal.models.training.systems.high_pass import blind_to_shading  # noqa: E402
from grainseal.models.training.systems.isonet import IsoNetwork  # noqa: E402
from grainseal.models.training.systems.patch_classifier import (  # noqa: E402
    PatchClassifier,
    Probabilities,
)

# CSI-CNN's Table 1, a line each: convolutions with their biases, normalisations, in their order.
TABLE_1 = (
    128 * 3 * 3 * 3 + 128,
    128 + 128,
    32 * 128 * 1 * 1,
    32 + 32,
    32 * 32 * 3 * 3,
    32 + 32,
    128 * 32 * 1 * 1,
    128 + 128,
    3 * 128 * 3 * 3 + 3,
    3 + 3,
    128 * 3 * 3 * 3 + 128,
    128 + 128,
    32 * 128 * 1 * 1,
    32 + 32,
    32 * 32 * 3 * 3,
    32 + 32,
    128 * 32 * 1 * 1,
    1 * 128 * 3 * 3 + 1,
    1 + 1,
)


def weights(module):
    return sum(p.numel() for p in module.parameters())


def by_layer(module):
    """Weights of each layer that has any, in the order in which they run."""
    layers = (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
    return tuple(weights(part) for part in module.modules() if isinstance(part, layers))


def test_csi_cnn_is_table_1_line_by_line():
    network = CsiCnn()
    assert by_layer(network) == TABLE_1
    assert weights(network) == sum(TABLE_1) == 47_628


def test_csi_cnn_keeps_size_and_makes_one_plane():
    network = CsiCnn().eval()
    with torch.no_grad():
        assert network(torch.rand(2, 3, 40, 24)).shape == (2, 1, 40, 24)


def test_csi_cnn_subtracts_a_picture_before_its_second_half():
    """With the first half's last normalisation at zero nothing is subtracted."""
    torch.manual_seed(1)
    network = CsiCnn().eval()
    nn.init.zeros_(network.picture[2].weight)
    planes = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        rest = network.after(planes)
        expected = network.noise(rest + network.second_bottleneck(rest))
        torch.testing.assert_close(network(planes), expected)
        network.picture[2].bias.fill_(2)  # more than any plane has: all is subtracted
        dark = network.after(torch.zeros_like(planes))
        expected = network.noise(dark + network.second_bottleneck(dark))
        torch.testing.assert_close(network(planes), expected)


@pytest.mark.parametrize(("network", "reach"), [(CsiCnn, 6), (DnCnn, 17)])
def test_nothing_beyond_the_margin_is_seen(network, reach):
    """One pixel for each 3x3 in a row."""
    torch.manual_seed(3)
    made = network().eval()
    planes = torch.rand(1, 3, 2 * reach + 9, 2 * reach + 9, requires_grad=True)
    made(planes)[0, 0, reach + 4, reach + 4].backward()
    seen = planes.grad.abs().sum(dim=(0, 1)).nonzero()
    assert (int(seen.min()), int(seen.max())) == (4, 2 * reach + 4)
    assert reach <= made.margin


@pytest.mark.parametrize(
    ("x", "y", "label", "expected"),
    [
        ((3, 4), (4, 3), 1, 0.04),  # rho = 24/25
        ((3, 4), (4, 3), 0, 0.96),
        ((1, 0), (-3, 4), 1, 1.6),  # rho = -3/5
        ((1, 0), (-3, 4), 0, 0.3),  # .6 - .6 phi
        ((1, 0), (0, 2), 1, 1.0),
        ((1, 0), (0, 2), 0, 0.0),
    ],
)
def test_cosine_loss_at_points_computed_by_hand(x, y, label, expected):
    pair = [torch.tensor([[each]], dtype=torch.float32) for each in (x, y)]
    assert float(cosine_loss(*pair, torch.tensor([float(label)]))) == pytest.approx(expected)


def test_cosine_loss_is_the_mean_over_pairs_and_knows_its_phi():
    x = torch.tensor([[3.0, 4.0], [1.0, 0.0]])
    y = torch.tensor([[4.0, 3.0], [-3.0, 4.0]])
    labels = torch.tensor([1.0, 0.0])
    assert float(cosine_loss(x, y, labels, phi=0)) == pytest.approx((0.04 + 0.6) / 2)
    for phi in (-0.1, 1.0):
        with pytest.raises(ValueError, match="phi"):
            cosine_loss(x, y, labels, phi)


def test_dncnn_has_seventeen_convolutions():
    network = DnCnn()
    first, middle, last = 3 * 64 * 9 + 64, 64 * 64 * 9, 64 * 3 * 9 + 3
    assert by_layer(network) == (first, *(middle, 2 * 64) * 15, last)
    assert weights(network) == 558_403
    with torch.no_grad():
        assert network.eval()(torch.rand(1, 3, 24, 32)).shape == (1, 3, 24, 32)


def test_dncnn_gives_its_layers_in_units_of_the_noise_level():
    """2 and -1 levels of 5 of 255 each."""
    network = DnCnn().eval()
    with torch.no_grad():
        network.layers[-1].weight.zero_()
        network.layers[-1].bias.copy_(torch.tensor([2.0, -1.0, 0.0]))
        found = network(torch.rand(1, 3, 8, 8))
    expected = torch.tensor([10 / 255, -5 / 255, 0])[:, None, None].expand(1, 3, 8, 8)
    torch.testing.assert_close(found, expected)


def test_noise_loss_by_hand():
    """Half of (1 + 4) / 2 and 9: pictures' squared distances, their mean."""
    predicted = torch.tensor([[[[1.0, 2.0]]], [[[0.0, 3.0]]]])
    assert float(noise_loss(predicted, torch.zeros_like(predicted))) == pytest.approx((5 + 9) / 4)


def test_siamese_layers_by_hand():
    """128 - 2 is halved five times, rounding down: 63, 30, 14, 6, 2."""
    network = siamese.Siamese()
    filters = (3, 32, 48, 64, 96, 128)
    blocks = [
        count
        for before, after in pairwise(filters)
        for count in (9 * before * after + after, 2 * after)
    ]
    dense = 128 * 2 * 2 * 1024 + 1024
    assert by_layer(network) == (*blocks, dense, 1024 + 1)
    assert weights(network) == 735_665


def test_siamese_weighs_the_absolute_difference():
    torch.manual_seed(1)
    network = siamese.Siamese().eval()
    one, other = torch.rand(2, 3, 3, 128, 128) * 0.02 - 0.01
    with torch.no_grad():
        vectors = [network.features(side) for side in (one, other)]
        assert vectors[0].shape == (3, 1024)
        dense = network.similarity.dense
        logit = (vectors[0] - vectors[1]).abs() @ dense.weight[0] + dense.bias
        torch.testing.assert_close(network(one, other), logit)
        torch.testing.assert_close(network.similarity(*vectors), 1 / (1 + torch.exp(-logit)))
        torch.testing.assert_close(network(one, other), network(other, one))


def test_patch_classifier_layers_by_hand():
    """32 - 7 - 2 = 23, halved 11."""
    network = PatchClassifier(cameras=15)
    assert by_layer(network) == (
        8 * 8 * 3 * 32 + 32,
        3 * 3 * 32 * 32 + 32,
        11 * 11 * 32 * 256 + 256,
        256 * 512 + 512,
        512 * 15 + 15,
    )
    dropped = [part.p for part in network.modules() if isinstance(part, nn.Dropout2d)]
    assert dropped == [0.1, 0.2]
    with torch.no_grad():
        found = Probabilities(network).eval()(torch.rand(4, 3, 32, 32))
    np.testing.assert_allclose(found.sum(dim=1), 1, rtol=1e-5)


def test_patch_classifier_sees_neither_colour_nor_contrast():
    torch.manual_seed(3)
    network = PatchClassifier(cameras=4).eval()
    patches = 0.4 + 0.05 * torch.randn(5, 3, 32, 32)
    colour = torch.tensor([0.1, -0.2, 0.3])[:, None, None]
    with torch.no_grad():
        found = network(patches)
        torch.testing.assert_close(network(patches + colour), found, rtol=1e-3, atol=1e-5)
        stronger = network(0.4 + 2 * (patches - 0.4))
        assert (stronger - found).abs().max() < 0.1 * found.std()
        assert (network(patches.flip(3)) - found).abs().max() > 0.1 * found.std()


@pytest.mark.parametrize("reach", [7, 8])
def test_filters_begin_blind_to_shading_and_to_nothing_else(reach):
    torch.manual_seed(4)
    filters = nn.Conv2d(3, 16, reach)
    before = filters.weight.detach().clone()
    blind_to_shading(filters)
    y, x = torch.meshgrid(torch.arange(20.0), torch.arange(20.0), indexing="ij")
    plain = torch.stack([torch.ones(20, 20), 0.3 * x - y, x * y + 0.5 * x**2 - 2 * y**2])
    with torch.no_grad():
        for each in plain:
            answer = filters(each.expand(1, 3, 20, 20)) - filters.bias[:, None, None]
            torch.testing.assert_close(answer, torch.zeros_like(answer), rtol=0, atol=2e-4)
        ripple = torch.cos(2.2 * x[:reach, :reach]) * torch.cos(2.5 * y[:reach, :reach])
        kept, original = ((each * ripple).sum(dim=(2, 3)) for each in (filters.weight, before))
    assert np.corrcoef(kept.flatten(), original.flatten())[0, 1] > 0.9


def test_isonet_layers_by_hand():
    """45 energies and three colours, each with a scale and a shift; 64, 64 of 3x3, two answers."""
    network = IsoNetwork()
    assert by_layer(network) == (2 * 48, 48 * 64 + 64, 9 * 64 * 64 + 64, 64 * 2 + 2)
    with torch.no_grad():
        assert network(torch.rand(5, 3, 64, 64)).shape == (5,)


def test_isonet_looks_at_noise_and_not_at_the_level_of_what_is_even():
    """Filters have no mean: of even patches nothing but their colour is left to look at."""
    network = IsoNetwork()
    noise = 0.02 * torch.randn(1, 3, 64, 64)
    seen = []
    network.blocks.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        for patch in (torch.full((1, 3, 64, 64), 0.4), 0.4 + noise, 0.4 + 2 * noise):
            network(patch)
    even, once, twice = (each[:, :45] for each in seen)
    torch.testing.assert_close(even, torch.full_like(even, np.log(0.02)), rtol=1e-3, atol=0)
    torch.testing.assert_close(
        twice - once, torch.full_like(once, 2 * np.log(2)), rtol=0.02, atol=0
    )


def test_iso_metric_counts_stops_above_100():
    np.testing.assert_allclose(iso_metric(np.array([100, 50, 800, 1600])), [0, -1, 3, 4])


@pytest.mark.parametrize(("side", "last"), [(192, 3), (128, 1)])
def test_signature_layers_by_hand(side, last):
    """192: (192 - 7) / 2 + 1 = 93, 46; 42, 20; 16, 7; 7, 3. 128: 61, 30; 26, 12; 8, 3; 3, 1."""
    assert signature_similarity.side_at_the_end(side) == last
    network = signature_similarity.SignatureSimilarity(side, cameras=31)
    assert by_layer(network.signature) == (
        *(96 * 3 * 7 * 7 + 96, 2 * 96),
        *(64 * 96 * 5 * 5 + 64, 2 * 64),
        *(64 * 64 * 5 * 5 + 64, 2 * 64),
        *(128 * 64 + 128, 2 * 128),
        last * last * 128 * 1024 + 1024,
    )
    assert by_layer(network.classes) == (1024 * 200 + 200, 200 * 31 + 31)
    assert by_layer(network.similarity) == (
        1024 * 2048 + 2048,
        (2 * 2048 + 1024) * 64 + 64,
        64 + 1,
    )
    with torch.no_grad():
        assert network.eval()(torch.rand(2, 3, side, side)).shape == (2, 31)


def test_signature_needs_a_photo_that_is_large_enough():
    assert signature_similarity.side_at_the_end(115) == 1
    with pytest.raises(ValueError, match="115 pixels or more"):
        signature_similarity.side_at_the_end(114)


def test_similarity_joins_both_looks_and_the_product():
    torch.manual_seed(2)
    network = signature_similarity.Similarity()
    one, other = torch.rand(2, 5, 1024) * 2 - 1
    with torch.no_grad():
        looked = [
            (side @ network.first.weight.T + network.first.bias).clamp(min=0)
            for side in (one, other)
        ]
        joined = torch.cat((looked[0], looked[1], one * other), dim=1)
        hidden = (joined @ network.second.weight.T + network.second.bias).clamp(min=0)
        logit = (hidden @ network.last.weight.T + network.last.bias)[:, 0]
        torch.testing.assert_close(network(one, other), torch.sigmoid(logit))
