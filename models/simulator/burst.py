"""One call for a folder of photos from a virtual camera."""

from pathlib import Path

from grainseal.models.simulator.camera import VirtualCamera
from grainseal.models.simulator.develop import develop
from grainseal.models.simulator.scene import dead_leaves, flat_scene
from grainseal.models.simulator.writers import write_dng, write_jpeg


def take_burst(
    camera: VirtualCamera,
    count: int,
    folder: Path,
    *,
    flat: bool = True,
    raw: bool = False,
    seed: int = 0,
    iso: int = 100,
    quality: int = 92,
) -> list[Path]:
    """Take `count` photos into `folder` (made if missing) and return their paths in order.

    `flat` takes the even scenes of a guided burst, otherwise dead leaves; `raw` writes DNG instead
    of JPEG. The same camera and seed give the same files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    make_scene = flat_scene if flat else dead_leaves
    paths = []
    for shot in range(seed * 1000, seed * 1000 + count):
        frame = camera.photograph(make_scene(camera.height, camera.width, shot), iso, shot)
        if raw:
            paths.append(write_dng(folder / f"photo_{shot:06d}.dng", frame))
            continue
        path = folder / f"photo_{shot:06d}.jpg"
        paths.append(
            write_jpeg(path, develop(frame), camera.make, camera.model, iso, quality=quality)
        )
    return paths
