"""The demo's own photos: bursts of virtual cameras, and a scene to register and claim."""

from concurrent.futures import Executor
from pathlib import Path
from typing import Final

from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, take_burst

from .demo_photos import Found, Plan

# Two of one model, which share what a model has in common, and one of another model and size.
# A frame needs 16,384 blocks of 16 × 16 pixels; a seventh more leaves a choice among them.
VIRTUAL_CAMERAS: Final = (
    ("Aurora_1", 11, 2496, 1920, "Aurora"),
    ("Aurora_2", 12, 2496, 1920, "Aurora"),
    ("Borealis_1", 13, 2400, 2000, "Borealis"),
)
_ENROLL_SEED, _PROBE_SEED, _SCENE_SEED = 1, 2, 3


def take_virtual_photos(pool: Executor, root: Path, enroll: int, probe: int) -> Path:
    """Bursts of the virtual cameras, a folder for each; a scene by the first one, beside `root`.

    The scene's path.
    """
    bursts = [
        pool.submit(_burst, root, camera, count, seed)
        for count, seed in ((enroll, _ENROLL_SEED), (probe, _PROBE_SEED))
        for camera in VIRTUAL_CAMERAS
    ]
    scene = pool.submit(
        _burst, root.with_name("scenes"), VIRTUAL_CAMERAS[0], 1, _SCENE_SEED, flat=False
    )
    for burst in bursts:
        burst.result()
    return scene.result()[0]


def _burst(
    root: Path, camera: tuple[str, int, int, int, str], count: int, seed: int, flat: bool = True
) -> list[Path]:
    name, individual, width, height, model = camera
    virtual = VirtualCamera(individual, width, height, model=model)
    return take_burst(virtual, count, root / name, flat=flat, seed=seed)


def add_scene(plan: Plan, photo: Path) -> None:
    """The scene that `take_virtual_photos` took, beside the even photos of that camera."""
    read = read_photo(photo)
    found = Found(photo, read.shape, read.sha256, scene=True)
    name = VIRTUAL_CAMERAS[0][0]
    plan.later[name] = (*plan.later.get(name, ()), found)
