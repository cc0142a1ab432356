"""`grainseal simulate`: folders of photos of virtual cameras whose fingerprint is known."""

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from grainseal.models.simulator.camera import PatternParameters
from grainseal.models.simulator.dataset import (
    DatasetSpec,
    WrittenCamera,
    write_camera,
    write_parameters,
)

from .demo_photos import worker_pool
from .errors import ClientError
from .photos import Progress
from .terminal import FiniteRange, json_option, options, progress, show

# Small enough for the extractors, whose smallest picture is 160 pixels and 320 of a Bayer plane.
_LEAST_SIDE = 320


@dataclass(frozen=True)
class Written:
    """What was written, and how fast."""

    out: str
    cameras: int
    photos: int
    seconds: float
    photos_per_second: float
    evaluate: str


@click.command()
@options(
    click.option("--cameras", type=click.IntRange(min=1), default=20, show_default=True),
    click.option(
        "--photos", type=click.IntRange(min=1), default=12, show_default=True, help="Per camera."
    ),
    click.option(
        "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="New folder."
    ),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    click.option("--width", type=click.IntRange(min=_LEAST_SIDE), default=1024, show_default=True),
    click.option("--height", type=click.IntRange(min=_LEAST_SIDE), default=768, show_default=True),
    click.option("--raw", is_flag=True, help="Write DNG files instead of JPEGs."),
    click.option(
        "--flat",
        type=click.IntRange(min=0),
        default=0,
        help="Photos of even scenes per camera, beside the others: OUT/flat and OUT/natural.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        default=92,
        show_default=True,
        help="Of the JPEGs.",
    ),
    click.option("--siblings", is_flag=True, help="All of one model: they share all but K."),
    click.option(
        "--longest-side",
        type=click.IntRange(min=_LEAST_SIDE),
        help="Reduce the JPEGs to so many pixels, as social platforms do.",
    ),
    click.option(
        "--smooth",
        type=FiniteRange(min=0),
        default=0.0,
        show_default=True,
        help="Low frequencies of each pattern, relative to its fine part.",
    ),
    click.option(
        "--common",
        type=FiniteRange(min=0),
        default=1.0,
        show_default=True,
        help="Factor on what the patterns of one model share; 0 is nothing.",
    ),
)
@json_option
def simulate(
    cameras: int,
    photos: int,
    out: Path,
    seed: int,
    width: int,
    height: int,
    raw: bool,
    flat: int,
    quality: int,
    siblings: bool,
    longest_side: int | None,
    smooth: float,
    common: float,
    as_json: bool,
) -> None:
    """Write photos of virtual cameras into OUT, with the truth beside them.

    Cameras differ in sensor, pipeline and model, photos in scene, light, focus and ISO, all drawn
    from the seed: the same options give the same photos. Each folder has the camera's true pattern
    K in truth.npz; OUT/cameras.json has all settings.
    """
    if width % 2 or height % 2:
        raise click.UsageError("--width and --height must be even: the colour filter repeats")
    if raw and longest_side is not None:
        raise click.UsageError("--longest-side is for JPEGs: nobody reduces RAW files")
    pattern = PatternParameters(family=common, smooth=smooth)
    spec = DatasetSpec(
        cameras, photos, flat, width, height, raw, quality, siblings, longest_side, seed, pattern
    )
    _prepare(out)
    start = time.perf_counter()
    try:
        with progress("Taking photos") as report, worker_pool() as pool:
            written = _take(pool, out, spec, report)
        write_parameters(out, spec, written)
    except OSError as error:
        raise ClientError(f"cannot write {out}: {error.strerror or error}") from None
    done = _summary(out, spec, time.perf_counter() - start)
    show(
        as_json,
        asdict(done),
        f"{done.photos} photos of {cameras} cameras in {out}, "
        f"{done.photos_per_second:.1f} a second\nnow: {done.evaluate}",
    )


def _prepare(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        if any(out.iterdir()):
            raise ClientError(f"{out} is not empty: name a new folder")
    except OSError as error:
        raise ClientError(f"cannot write {out}: {error.strerror or error}") from None


def _take(
    pool: ProcessPoolExecutor, out: Path, spec: DatasetSpec, report: Progress
) -> list[WrittenCamera]:
    """Cameras in parallel, results in their order."""
    made = pool.map(write_camera, [out] * spec.cameras, [spec] * spec.cameras, range(spec.cameras))
    written = []
    for each in made:
        written.append(each)
        report(len(written) * (spec.photos + spec.flats), spec.cameras * (spec.photos + spec.flats))
    return written


def _summary(out: Path, spec: DatasetSpec, seconds: float) -> Written:
    photos = spec.cameras * (spec.photos + spec.flats)
    references, probes = (out / "flat", out / "natural") if spec.flats else (out, out)
    return Written(
        out=str(out),
        cameras=spec.cameras,
        photos=photos,
        seconds=round(seconds, 2),
        photos_per_second=round(photos / seconds, 2),
        evaluate=f"grainseal evaluate --references {references} --probes {probes}",
    )
