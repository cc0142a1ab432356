"""How much of the predicted correlation photos have, of cameras that the predictor did not see.

Each camera's scenes are predicted by coefficients that were fitted to the others' photos: as the
coefficients tell their correlation, and with the camera's own gain, where two even photos tell it.
The cautions of `client/expectation.py` were chosen from such shares, lower than these, for they
stand before an NCC, which is a product of two correlations.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.correlation_features import BlockFeatures
from grainseal.models.correlation_prediction import Fit, amplified, told_gain
from grainseal.models.training.correlation_truth import Truth

Array = npt.NDArray[np.float64]

LEAST: Final = 5  # per cent of scenes that stay below what is said


@dataclass(frozen=True)
class Seen:
    """Photos of one camera: their features and what they have with its pattern."""

    features: Sequence[BlockFeatures]
    truth: Truth


@dataclass(frozen=True)
class CameraShares:
    """What scenes have over what was predicted, float64: without and with the gain.

    Of scenes that have any correlation predicted; `gained` is empty where no gain was told.
    """

    plain: Array
    gained: Array


def left_out(
    cameras: Sequence[tuple[Seen, Seen]], fit: Callable[[Sequence[Seen]], Fit]
) -> list[CameraShares]:
    """Of each camera, its scenes and its two even photos, by a fit to all others."""
    return [
        _shares(*camera, fit([s for other in cameras if other is not camera for s in other]))
        for camera in cameras
    ]


def lowest_share(found: Sequence[Array]) -> float | None:
    """The share that all but 5 % of scenes reach; None of no scene."""
    shares = np.concatenate(found)
    return float(np.percentile(shares, LEAST, method="inverted_cdf")) if shares.size else None


def _shares(scenes: Seen, evens: Seen, fit: Fit) -> CameraShares:
    said, even = (
        [float(fit.predicted(each).mean()) for each in seen.features] for seen in (scenes, evens)
    )
    gain = told_gain(even[:1], even[1:], float(evens.truth.pairs[0, 1]))
    has = scenes.truth.whole
    gained = _over(has, amplified(said, gain)) if gain is not None else np.array([])
    return CameraShares(_over(has, said), gained)


def _over(has: Array, said: Sequence[float]) -> Array:
    promised = np.array(said)
    return has[promised > 0] / promised[promised > 0]
