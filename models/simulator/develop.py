"""From a Bayer plane to the RGB picture a camera would save: a small, ordinary pipeline."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from grainseal.models.simulator.camera import RawFrame, mosaic

Plane = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]
Demosaicing = Callable[[Plane], tuple[Plane, Plane, Plane]]

_TONE_STEPS: Final = 2**14
# Rec. 601 luma, which JPEG uses too.
_LUMA: Final = np.array([0.299, 0.587, 0.114], np.float32)
_SHRINK_WINDOW: Final = 5


@dataclass(frozen=True)
class Development:
    """Settings of the pipeline; the defaults are a plain compact camera."""

    white_balance: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 2.2
    contrast: float = 0.15  # strength of the S-curve
    sharpening: float = 0.3  # of an unsharp mask
    sharpening_radius: float = 1.0  # pixels
    denoising: float = 0.0  # standard deviation in pixels of a smoothing Gaussian
    demosaicing: Literal["edges", "bilinear"] = "edges"
    saturation: float = 1.0  # colours away from grey: a camera's colour matrix mixes its planes
    shrinking: float = 0.0  # detail of this standard deviation (of 255) is taken for noise
    colour_smoothing: float = 0.0  # standard deviation in pixels, of the colour differences only


def develop(
    frame: RawFrame,
    settings: Development | None = None,
    demosaicing: Demosaicing | None = None,
) -> Picture:
    """uint8 (H, W, 3) RGB: black level, white balance, demosaicing, tone curve, sharpening.

    `demosaicing`: from an RGGB plane to R, G and B, in the place of the settings' own.
    """
    settings = settings if settings is not None else Development()
    return quantised(render(frame, settings, demosaicing))


def quantised(picture: Plane) -> Picture:
    """A float32 picture in [0, 1] as uint8, clipped."""
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)


def render(frame: RawFrame, settings: Development, demosaicing: Demosaicing | None = None) -> Plane:
    """The developed picture before it is rounded: float32 (H, W, 3), about [0, 1]."""
    plane = (frame.pixels.astype(np.float32) - frame.black) / (frame.white - frame.black)
    own = demosaic if settings.demosaicing == "edges" else demosaic_bilinear
    split = demosaicing if demosaicing is not None else own
    balance = np.array(settings.white_balance, np.float32)
    linear = np.stack(split(plane), axis=2) * balance
    if settings.saturation != 1:
        grey = (linear @ _LUMA)[:, :, None]
        linear = grey + np.float32(settings.saturation) * (linear - grey)
    picture = _tone(linear, settings)
    if settings.colour_smoothing > 0:
        picture = _smooth_colours(picture, settings.colour_smoothing)
    for channel in range(3):
        picture[:, :, channel] = _filtered(picture[:, :, channel], settings)
    return picture


def _filtered(toned: Plane, settings: Development) -> Plane:
    """Noise reduction, then sharpening, of one plane."""
    if settings.denoising > 0:
        toned = ndimage.gaussian_filter(toned, settings.denoising)
    if settings.shrinking > 0:
        toned = _shrink(toned, settings.shrinking / 255)
    if settings.sharpening > 0:
        smooth = ndimage.gaussian_filter(toned, settings.sharpening_radius, truncate=2)
        toned = toned + np.float32(settings.sharpening) * (toned - smooth)
    return toned


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


def demosaic_bilinear(plane: Plane) -> tuple[Plane, Plane, Plane]:
    """Each colour from its own samples alone. RGGB float32 (H, W) in."""
    red, green, blue = (np.where(mask, plane, np.float32(0)) for mask in _phase_masks(plane.shape))
    # Twice as many samples are green: the kernel that fills one phase of four doubles them.
    cross = np.array([[0, 0.25, 0], [0.25, 1, 0.25], [0, 0.25, 0]], np.float32)
    return _fill(red), ndimage.correlate(green, cross, mode="mirror"), _fill(blue)


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


def _smooth_colours(picture: Plane, sigma: float) -> Plane:
    luma = (picture @ _LUMA)[:, :, None]
    smoothed: Plane = luma + ndimage.gaussian_filter(picture - luma, (sigma, sigma, 0))
    return smoothed


def _shrink(plane: Plane, sigma: float) -> Plane:
    """Lee's local Wiener filter: detail that is no stronger than noise of `sigma` is flattened."""
    mean = ndimage.uniform_filter(plane, _SHRINK_WINDOW)
    power = ndimage.uniform_filter((plane - mean) ** 2, _SHRINK_WINDOW)
    kept = np.maximum(power - np.float32(sigma**2), 0) / np.maximum(power, np.float32(1e-12))
    shrunk: Plane = mean + kept * (plane - mean)
    return shrunk


def _tone(linear: Plane, settings: Development) -> Plane:
    """Gamma and a gentle S-curve through a table; what lies outside [0, 1] is clipped."""
    x = np.linspace(0, 1, _TONE_STEPS, dtype=np.float32)
    encoded = x ** np.float32(1 / settings.gamma)
    curve = encoded + settings.contrast * (encoded - 0.5) * encoded * (1 - encoded)
    steps = np.clip(linear * np.float32(_TONE_STEPS - 1), 0, _TONE_STEPS - 1).astype(np.uint16)
    toned: Plane = curve.astype(np.float32)[steps]
    return toned
