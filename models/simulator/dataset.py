"""Folders of photos of many virtual cameras, with the truth beside them.

    OUT/<camera>/001.jpg, ..., truth.npz        or, with flat scenes too,
    OUT/flat/<camera>/001.jpg, ...  and  OUT/natural/<camera>/001.jpg, ..., truth.npz
    OUT/cameras.json                            every camera's and every shot's settings

`truth.npz` has K, float32 (H, W): the pattern of the sensor as it multiplies the light, with what
the camera's model shares. The same specification gives the same files.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from grainseal.models.simulator.camera import PatternParameters, RawFrame, VirtualCamera
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
from grainseal.models.simulator.writers import write_dng, write_jpeg

TRUTH: Final = "truth.npz"
PARAMETERS: Final = "cameras.json"
# Seeds of cameras and shots leave room for as many of the next lower kind.
_CAMERAS_PER_SEED, _SHOTS_PER_CAMERA = 10**5, 10**5


@dataclass(frozen=True)
class DatasetSpec:
    """What is written. `photos` and `flats` are per camera; flats get a folder of their own.

    `siblings`: all cameras are of one model, so they share everything but K. `longest_side`: reduce
    developed pictures to it before they are saved, as social platforms do; None leaves them.
    `pattern`: what all cameras' patterns have beside their fine part.
    """

    cameras: int
    photos: int
    flats: int = 0
    width: int = 1024
    height: int = 768
    raw: bool = False
    quality: int = 92
    siblings: bool = False
    longest_side: int | None = None
    seed: int = 0
    pattern: PatternParameters = field(default_factory=PatternParameters)


@dataclass(frozen=True)
class WrittenCamera:
    """One camera's parameters as cameras.json has them; `shots` by file, relative to OUT."""

    name: str
    seed: int
    conditions: CameraConditions
    shots: dict[str, ShotConditions]


def write_camera(out: Path, spec: DatasetSpec, index: int) -> WrittenCamera:
    """Camera number `index` of a specification: its photos and its truth."""
    seed = spec.seed * _CAMERAS_PER_SEED + index
    number = 0 if spec.siblings else index
    model = f"Virtual {number + 1}"
    drawn = draw_camera(spec.seed * _CAMERAS_PER_SEED + number, model, spec.quality)
    conditions = replace(drawn, pattern=spec.pattern)
    individual = body(conditions, seed, spec.width, spec.height)
    name = f"camera_{index + 1:03d}"
    natural = out / "natural" / name if spec.flats else out / name
    natural.mkdir(parents=True, exist_ok=True)
    np.savez(natural / TRUTH, K=individual.prnu_pattern)
    shots = _write_shots(out, natural, individual, conditions, spec, flat=False)
    if spec.flats:
        shots |= _write_shots(out, out / "flat" / name, individual, conditions, spec, flat=True)
    return WrittenCamera(name, seed, conditions, shots)


def write_parameters(out: Path, spec: DatasetSpec, cameras: Sequence[WrittenCamera]) -> Path:
    """OUT/cameras.json, once all cameras are written."""
    path = out / PARAMETERS
    content = {"specification": asdict(spec), "cameras": [asdict(each) for each in cameras]}
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def reduced(picture: Picture, longest_side: int) -> Picture:
    """uint8 (h, w, 3) of a picture made smaller by Lanczos filtering; smaller ones stay."""
    height, width = picture.shape[:2]
    scale = longest_side / max(height, width)
    if scale >= 1:
        return picture
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.array(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _write_shots(
    out: Path,
    folder: Path,
    individual: VirtualCamera,
    camera: CameraConditions,
    spec: DatasetSpec,
    *,
    flat: bool,
) -> dict[str, ShotConditions]:
    """All photos of one folder; their settings by file."""
    folder.mkdir(parents=True, exist_ok=True)
    first = individual.seed * _SHOTS_PER_CAMERA + (spec.photos if flat else 0)
    shots = {}
    for taken in range(1, (spec.flats if flat else spec.photos) + 1):
        shot = draw_shot(individual.seed, first + taken, flat)
        frame = expose(individual, camera, shot, first + taken)
        path = _write(folder / f"{taken:03d}", frame, camera, shot, spec)
        shots[path.relative_to(out).as_posix()] = shot
    return shots


def _write(
    stem: Path, frame: RawFrame, camera: CameraConditions, shot: ShotConditions, spec: DatasetSpec
) -> Path:
    if spec.raw:
        return write_dng(stem.with_suffix(".dng"), frame)
    picture = develop(frame, camera.development, DEMOSAICING[camera.demosaicing])
    if spec.longest_side is not None:
        picture = reduced(picture, spec.longest_side)
    path = stem.with_suffix(".jpg")
    return write_jpeg(path, picture, camera.make, camera.model, shot.iso, camera.quality)
