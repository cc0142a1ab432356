"""`grainseal inspect`: what a photo of unknown origin says of itself."""

import json
from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from grainseal.models.manifest import WeightsError
from grainseal.models.photo import Photo, PhotoError, read_photo
from grainseal.models.reference.weights import remedy

from .errors import ClientError
from .inspecting import Inspection, as_json, inspect_photo
from .photos import DEFAULT_EXTRACTOR, EXTRACTOR_HELP, extractor_named
from .report import require_matplotlib
from .terminal import OUTPUT, STDOUT, options, progress, write_output

ISONET: Final = "isonet"


@click.command()
@click.argument("photo", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options(
    click.option("--extractor", default=DEFAULT_EXTRACTOR, show_default=True, help=EXTRACTOR_HELP),
    click.option(
        "--json",
        "json_file",
        type=OUTPUT,
        help="Write findings and maps here; - is stdout.",
    ),
    click.option(
        "--report", type=click.Path(file_okay=False, path_type=Path), help="HTML report folder."
    ),
)
def inspect(photo: Path, extractor: str, json_file: Path | None, report: Path | None) -> None:
    """Say what PHOTO tells of itself, on this machine.

    Its estimated ISO beside the one that its file states; its noise; how well it should match a
    good fingerprint of its own camera; and whether a part of it seems to come from another photo,
    by its noise.

    These are estimates, not proofs: docs/EVALUATION.md says how far off they are.
    """
    if report is not None:
        require_matplotlib()
    extractor_named(extractor)
    try:
        read = read_photo(photo)
        with progress("Estimating ISO") as tell:
            found = inspect_photo(read, extractor, tell)
    except (PhotoError, WeightsError) as error:
        raise ClientError(str(error)) from None
    page = _report(report, found) if report is not None else None
    if json_file is not None:
        write_output(json_file, lambda file: file.write(json.dumps(as_json(found, photo)) + "\n"))
    if json_file == STDOUT:
        return
    Console().print(_table(found), highlight=False)
    if page is not None:
        click.echo(f"report: {page}")


def _report(folder: Path, found: Inspection) -> Path:
    from .report_inspection import write_inspection_report

    return write_inspection_report(folder, found)


def _table(found: Inspection) -> Table:
    # Names and tags are whoever's wrote the file: text, never markup.
    title = Text(found.photo.name)
    table = Table(box=None, pad_edge=False, show_header=False, title=title)
    table.title_justify = "left"
    for name, value in lines_of(found):
        table.add_row(name, Text(value))
    return table


def lines_of(found: Inspection) -> list[tuple[str, str]]:
    """Each finding's name and what it is, for people."""
    return [
        ("size", f"{found.photo.width}x{found.photo.height}"),
        ("file", _file(found.photo)),
        ("camera", _camera(found.photo)),
        ("ISO", _iso(found)),
        ("noise level", f"{found.noise_level:.2f} of 255"),
        ("quality", "; ".join(found.remarks) or "nothing speaks against it"),
        ("correlation with its own camera", _correlation(found)),
        ("splicing", _splicing(found)),
    ]


def _file(photo: Photo) -> str:
    if photo.jpeg_quality is None:
        return "lossy, no JPEG" if photo.lossy else "not compressed with loss"
    return f"JPEG, quality about {photo.jpeg_quality}"


def _camera(photo: Photo) -> str:
    make, model = photo.make or "", photo.model or ""
    # Some makers begin the model's name with their own.
    named = model if model.lower().startswith(make.lower()) else f"{make} {model}".strip()
    return f"{named}, says its file" if named else "its file does not say"


def _iso(found: Inspection) -> str:
    if found.iso is None:
        return f"its file states {found.photo.iso or 'none'}; not estimated: {remedy(ISONET)}"
    estimated = f"about {found.iso:.0f}, estimated, give or take a stop"
    if found.stops_apart is None:
        return f"{estimated}; its file states none"
    return f"{estimated}; its file states {found.photo.iso}, {-found.stops_apart:+.1f} stops"


def _correlation(found: Inspection) -> str:
    if found.correlation is None or found.correlation_map is None:
        return "not predicted for this extractor"
    blocks = found.correlation_map.values
    return (
        f"about {found.correlation:.3f}, predicted; {blocks.min():.3f} to {blocks.max():.3f} "
        "from block to block"
    )


def _splicing(found: Inspection) -> str:
    split = found.splicing
    if not split.suspicious:
        return f"no sign of it in its noise (separation {split.separation:.1f})"
    return (
        f"suspicious: {100 * split.share:.0f} % of it has {abs(split.gap):.1f} stops of noise "
        f"{'more' if split.gap > 0 else 'less'} than the rest (separation {split.separation:.1f}); "
        "a part of another photo, or of the scene, rougher or smoother"
    )
