"""Photos under random conditions, with the truth beside them: what extractors are trained on.

Every shot has a camera of its own and draws scene, light, ISO, sensor, development, JPEG and size
from wide ranges, so that nothing that is learnt holds for one pipeline only. The truth is the
individual's pattern K on the photo's own grid, and what a sensor without noise would have given.
"""

from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from grainseal.models.simulator.camera import RawFrame, SensorParameters, VirtualCamera
from grainseal.models.simulator.develop import Development, quantised, render
from grainseal.models.simulator.scene import Scene, dead_leaves, flat_scene, one_over_f
from grainseal.models.simulator.writers import compressed, halved

Plane = npt.NDArray[np.float32]
Planes = npt.NDArray[np.float32]

_FLAT_SHARE: Final = 0.25
_HALF_SHARE: Final = 0.15
_UNCOMPRESSED_SHARE: Final = 0.1
_SAVED_AGAIN_SHARE: Final = 0.2
_FAMILIES: Final = 12


@dataclass(frozen=True)
class Conditions:
    """All that is drawn for one shot."""

    flat: bool
    half: bool
    light: float  # factor on the scene's radiance
    iso: int
    prnu: float
    family: int
    sensor: SensorParameters
    development: Development
    quality: int | None  # of the JPEG; None for none
    subsampling: int
    second_quality: int | None  # of a JPEG made of that JPEG, as platforms do


@dataclass(frozen=True)
class Shot:
    """One photo and its truth, on the photo's grid.

    `planes`, `twin` and `clean` are float32 (planes, H, W) in [0, 1], `pattern` float32 (H, W). The
    twin is the same shot by a sensor of the opposite pattern: half the difference of what an
    extractor makes of both is its answer to the pattern alone.
    """

    planes: Planes = field(repr=False)
    twin: Planes = field(repr=False)
    clean: Planes = field(repr=False)
    pattern: Plane = field(repr=False)
    conditions: Conditions


def draw_conditions(rng: np.random.Generator, domain: Literal["developed", "raw"]) -> Conditions:
    """One draw; RAW is neither halved nor compressed."""
    developed = domain == "developed"
    uncompressed = rng.uniform() < _UNCOMPRESSED_SHARE
    quality = int(rng.integers(68, 99))
    flat = bool(rng.uniform() < _FLAT_SHARE)
    saved_again = developed and rng.uniform() < _SAVED_AGAIN_SHARE
    return Conditions(
        flat=flat,
        half=bool(developed and rng.uniform() < _HALF_SHARE),
        # Whoever photographs an even surface for its noise takes a bright one.
        light=float(np.exp(rng.uniform(np.log(0.4 if flat else 0.08), np.log(0.9)))),
        iso=int(rng.choice([100, 100, 200, 200, 400, 800, 1600])),
        prnu=float(rng.uniform(0.004, 0.011)),
        family=int(rng.integers(_FAMILIES)),
        sensor=SensorParameters(
            full_well=float(np.exp(rng.uniform(np.log(8_000), np.log(45_000)))),
            read_noise=float(rng.uniform(2, 12)),
            dark_current=float(rng.uniform(0, 6)),
            shading=float(rng.uniform(0, 0.4)),
        ),
        development=_draw_development(rng),
        quality=quality if developed and not uncompressed else None,
        subsampling=int(rng.integers(3)),
        second_quality=int(rng.integers(70, 95)) if saved_again else None,
    )


def _draw_development(rng: np.random.Generator) -> Development:
    sharpened, smoothed, shrunk, colours = rng.uniform(size=4) < (0.7, 0.25, 0.3, 0.35)
    return Development(
        white_balance=(float(rng.uniform(1, 2.2)), 1.0, float(rng.uniform(1, 2.0))),
        gamma=float(rng.uniform(1.8, 2.4)),
        contrast=float(rng.uniform(0, 1.2)),
        sharpening=float(rng.uniform(0.1, 1.2)) if sharpened else 0.0,
        sharpening_radius=float(rng.uniform(0.6, 1.6)),
        denoising=float(rng.uniform(0.3, 0.7)) if smoothed else 0.0,
        demosaicing="edges" if rng.uniform() < 0.7 else "bilinear",
        saturation=float(rng.uniform(0.9, 1.7)),
        shrinking=float(rng.uniform(0.5, 2.0)) if shrunk else 0.0,
        colour_smoothing=float(rng.uniform(0.5, 2.0)) if colours else 0.0,
    )


def varied_scene(height: int, width: int, seed: int) -> Scene:
    """Dead leaves of random grain under random textures, behind a lens of random blur."""
    rng = np.random.default_rng([seed, 3])
    disks = int(np.exp(rng.uniform(np.log(100), np.log(2500))))
    smallest = float(np.exp(rng.uniform(np.log(0.003), np.log(0.06))))
    scene = dead_leaves(height, width, seed, disks, smallest)
    # Rough here and smooth there: the leaves of a second picture say how strong the texture is.
    where = dead_leaves(height, width, seed + 1_000_000, 60, smallest=0.05)[:, :, 1]
    strength = np.float32(rng.uniform(0, 0.6)) * np.maximum(where - np.float32(0.35), 0)
    fine = one_over_f(height, width, rng, exponent=float(rng.uniform(0.2, 1.2)))
    scene *= np.maximum(1 + (strength * fine)[:, :, None], 0)
    blur = rng.uniform(0.35, 1.3) if rng.uniform() < 0.8 else rng.uniform(1.3, 6)
    scene = ndimage.gaussian_filter(scene, (blur, blur, 0), truncate=3)
    clipped: Scene = np.clip(scene, 0, 1, out=scene)
    return clipped


def take_shot(seed: int, side: int, domain: Literal["developed", "raw"] = "developed") -> Shot:
    """Shot number `seed`, side x side pixels: the same arguments give the same shot."""
    conditions = draw_conditions(np.random.default_rng([seed, 4]), domain)
    return take_shot_under(conditions, seed, seed, side, domain)


def take_shot_under(
    conditions: Conditions,
    body: int,
    seed: int,
    side: int,
    domain: Literal["developed", "raw"] = "developed",
) -> Shot:
    """Scene and noise number `seed` by camera number `body`, a sibling of all of its family."""
    own_side = 2 * side if conditions.half else side
    camera = VirtualCamera(
        body,
        own_side,
        own_side,
        conditions.prnu,
        model=f"Family {conditions.family}",
        sensor=conditions.sensor,
    )
    make_scene = flat_scene if conditions.flat else varied_scene
    # The balance makes up for filters that let less red and blue through.
    light = np.float32(conditions.light) / np.array(
        conditions.development.white_balance if domain == "developed" else (2, 1, 1.5), np.float32
    )
    scene = make_scene(own_side, own_side, seed) * light
    photo, twin = (camera.photograph(scene, conditions.iso, seed, sign) for sign in (1, -1))
    clean = camera.without_noise(scene)
    if domain == "raw":
        bayer = [_bayer(frame) for frame in (photo, twin, clean)]
        return Shot(bayer[0], bayer[1], bayer[2], camera.own_pattern, conditions)
    one, other = (_saved(_rendered(frame, conditions), conditions) for frame in (photo, twin))
    pattern = halved(camera.own_pattern) if conditions.half else camera.own_pattern
    return Shot(one, other, _rendered(clean, conditions), pattern, conditions)


def _bayer(frame: RawFrame) -> Planes:
    plane = (frame.pixels[None].astype(np.float32) - frame.black) / (frame.white - frame.black)
    return np.clip(plane, 0, 1, out=plane)


def _rendered(frame: RawFrame, conditions: Conditions) -> Planes:
    picture = render(frame, conditions.development)
    planes = [picture[:, :, channel] for channel in range(3)]
    if conditions.half:
        planes = [halved(np.ascontiguousarray(plane)) for plane in planes]
    return np.clip(np.stack(planes), 0, 1)


def _saved(planes: Planes, conditions: Conditions) -> Planes:
    picture = np.ascontiguousarray(quantised(planes).transpose(1, 2, 0))
    if conditions.quality is not None:
        picture = compressed(picture, conditions.quality, conditions.subsampling)
    if conditions.second_quality is not None:
        picture = compressed(picture, conditions.second_quality)
    return picture.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
