"""The evaluation's HTML report: one self-contained page with pictures.

The DET curve has normal-deviate axes (Martin and others, Eurospeech 1997): normal scores of one
variance give a straight line there, and small rates have room.
"""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from grainseal.models.evaluation import ErrorCurve, eer, normal_deviates
from grainseal.models.photo import read_photo

from .evaluating import Evaluation
from .evaluation_figures import Figures, rows_for_people
from .evaluation_samples import Unit
from .report import png, thumbnail, write_page

_GENUINE, _IMPOSTOR, _INK, _SOFT = "#1a7f5a", "#b3403a", "#2b2f36", "#8a919c"
_HIGHEST: Final = 0.98  # rate on the DET plot; beyond it nothing is of use
_WORST: Final = 4  # pairs of each kind
_TICKS: Final = (1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95)
_MOST_CELLS_WITH_NUMBERS: Final = 12  # cameras a side; more would not be readable
_MOST_NAMED: Final = 40

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class WorstPair:
    """A pair that went wrong, with a thumbnail of either side's first photo."""

    ncc: float
    reference: str
    probe: str
    reference_photo: str
    probe_photo: str


def write_evaluation_report(folder: Path, found: Evaluation, figures: Figures) -> Path:
    """Write the page into `folder`, made if missing; its path."""
    genuine = found.pairs.genuine
    worst = np.argsort(found.pairs.scores, kind="stable")
    return write_page(
        folder,
        "evaluation.html.j2",
        figures=figures,
        rows=rows_for_people(figures),
        det=_det(found.curve, figures) if found.curve else None,
        histogram=_histogram(found),
        matrix=_matrix(found),
        missed=_worst(found, worst[genuine[worst]]),
        confused=_worst(found, worst[~genuine[worst]][::-1]),
        settings=found.settings,
    )


def _det(curve: ErrorCurve, figures: Figures) -> str:
    """FNMR over FMR; rates that these pairs cannot resolve are at the axes' ends."""
    lowest = min(0.05, 0.5 / max(figures.genuine_pairs, figures.impostor_pairs))
    ticks = [each for each in _TICKS if each >= lowest]
    figure, axes = _axes(6.4, 6.0)
    ends = normal_deviates(np.array([lowest, _HIGHEST]))
    fmr, fnmr = (
        normal_deviates(np.clip(rates, lowest, 1 - lowest)) for rates in (curve.fmr, curve.fnmr)
    )
    axes.plot(ends, ends, color=_SOFT, lw=0.8, ls=(0, (4, 3)))
    axes.plot(fmr, fnmr, color=_INK, lw=1.8)
    equal = normal_deviates(np.clip([eer(curve)], lowest, _HIGHEST))
    axes.plot(equal, equal, "o", color=_IMPOSTOR, ms=7, label=f"EER {eer(curve):.2%}")
    names = [f"{100 * each:.3g} %" for each in ticks]
    places = normal_deviates(np.array(ticks))
    axes.set_xticks(places, names, fontsize=8)
    axes.set_yticks(places, names, fontsize=8)
    axes.set(xlim=ends, ylim=ends, aspect="equal")
    axes.set_xlabel("FMR: impostor pairs that match")
    axes.set_ylabel("FNMR: genuine pairs that do not")
    axes.grid(color="#e2e5ea", lw=0.8)
    axes.legend(frameon=False, loc="upper right")
    return _svg(figure)


def _histogram(found: Evaluation) -> str:
    """Shares of both kinds of pairs by their score."""
    figure, axes = _axes(8.6, 3.2)
    scores = found.pairs.scores
    edges = np.histogram_bin_edges(scores, bins=min(60, max(10, int(scores.size**0.5) * 2)))
    for part, colour, name in (
        (found.impostor_scores, _IMPOSTOR, "impostor pairs"),
        (found.genuine_scores, _GENUINE, "genuine pairs"),
    ):
        if part.size:
            share = np.full(part.size, 1 / part.size)
            axes.hist(part, edges, weights=share, color=colour, alpha=0.55, label=name)
    axes.set_xlabel("NCC")
    axes.set_ylabel("share of pairs")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return _svg(figure)


def _matrix(found: Evaluation) -> str:
    """Mean NCC of each camera's references with each camera's probes."""
    cameras = sorted({each.sample.camera for each in found.units})
    means = _camera_means(found, len(cameras))
    side = min(11.0, 2.6 + 0.45 * len(cameras))
    figure, axes = _axes(side, 0.88 * side)
    image = axes.imshow(means, cmap="viridis", vmin=min(0.0, float(np.nanmin(means))))
    if len(cameras) <= _MOST_NAMED:
        axes.set_xticks(range(len(cameras)), cameras, rotation=90, fontsize=8, parse_math=False)
        axes.set_yticks(range(len(cameras)), cameras, fontsize=8, parse_math=False)
    axes.set_xlabel("probes of")
    axes.set_ylabel("references of")
    middle = float(np.nanmax(means)) / 2
    if len(cameras) <= _MOST_CELLS_WITH_NUMBERS:
        for row, column in np.argwhere(np.isfinite(means)):
            value = means[row, column]
            colour = "white" if value < middle else "black"
            axes.text(
                column, row, f"{1e3 * value:.1f}", ha="center", va="center", color=colour, size=8
            )
    figure.colorbar(image, ax=axes, shrink=0.7, label="mean NCC")
    return _svg(figure)


def _camera_means(found: Evaluation, cameras: int) -> Scores:
    """Mean score of each pair of cameras, nan where nothing was compared."""
    pairs = found.pairs
    ends = (pairs.cameras[pairs.references], pairs.cameras[pairs.probes])
    both = [ends, ends[::-1]] if pairs.symmetric else [ends]
    sums, counts = np.zeros((cameras, cameras)), np.zeros((cameras, cameras))
    for place in both:
        np.add.at(sums, place, pairs.scores)
        np.add.at(counts, place, 1)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def _worst(found: Evaluation, order: npt.NDArray[np.intp]) -> list[WorstPair]:
    pairs = found.pairs
    return [
        WorstPair(
            float(pairs.scores[i]),
            found.units[pairs.references[i]].sample.name,
            found.units[pairs.probes[i]].sample.name,
            _photo(found.units[pairs.references[i]]),
            _photo(found.units[pairs.probes[i]]),
        )
        for i in order[:_WORST]
    ]


def _photo(unit: Unit) -> str:
    return png(thumbnail(read_photo(unit.sample.paths[0])))


def _axes(width: float, height: float) -> tuple[Any, Any]:
    """A figure of so many inches and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _svg(figure: Any) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
