"""The window that a hidden score lies in, written in digits of ±1.

A score s is in [low, high) exactly if s - low = Σ wᵢ·bᵢ for bits bᵢ, where the weights halve what
is left of m = high - 1 - low: w = ⌈m/2⌉, then m ← ⌊m/2⌋. Their subset sums are 0 … m, no others
(Lipmaa, Asokan and Niemi, "Secure Vickrey auctions without threshold trust", 2002). With digits
e = 2b - 1 of ±1, which is what this package can prove:

    2s - Σ wᵢ·eᵢ = low + high - 1.
"""

from dataclasses import dataclass
from math import isqrt
from typing import Final

import numpy as np

from ..errors import MisuseError
from .commitment import Signs

DIGITS: Final = 32


@dataclass(frozen=True)
class ScoreWindow:
    """low ≤ score < high, integers; at most 2^32 scores."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low < self.high <= self.low + (1 << DIGITS) or self.high > 1 << DIGITS:
            raise MisuseError(f"a window is 0 <= low < high <= 2^{DIGITS}")

    @property
    def weights(self) -> list[int]:
        """wᵢ, filled up with zeros to 32."""
        left, found = self.high - 1 - self.low, []
        while left:
            found.append(left - left // 2)
            left //= 2
        return found + [0] * (DIGITS - len(found))

    def digits(self, score: int) -> Signs:
        """eᵢ of a score, int8 (32,); `MisuseError` for one outside."""
        if not self.low <= score < self.high:
            raise MisuseError("the score is not in this window: nothing can be proven")
        left, found = score - self.low, np.full(DIGITS, -1, np.int8)
        for index, weight in enumerate(self.weights):
            if 0 < weight <= left:
                left, found[index] = left - weight, 1
        return found

    def narrowed(self, margin: int) -> "ScoreWindow":
        """Without its outermost scores, `margin` at either end; `MisuseError` if none remain."""
        return ScoreWindow(self.low + margin, self.high - margin)

    def lies_in(self, other: "ScoreWindow", distance: int) -> bool:
        """Whether scores of this window, wrong by up to `distance`, are all in the other."""
        return other.low <= self.low - distance and self.high + distance <= other.high


def window_of(low_quarters: int, high_quarters: int, squares: int) -> ScoreWindow:
    """The scores whose z = score/√squares is in [low/4, high/4): exact, without floating point.

    `squares`: Σ p² of the probe. `MisuseError` for a probe of zeros.
    """
    if squares <= 0 or not 0 < low_quarters < high_quarters:
        raise MisuseError("a window needs 0 < low < high, and a probe that is not zero")
    return ScoreWindow(_smallest(low_quarters, squares), _smallest(high_quarters, squares))


def _smallest(quarters: int, squares: int) -> int:
    """The smallest s with s ≥ (quarters/4)·√squares, that is 16·s² ≥ quarters²·squares."""
    wanted = quarters**2 * squares
    root = isqrt(wanted)
    return -(-(root + (root * root < wanted)) // 4)
