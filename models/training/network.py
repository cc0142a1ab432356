"""The network: linear details of every plane, let through by gates that a small stack computes.

Details come from three scales (of 2, 4 and 8 pixels), each by one linear filter; sigmoids say how
much of each passes where, as the Wiener factors of a wavelet denoiser do. So the sensor's pattern
need not pass through rectifiers, and before any training the network is a plain high-pass filter,
whose residual a correlation with the pattern can already improve. What the stack knows of the scene
beyond that, it subtracts.

The stack works on 2x2 cells (FFDNet: Zhang, Zuo, Zhang, IEEE TIP 27(9), 2018), which keeps the
phases of a Bayer cell apart, and on two coarser scales beside it (a U-Net: Ronneberger, Fischer,
Brox, MICCAI 2015), which see far at little cost. One more plane says how noisy the photo is.

A developed photo has a gamma curve, which makes noise about as strong in the dark as in the light;
a Bayer plane has none, and most of it lies in a corner of its range. Of it the stack is shown the
fine details as well, of the square root (Anscombe, Biometrika 35, 1948) and on the scale of noise.

The outermost `margin` pixels know too little of their surroundings, and the convolutions' zero
padding prints a pattern of its own there, the same for every camera: they are cut off. Whoever
wants every pixel of a photo gives a border of reflected ones.
"""

from itertools import pairwise
from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

# Height and width are multiples of this: two halvings of the 2x2 cells.
GRID: Final = 8
# The noise level is about .005, a picture's contrast about .2: bring both to one scale.
_LEVEL_SCALE: Final = 20.0
_CONTRAST_SCALE: Final = 4.0
_DETAIL_SIDE: Final = 5
# Noise of a Bayer plane's root is .004 to .02: bring it to about 1. Edges are clipped.
_ROOT_SCALE: Final = 80.0
_ROOT_LIMIT: Final = 6.0
_CLOSED: Final = -1.0  # what the gates begin with: 27 % open


class ResidualNetwork(nn.Module):
    """Planes and noise level in, residual of every plane out."""

    def __init__(self, planes: int, channels: int, wide: int, depth: int) -> None:
        """`planes`: 3 for developed photos, 1 for a Bayer plane.

        `channels` of the 2x2 cells, `wide` ones on coarser scales; `depth`: layers on the middle
        scale, on its way down.
        """
        super().__init__()
        cells = 4 * planes
        self.raw = planes == 1
        self.fine = _layers((2 if self.raw else 1) * cells + 1, channels, 2)
        self.to_middle = nn.Conv2d(channels, wide, 2, stride=2)
        self.middle = _layers(wide, wide, depth)
        self.to_coarse = nn.Conv2d(wide, wide, 2, stride=2)
        self.coarse = _layers(wide, wide, 2)
        self.from_coarse = nn.Conv2d(wide, wide, 1)
        self.middle_again = _layers(wide, wide, 1)
        self.from_middle = nn.Conv2d(wide, channels, 1)
        self.fine_again = _layers(channels, channels, 1)
        self.details = nn.ModuleList(
            nn.Conv2d(width, 2 * width, _DETAIL_SIDE, padding="same", bias=False)
            for width in (cells, planes, planes)
        )
        self.gates = nn.ModuleList(
            nn.Conv2d(seen, 2 * width, 3, padding=1)
            for seen, width in ((channels, cells), (wide, planes), (wide, planes))
        )
        self.mixes = nn.ModuleList(
            nn.Conv2d(2 * width, width, 1, bias=False) for width in (cells, planes, planes)
        )
        self.scene = nn.Conv2d(channels, cells, 3, padding=1)
        self.margin = _margin(depth, self.raw)
        self._initialise(cells, planes)

    def forward(self, planes: Tensor, level: Tensor, trim: int | None = None) -> Tensor:
        """(N, P, H, W) in [0, 1] and (N,) standard deviations -> (N, P, H - 2m, W - 2m).

        H and W are multiples of GRID; m is `trim`, by default the margin.
        """
        cut = self.margin if trim is None else trim
        picture = (planes - 0.5) * _CONTRAST_SCALE
        cells = functional.pixel_unshuffle(picture, 2)
        middle = functional.avg_pool2d(picture, 4)
        coarse = functional.avg_pool2d(middle, 2)
        shown = torch.cat((cells, _rooted(planes)), dim=1) if self.raw else cells
        *openings, scene = self._look(shown, level)
        fine, *rest = (
            mix(detail(scale) * torch.sigmoid(opening))
            for detail, mix, scale, opening in zip(
                self.details, self.mixes, (cells, middle, coarse), openings, strict=True
            )
        )
        residual = functional.pixel_shuffle(fine - scene, 2)
        for factor, part in zip((4, 8), rest, strict=True):
            residual = residual + functional.interpolate(part, scale_factor=factor, mode="bilinear")
        return residual[:, :, cut:-cut, cut:-cut] / _CONTRAST_SCALE

    def _look(self, shown: Tensor, level: Tensor) -> tuple[Tensor, ...]:
        """How far the gates of the three scales open, and what to subtract of the scene."""
        height, width = shown.shape[2:]
        noise = (level * _LEVEL_SCALE)[:, None, None, None].expand(-1, 1, height, width)
        # Coarse numbers are good enough for this part, and twice as fast to train with.
        with torch.autocast(shown.device.type, torch.bfloat16, enabled=self.training):
            fine = self.fine(torch.cat((shown, noise), dim=1))
            middle = self.middle(functional.relu(self.to_middle(fine)))
            coarse = self.coarse(functional.relu(self.to_coarse(middle)))
            middle = self.middle_again(middle + _doubled(self.from_coarse(coarse)))
            fine = self.fine_again(fine + _doubled(self.from_middle(middle)))
            seen = (fine, middle, coarse)
            found = [gate(scale) for gate, scale in zip(self.gates, seen, strict=True)]
            found.append(self.scene(fine))
        return tuple(each.float() for each in found)

    def _initialise(self, cells: int, planes: int) -> None:
        """A high-pass filter: every value less its plane's mean around it, on each scale."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():
            self.scene.weight.zero_()
            for gate in _convolutions(self.gates):
                gate.weight.mul_(0.1)
                nn.init.constant_(cast(Tensor, gate.bias), _CLOSED)
            scales = zip((cells, planes, planes), (4, 1, 1), (1.0, 0.5, 0.5), strict=True)
            details, mixes = _convolutions(self.details), _convolutions(self.mixes)
            for detail, mix, (width, phases, share) in zip(details, mixes, scales, strict=True):
                _high_pass(detail.weight, width, phases)
                # What coarser scales add, the finest one has in part.
                identity = share * torch.eye(width)
                mix.weight.copy_(torch.cat((identity, identity), dim=1)[:, :, None, None])


def _rooted(planes: Tensor) -> Tensor:
    """(N, P, H, W) -> (N, 4P, H/2, W/2): cells of the root's fine details, about 1 where noise."""
    root = functional.pixel_unshuffle(planes.clamp(min=0).sqrt(), 2)
    reach = _DETAIL_SIDE // 2
    around = functional.avg_pool2d(
        root, _DETAIL_SIDE, stride=1, padding=reach, count_include_pad=False
    )
    return ((root - around) * _ROOT_SCALE).clamp(-_ROOT_LIMIT, _ROOT_LIMIT)


def _layers(before: int, channels: int, count: int) -> nn.Sequential:
    steps: list[nn.Module] = []
    for width, following in pairwise([before, *[channels] * count]):
        steps += [nn.Conv2d(width, following, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*steps)


def _convolutions(modules: nn.ModuleList) -> list[nn.Conv2d]:
    return [cast(nn.Conv2d, module) for module in modules]


def _doubled(coarse: Tensor) -> Tensor:
    doubled: Tensor = functional.interpolate(coarse, scale_factor=2, mode="nearest")
    return doubled


def _margin(depth: int, raw: bool) -> int:
    """Pixels that a value can be influenced from: the sum of what all layers in a row reach.

    Fine layers reach 2 pixels, middle ones 4, coarse ones 8. The cell, the block and the bilinear
    enlargement they lie in are not centred on a pixel, which adds up to two blocks of 8. The
    details of a RAW plane's root reach two cells before all that.
    """
    before = _DETAIL_SIDE // 2 if raw else 0
    reach = 2 * (before + 2 + 1 + 1) + 4 * (depth + 1) + 8 * (2 + 1) + 2 * GRID
    return -(-reach // GRID) * GRID


def _high_pass(weight: Tensor, width: int, phases: int) -> None:
    """(2 width, width, S, S): less the mean over S x S, and less that over the value's own cell.

    Where a cell has no phases, 3 x 3 takes its place.
    """
    weight.zero_()
    centre = _DETAIL_SIDE // 2
    for output in range(2 * width):
        own = output % width
        near = 0 if phases > 1 else 1
        reach = centre if output < width else near
        plane = slice(own // phases * phases, own // phases * phases + phases)
        around = slice(centre - reach, centre + reach + 1)
        weight[output, plane, around, around] = -1 / (phases * (2 * reach + 1) ** 2)
        weight[output, own, centre, centre] += 1
