"""One virtual camera's photos at every ISO, before they are saved.

What is measured over ISO needs as many photos of high ISO as of low; everything else is drawn as
models/simulator/conditions.py does.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.simulator.camera import VirtualCamera
from grainseal.models.simulator.conditions import (
    CameraConditions,
    ShotConditions,
    body,
    draw_camera,
    draw_shot,
    expose,
)
from grainseal.models.simulator.demosaicing import DEMOSAICING
from grainseal.models.simulator.develop import Picture, develop
from grainseal.models.simulator.writers import compressed

ISOS: Final = (100, 200, 400, 800, 1600)
LOWEST_QUALITY, HIGHEST_QUALITY = 75, 95
_QUALITY_STREAM: Final = 40
_FLATS: Final = 500  # numbers of even photos, behind all scenes'


@dataclass(frozen=True)
class IsoSeries:
    """Pictures of one camera as it develops them, uint8 (S, S, 3), not compressed yet.

    `scenes[i]` is at ISO `isos[i]`; `flats` are even ones at ISO 100. `quality`: of its JPEGs.
    `pattern`: the individual's K, float32 (S, S).
    """

    scenes: tuple[Picture, ...] = field(repr=False)
    isos: tuple[int, ...]
    flats: tuple[Picture, ...] = field(repr=False)
    quality: int
    pattern: npt.NDArray[np.float32] = field(repr=False)

    def saved_scenes(self) -> list[Picture]:
        """As the camera's JPEGs show them."""
        return [compressed(picture, self.quality) for picture in self.scenes]

    def saved_flats(self) -> list[Picture]:
        """As the camera's JPEGs show them."""
        return [compressed(picture, self.quality) for picture in self.flats]


def iso_series(seed: int, side: int, flats: int = 0) -> IsoSeries:
    """A photo at each of ISOS by the camera of that seed, each of another scene, side x side."""
    rng = np.random.default_rng([seed, _QUALITY_STREAM])
    quality = int(rng.integers(LOWEST_QUALITY, HIGHEST_QUALITY + 1))
    settings = draw_camera(seed, f"Series {seed}", quality)
    camera = body(settings, seed, side, side)
    shots = [replace(draw_shot(seed, n, flat=False), iso=iso) for n, iso in enumerate(ISOS)]
    even = [draw_shot(seed, _FLATS + n, flat=True) for n in range(flats)]
    return IsoSeries(
        tuple(_picture(camera, settings, shot, seed, n) for n, shot in enumerate(shots)),
        ISOS,
        tuple(_picture(camera, settings, shot, seed, _FLATS + n) for n, shot in enumerate(even)),
        quality,
        camera.own_pattern,
    )


def _picture(
    camera: VirtualCamera, settings: CameraConditions, shot: ShotConditions, seed: int, number: int
) -> Picture:
    frame = expose(camera, settings, shot, seed * 2 * _FLATS + number)
    return develop(frame, settings.development, DEMOSAICING[settings.demosaicing])
