"""CSI-CNN: Wang, Sun, Rong, Li, Xu, "Image source identification using convolutional neural
networks in IoT environment", Wireless Communications and Mobile Computing, 2021 (section 3.2,
Table 1, equations 6-8).

A photo's three planes go through two halves. The first finds a picture that is subtracted from
them, the second makes one plane of noise of the difference; each has a bottleneck (128 channels to
32 and back) with a shortcut around it. The network is trained so that this plane points where the
camera's fingerprint does (cosine loss), in patches of 64x64, 64 pairs at a time, half of them with
another camera's fingerprint.

Table 1 counts 47,628 weights. Where text and table differ the table governs: shortcuts are followed
by normalisation in the first half only, by no rectifier in either.

Our choices

- What is subtracted from what (Table 1, "sub"): the first half's output from the input.
- The shortcut (Table 1, "ADD") goes from before the bottleneck to behind it.
- Convolutions of 3x3 pad with zeros, as photos keep their size; in use, photos are tiled with
  reflected surroundings that are cut off again.
- phi of equations 6 and 7 is not given: .5, so that of two unrelated pairs the one with a negative
  correlation costs half as much. It must be in [0, 1), or negative correlations would cost nothing.
- The loss of a batch is the mean of its pairs'.
- A fingerprint is models/fingerprint.py's, by the wavelet, of even photos of the camera, where the
  authors set a tenth of its photos apart (3.2.2).
- Cameras are the simulator's unless photos are given, and those for validation are others.
- Adam with a rate that falls along a cosine from .001, where the authors multiply .001 by .2 every
  30 of 100 epochs (4.3).
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

PHI: Final = 0.5
_CHANNELS: Final = 128
_NARROW: Final = 32


class CsiCnn(nn.Module):
    """A photo's planes in, one plane of noise out (Table 1)."""

    # Six convolutions of 3x3 in a row see 6 pixels; a multiple of the tiles' grid.
    margin: Final = 8

    def __init__(self) -> None:
        super().__init__()
        self.before = _opening()
        self.bottleneck = _bottleneck()
        self.picture = nn.Sequential(
            nn.BatchNorm2d(_CHANNELS),
            nn.Conv2d(_CHANNELS, 3, 3, padding=1),
            nn.BatchNorm2d(3),
            nn.ReLU(),
        )
        self.after = _opening()
        self.second_bottleneck = _bottleneck()
        self.noise = nn.Sequential(nn.Conv2d(_CHANNELS, 1, 3, padding=1), nn.BatchNorm2d(1))

    def forward(self, planes: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 1, H, W)."""
        seen = self.before(planes)
        picture = self.picture(seen + self.bottleneck(seen))
        rest = self.after(torch.relu(planes - picture))
        noise: Tensor = self.noise(rest + self.second_bottleneck(rest))
        return noise


def cosine_loss(residual: Tensor, fingerprint: Tensor, label: Tensor, phi: float = PHI) -> Tensor:
    """Equation 6, the mean over N pairs of (N, ...) arrays; `label` (N,) is 1 for one camera's.

        l max(1 - rho, 0) + (1 - l) (min(rho, 0) phi + |rho|),   rho = x y / (|x| |y|)

    Raises ValueError unless 0 <= phi < 1.
    """
    if not 0 <= phi < 1:
        raise ValueError(f"phi must be at least 0 and below 1, not {phi}")
    rho = nn.functional.cosine_similarity(residual.flatten(1), fingerprint.flatten(1))
    same = (1 - rho).clamp(min=0)  # equation 8
    other = rho.clamp(max=0) * phi + rho.abs()  # equation 7
    return (label * same + (1 - label) * other).mean()


def _opening() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, _CHANNELS, 3, padding=1), nn.BatchNorm2d(_CHANNELS), nn.ReLU()
    )


def _bottleneck() -> nn.Sequential:
    """128 -> 32 -> 32 -> 128 channels, without biases; normalised between, not behind."""
    widths: Sequence[tuple[int, int, int]] = ((_CHANNELS, _NARROW, 1), (_NARROW, _NARROW, 3))
    layers: list[nn.Module] = []
    for before, after, side in widths:
        layers += [
            nn.Conv2d(before, after, side, padding="same", bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d(_NARROW, _CHANNELS, 1, bias=False))
