"""Simulated cameras by number, two of each model, and as many photos of each as are asked for.

Those that reference systems are trained on, those of their validation, and those that judge have
numbers far apart: no camera, model or scene is in two of them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from grainseal.models.simulator.camera import RawFrame, VirtualCamera
from grainseal.models.simulator.conditions import (
    CameraConditions,
    ShotConditions,
    body,
    draw_camera,
    draw_shot,
    expose,
    scene_of,
)
from grainseal.models.simulator.demosaicing import DEMOSAICING
from grainseal.models.simulator.develop import Picture, develop
from grainseal.models.simulator.writers import compressed

SIBLINGS: Final = 2  # cameras of one model
_TRAINING, _VALIDATION, _UNSEEN = 40_000_000, 60_000_000, 80_000_000
SEEDS: Final = 1000  # from 0; with more, trainings and validations would have the same numbers
CAMERAS_PER_SEED: Final = 10_000
_FLATS: Final = 10_000  # even photos are numbered from here
_QUALITIES: Final = (75, 96)  # of a model's JPEGs, the last one excluded
_QUALITY_STREAM: Final = 31
_WHOLE: Final = 1024  # side of the photos that smaller ones are the middle of


@dataclass(frozen=True)
class SeriesCamera:
    """Camera `number`; its photos are side x side pixels, and its pattern is that side's.

    A small photo shows what the middle of a large one does, not a large one made smaller.
    """

    number: int
    side: int

    @cached_property
    def conditions(self) -> CameraConditions:
        """What its model has in common."""
        model = self.number // SIBLINGS
        rng = np.random.default_rng([model, _QUALITY_STREAM])
        return draw_camera(model, f"Trained {model}", int(rng.integers(*_QUALITIES)))

    @cached_property
    def individual(self) -> VirtualCamera:
        """Its own sensor."""
        return body(self.conditions, self.number, self.side, self.side)

    def iso(self, index: int) -> int:
        """Of its scene number `index`."""
        return self._shot(index, flat=False).iso

    def raw(self, index: int, flat: bool = False) -> RawFrame:
        """The Bayer plane of scene or even photo number `index`."""
        shot, number = self._shot(index, flat), self._number(index, flat)
        return expose(self.individual, self.conditions, shot, number, self._zoom)

    def photo(self, index: int, flat: bool = False) -> Picture:
        """The JPEG's pixels, uint8 (side, side, 3)."""
        return compressed(self._developed(self.raw(index, flat)), self.conditions.quality)

    def clean(self, index: int, flat: bool = False) -> Picture:
        """What a sensor without noise would have given, not compressed."""
        shot, number = self._shot(index, flat), self._number(index, flat)
        scene = scene_of(shot, self.side, self.side, number, self._zoom)
        scene /= np.array(self.conditions.development.white_balance, np.float32)
        return self._developed(self.individual.without_noise(scene, shot.iso))

    @property
    def _zoom(self) -> float:
        return max(1.0, _WHOLE / self.side)

    def _shot(self, index: int, flat: bool) -> ShotConditions:
        return draw_shot(self.number, self._number(index, flat), flat)

    def _number(self, index: int, flat: bool) -> int:
        """No two cameras look at one scene."""
        return self.number * 2 * _FLATS + (_FLATS if flat else 0) + index

    def _developed(self, frame: RawFrame) -> Picture:
        settings = self.conditions
        return develop(frame, settings.development, DEMOSAICING[settings.demosaicing])


def training_camera(seed: int, index: int) -> int:
    """Number of a training's camera, by the seed of its configuration, below SEEDS."""
    return _TRAINING + _within(seed, index)


def validation_camera(seed: int, index: int) -> int:
    """Number of a camera that a training only looked at."""
    return _VALIDATION + _within(seed, index)


def unseen_camera(index: int) -> int:
    """Number of a camera that no training has seen; each pair of an even and an odd is a model."""
    return _UNSEEN + index


def _within(seed: int, index: int) -> int:
    if not (0 <= seed < SEEDS and 0 <= index < CAMERAS_PER_SEED):
        raise ValueError(
            f"seeds are below {SEEDS}, cameras of each below {CAMERAS_PER_SEED}: {seed}, {index}"
        )
    return seed * CAMERAS_PER_SEED + index
