"""`grainseal train`: networks from a configuration, or from weights that others published.

One command for the extractor that is shipped, one for each reference system.
"""

import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from grainseal.models.reference.weights import VARIABLE
from grainseal.models.training.config import ConfigError, read_config
from grainseal.models.training.systems.config import read_system_config

CONFIGS: Final = Path(__file__).resolve().parent / "configs"
SYSTEMS: Final = (
    "csi-cnn",
    "dncnn",
    "siamese",
    "signature-similarity",
    "patch-classifier",
    "isonet",
)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(file_okay=False, path_type=Path)
_SYSTEM_HELP: Final = """Train {system}, a reference system (docs/EVALUATION.md, Reference systems).

The same command goes on after an interruption. --out gets the networks with their manifests, and
{system}/ with photos, checkpoint and metrics: set GRAINSEAL_WEIGHTS to it to use them.
"""


def _advance(bars: Progress, task: TaskID) -> Callable[[], None]:
    return lambda: bars.advance(task)


def _report(bars: Progress, task: TaskID) -> Callable[[int, float], None]:
    def report(step: int, loss: float) -> None:
        bars.update(task, completed=step, description=f"steps (loss {loss:.3f})")

    return report


def _command() -> str:
    return shlex.join(["grainseal", *sys.argv[1:]])


def _bars() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))


@click.group()
def train() -> None:
    """Train grainseal's networks, or those of reference systems (`pip install grainseal[train]`).

    Or import the published one that they are compared with.
    """


@train.command()
@click.option("--config", "path", type=_FILE, default=CONFIGS / "neural.json", show_default=True)
@click.option("--out", "folder", type=_FOLDER, required=True)
@click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
def extractor(path: Path, folder: Path, threads: int) -> None:
    """Train an extractor on simulated photos; the same command goes on after an interruption.

    --out gets the simulated photos, checkpoint.pt, metrics.jsonl and, at the end, the ONNX file
    with its manifest: copy these two to models/weights to ship them.
    """
    # Threads that wait must sleep: on a shared machine spinning takes two thirds of the time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        from grainseal.models.training.export import ExportError, export
        from grainseal.models.training.run import train as run
        from grainseal.models.training.trainer import TrainingError
    except ImportError as error:
        raise click.ClickException("training needs torch: pip install grainseal[train]") from error
    try:
        config = read_config(path)
        with _bars() as bars:
            photos = bars.add_task("photos", total=config.shots + config.validation_shots)
            steps = bars.add_task("steps", total=sum(stage.steps for stage in config.stages))
            trained = run(config, folder, threads, _advance(bars, photos), _report(bars, steps))
        manifest = export(trained, config, folder, _command(), threads)
    except (ConfigError, TrainingError, ExportError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{folder / manifest.file}: SHA-256 {manifest.sha256}")


def _system_command(system: str) -> click.Command:
    @click.command(name=system, help=_SYSTEM_HELP.format(system=system))
    @click.option("--config", "path", type=_FILE, default=CONFIGS / f"{system}.json")
    @click.option("--out", "folder", type=_FOLDER, required=True)
    @click.option(
        "--photos",
        "source",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Your own, DIR/<camera>/photos, in the place of simulated ones.",
    )
    @click.option("--threads", type=click.IntRange(min=1), default=2, show_default=True)
    def command(path: Path, folder: Path, source: Path | None, threads: int) -> None:
        _train_system(system, path, folder, source, threads)

    return command


def _train_system(system: str, path: Path, folder: Path, source: Path | None, threads: int) -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        from grainseal.models.training.export import ExportError
        from grainseal.models.training.systems.export import export_system
        from grainseal.models.training.systems.run import train_system
        from grainseal.models.training.trainer import TrainingError
    except ImportError as error:
        raise click.ClickException("training needs torch: pip install grainseal[train]") from error
    try:
        config = read_system_config(path, system)
        with _bars() as bars:
            cameras = config.cameras + (config.validation_cameras or config.cameras)
            photos = bars.add_task("cameras", total=cameras)
            steps = bars.add_task("steps", total=sum(stage.steps for stage in config.stages))
            trained = train_system(
                config,
                folder / system,
                source,
                threads,
                _advance(bars, photos),
                _report(bars, steps),
            )
        made = export_system(trained, config, folder, _command(), threads)
    except (ConfigError, TrainingError, ExportError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot write into {folder}: {error.strerror}") from error
    for manifest in made:
        click.echo(f"{folder / manifest.file}: SHA-256 {manifest.sha256}")
    click.echo(f"set {VARIABLE} to {folder}")


for _system in SYSTEMS:
    train.add_command(_system_command(_system))


@train.command()
@click.option("--out", "folder", type=_FOLDER, required=True)
@click.option("--cameras", type=click.IntRange(min=2), default=24, show_default=True)
@click.option("--validation-cameras", type=click.IntRange(min=1), default=6, show_default=True)
def correlation_predictor(folder: Path, cameras: int, validation_cameras: int) -> None:
    """Fit the coefficients that predict how well a photo matches its own camera.

    With the network of isonet, shipped or named by GRAINSEAL_WEIGHTS, there are also fits with its
    ISO metric. --out gets the coefficients, and what was measured of each camera; the same command
    goes on after an interruption.
    """
    try:
        from grainseal.models.training.correlation_predictor import (
            Plan,
            fit_predictor,
            write_predictor,
        )
        from grainseal.models.training.export import commit
    except ImportError as error:
        raise click.ClickException("training needs torch: pip install grainseal[train]") from error
    from grainseal.models.manifest import WeightsError
    from grainseal.models.reference.isonet import IsoNet

    try:
        estimator = IsoNet()
    except WeightsError as error:
        click.echo(f"no fits with the ISO metric: {error}", err=True)
        estimator = None
    plan = Plan(cameras=cameras, validation_cameras=validation_cameras)
    with _bars() as bars:
        task = bars.add_task("cameras", total=cameras + validation_cameras)
        kept = folder / "correlation-predictor"
        made = fit_predictor(plan, estimator, kept, _command(), commit(), _advance(bars, task))
    path = write_predictor(folder, made)
    for name, score in made.scores.items():
        click.echo(f"{name}: {score}")
    click.echo(f"{path}: copy it to models/weights to ship it")


@train.command()
@click.argument("checkpoint", type=_FILE)
@click.option("--out", "folder", type=_FOLDER, required=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def import_photonecf(checkpoint: Path, folder: Path, as_json: bool) -> None:
    """Make the extractor photonecf of the CHECKPOINT (model.pth) that its authors published.

    --out gets photonecf.onnx and its manifest: set GRAINSEAL_PHOTONECF to that folder, then
    --extractor photonecf works. docs/EVALUATION.md says where the checkpoint comes from.
    """
    try:
        from grainseal.models.training.export import ExportError
        from grainseal.models.training.photonecf import CheckpointError, import_checkpoint
    except ImportError as error:
        raise click.ClickException("importing needs torch: pip install grainseal[train]") from error
    try:
        made = import_checkpoint(checkpoint, folder, _command())
    except (CheckpointError, ExportError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"cannot write into {folder}: {error.strerror}") from error
    path = folder / made.file
    if as_json:
        known = {"file": str(path), "sha256": made.sha256, "parameters": made.parameters}
        click.echo(json.dumps({**known, **made.config}))
    else:
        click.echo(f"{path}: SHA-256 {made.sha256}; set GRAINSEAL_PHOTONECF to {folder}")
