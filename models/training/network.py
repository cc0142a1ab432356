"""The network: an FFDNet-shaped stack of plain convolutions (Zhang, Zuo, Zhang, IEEE TIP 27(9),
2018) that says which part of a photo is the sensor's own.

Every 2x2 cell of pixels becomes one place with 4 values per plane, which quarters the work and
keeps the phases of a Bayer cell apart. One more plane says how noisy the photo is. There is no
padding anywhere: what comes out is trimmed by `margin` pixels on each side, so no border pattern
can arise, and whoever wants every pixel gives a border of reflected ones.
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

# The noise level is about .005, a picture's contrast about .2: bring both to one scale.
_LEVEL_SCALE: Final = 20.0
_CONTRAST_SCALE: Final = 4.0
# The last layer's outputs of size one stand for noise of this standard deviation.
_RESIDUAL_SCALE: Final = 2 / 255


class ResidualNetwork(nn.Module):
    """Planes and noise level in, residual of every plane out."""

    def __init__(self, planes: int, channels: int, depth: int) -> None:
        """`planes`: 3 for developed photos, 1 for a Bayer plane; `depth`: convolutions."""
        super().__init__()
        widths = [4 * planes + 1, *[channels] * (depth - 1), 4 * planes]
        layers = [nn.Conv2d(before, after, 3) for before, after in pairwise(widths)]
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            layers[-1].weight.mul_(0.1)
        self.layers = nn.ModuleList(layers)
        self.margin = 2 * depth

    def forward(self, planes: Tensor, level: Tensor) -> Tensor:
        """(N, P, H, W) in [0, 1] and (N,) standard deviations -> (N, P, H - 2m, W - 2m).

        H and W are even and above 2m, with m the margin.
        """
        x = functional.pixel_unshuffle((planes - 0.5) * _CONTRAST_SCALE, 2)
        noise = (level * _LEVEL_SCALE)[:, None, None, None].expand(-1, 1, x.shape[2], x.shape[3])
        x = torch.cat((x, noise), dim=1)
        for layer in self.layers[:-1]:
            x = functional.relu(layer(x))
        return functional.pixel_shuffle(self.layers[-1](x), 2) * _RESIDUAL_SCALE
