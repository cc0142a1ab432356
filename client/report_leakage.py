"""The leakage measurement's HTML report: one self-contained page with the curves as a picture."""

import base64
import io
from pathlib import Path
from typing import Any, Final

from grainseal.models.leakage_camera import Source

from .leakage_figures import SOURCES, CodeFigures, Figures, verdict
from .report import write_page

_INK, _SOFT, _OWNER = "#2b2f36", "#8a919c", "#1a7f5a"
_ATTACKS: Final[dict[Source, tuple[str, str, float]]] = {  # colour, marker, shift to the right
    "full": ("#b3403a", "o", 0.97),
    "platform": ("#3d5a98", "s", 1.03),
}


def write_leakage_report(folder: Path, figures: Figures) -> Path:
    """Write the page into `folder`, made if missing; its path."""
    return write_page(
        folder,
        "leakage.html.j2",
        figures=figures,
        verdicts=[verdict(code, figures.cameras) for code in figures.codes],
        curves=_curves(figures),
        sources=SOURCES,
    )


def _curves(figures: Figures) -> str:
    """For each code a column: score and AUC over the number of photos."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.6, 7.0), layout="constrained")
    axes = figure.subplots(2, len(figures.codes), sharex=True, sharey="row", squeeze=False)
    for column, code in enumerate(figures.codes):
        _draw_scores(axes[0, column], code)
        _draw_areas(axes[1, column], code)
        axes[0, column].set_title(f"{code.code}, {code.length:,} symbols", color=_INK, fontsize=11)
        axes[1, column].set_xlabel("published photos that the attacker has")
        axes[1, column].set_xticks(figures.photos, [str(each) for each in figures.photos])
        axes[1, column].set_xticks([], minor=True)
    axes[0, 0].set_ylabel("score / σ")
    axes[1, 0].set_ylabel("AUC")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, ncols=len(labels), loc="outside upper center")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _draw_scores(axes: Any, code: CodeFigures) -> None:
    owner = code.of("owner")[-1]
    axes.axhspan(owner.sigma_min, owner.sigma_max, color=_OWNER, alpha=0.15, lw=0)
    axes.axhline(owner.sigma_median, color=_OWNER, lw=1.6, label=SOURCES["owner"])
    for source, (colour, marker, shift) in _ATTACKS.items():
        points = code.of(source)
        places = [shift * point.photos for point in points]
        for place, point in zip(places, points, strict=True):
            axes.plot([place] * len(point.sigmas), point.sigmas, marker, color=colour, alpha=0.25)
        middle = [point.sigma_median for point in points]
        ends = [point.sigma_ci for point in points]
        _line(axes, places, middle, ends, colour, marker, SOURCES[source])
    axes.axhline(code.threshold, color=_INK, lw=1.2, ls=(0, (4, 3)))
    axes.annotate(
        f"accepted from {code.threshold:.1f}",
        (0, code.threshold),
        xycoords=("axes fraction", "data"),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=9,
        color=_INK,
    )
    axes.set_xscale("log")
    axes.set_yscale("symlog", linthresh=10)
    axes.set_yticks([0, 5, 10, 20, 50, 100], ["0", "5", "10", "20", "50", "100"])
    _plain(axes)


def _draw_areas(axes: Any, code: CodeFigures) -> None:
    axes.axhline(0.5, color=_SOFT, lw=0.8, ls=(0, (4, 3)))
    for source, (colour, marker, shift) in _ATTACKS.items():
        points = code.of(source)
        places = [shift * point.photos for point in points]
        areas, ends = [point.auc for point in points], [point.auc_ci for point in points]
        _line(axes, places, areas, ends, colour, marker, SOURCES[source])
    axes.set_ylim(0, 1.03)
    _plain(axes)


def _line(
    axes: Any,
    places: list[float],
    middle: list[float],
    ends: list[tuple[float, float]],
    colour: str,
    marker: str,
    label: str,
) -> None:
    """A curve with a bar from end to end; an interval need not contain its own middle."""
    for place, (low, high) in zip(places, ends, strict=True):
        axes.plot([place, place], [low, high], color=colour, lw=1.4)
    axes.plot(places, middle, marker=marker, color=colour, lw=1.8, ms=6, label=label)


def _plain(axes: Any) -> None:
    axes.grid(color="#e2e5ea", lw=0.8)
    axes.spines[["top", "right"]].set_visible(False)
