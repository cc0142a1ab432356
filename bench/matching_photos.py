"""Fingerprints for the ablation of match statistics, each whole and without a part of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.alignment import Placement, to_frame
from grainseal.models.copies import copy_fingerprint, halved, reencoded
from grainseal.models.extractor import Observation, get_extractor
from grainseal.models.fingerprint import (
    NOISE_SIGMA,
    PRIOR_SIGMA,
    estimate,
    noise_weight,
    saturation_weight,
    wiener_dft,
    zero_mean,
)
from grainseal.models.photo import Photo, read_photo
from grainseal.models.simulator import VirtualCamera, develop, flat_scene
from grainseal.models.simulator.variety import draw_conditions, varied_scene
from grainseal.models.simulator.writers import compressed

Plane = npt.NDArray[np.float32]
Planes = dict[str, list[Plane]]  # by estimate

SIDE: Final = 512
CROP: Final = 1024
SCENES: Final = 3
TRANSFORMS: Final = ("none", "jpeg75", "half")
EXTRACTOR: Final = "wavelet"
# By what is left out of FingerprintEstimator.
NOISE, SATURATION, LINEAR, PERIODIC = range(4)
FULL: Final = "whole"
ESTIMATES: Final[dict[str, int | None]] = {
    FULL: None,
    "residual's variance not weighed": NOISE,
    "saturation not weighed": SATURATION,
    "without zero means": LINEAR,
    "without Wiener filter": PERIODIC,
}


@dataclass(frozen=True)
class CameraPlanes:
    """Fingerprints of one camera's single photos, on the photos' grid; `scenes` by transform."""

    flats: Planes
    scenes: dict[str, Planes]


def simulated(model: int, body: int) -> CameraPlanes:
    """One flat photo and SCENES others; siblings share all but their pattern and their photos."""
    rng = np.random.default_rng([778, model])
    conditions = draw_conditions(rng, "developed")
    quality = int(rng.integers(75, 96))
    seed = 41_000_000 + 100 * model + body
    camera = VirtualCamera(
        seed, SIDE, SIDE, conditions.prnu, model=f"Matching {model}", sensor=conditions.sensor
    )
    balance = np.array(conditions.development.white_balance, np.float32)

    def shot(number: int, flat: bool) -> Photo:
        drawn = np.random.default_rng([number, 5])
        light = 1.0 if flat else float(np.exp(drawn.uniform(np.log(0.15), np.log(0.9))))
        iso = 100 if flat else int(drawn.choice([100, 200, 400, 800], p=[0.4, 0.3, 0.2, 0.1]))
        scene = (flat_scene if flat else varied_scene)(SIDE, SIDE, number)
        frame = camera.photograph(scene * (np.float32(light) / balance), iso, number)
        picture = develop(frame, conditions.development)
        pixels = compressed(picture, quality, conditions.subsampling)
        return Photo(pixels, "developed", f"{model} {body} {number}", "")

    first = 20 * seed
    flats = _collected([_estimates(shot(first, flat=True), "none")])
    scenes = [shot(first + each, flat=False) for each in range(1, 1 + SCENES)]
    return CameraPlanes(
        flats, {t: _collected([_estimates(scene, t) for scene in scenes]) for t in TRANSFORMS}
    )


def real(folder: Path) -> list[CameraPlanes]:
    """The centres of all natural photos, and of flats where there are; whole estimates only."""
    extractor = get_extractor(EXTRACTOR)
    cameras = sorted((folder / "nikon" / "natural").iterdir()) + sorted(
        (folder / "canon").iterdir()
    )
    found = []
    for camera in cameras:
        scenes = [read_photo(path) for path in sorted(camera.iterdir())]
        flat = folder / "nikon" / "flat" / camera.name
        flats = [read_photo(path) for path in sorted(flat.iterdir())] if flat.is_dir() else []
        found.append(
            CameraPlanes(
                {FULL: [estimate([photo], extractor, CROP).values for photo in flats]},
                {
                    t: {FULL: [copy_fingerprint(p, t, extractor, CROP).values for p in scenes]}
                    for t in TRANSFORMS
                },
            )
        )
    return found


def _collected(photos: Sequence[dict[str, Plane]]) -> Planes:
    return {name: [planes[name] for planes in photos] for name in ESTIMATES}


def _estimates(photo: Photo, transform: str) -> dict[str, Plane]:
    """Fingerprints of the photo's copy on the photo's own grid."""
    changed = photo
    if transform == "jpeg75":
        changed = reencoded(photo, 75)
    elif transform == "half":
        changed = halved(photo)
    seen = list(get_extractor(EXTRACTOR).observe(changed))
    found = {name: _without(seen, part) for name, part in ESTIMATES.items()}
    if transform == "half":
        placement = Placement((0.5, 0.5))
        found = {name: to_frame(plane, placement, photo.shape) for name, plane in found.items()}
    return found


def _without(seen: Sequence[Observation], part: int | None) -> Plane:
    """What FingerprintEstimator makes of one photo, but for one part."""
    correlation: Plane = np.zeros_like(seen[0].residual)
    energy = np.full_like(correlation, (NOISE_SIGMA / PRIOR_SIGMA) ** 2)
    for intensity, residual in seen:
        weight = np.ones_like(intensity)
        if part != SATURATION:
            weight *= saturation_weight(intensity)
        if part != NOISE:
            weight *= noise_weight(residual)
        correlation += weight * intensity * residual
        energy += weight * np.square(intensity)
    values: Plane = correlation / energy
    if part != LINEAR:
        values = zero_mean(values)
    return values if part == PERIODIC else wiener_dft(values)
