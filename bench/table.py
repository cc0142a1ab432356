"""One row of a benchmark, and its table."""

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One measured figure. `limit` is what it is held to, or empty; `ok` None without a limit."""

    section: str
    name: str
    value: str
    limit: str = ""
    ok: bool | None = None


_VERDICTS = {True: "ok", False: "MISSED", None: ""}


def show(rows: Sequence[Row], console: Console) -> None:
    """Print one table per section, in order of appearance."""
    for section in dict.fromkeys(row.section for row in rows):
        table = Table(title=section, title_justify="left")
        for column in ("figure", "measured", "limit", ""):
            table.add_column(column)
        for row in (r for r in rows if r.section == section):
            table.add_row(row.name, row.value, row.limit, _VERDICTS[row.ok])
        console.print(table)


def machine() -> str:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    with suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"
