"""`grainseal reproduce`: a table of a paper, with our figures beside its own."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from .errors import ClientError
from .report import require_matplotlib
from .reproduction.tables import TABLES
from .terminal import OUTPUT, STDOUT, options, progress_of_stages, write_output

if TYPE_CHECKING:
    from .reproduction.layout import Reproduction

_LEAST_SIDE: Final = 256  # pixels: one place of the siamese network
_SIDE: Final = 512
_FOLDER = click.Path(file_okay=False, path_type=Path)
_FIXED: Final = [name for name, table in TABLES.items() if not table.any_side]
_LIST: Final = "\n\n".join(
    f"\b\n{name}: {table.shows};\n  --data needs {table.needs}" for name, table in TABLES.items()
)


def _even(context: click.Context, parameter: click.Parameter, value: int | None) -> int | None:  # noqa: ARG001
    if value is not None and value % 2:
        raise click.BadParameter(f"{value} is odd: the colour filter repeats every 2 pixels")
    return value


@click.command(epilog=_LIST)
@options(
    click.argument("table", type=click.Choice(list(TABLES))),
    click.option(
        "--data",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        help="Photos, DIR/<kind>/<camera>/...; default: simulated ones.",
    ),
    click.option(
        "--cameras",
        type=click.IntRange(min=2),
        help="How many, at most those there are; default: the table's, for minutes.",
    ),
    click.option(
        "--side",
        type=click.IntRange(min=_LEAST_SIDE),
        callback=_even,
        help="Pixels a side of simulated photos, or of the centre of those in --data; default: "
        f"{_SIDE}. Not for {' and '.join(_FIXED)}, whose networks have their own.",
    ),
    click.option(
        "--json",
        "json_file",
        type=OUTPUT,
        help="Write the table here; - is stdout.",
    ),
    click.option("--report", type=_FOLDER, help="HTML report folder; matrices are drawn in it."),
)
def reproduce(
    table: str,
    data: Path | None,
    cameras: int | None,
    side: int | None,
    json_file: Path | None,
    report: Path | None,
) -> None:
    """Compute a paper's TABLE again: its layout, its figures, ours beside them.

    The first line says what ours was measured on: simulated cameras that no training has seen
    (eurecom-closed, and dresden-matrix in its first line: other photos of those trained on), or the
    photos in --data, sorted as `grainseal dataset` does. The last lines say what else differs.
    """
    from .reproduction.layout import as_text
    from .reproduction.work import Settings

    if side is not None and table in _FIXED:
        raise ClientError(
            f"{table} takes photos of the size that its network was trained on: leave out --side"
        )
    if report is not None:
        require_matplotlib()
    with progress_of_stages() as progress:
        found = TABLES[table].compute(Settings(data, cameras, side or _SIDE, progress))
    page = _report(report, found) if report is not None else None
    if json_file is not None:
        text = json.dumps(asdict(found), default=_listed) + "\n"
        write_output(json_file, lambda file: file.write(text))
    if json_file != STDOUT:
        click.echo(as_text(found))
        if page is not None:
            click.echo(f"report: {page}")


def _report(folder: Path, found: "Reproduction") -> Path:
    from .report_reproduction import write_reproduction_report

    return write_reproduction_report(folder, found)


def _listed(array: Any) -> Any:
    """A matrix's values as JSON has them."""
    return array.tolist()
