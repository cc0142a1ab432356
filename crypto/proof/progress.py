"""How a prover tells how far it is."""

from collections.abc import Callable
from typing import TypeAlias

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with a stage's name, steps done, steps in all."""


def no_progress(_stage: str, _done: int, _total: int) -> None:
    """For who does not want to know."""
