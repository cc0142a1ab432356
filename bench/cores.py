"""All cores at work on many things, with progress on standard error."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rich.console import Console
from rich.progress import track

from grainseal.models.cores import usable_cores

_A = TypeVar("_A")
_B = TypeVar("_B")


def on_every_core(work: Callable[[_A], _B], items: Iterable[_A], label: str) -> Iterator[_B]:
    """The results in order; the bar is of `label`."""
    wanted, console = list(items), Console(stderr=True)
    with ThreadPoolExecutor(usable_cores()) as pool:
        yield from track(
            pool.map(work, wanted),
            description=label,
            total=len(wanted),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
