"""The inspection's HTML report: one self-contained page, the photo and its maps side by side."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy.typing as npt

from .inspect_command import lines_of
from .inspecting import Inspection, PhotoMap
from .report import png, thumbnail, write_page

_INK: Final = "#2b2f36"
_WIDTH: Final = 6.0  # inches of a picture
_BAR: Final = 0.9  # inches that the colour bar takes of it
_GREY: Final = 0.55  # how far the photo under a map is lightened
_TALLEST: Final = 7.0  # inches
_STRONG, _FAINT = 0.72, 0.3  # of a map over the photo; faint where it is no verdict

Picture = npt.NDArray[Any]


@dataclass(frozen=True)
class Shown:
    """One picture of the page: a data URL, and what it shows."""

    title: str
    picture: str
    text: str


def write_inspection_report(folder: Path, found: Inspection) -> Path:
    """Write the page into `folder`, made if missing; its path."""
    return write_page(
        folder,
        "inspection.html.j2",
        name=found.photo.name,
        lines=lines_of(found),
        photo=png(thumbnail(found.photo)),
        maps=_maps(found),
        suspicious=found.splicing.suspicious,
    )


def _maps(found: Inspection) -> list[Shown]:
    shown = [
        Shown(
            "Noise level",
            _drawn(found, found.noise_map, "viridis", "of 255", log=True),
            "Standard deviation of what is finer than a scene usually is. Texture counts as noise.",
        ),
    ]
    if found.iso_map is not None:
        isos = PhotoMap(100 * 2**found.iso_map.values, found.iso_map.side, found.iso_map.step)
        picture = _drawn(found, isos, "viridis", "ISO", log=True)
        text = "What a network takes each patch to be: of one photo, about the same everywhere."
        shown.append(Shown("ISO", picture, text))
    if found.correlation_map is not None:
        picture = _drawn(found, found.correlation_map, "cividis", "correlation")
        text = "How well each block should match a perfect fingerprint of the photo's own camera."
        shown.append(Shown("Predicted correlation", picture, text))
    strength = _STRONG if found.splicing.suspicious else _FAINT
    suspicion = _drawn(
        found, found.suspicion_map, "Reds", "suspicion", ends=(0, 1), strength=strength
    )
    text = (
        "The two parts into which the map of noise falls best, whether or not "
        "there are two: the smaller one is red. It means something only where the verdict above "
        "names it."
    )
    return [*shown, Shown("Splicing suspicion", suspicion, text)]


def _drawn(
    found: Inspection,
    values: PhotoMap,
    colours: str,
    unit: str,
    log: bool = False,
    ends: tuple[float, float] | None = None,
    strength: float = _STRONG,
) -> str:
    """A map over the photo in light grey, with its scale, as a data URL."""
    from matplotlib.colors import LogNorm, Normalize
    from matplotlib.figure import Figure

    photo = found.photo
    low, high = ends if ends is not None else (values.values.min(), values.values.max())
    norm = LogNorm(max(low, 1e-3), max(high, 2e-3)) if log else Normalize(low, high)
    height = min(_TALLEST, (_WIDTH - _BAR) * photo.height / photo.width)
    figure = Figure(figsize=(_WIDTH, height + 0.1), layout="constrained")
    axes = figure.add_subplot()
    under = thumbnail(photo).mean(axis=2)
    extent = (0, photo.width, photo.height, 0)
    axes.imshow(_GREY + (1 - _GREY) * under, cmap="gray", vmin=0, vmax=1, extent=extent)
    image = axes.imshow(
        values.values, cmap=colours, norm=norm, extent=_extent(values), alpha=strength
    )
    axes.set(xlim=(0, photo.width), ylim=(photo.height, 0), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axes, shrink=0.85, pad=0.02)
    bar.set_label(unit, color=_INK)
    if log:
        bar.ax.yaxis.set_major_formatter("{x:g}")
        bar.ax.yaxis.set_minor_formatter("{x:g}")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _extent(values: PhotoMap) -> tuple[float, float, float, float]:
    """Left, right, bottom, top: each value is drawn around the middle of its pixels."""
    first = (values.side - values.step) / 2
    rows, columns = values.values.shape
    return first, first + columns * values.step, first + rows * values.step, first
