"""Photos of virtual cameras that no extractor was trained on, each as RAW and as JPEG.

Seeds and names of models are this file's own: training has shots below 11 million, of the models
"Family 0" to "Family 11". Scenes are plain dead leaves, not training's.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from grainseal.models.photo import Photo
from grainseal.models.simulator.camera import RawFrame, VirtualCamera
from grainseal.models.simulator.conditions import (
    CameraConditions,
    body,
    draw_camera,
    draw_shot,
    expose,
)
from grainseal.models.simulator.demosaicing import DEMOSAICING
from grainseal.models.simulator.develop import Picture, develop
from grainseal.models.simulator.writers import compressed

MODEL_SEED: Final = 50_000_000
CAMERA_SEED: Final = 60_000_000
SHOT_SEED: Final = 70_000_000
SHOTS_PER_CAMERA: Final = 100
LOWEST_QUALITY, HIGHEST_QUALITY = 75, 95
_QUALITY_STREAM: Final = 30
# Developed around the centre, more than any filter of the pipeline sees; whole JPEG blocks.
_SURROUNDINGS: Final = 64


@dataclass(frozen=True)
class Shot:
    """One exposure: the whole Bayer plane, and the centre of what the camera makes of it."""

    raw: Photo
    developed: Photo


def conditions(model: int) -> CameraConditions:
    """What the siblings of model number `model` share: sensor, pipeline, quality of the JPEGs."""
    seed = MODEL_SEED + model
    rng = np.random.default_rng([seed, _QUALITY_STREAM])
    quality = int(rng.integers(LOWEST_QUALITY, HIGHEST_QUALITY + 1))
    return draw_camera(seed, f"Benchmark {model}", quality)


def photographs(model: int, camera: int, count: int, side: int, centre: int) -> list[Shot]:
    """`count` scenes by camera number `camera`, side x side pixels, the JPEG's centre x centre.

    The numbers of cameras are theirs alone, whatever their model.
    """
    settings = conditions(model)
    individual = body(settings, CAMERA_SEED + camera, side, side)
    return [_shot(individual, settings, camera, number, centre) for number in range(count)]


def _shot(
    individual: VirtualCamera, settings: CameraConditions, camera: int, number: int, centre: int
) -> Shot:
    seed = SHOT_SEED + camera * SHOTS_PER_CAMERA + number
    frame = expose(individual, settings, draw_shot(seed, number, flat=False), seed)
    name = f"camera {camera}, shot {number}"
    saved = developed_centre(frame, settings, centre)
    return Shot(frame.photo(name), Photo(saved, "developed", name, ""))


def developed_centre(frame: RawFrame, settings: CameraConditions, centre: int) -> Picture:
    """The centre of the whole frame's JPEG, uint8 (centre, centre, 3), without the rest of it."""
    around = min(centre + 2 * _SURROUNDINGS, frame.pixels.shape[0])
    first = (frame.pixels.shape[0] - around) // 2
    window = np.s_[first : first + around, first : first + around]
    part = RawFrame(frame.pixels[window], frame.make, frame.model, frame.iso)
    picture = develop(part, settings.development, DEMOSAICING[settings.demosaicing])
    inner = (around - centre) // 2
    saved = compressed(picture, settings.quality)
    return saved[inner : inner + centre, inner : inner + centre].copy()
