"""Photos of virtual cameras for the product's codes: a burst, scenes, and what becomes of them.

The cameras are drawn as those of `camera_photos` are, and are others: nothing else is measured on
them, and no training shot has their seeds.
"""

from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from bench.camera_photos import (
    CAMERA_SEED,
    SHOT_SEED,
    SHOTS_PER_CAMERA,
    conditions,
    developed_centre,
)
from grainseal.models.photo import Photo
from grainseal.models.simulator.conditions import body, draw_shot, expose
from grainseal.models.simulator.writers import compressed

FIRST_MODEL: Final = 100
FIRST_CAMERA: Final = 1000
_FIRST_SCENE: Final = 50
# Copy, its scale, its JPEG quality: None leaves the file as it is.
COPIES: Final[dict[str, tuple[float, int | None]]] = {
    "as is": (1.0, None),
    "jpeg75": (1.0, 75),
    "half, jpeg90": (0.5, 90),
}


class SimulatedCamera:
    """Sibling number `sibling` of model number `model`, of side x side pixels."""

    def __init__(self, model: int, sibling: int, siblings: int, side: int) -> None:
        self._settings = conditions(FIRST_MODEL + model)
        self._number = FIRST_CAMERA + model * siblings + sibling
        self._side = side
        self._body = body(self._settings, CAMERA_SEED + self._number, side, side)

    def flats(self, count: int, first: int = 0) -> list[Photo]:
        """Even, bright scenes out of focus, as a device asks for."""
        return [self._photo(first + number, flat=True) for number in range(count)]

    def scenes(self, count: int) -> list[Photo]:
        """Scenes of any ISO, exposure, focus and texture."""
        return [self._photo(_FIRST_SCENE + number, flat=False) for number in range(count)]

    def _photo(self, number: int, flat: bool) -> Photo:
        seed = SHOT_SEED + self._number * SHOTS_PER_CAMERA + number
        frame = expose(self._body, self._settings, draw_shot(seed, number, flat), seed)
        saved = developed_centre(frame, self._settings, self._side)
        return Photo(saved, "developed", f"camera {self._number}, shot {number}", "")


def copied(photo: Photo, scale: float, quality: int | None) -> Photo:
    """The photo as it is found elsewhere: reduced by a Lanczos filter, saved again."""
    if quality is None:
        return photo
    pixels = photo.pixels.astype(np.uint8)
    if scale != 1:
        size = (round(photo.width * scale), round(photo.height * scale))
        pixels = np.array(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    return replace(photo, pixels=compressed(pixels, quality))
