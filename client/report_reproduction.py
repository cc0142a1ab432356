"""A reproduced table as an HTML page, with its matrices as pictures."""

import base64
import io
from pathlib import Path
from typing import Final

from .report import write_page
from .reproduction.layout import HEADING, Matrix, Reproduction

_INK: Final = "#2b2f36"
_INCHES: Final = 7.6
_MOST_LABELS: Final = 40  # cameras whose names are written beside the matrix


def write_reproduction_report(folder: Path, found: Reproduction) -> Path:
    """Write the page into `folder`, made if missing; its path."""
    return write_page(
        folder,
        "reproduction.html.j2",
        found=found,
        heading=HEADING,
        rows=[(line.labels, list(map(str, line.cells))) for line in found.lines],
        pictures=[(matrix.title, _drawn(matrix)) for matrix in found.matrices],
    )


def _drawn(matrix: Matrix) -> str:
    """As the paper's Figure 4: one square for each two cameras, as a data URL."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_INCHES, _INCHES * 0.9), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(matrix.values, vmin=0, vmax=1, cmap="viridis")
    figure.colorbar(image, ax=axes, label="share of pairs said to be one camera's", shrink=0.8)
    places = range(len(matrix.cameras)) if len(matrix.cameras) <= _MOST_LABELS else []
    names = [matrix.cameras[at] for at in places]
    axes.set_xticks(list(places), names, rotation=90, fontsize=6, color=_INK)
    axes.set_yticks(list(places), names, fontsize=6, color=_INK)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(buffer.getvalue()).decode()}"
