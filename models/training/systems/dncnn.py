"""DnCNN: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian denoiser", IEEE TIP 26(7), 2017, the
denoiser that CSI-CNN's authors compare with (Wang et al., 2021, section 4.2.1).

Seventeen convolutions of 3x3 with 64 channels, the middle fifteen normalised, predict the noise of
a noisy picture; what is trained is the squared error of that (equation 1 of Zhang et al.). Of a
photo as it is, the prediction is its residual.

Our choices, for Wang et al. say no more than the network's name

- Seventeen layers and one known noise level (DnCNN-S) rather than twenty for any level.
- The noise level is 5 of 255, that of the wavelet denoiser beside it.
- Three colour planes at once.
- Clean pictures are the simulator's, of a sensor without noise, unless photos are given: these are
  then taken for clean, as Zhang et al. take theirs. Patches of 40x40, as they have.
- Convolutions between normalisations have no bias, for that would be subtracted again.
- Adam with a rate that falls along a cosine.
"""

from typing import Final

from torch import Tensor, nn

LEVEL: Final = 5 / 255
_LAYERS: Final = 17
_CHANNELS: Final = 64


class DnCnn(nn.Module):
    """A noisy picture in, its noise out."""

    # Seventeen convolutions see as many pixels; a multiple of the tiles' grid.
    margin: Final = 24

    def __init__(self, planes: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(planes, _CHANNELS, 3, padding=1), nn.ReLU()]
        for _ in range(_LAYERS - 2):
            layers += [
                nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, bias=False),
                nn.BatchNorm2d(_CHANNELS),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(_CHANNELS, planes, 3, padding=1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, planes: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, H, W), about +-.05."""
        noise: Tensor = self.layers(planes)
        return noise


def noise_loss(predicted: Tensor, noise: Tensor) -> Tensor:
    """Half the squared distance, the mean over N pictures (Zhang et al., equation 1)."""
    return (predicted - noise).square().flatten(1).sum(dim=1).mean() / 2
