"""How much of the predicted correlation photos have, of cameras that the predictor did not see.

Each camera's scenes are predicted by coefficients that were fitted to the others' photos: as the
coefficients tell their correlation, and with the camera's own gain, which two even photos tell.
`client/expectation.py` takes from it how little is still to be expected.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.correlation_features import BlockFeatures
from grainseal.models.correlation_prediction import Fit, amplified, camera_gain
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
    """What each scene has over what was predicted, float64 (P,): without and with the gain."""

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


def lowest_shares(found: Sequence[CameraShares]) -> tuple[float, float]:
    """The share that all but 5 % of scenes reach: without the gain, with it."""
    plain, gained = (
        np.percentile(np.concatenate(shares), LEAST)
        for shares in ([each.plain for each in found], [each.gained for each in found])
    )
    return float(plain), float(gained)


def _shares(scenes: Seen, evens: Seen, fit: Fit) -> CameraShares:
    said, even = (
        [float(fit.predicted(each).mean()) for each in seen.features] for seen in (scenes, evens)
    )
    gain = camera_gain(even[:1], even[1:], float(evens.truth.pairs[0, 1]))
    has = scenes.truth.whole
    return CameraShares(_over(has, said), _over(has, amplified(said, gain)))


def _over(has: Array, said: Sequence[float]) -> Array:
    """Nothing is more than enough where nothing was promised."""
    promised = np.array(said)
    return np.divide(has, promised, out=np.full_like(has, np.inf), where=promised > 0)
