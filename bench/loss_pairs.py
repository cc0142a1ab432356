"""Two photos of each of several cameras, siblings among them: what triplets are made of."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from bench.loss_terms import triplet_loss
from grainseal.models.noise_level import photo_noise_level
from grainseal.models.simulator.variety import draw_conditions, take_shot_under
from grainseal.models.training import losses
from grainseal.models.training.config import TRIM
from grainseal.models.training.data import as_photo

FIRST_MODEL: Final = 25_000_000  # neither training nor anything that judges counts from here
SIBLINGS: Final = 4
PHOTOS: Final = 2
_DRAWN: Final = 2  # models a batch, and siblings of each
_GRID: Final = 8


@dataclass(frozen=True)
class Pairs:
    """`planes` float32 (M, SIBLINGS, PHOTOS, P, S, S) in [0, 1], `level` float32 without P, S, S.

    Siblings differ by their own pattern only; each photo has its own scene and light.
    """

    planes: npt.NDArray[np.float32]
    level: npt.NDArray[np.float32]


def take_pairs(models: int, side: int) -> Pairs:
    """Photos of `models` models."""
    planes = np.empty((models, SIBLINGS, PHOTOS, 3, side, side), np.float32)
    level = np.empty(planes.shape[:3], np.float32)
    for model, body, photo in np.ndindex(*level.shape):
        seed = FIRST_MODEL + model
        conditions = draw_conditions(np.random.default_rng([seed, 4]), "developed")
        body_seed = 10 * seed + body
        scene = 10 * body_seed + photo
        light = conditions.light * float(np.random.default_rng(scene).uniform(0.5, 1))
        shot = take_shot_under(replace(conditions, light=light), body_seed, scene, side)
        planes[model, body, photo] = shot.planes
        level[model, body, photo] = photo_noise_level(as_photo(shot, "developed"))
    return Pairs(planes, level)


def triplets(network: nn.Module, pairs: Pairs, crop: int, seed: int) -> Tensor:
    """The loss of one draw of cameras, all at the same place, which is where siblings are alike."""
    rng = np.random.default_rng([seed, 21])
    models, siblings = (rng.choice(n, _DRAWN, replace=False) for n in pairs.level.shape[:2])
    side = crop + 2 * TRIM
    top, left = _GRID * rng.integers(0, (pairs.planes.shape[-1] - side) // _GRID + 1, 2)
    chosen = np.ix_(models, siblings, np.arange(PHOTOS))
    window = pairs.planes[..., top : top + side, left : left + side][chosen]
    # Photos foremost: anchors are the first half, positives the second.
    planes = torch.from_numpy(np.moveaxis(window, 2, 0).reshape(-1, 3, side, side).copy())
    level = torch.from_numpy(np.moveaxis(pairs.level[chosen], 2, 0).flatten())
    intensity = planes[:, :, TRIM:-TRIM, TRIM:-TRIM]
    found = losses.single_photo_fingerprint(intensity, network(planes, level, TRIM))
    return triplet_loss(*found.chunk(2))
