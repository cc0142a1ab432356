"""From a Bayer plane to the RGB picture a camera would save: a small, ordinary pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from grainseal.models.simulator.camera import RawFrame, mosaic

Plane = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]

_TONE_STEPS: Final = 2**14


@dataclass(frozen=True)
class Development:
    """Settings of the pipeline; the defaults are a plain compact camera."""

    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 2.2
    contrast: float = 0.15  # strength of the S-curve
    sharpening: float = 0.3  # of an unsharp mask
    sharpening_radius: float = 1.0  # pixels
    denoising: float = 0.0  # standard deviation in pixels of a smoothing Gaussian


def develop(
    frame: RawFrame,
    settings: Development | None = None,
    demosaicing: Callable[[Plane], tuple[Plane, Plane, Plane]] | None = None,
) -> Picture:
    """uint8 (H, W, 3) RGB: black level, white balance, demosaicing, tone curve, sharpening.

    `demosaicing`: from an RGGB plane to R, G and B, by default `demosaic`.
    """
    settings = settings if settings is not None else Development()
    plane = (frame.pixels.astype(np.float32) - frame.black) / (frame.white - frame.black)
    picture = np.empty((*plane.shape, 3), np.uint8)
    for channel, linear in enumerate((demosaicing or demosaic)(plane)):
        toned = _tone(linear * np.float32(settings.white_balance[channel]), settings)
        if settings.denoising > 0:
            toned = ndimage.gaussian_filter(toned, settings.denoising)
        if settings.sharpening > 0:
            smooth = ndimage.gaussian_filter(toned, settings.sharpening_radius, truncate=2)
            toned += np.float32(settings.sharpening) * (toned - smooth)
        picture[:, :, channel] = np.clip(np.rint(toned * 255), 0, 255)
    return picture


def demosaic(plane: Plane) -> tuple[Plane, Plane, Plane]:
    """Green along the smaller gradient, then red and blue by interpolated colour differences.

    (Hamilton and Adams' idea without its second-order terms.) RGGB float32 (H, W) in.
    """
    masks = _phase_masks(plane.shape)
    green = _edge_aware_green(plane, masks[1])
    colours = []
    for mask in (masks[0], masks[2]):
        difference = np.where(mask, plane - green, np.float32(0))
        colours.append(green + _fill(difference))
    return colours[0], green, colours[1]


def _phase_masks(shape: tuple[int, ...]) -> list[npt.NDArray[np.bool_]]:
    height, width = shape
    return [
        mosaic(np.broadcast_to(unit, (height, width, 3))) > 0
        for unit in np.eye(3, dtype=np.float32)
    ]


def _edge_aware_green(plane: Plane, is_green: npt.NDArray[np.bool_]) -> Plane:
    padded = np.pad(plane, 1, mode="reflect")
    up, down = padded[:-2, 1:-1], padded[2:, 1:-1]
    left, right = padded[1:-1, :-2], padded[1:-1, 2:]
    vertical, horizontal = np.abs(up - down), np.abs(left - right)
    total = vertical + horizontal + np.float32(1e-3)
    # The weight of a direction is the gradient across it, so flat areas average all four.
    across = (up + down) * horizontal + (left + right) * vertical
    across += np.float32(5e-4) * (up + down + left + right)
    return np.where(is_green, plane, across / (2 * total)).astype(np.float32)


def _fill(samples: Plane) -> Plane:
    """Bilinear interpolation of samples that are known at one phase of four."""
    kernel = np.array([0.5, 1.0, 0.5], np.float32)
    rows = ndimage.correlate1d(samples, kernel, axis=0, mode="mirror")
    filled: Plane = ndimage.correlate1d(rows, kernel, axis=1, mode="mirror")
    return filled


def _tone(linear: Plane, settings: Development) -> Plane:
    """Gamma and a gentle S-curve through a table; what lies outside [0, 1] is clipped."""
    x = np.linspace(0, 1, _TONE_STEPS, dtype=np.float32)
    encoded = x ** np.float32(1 / settings.gamma)
    curve = encoded + settings.contrast * (encoded - 0.5) * encoded * (1 - encoded)
    steps = np.clip(linear * np.float32(_TONE_STEPS - 1), 0, _TONE_STEPS - 1).astype(np.uint16)
    toned: Plane = curve.astype(np.float32)[steps]
    return toned
