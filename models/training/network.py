"""The network: linear details of every plane, let through by gates that a small stack computes.

The shape is FFDNet's (Zhang, Zuo, Zhang, IEEE TIP 27(9), 2018): each 2x2 cell of pixels becomes one
place with 4 values per plane, which quarters the work and keeps the phases of a Bayer cell apart;
one more plane says how noisy the photo is. What differs is the end. The stack's output does not
become the residual but attenuates details of the photo itself, as the wavelet's Wiener factor does:
the sensor's pattern need not pass through rectifiers, and before any training the network is a
plain high-pass filter, whose residual a correlation with the pattern can already improve.

There is no padding anywhere: what comes out is trimmed by `margin` pixels on each side, so no
border pattern can arise, and whoever wants every pixel gives a border of reflected ones.
"""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

# The noise level is about .005, a picture's contrast about .2: bring both to one scale.
_LEVEL_SCALE: Final = 20.0
_CONTRAST_SCALE: Final = 4.0
_DETAIL_SIDE: Final = 5  # cells
_CLOSED: Final = -1.0  # what the gates begin with: 27 % open


class ResidualNetwork(nn.Module):
    """Planes and noise level in, residual of every plane out."""

    def __init__(self, planes: int, channels: int, depth: int) -> None:
        """`planes`: 3 for developed photos, 1 for a Bayer plane; `depth`: of the gates."""
        super().__init__()
        cells = 4 * planes
        widths = [cells + 1, *[channels] * (depth - 1)]
        layers = [nn.Conv2d(before, after, 3) for before, after in pairwise(widths)]
        self.layers = nn.ModuleList(layers)
        self.gate = nn.Conv2d(channels, 2 * cells, 3)
        self.detail = nn.Conv2d(cells, 2 * cells, _DETAIL_SIDE, bias=False)
        self.mix = nn.Conv2d(2 * cells, cells, 1, bias=False)
        self.margin = 2 * depth
        for layer in layers:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self._begin_as_high_pass(cells)

    def forward(self, planes: Tensor, level: Tensor) -> Tensor:
        """(N, P, H, W) in [0, 1] and (N,) standard deviations -> (N, P, H - 2m, W - 2m).

        H and W are even and above 2m, with m the margin.
        """
        x = functional.pixel_unshuffle((planes - 0.5) * _CONTRAST_SCALE, 2)
        noise = (level * _LEVEL_SCALE)[:, None, None, None].expand(-1, 1, x.shape[2], x.shape[3])
        seen = torch.cat((x, noise), dim=1)
        for layer in self.layers:
            seen = functional.relu(layer(seen))
        gates = torch.sigmoid(self.gate(seen))
        trimmed = len(self.layers) + 1 - _DETAIL_SIDE // 2
        details = self.detail(x[:, :, trimmed:-trimmed, trimmed:-trimmed])
        return functional.pixel_shuffle(self.mix(details * gates), 2) / _CONTRAST_SCALE

    def _begin_as_high_pass(self, cells: int) -> None:
        """Every phase less its plane's mean: over 6 x 6 pixels, and over its own 2 x 2 cell."""
        self.detail.weight.zero_()
        centre = _DETAIL_SIDE // 2
        for output in range(2 * cells):
            phase, reach = output % cells, 1 if output < cells else 0
            plane = slice(phase // 4 * 4, phase // 4 * 4 + 4)
            around = slice(centre - reach, centre + reach + 1)
            self.detail.weight[output, plane, around, around] = -1 / (4 * (2 * reach + 1) ** 2)
            self.detail.weight[output, phase, centre, centre] += 1
        self.gate.weight.mul_(0.1)
        if self.gate.bias is not None:
            self.gate.bias.fill_(_CLOSED)
        identity = torch.eye(cells)
        self.mix.weight.copy_(torch.cat((identity, identity), dim=1)[:, :, None, None])
