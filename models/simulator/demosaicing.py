"""Ways from a Bayer plane to R, G and B, as different makers go."""

from typing import Final

import numpy as np
from scipy import ndimage

from grainseal.models.simulator.camera import mosaic
from grainseal.models.simulator.develop import Demosaicing, Plane, demosaic, demosaic_bilinear

# Laplacians of the measured colour that correct what bilinear interpolation misses.
_GAIN: Final = 0.5
_LAPLACIAN: Final = np.array([[0, -1, 0], [-1, 4, -1], [0, -1, 0]], np.float32) * np.float32(0.25)


def corrected(plane: Plane) -> tuple[Plane, Plane, Plane]:
    """Bilinear, plus a share of the measured colour's Laplacian, twice as wide as the colours lie.

    (The idea of Malvar, He and Cutler, ICASSP 2004, with one gain for all.)
    """
    wide = np.zeros((5, 5), np.float32)
    wide[::2, ::2] = _LAPLACIAN
    detail = np.float32(_GAIN) * _spread(plane, wide)
    masks = _samples(np.ones_like(plane))
    red, green, blue = (
        colour + np.where(mask > 0, np.float32(0), detail)
        for colour, mask in zip(demosaic_bilinear(plane), masks, strict=True)
    )
    return red, green, blue


def _samples(plane: Plane) -> list[Plane]:
    """The plane's values where each colour is measured, 0 elsewhere."""
    units = np.eye(3, dtype=np.float32)
    return [plane * mosaic(np.broadcast_to(unit, (*plane.shape, 3))) for unit in units]


def _spread(samples: Plane, kernel: Plane) -> Plane:
    spread: Plane = ndimage.correlate(samples, kernel, mode="mirror")
    return spread


DEMOSAICING: Final[dict[str, Demosaicing]] = {
    "bilinear": demosaic_bilinear,
    "corrected": corrected,
    "edge-aware": demosaic,
}
