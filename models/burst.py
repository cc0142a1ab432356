"""Does a burst come from one camera? Each photo's noise is held against that of the others.

Photos of one camera share their pattern and nothing else, so their noise correlates, and by chance
as N(0, 1 / N_eff) does (`matching`). Scores are in units of that deviation. Photos are gathered
around the two that agree best, each time the one that matches the sum of those before it best. A
photo that scores far less than the gathered ones score among themselves is of another camera: of
what remains then another group is gathered, and the largest group is the camera that is meant.

Where even the gathered photos score little among themselves (noisy, dark, much compressed ones),
a low score says nothing, and every photo passes.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.fingerprint import wiener_dft, zero_mean
from grainseal.models.matching import effective_samples

Plane = npt.NDArray[np.float32]
Scores = npt.NDArray[np.float64]

# Measured by `python -m bench bursts` (docs/EVALUATION.md, "One camera in a burst"): 512x512 pixels
# of six photos up to ISO 800 score 14 to 62 among themselves, another camera's at most 6.6.
TELLING: Final = 12.0
"""Score of the gathered photos, one against the rest, from which a low one says something."""
SURE: Final = 8.0
"""A score that no other camera's photo reaches."""
LEAST_SHARE: Final = 0.25
"""Of the gathered photos' score: what a photo of their camera has at least."""


def strays(noises: Sequence[Plane]) -> list[int]:
    """Which of a burst's residuals, float32 (H, W) of one shape, are of another camera: ascending.

    Two photos, or more of which no two match, cannot be told: empty.
    """
    return strays_by(pair_scores(noises)) if len(noises) > 2 else []


def strays_by(scores: Scores) -> list[int]:
    """The same, from the photos' `pair_scores`."""
    photos = list(range(len(scores)))
    left, groups = photos, []
    while left:
        groups.append(_gathered(scores, left))
        left = [each for each in left if each not in groups[-1]]
    largest = max(groups, key=len)
    return [each for each in photos if each not in largest]


def pair_scores(noises: Sequence[Plane]) -> Scores:
    """Correlation of each two residuals in units of the null's deviation, float64 (n, n)."""
    planes = [wiener_dft(zero_mean(noise)) for noise in noises]
    samples = float(np.median([effective_samples(a, b) for a, b in pairwise(planes)]))
    rows = np.array([plane.ravel() - plane.mean() for plane in planes])
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    rows = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    scores: Scores = (rows @ rows.T).astype(np.float64) * math.sqrt(samples)
    return scores


def score(scores: Scores, photo: int, others: Sequence[int]) -> float:
    """Of a photo against the sum of others, in the same units."""
    itself = float(scores.diagonal().max())  # √N_eff
    power = float(scores[np.ix_(others, others)].sum())
    together = float(scores[photo, list(others)].sum())
    return together * math.sqrt(itself / power) if power > 0 else 0.0


def own_score(scores: Scores, group: Sequence[int]) -> float:
    """What a photo of the group scores against the rest of it: the median."""
    rests = [[other for other in group if other != each] for each in group]
    return float(np.median([score(scores, *one) for one in zip(group, rests, strict=True)]))


def _gathered(scores: Scores, photos: Sequence[int]) -> list[int]:
    """The photos that belong to the two that match best; all of them where that cannot be told."""
    if len(photos) < 3:
        return list(photos)
    pairs = [(scores[a, b], a, b) for a in photos for b in photos if a < b]
    group = list(max(pairs)[1:])
    left = [each for each in photos if each not in group]
    while left:
        best = max(left, key=lambda photo: score(scores, photo, group))
        among = own_score(scores, group)
        if among >= TELLING and score(scores, best, group) < min(SURE, LEAST_SHARE * among):
            return group
        group.append(best)
        left.remove(best)
    return group
