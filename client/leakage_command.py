"""`grainseal evaluate-leakage`: how far published photos go towards a camera's code."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from grainseal.models.cores import usable_cores
from grainseal.models.leakage import LeakagePoint, points_of
from grainseal.models.leakage_camera import CameraTrial, LeakageSpec, try_camera
from grainseal.models.photo import PhotoError

from .errors import ClientError
from .leakage_figures import SOURCES, Figures, PointFigures, figures_of, verdict
from .photos import Progress, extractor_named
from .report import require_matplotlib
from .terminal import OUTPUT, STDOUT, note, options, progress, write_output

_LEAST_SIDE: Final = 320  # the smallest Bayer plane that can be denoised
_MOST_THREADS: Final = 8


def _counts(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:  # noqa: ARG001
    try:
        counts = sorted({int(each) for each in value.split(",")})
    except ValueError:
        raise click.BadParameter(f"{value!r} is not like 1,5,20") from None
    if counts[0] < 1:
        raise click.BadParameter("an attacker needs at least one photo")
    return tuple(counts)


def _shape(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, int]:  # noqa: ARG001
    try:
        width, height = (int(each) for each in value.lower().split("x"))
    except ValueError:
        raise click.BadParameter(f"{value!r} is not like 2496x1920") from None
    if width % 2 or height % 2:
        raise click.BadParameter(f"{value} is odd: the colour filter repeats every 2 pixels")
    if min(width, height) < _LEAST_SIDE:
        raise click.BadParameter(f"{value} is too small: {_LEAST_SIDE} pixels a side at least")
    return height, width


@click.command(name="evaluate-leakage")
@options(
    click.option("--cameras", type=click.IntRange(min=2), default=12, show_default=True),
    click.option(
        "--photos",
        default="1,5,20",
        show_default=True,
        callback=_counts,
        help="How many published photos the attacker has; several numbers give a curve.",
    ),
    click.option(
        "--size",
        default="1536x1024",
        show_default=True,
        callback=_shape,
        help="Of the sensor. AUTH_JPEG_V1 has its full length from about 2560x1920.",
    ),
    click.option(
        "--scenes",
        type=click.Choice(("natural", "flat")),
        default="natural",
        show_default=True,
        help="What the published photos show.",
    ),
    click.option(
        "--quality",
        type=click.IntRange(1, 100),
        default=92,
        show_default=True,
        help="Of the camera's JPEGs.",
    ),
    click.option("--extractor", default="wavelet", show_default=True, help="The attacker's."),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    click.option("--json", "json_file", type=OUTPUT, help="Write the figures here; - is stdout."),
    click.option(
        "--report", type=click.Path(file_okay=False, path_type=Path), help="HTML report folder."
    ),
)
def evaluate_leakage(
    cameras: int,
    photos: tuple[int, ...],
    size: tuple[int, int],
    scenes: str,
    quality: int,
    extractor: str,
    seed: int,
    json_file: Path | None,
    report: Path | None,
) -> None:
    """Measure how far published photos bring an attacker who wants to pass for their camera.

    Virtual cameras are enrolled with RAW (AUTH_RAW_V1) and with developed photos (AUTH_JPEG_V1).
    Attackers get their published JPEGs, at full size and as platforms reduce them, and the vault's
    keys. docs/EVALUATION.md says what they try, and what was measured.
    """
    if report is not None:
        require_matplotlib()
    extractor_named(extractor)
    spec = LeakageSpec(cameras, photos, size, scenes == "flat", quality, extractor, seed)
    start = time.perf_counter()
    with progress("Taking and attacking photos") as tell:
        points = measure(spec, tell)
    figures = figures_of(spec, points, time.perf_counter() - start)
    for line in figures.notes:
        note(line)
    page = _report(report, figures) if report is not None else None
    if json_file is not None:
        write_output(json_file, lambda file: file.write(json.dumps(asdict(figures)) + "\n"))
    if json_file == STDOUT:
        return
    _print(figures)
    if page is not None:
        click.echo(f"report: {page}")


def measure(spec: LeakageSpec, tell: Progress) -> list[LeakagePoint]:
    """All scores of a specification; `tell` is told the photos done and their number.

    `ClientError` when the frame is too small for the extractor.
    """
    ticks = _Ticks(spec.cameras * spec.shots_per_camera, tell)
    threads = min(usable_cores(), _MOST_THREADS)
    with ThreadPoolExecutor(threads) as pool:

        def trial(index: int) -> CameraTrial:
            return try_camera(spec, index, ticks)

        try:
            return points_of(list(pool.map(trial, range(spec.cameras))))
        except PhotoError as error:
            raise ClientError(f"{error}: choose a larger --size") from None
        finally:
            ticks.stop()
            pool.shutdown(cancel_futures=True)


class _Ticks:
    """Counts photos from several threads, and ends them when the work is given up."""

    def __init__(self, total: int, tell: Progress) -> None:
        self._total, self._tell = total, tell
        self._done = 0
        self._lock = threading.Lock()
        self._stopped = False

    def __call__(self) -> None:
        if self._stopped:
            raise InterruptedError
        with self._lock:
            self._done += 1
            self._tell(self._done, self._total)

    def stop(self) -> None:
        self._stopped = True


def _report(folder: Path, figures: Figures) -> Path:
    from .report_leakage import write_leakage_report

    return write_leakage_report(folder, figures)


def _print(figures: Figures) -> None:
    """A table for each code: who passes, and how well he is told from a stranger."""
    for code in figures.codes:
        click.echo(f"{code.code}, {code.length} symbols, accepted from {code.threshold:.1f} σ")
        table = Table(box=None, pad_edge=False)
        for name in ("", "photos", "accepted", "score / σ", "AUC", "strangers", "accepted"):
            table.add_column(name, justify="left" if not name else "right")
        for point in code.points:
            table.add_row(*_cells(point, figures.cameras))
        Console().print(table, highlight=False)
        click.echo(verdict(code, figures.cameras) + "\n")


def _cells(point: PointFigures, cameras: int) -> tuple[str, ...]:
    low, high = point.auc_ci
    return (
        SOURCES[point.source],
        str(point.photos),
        f"{point.accepted} of {cameras}",
        f"{point.sigma_median:.1f}, most {point.sigma_max:.1f}",
        f"{point.auc:.2f} ({low:.2f} to {high:.2f})",
        f"most {point.impostors_sigma_max:.1f}",
        f"{point.impostors_accepted} of {point.impostor_pairs}",
    )
