"""What the network is asked for: first all of the noise, then the part that is I*K.

The pattern loss is the correlation of the known pattern with the fingerprint of one photo, computed
as models/fingerprint.py computes it: what is trained is what will be measured.

A correlation of .03 in the noise of one patch says little. So every patch comes with its twin, the
same scene and noise under the opposite pattern: in the difference of their fingerprints the noise
cancels, and a batch tells what a change of weights is worth a hundred times more exactly.
"""

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from grainseal.models.fingerprint import (
    FULL_WEIGHT_BELOW,
    NO_WEIGHT_ABOVE,
    NOISE_SIGMA,
    NOISE_WINDOW,
    PRIOR_SIGMA,
)

_CHARBONNIER: Final = 0.3  # deviations: quadratic below, linear above
_LEAST_NOISE: Final = 0.5 / 255
_PERIOD: Final = 8  # pixels: JPEG blocks, and CFA cells within them
# A photo whose fingerprint correlates by r counts 1 / (r + this): hard ones count, too.
_EASE: Final = 0.02


@dataclass(frozen=True)
class PatternParts:
    """What the pattern loss is made of; the defaults are what is trained with."""

    twins: bool = True  # without them, every patch's plain correlation with its own truth
    own_plane: float = 0.2  # weight of every plane's own correlation with its I*K
    common: float = 1.0  # weight of the penalty on what all photos have in common
    even: bool = False  # easy and hard photos count alike, what the batch's count on average


_ALL_PARTS: Final = PatternParts()


def denoising_loss(residual: Tensor, noise: Tensor) -> Tensor:
    """Charbonnier distance of (N, P, H, W) residuals from the true noise, in its own deviations.

    Relative to each photo's noise: otherwise the few noisiest would be all that counts.
    """
    scale = noise.square().mean(dim=(1, 2, 3), keepdim=True).sqrt() + _LEAST_NOISE
    difference = (residual - noise) / scale
    return torch.sqrt(difference.square() + _CHARBONNIER**2).mean()


def pattern_loss(
    intensity: Tensor, residual: Tensor, pattern: Tensor, parts: PatternParts = _ALL_PARTS
) -> Tensor:
    """Minus the weighted correlations with the truth, plus the penalty on what is common.

    `intensity` and `residual` are (2N, P, H, W), patches and then their twins, and `pattern` is the
    patches' K as (N, H, W). Without twins all three have N.
    """
    correlate = paired_correlation if parts.twins else correlation
    whole = correlate(single_photo_fingerprint(intensity, residual), pattern)
    shown = intensity[: len(pattern)] * pattern[:, None]
    planes = range(residual.shape[1])
    by_plane = [correlate(residual[:, p], shown[:, p]) for p in planes]
    reached = whole + parts.own_plane * torch.stack(by_plane).mean(dim=0)
    weight = 1 / (whole.detach().clamp(min=0) + _EASE)
    weight = weight.mean() if parts.even else weight
    return parts.common * common_share(residual) - (weight * reached).mean()


def single_photo_fingerprint(intensity: Tensor, residual: Tensor) -> Tensor:
    """K of one photo each, (N, H, W): equation (1) of models/fingerprint.py, before clean-up."""
    slope = 1 / (NO_WEIGHT_ABOVE - FULL_WEIGHT_BELOW)
    saturation = ((NO_WEIGHT_ABOVE - intensity) * slope).clamp(0, 1)
    reach = NOISE_WINDOW // 2
    power = functional.pad(residual.square(), (reach,) * 4, mode="reflect")
    variance = functional.avg_pool2d(power, NOISE_WINDOW, stride=1)
    weight = saturation * NOISE_SIGMA**2 / variance.clamp(min=NOISE_SIGMA**2)
    energy = (weight * intensity.square()).sum(dim=1) + (NOISE_SIGMA / PRIOR_SIGMA) ** 2
    pattern: Tensor = (weight * intensity * residual).sum(dim=1) / energy
    return pattern


def correlation(a: Tensor, b: Tensor) -> Tensor:
    """Normalised cross-correlation of (N, H, W) arrays, one number each."""
    a, b = (x.flatten(1) - x.flatten(1).mean(dim=1, keepdim=True) for x in (a, b))
    product = (a * b).sum(dim=1)
    normalised: Tensor = product / (a.norm(dim=1) * b.norm(dim=1) + 1e-12)
    return normalised


def paired_correlation(estimates: Tensor, truth: Tensor) -> Tensor:
    """Correlation of (2N, H, W) estimates, twins behind, with their (N, H, W) truth: N numbers."""
    own, twin = (estimates - estimates.mean(dim=(1, 2), keepdim=True)).chunk(2)
    truth = truth - truth.mean(dim=(1, 2), keepdim=True)
    answer = ((own - twin) * truth).sum(dim=(1, 2)) / 2
    energy = (own.square() + twin.square()).sum(dim=(1, 2)) / 2
    paired: Tensor = answer / (energy.sqrt() * truth.flatten(1).norm(dim=1) + 1e-12)
    return paired


def common_share(residual: Tensor) -> Tensor:
    """Energy share of the mean residual over a batch of patches that lie alike in their blocks."""
    count, planes, height, width = residual.shape
    cells = residual.reshape(count, planes, height // _PERIOD, _PERIOD, width // _PERIOD, _PERIOD)
    shared = cells.mean(dim=(0, 2, 4))
    return shared.square().mean() / (residual.square().mean() + 1e-12)
