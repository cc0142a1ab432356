"""What the z of pairs come to: genuine and impostor, and how much one extractor has more of it."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.table import Row
from grainseal.models.bootstrap import Bootstrap, Interval, percentiles, replicates
from grainseal.models.evaluation import Comparisons, ErrorCurve, Ranking

Resampling = Callable[[Comparisons], Bootstrap]


def spread(scores: npt.NDArray[np.float64]) -> str:
    """How many, and where they lie."""
    spread = f"mean {scores.mean():.2f}, sd {scores.std():.2f}, max {scores.max():.2f}"
    return f"{scores.size}: {spread}"


def genuine_mean(curve: ErrorCurve) -> float:
    """Mean z of genuine pairs."""
    return float(np.sum(-np.diff(curve.fnmr) * curve.thresholds[1:]))


def standing_out(curve: ErrorCurve) -> float:
    """The same less the impostors' mean, in standard deviations of the impostors'."""
    shares, scores = np.diff(curve.fmr), curve.thresholds[1:]
    mean = float(np.sum(shares * scores))
    deviation = float(np.sqrt(np.sum(shares * (scores - mean) ** 2)))
    return (genuine_mean(curve) - mean) / deviation if deviation > 0 else float("nan")


FIGURES: Final = {"mean z": genuine_mean, "the same in impostors' deviations": standing_out}


def compared(
    section: str,
    kind: str,
    pairs: Mapping[str, Comparisons],
    window: tuple[float, float],
    resampling: Resampling,
) -> list[Row]:
    """Genuine and impostor z of each extractor; of the second, what it has more than the first."""
    low, high = window
    table, drawn = [], {}
    for name, each in pairs.items():
        own, others = each.scores[each.genuine], each.scores[~each.genuine]
        accepted = int(np.sum((own >= low) & (own < high)))
        value = (
            f"{accepted} of {own.size} accepted, mean {own.mean():.2f}, min {own.min():.2f}, "
            f"max {own.max():.2f}"
        )
        table.append(Row(section, f"{kind}: {name}, own", value))
        most = float(others.max())
        table.append(
            Row(section, f"{kind}: {name}, others", spread(others), f"< {low:.2f}", most < low)
        )
        draws = replicates(each, tuple(FIGURES.values()), resampled_by=resampling)
        curve = Ranking(each.scores, each.genuine).curve()
        if curve is None:
            raise ValueError(f"{section}: no genuine and impostor pairs")
        values = [figure(curve) for figure in FIGURES.values()]
        drawn[name] = (np.array(values), draws)
    names = list(pairs)
    (first, first_draws), (second, second_draws) = drawn.values()
    for column, figure in enumerate(FIGURES):
        more = percentiles(second_draws[:, column] - first_draws[:, column])
        value = f"{second[column] - first[column]:+.2f} {_bracketed(more)}"
        table.append(Row(section, f"{kind}: {figure}, {names[1]} more", value))
    return table


def _bracketed(interval: Interval | None) -> str:
    return "" if interval is None else f"[{interval.low:+.2f}, {interval.high:+.2f}]"
