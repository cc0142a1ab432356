"""Cameras and shots that differ as real ones do: settings drawn from a seed.

A camera has a sensor, a black level that is a little off, and a pipeline; a shot has an ISO, an
exposure, a focus and a scene. Siblings share the camera's settings and differ in their seed alone.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from grainseal.models.simulator.camera import (
    PatternParameters,
    RawFrame,
    SensorParameters,
    VirtualCamera,
)
from grainseal.models.simulator.demosaicing import DEMOSAICING
from grainseal.models.simulator.develop import Development
from grainseal.models.simulator.scene import Scene, flat_scene, middle_of_dead_leaves, one_over_f

_CAMERA_STREAM, _SHOT_STREAM, _TEXTURE_STREAM = 20, 21, 22
_ISOS: Final = (100, 200, 400, 800, 1600)
_ISO_SHARES: Final = (0.35, 0.25, 0.2, 0.13, 0.07)


@dataclass(frozen=True)
class CameraConditions:
    """What a model's cameras have in common.

    `prnu`: standard deviation of the fine pattern. `black_offset`: DN by which the true black level
    is above the stated one. `demosaicing`: a name in DEMOSAICING. `quality`: of its JPEGs.
    """

    make: str = "Simulated"
    model: str = "Virtual One"
    prnu: float = 0.006
    pattern: PatternParameters = field(default_factory=PatternParameters)
    sensor: SensorParameters = field(default_factory=SensorParameters)
    black_offset: int = 0
    demosaicing: str = "edge-aware"
    development: Development = field(default_factory=Development)
    quality: int = 92


@dataclass(frozen=True)
class ShotConditions:
    """What differs from photo to photo.

    `exposure` multiplies the light. `defocus`: standard deviation in pixels of the blur. `texture`:
    relative amplitude of fine 1/f texture on top of the scene's own. `flat`: an even scene.
    """

    iso: int = 100
    exposure: float = 1.0
    defocus: float = 0.0
    texture: float = 0.0
    flat: bool = False


def draw_camera(seed: int, model: str, quality: int) -> CameraConditions:
    """The settings of one camera model."""
    rng = np.random.default_rng([seed, _CAMERA_STREAM])
    sensor = SensorParameters(
        full_well=float(rng.uniform(6_000, 25_000)),
        read_noise=float(rng.uniform(1.5, 5.0)),
        dark_current=float(rng.uniform(0.5, 6.0)),
        shading=float(rng.uniform(0.1, 0.4)),
    )
    development = Development(
        white_balance=(float(rng.uniform(1.0, 1.3)), 1.0, float(rng.uniform(1.0, 1.4))),
        gamma=float(rng.uniform(2.0, 2.4)),
        contrast=float(rng.uniform(0.0, 0.3)),
        sharpening=float(rng.choice([0.0, rng.uniform(0.2, 0.8)], p=[0.2, 0.8])),
        sharpening_radius=float(rng.uniform(0.7, 1.5)),
        denoising=float(rng.choice([0.0, rng.uniform(0.3, 0.7)], p=[0.5, 0.5])),
    )
    return CameraConditions(
        model=model,
        prnu=float(rng.uniform(0.004, 0.009)),
        sensor=sensor,
        black_offset=int(rng.integers(0, 9)),
        demosaicing=str(rng.choice(sorted(DEMOSAICING))),
        development=development,
        quality=quality,
    )


def draw_shot(seed: int, shot: int, flat: bool) -> ShotConditions:
    """The settings of one photo; a guided burst's are all good ones."""
    rng = np.random.default_rng([seed, shot, _SHOT_STREAM])
    if flat:
        return ShotConditions(flat=True, exposure=float(rng.uniform(0.9, 1.1)))
    return ShotConditions(
        iso=int(rng.choice(_ISOS, p=_ISO_SHARES)),
        exposure=float(2 ** rng.uniform(-1.0, 0.5)),
        defocus=float(rng.choice([0.0, rng.uniform(0.5, 3.0)], p=[0.6, 0.4])),
        texture=float(rng.choice([0.0, rng.uniform(0.02, 0.15)], p=[0.5, 0.5])),
    )


def body(camera: CameraConditions, seed: int, width: int, height: int) -> VirtualCamera:
    """The individual of that seed."""
    return VirtualCamera(
        seed,
        width,
        height,
        camera.prnu,
        camera.make,
        camera.model,
        camera.sensor,
        camera.pattern,
    )


def scene_of(shot: ShotConditions, height: int, width: int, seed: int, zoom: float = 1.0) -> Scene:
    """What lies before the lens, float32 (H, W, 3) in [0, 1].

    `zoom`: as the middle of a photo so many times as wide and high shows it.
    """
    if shot.flat:
        scene = flat_scene(height, width, seed)
    else:
        scene = middle_of_dead_leaves(height, width, seed, zoom)
    if shot.texture > 0:
        rng = np.random.default_rng([seed, _TEXTURE_STREAM])
        scene *= 1 + np.float32(shot.texture) * one_over_f(height, width, rng)[:, :, None]
    if shot.defocus > 0:
        scene = ndimage.gaussian_filter(scene, (shot.defocus, shot.defocus, 0), truncate=3)
    scene *= np.float32(shot.exposure)
    return np.clip(scene, 0, 1, out=scene)


def expose(
    individual: VirtualCamera,
    camera: CameraConditions,
    shot: ShotConditions,
    seed: int,
    zoom: float = 1.0,
) -> RawFrame:
    """The RAW frame of one shot; its scene, `zoom` as of `scene_of`, and noise are the seed's."""
    scene = scene_of(shot, individual.height, individual.width, seed, zoom)
    # What white balance multiplies later, the sensor sees less of.
    scene /= np.array(camera.development.white_balance, np.float32)
    frame = individual.photograph(scene, shot.iso, seed)
    lifted = frame.pixels.astype(np.int32) + camera.black_offset
    pixels: npt.NDArray[np.uint16] = np.minimum(lifted, int(frame.white)).astype(np.uint16)
    return replace(frame, pixels=pixels)
