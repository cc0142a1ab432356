"""A table of a paper with our figures beside its own, and how it is printed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from textwrap import wrap
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.bootstrap import Interval

HEADING: Final = "paper / ours"
_WIDTH: Final = 100
_GAP: Final = "  "
_SHADES: Final = "·123456789#"  # a cell's tenths; · is 0, # is 1


@dataclass(frozen=True)
class Cell:
    """One figure; `published` None where the paper has none, `ours` where there is none of ours.

    `digits` after the point; `interval`: (low, high) of ours at 95 %.
    """

    published: float | None
    ours: float | None
    interval: tuple[float, float] | None = None
    digits: int = 4

    def __str__(self) -> str:
        one, other = (
            "-" if value is None else f"{value:.{self.digits}f}"
            for value in (self.published, self.ours)
        )
        if self.interval is None:
            return f"{one} / {other}"
        low, high = self.interval
        return f"{one} / {other} [{low:.{self.digits}f}, {high:.{self.digits}f}]"


@dataclass(frozen=True)
class Line:
    """One row: what it is of, and its cells; text stands as it is."""

    labels: tuple[str, ...]
    cells: tuple[Cell | str, ...]


@dataclass(frozen=True)
class Matrix:
    """Values in [0, 1] of every camera (rows) with every other."""

    title: str
    cameras: tuple[str, ...]
    values: npt.NDArray[np.float64] = field(repr=False)


@dataclass(frozen=True)
class Reproduction:
    """One table. `photos` says what ours was measured on, `differs` what else is not the paper's.

    `columns`: headings of labels and cells.
    """

    table: str
    photos: str
    paper: str
    columns: tuple[str, ...]
    lines: tuple[Line, ...]
    measured: tuple[str, ...]
    differs: tuple[str, ...]
    matrices: tuple[Matrix, ...] = ()


def ends(interval: Interval | None) -> tuple[float, float] | None:
    """Of an interval, for a cell."""
    return (interval.low, interval.high) if interval is not None else None


def as_text(found: Reproduction) -> str:
    """For people: photos, table, matrices, what was measured, what differs."""
    return "\n".join(_lines(found))


def _lines(found: Reproduction) -> Iterator[str]:
    yield from wrap(f"ours: {found.photos}", _WIDTH)
    yield from wrap(f"paper: {found.paper}", _WIDTH)
    yield ""
    labels = len(found.columns) - len(found.lines[0].cells)
    heads = [f"{name}, {HEADING}" if _paired(found, at) else name for at, name in _cells(found)]
    yield from _aligned([[*found.columns[:labels], *heads], *map(_row, found.lines)])
    for matrix in found.matrices:
        yield ""
        yield from wrap(f"{matrix.title}, in tenths ({_SHADES[0]} is 0, {_SHADES[-1]} is 1):")
        for row in matrix.values:
            yield " ".join(_SHADES[round(10 * float(value))] for value in row)
    for title, texts in (("measured", found.measured), ("what differs", found.differs)):
        yield ""
        yield f"{title}:"
        for text in texts:
            yield from wrap(text, _WIDTH, initial_indent="- ", subsequent_indent="  ")


def _cells(found: Reproduction) -> list[tuple[int, str]]:
    """Headings of cells with their places."""
    count = len(found.lines[0].cells)
    return list(enumerate(found.columns[len(found.columns) - count :]))


def _paired(found: Reproduction, at: int) -> bool:
    return any(isinstance(line.cells[at], Cell) for line in found.lines)


def _row(line: Line) -> list[str]:
    return [*line.labels, *map(str, line.cells)]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (text.ljust(width) for text, width in zip(row, widths, strict=True))
        yield _GAP.join(padded).rstrip()
