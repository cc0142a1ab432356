"""The probability that a certificate tells, drawn on the bell curve of unrelated cameras.

The certificate has no score, only the next power of ten of how often chance reaches it. So what is
drawn is where that power of ten lies: the score is there or further right.
"""

import base64
import io
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from grainseal.crypto.certificate import ClaimStatement
from grainseal.models.claim_code import CLAIMS, ClaimSpec
from grainseal.models.claims import NULL_SPREAD

_ACCEPT, _INK, _CHANCE = "#1a7f5a", "#2b2f36", "#c9cdd4"


@dataclass(frozen=True)
class Statistic:
    """A picture as a data URL, or "" with the sentence that says why there is none."""

    picture: str
    sentence: str


def statistic_of(said: ClaimStatement) -> Statistic:
    """The drawing for a certificate, where matplotlib ([report]) is installed."""
    spec = CLAIMS.get(said.claimant.profile)
    if spec is None:
        profile = said.claimant.profile
        return Statistic("", f"There is no drawing: this version does not know {profile}.")
    least = _least(float(said.false_match_probability), spec)
    try:
        from matplotlib.figure import Figure
    except ImportError:
        how = "`pip install grainseal[report]`"
        return Statistic("", f"There is no drawing: it takes matplotlib, {how}.")
    return Statistic(_drawn(Figure(figsize=(8.6, 2.7), layout="constrained"), spec, least), "")


def _least(probability: float, spec: ClaimSpec) -> float | None:
    """The z that chance reaches with this probability; None where it says nothing."""
    if probability >= 1:
        return None
    return -NormalDist(-spec.null_mean, NULL_SPREAD).inv_cdf(probability)


def _drawn(figure: Any, spec: ClaimSpec, least: float | None) -> str:
    axes = figure.add_subplot()
    right = max(spec.low * 2.2, 4 + (least or 0.0))
    x = np.linspace(-5, 5, 401)
    bell = np.exp(-np.square((x - spec.null_mean) / NULL_SPREAD) / 2)
    axes.fill_between(x, bell, color=_CHANCE, lw=0)
    axes.text(spec.null_mean, 0.42, "unrelated\ncameras", ha="center", color=_INK, fontsize=9)
    axes.axvspan(spec.low, right, color=_ACCEPT, alpha=0.08, lw=0)
    axes.axvline(spec.low, color=_INK, lw=1.2, ls=(0, (4, 3)))
    window = f"  a match from {spec.low:g} on, up to {spec.high:g}"
    axes.text(spec.low, 1.17, window, va="center", color=_INK, fontsize=9)
    if least is not None:
        _mark(axes, least, right)
    axes.set(xlim=(-5, right), ylim=(0, 1.28), yticks=[])
    axes.set_xlabel("z, in standard deviations of chance", color=_INK)
    axes.spines[["left", "top", "right"]].set_visible(False)
    made = io.BytesIO()
    figure.savefig(made, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(made.getvalue()).decode()}"


def _mark(axes: Any, least: float, right: float) -> None:
    """A line at the least z, and an arrow to where it may be instead."""
    axes.plot([least, least], [0, 0.62], color=_ACCEPT, lw=2.4)
    tip = min(right, least + (right + 5) / 12)
    style = {"arrowstyle": "-|>", "color": _ACCEPT, "lw": 2}
    axes.annotate("", (tip, 0.62), (least, 0.62), arrowprops=style)
    told = f"this photo: {math.floor(10 * least) / 10:.1f} or more"
    behind = {"facecolor": "white", "alpha": 0.7, "lw": 0, "pad": 2}
    axes.text(least, 0.78, told, color=_ACCEPT, fontsize=10, weight="bold", bbox=behind)
