"""Two terms that others train with and the shipped recipe does without: triplets and rings."""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

_MARGIN: Final = 0.05  # of NCC: more than two photos' patches ever differ by, so all pull
RINGS: Final = 6


def triplet_loss(anchors: Tensor, positives: Tensor) -> Tensor:
    """How far the hardest stranger of every pair comes near it: (N, H, W) fingerprints of N >= 2.

    Row i of both is one camera, at one place of two photos. The hardest stranger is the most
    correlated in the batch (Hermans, Beyer, Leibe, arXiv:1703.07737, 2017, equation 5), of either
    photo of the pair.
    """
    scores = _unit(anchors) @ _unit(positives).T
    own = scores.diagonal()
    same = torch.eye(len(scores), dtype=torch.bool)
    strangers = scores.masked_fill(same, -torch.inf)
    hardest = torch.maximum(strangers.amax(dim=0), strangers.amax(dim=1))
    return functional.relu(_MARGIN + hardest - own).mean()


def _unit(fingerprints: Tensor) -> Tensor:
    rows = fingerprints.flatten(1)
    return functional.normalize(rows - rows.mean(dim=1, keepdim=True))


def ring_correlations(estimates: Tensor, truth: Tensor) -> Tensor:
    """Correlation within rings of spatial frequency: (2N, H, W), twins behind, (N, H, W): (N, R).

    The Fourier ring correlation (Saxton, Baumeister, Journal of Microscopy 127, 1982), with twins
    as losses.paired_correlation has them; that it serves as a loss here is ours. RINGS rings of
    equal width, from 0, which is left out, to the corner of the spectrum.
    """
    rings = _rings(*truth.shape[1:])
    own, twin = torch.fft.fft2(estimates).flatten(1).chunk(2)
    true = torch.fft.fft2(truth).flatten(1)
    answer = ((own - twin) * true.conj()).real / 2 @ rings
    energy = (own.abs().square() + twin.abs().square()) / 2 @ rings
    whole = true.abs().square() @ rings
    shares: Tensor = answer / ((energy * whole).sqrt() + 1e-12)
    return shares


def _rings(height: int, width: int) -> Tensor:
    """(H W, RINGS), 1 where a frequency is of a ring."""
    down, across = torch.fft.fftfreq(height)[:, None], torch.fft.fftfreq(width)[None]
    radius = torch.sqrt(down**2 + across**2).flatten()
    number = (radius / 0.5**0.5 * RINGS).long().clamp(max=RINGS - 1)
    ones = functional.one_hot(number, RINGS).float()
    ones[0] = 0
    return ones
