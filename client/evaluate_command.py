"""`grainseal evaluate`: error rates of folders of photos, for people, as JSON, and as a report."""

import csv
import json
from dataclasses import asdict
from pathlib import Path
from typing import TextIO

import click
from rich.console import Console
from rich.table import Table

from grainseal.models.copies import TRANSFORMS
from grainseal.models.matching import DEFAULT_MATCHER

from .evaluating import Evaluation, evaluate
from .evaluation_figures import Figures, figures_of, rows_for_people
from .evaluation_methods import MATCHER_NAMES, default_extractor
from .evaluation_plan import plan_evaluation
from .evaluation_samples import Settings
from .photos import DEFAULT_EXTRACTOR, EXTRACTOR_HELP
from .report import require_matplotlib
from .terminal import OUTPUT, STDOUT, note, options, progress_of_stages, write_output

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _even(context: click.Context, parameter: click.Parameter, value: int | None) -> int | None:  # noqa: ARG001
    if value is not None and value % 2:
        raise click.BadParameter(f"{value} is odd: the colour filter repeats every 2 pixels")
    return value


@click.command(name="evaluate")
@options(
    click.option("--references", required=True, type=FOLDER, help="DIR/<camera>/photos."),
    click.option("--probes", required=True, type=FOLDER, help="DIR/<camera>/photos, same names."),
    click.option("--extractor", show_default=DEFAULT_EXTRACTOR, help=EXTRACTOR_HELP),
    click.option(
        "--crop",
        type=click.IntRange(min=2),
        callback=_even,
        help="Use the centre N x N pixels only; makes photos of all sizes comparable.",
    ),
    click.option(
        "--reference-photos",
        type=click.IntRange(min=1),
        help="Every K photos make one reference; default: all of a camera's.",
    ),
    click.option(
        "--probe-photos",
        type=click.IntRange(min=1),
        default=1,
        show_default=True,
        help="Every K photos make one probe.",
    ),
    click.option(
        "--transform",
        type=click.Choice(TRANSFORMS),
        default="none",
        show_default=True,
        help="What happens to each probe before it is compared.",
    ),
    click.option(
        "--matcher",
        type=click.Choice(MATCHER_NAMES),
        default=DEFAULT_MATCHER,
        show_default=True,
        help="What scores a pair (docs/EVALUATION.md, Matching and Reference systems).",
    ),
    click.option("--json", "json_file", type=OUTPUT, help="Write the figures here; - is stdout."),
    click.option("--pairs", "pairs_file", type=OUTPUT, help="Write every pair's score as CSV."),
    click.option(
        "--report", type=click.Path(file_okay=False, path_type=Path), help="HTML report folder."
    ),
)
def evaluate_command(
    references: Path,
    probes: Path,
    extractor: str | None,
    crop: int | None,
    reference_photos: int | None,
    probe_photos: int,
    transform: str,
    matcher: str,
    json_file: Path | None,
    pairs_file: Path | None,
    report: Path | None,
) -> None:
    """Measure how well fingerprints tell cameras apart, on folders of photos, on this machine.

    Each probe is compared with each reference; a pair is genuine when both lie in folders of one
    name. The same folder twice compares every photo, or group of photos, with every other once.
    docs/EVALUATION.md says what each figure means.
    """
    if report is not None:
        require_matplotlib()
    plan = plan_evaluation(references, probes, reference_photos, probe_photos)
    settings = Settings(extractor or default_extractor(matcher), crop, transform, matcher)
    with progress_of_stages() as progress:
        found = evaluate(plan, settings, progress)
        figures = figures_of(found)
        page = _report(report, found, figures) if report is not None else None
    for line in found.notes:
        note(line)
    if pairs_file is not None:
        write_output(pairs_file, lambda file: _write_pairs(file, found))
    if json_file is not None:
        write_output(json_file, lambda file: file.write(json.dumps(asdict(figures)) + "\n"))
    if not {STDOUT} & {json_file, pairs_file}:
        _print(figures)
        if page is not None:
            click.echo(f"report: {page}")


def _report(folder: Path, found: Evaluation, figures: Figures) -> Path:
    from .report_evaluation import write_evaluation_report

    return write_evaluation_report(folder, found, figures)


def _write_pairs(file: TextIO, found: Evaluation) -> None:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["reference_camera", "reference", "probe_camera", "probe", "genuine", "ncc"])
    pairs = found.pairs
    for score, reference, probe in zip(pairs.scores, pairs.references, pairs.probes, strict=True):
        one, other = found.units[reference].sample, found.units[probe].sample
        genuine = int(one.camera == other.camera)
        names = (";".join(path.name for path in each.paths) for each in (one, other))
        first, second = names
        rows.writerow([one.camera, first, other.camera, second, genuine, f"{score:.7f}"])


def _print(figures: Figures) -> None:
    table = Table(show_header=False, box=None, pad_edge=False)
    for row in rows_for_people(figures):
        table.add_row(row.name, row.value)
    Console().print(table, highlight=False)
