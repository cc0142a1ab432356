"""Quality gate: is a photo fit to carry a fingerprint, and if not, what should the person do?

All measures are taken on one plane, green (the first green phase of a RAW Bayer plane), because
most sensor pixels are green and chroma subsampling leaves it alone.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from grainseal.models import wavelet
from grainseal.models.burst import strays
from grainseal.models.codes import (
    CodeError,
    CodeSpec,
    block_sums,
    require_frame,
    require_same_frame,
)
from grainseal.models.matching import ncc
from grainseal.models.photo import Photo, centre_start

Plane = npt.NDArray[np.float32]
ProblemCode = Literal[
    "kind",
    "size",
    "camera",
    "saturated",
    "dark",
    "textured",
    "smoothed",
    "zoomed",
    "duplicate",
    "stray",
]


@dataclass(frozen=True)
class Limits:
    """Where a measure becomes a problem; calibrated on real flats and on the simulator."""

    # PRNU is multiplicative: below this mean (8-bit sRGB 45, or 3 % of a linear RAW's range) the
    # read noise wins.
    dark_developed: float = 0.18
    dark_raw: float = 0.03
    # Clipped pixels carry nothing; a tenth of the frame costs a tenth of the signal.
    saturated: float = 0.10
    # Relative curvature between 16x16 block means that nine tenths of the blocks stay below.
    texture: float = 0.03
    # Fine noise of an even scene in 8-bit units, and its share at the high frequencies.
    smooth_noise: float = 0.2
    smooth_ratio: float = 0.11
    # Strength of a resampling line over the median of its spectrum, in both directions.
    resampling: float = 5.5
    # Two shots share their PRNU and no more, a correlation of .1 at most; copies share their noise.
    duplicate: float = 0.2


LIMITS: Final = Limits()

_BLOCK: Final = 16
SMALLEST: Final = 320  # pixels a side that every extractor can work on, RAW or developed
_SATURATED_LEVEL: Final = 250 / 255
_WINDOW: Final = 512  # pixels a side of the centre window where noise is examined
_PROFILE_TREND: Final = 9  # samples of the running median that is taken off the profile
_LINE_WIDTH: Final = 4  # half-width of a spectral line under a Hann window, with one to spare
_LOWEST_LINE: Final = 0.05  # cycles per pixel; slower changes are the scene's


@dataclass(frozen=True)
class Quality:
    """Measures of one photo; `noise` is kept to recognise copies of it."""

    brightness: float  # mean in [0, 1]
    saturated: float  # share of pixels in [0, 1]
    texture: float  # relative curvature between neighbouring blocks
    noise_level: float  # standard deviation of the finest detail, 8-bit units
    high_ratio: float  # noise power at high over that at low frequencies
    resampling: float  # strongest periodic line of the interpolation detector
    noise: Plane = field(repr=False)  # residual of the centre window


@dataclass(frozen=True)
class Problem:
    """Something wrong with one photo; `message` says what to do, `blocking` that it must be."""

    photo: str
    code: ProblemCode
    message: str
    blocking: bool


_MESSAGES: Final[dict[ProblemCode, str]] = {
    "saturated": "too bright, large parts are pure white: lower the exposure and retake it",
    "dark": "too dark: point the camera at something bright, such as the sky, and retake it",
    "textured": "shows a scene: fill the frame with something bright and even, out of focus",
    "smoothed": "its fine noise is smoothed away: switch off digital zoom, beauty, night and "
    "noise-reduction modes and use the camera's best quality",
    "zoomed": "was enlarged: switch off digital zoom and use the camera's full size",
    "stray": "does not match the other photos: it seems to be of another camera, so leave it out "
    "and take another one with the camera that is meant",
}


def inspect(photo: Photo) -> Quality:
    """Measure one photo of at least 320 pixels a side; the photo is not modified."""
    plane = _green(photo)
    window = _centre(plane, _WINDOW)
    noise = wavelet.residual(window)
    return Quality(
        brightness=float(plane.mean()),
        saturated=float(np.mean(plane >= _SATURATED_LEVEL)),
        texture=_texture(plane),
        noise_level=_fine_noise(window),
        high_ratio=_high_ratio(noise),
        resampling=min(_resampling_line(window), _resampling_line(window.T)),
        noise=noise,
    )


def problems(
    photos: Iterable[Photo],
    spec: CodeSpec,
    *,
    need_flat: bool = True,
    one_camera: bool = False,
    limits: Limits = LIMITS,
) -> list[Problem]:
    """Everything wrong with the photos for that code, in their order; empty when they are fit.

    `need_flat=False` still reports scenes as "textured" but lets them pass. `one_camera` also
    reports, last, photos whose noise is not the others' camera's (`burst`). Photos are looked at
    one by one; of each, only the noise of its centre is kept.
    """
    found: list[Problem] = []
    first: Photo | None = None
    seen: list[tuple[str, str, Plane]] = []  # name, sha256, noise
    for photo in photos:
        misfit = _misfit(photo, spec, first)
        if misfit is not None:
            found.append(misfit)
            continue
        quality = inspect(photo)
        found += image_problems(photo, quality, need_flat, limits)
        for name, sha256, noise in seen:
            if sha256 == photo.sha256 or ncc(noise, quality.noise) > limits.duplicate:
                message = f"{photo.name} is the same shot as {name}: take a new photo for each"
                found.append(Problem(photo.name, "duplicate", message, True))
                break
        first = first if first is not None else photo.without_pixels()
        seen.append((photo.name, photo.sha256, quality.noise))
    return found + (_strays(seen, found) if one_camera else [])


def _strays(seen: Sequence[tuple[str, str, Plane]], found: Sequence[Problem]) -> list[Problem]:
    """Of photos that nothing else is wrong with: what is, hides the noise or repeats it."""
    bad = {problem.photo for problem in found if problem.blocking}
    fit = [(name, noise) for name, _, noise in seen if name not in bad]
    return [
        Problem(fit[each][0], "stray", f"{fit[each][0]} {_MESSAGES['stray']}", True)
        for each in strays([noise for _, noise in fit])
    ]


def _misfit(photo: Photo, spec: CodeSpec, first: Photo | None) -> Problem | None:
    """What makes the photo useless whatever it shows: its kind, its size, another camera's."""
    if photo.kind != spec.kind:
        message = f"{photo.name} is {photo.kind}, but {spec.name} is made from {spec.kind} photos"
        return Problem(photo.name, "kind", message, True)
    try:
        if min(photo.shape) < SMALLEST:
            raise CodeError(f"a photo of at least {SMALLEST} pixels a side is needed")
        require_frame(photo.shape, spec)
        if first is not None:
            require_same_frame(photo.shape, first.shape)
    except CodeError as error:
        return Problem(photo.name, "size", f"{photo.name}: {error}", True)
    if first is not None and first.model and photo.model and photo.model != first.model:
        message = (
            f"{photo.name} was taken by {_camera(photo)}, {first.name} by {_camera(first)}: "
            "use photos of one camera"
        )
        return Problem(photo.name, "camera", message, True)
    return None


def _camera(photo: Photo) -> str:
    return f"{photo.make or ''} {photo.model}".strip()


def image_problems(
    photo: Photo, quality: Quality, need_flat: bool, limits: Limits = LIMITS
) -> list[Problem]:
    """What is wrong with what one photo shows; `quality`: what `inspect` measured of it."""

    def problem(code: ProblemCode, blocking: bool = True) -> Problem:
        return Problem(photo.name, code, f"{photo.name} {_MESSAGES[code]}", blocking)

    found = []
    darkest = limits.dark_raw if photo.kind == "raw" else limits.dark_developed
    if quality.brightness < darkest:
        found.append(problem("dark"))
    if quality.saturated > limits.saturated:
        found.append(problem("saturated"))
    if quality.texture > limits.texture and not found:
        # A scene's own detail hides what the noise would say, so the rest is not asked.
        return [problem("textured", blocking=need_flat)]
    if photo.kind == "developed" and not found:
        if quality.resampling > limits.resampling:
            found.append(problem("zoomed"))
        elif quality.noise_level < limits.smooth_noise or quality.high_ratio < limits.smooth_ratio:
            found.append(problem("smoothed"))
    return found


def _green(photo: Photo) -> Plane:
    if photo.levels is None:
        return photo.plane(1)
    phase = photo.levels.cfa.index("G")
    return np.ascontiguousarray(photo.plane(0)[phase // 2 :: 2, phase % 2 :: 2])


def _centre(plane: Plane, side: int) -> Plane:
    """The centre window of at most `side` pixels a side, on even offsets."""
    height, width = (min(side, length) for length in plane.shape)
    top, left = centre_start(plane.shape[0], height), centre_start(plane.shape[1], width)
    return np.ascontiguousarray(plane[top : top + height, left : left + width])


def _texture(plane: Plane) -> float:
    """Curvature rather than steps, so that lens shading and soft gradients do not count."""
    means = block_sums(plane, _BLOCK) / np.float32(_BLOCK**2)
    bends = [np.abs(np.diff(means, 2, axis=axis)).ravel() for axis in (0, 1)]
    return float(np.quantile(np.concatenate(bends), 0.9)) / max(float(means.mean()), 1 / 255)


def _fine_noise(window: Plane) -> float:
    """Median over blocks of the deviation of the 2x2 diagonal difference, in 8-bit units."""
    diagonal = window[:-1, :-1] - window[1:, :-1] - window[:-1, 1:] + window[1:, 1:]
    energy = block_sums(np.square(diagonal), _BLOCK) / np.float32(_BLOCK**2)
    return 255 / 2 * float(np.sqrt(np.median(energy)))


def _high_ratio(noise: Plane) -> float:
    """Noise power at .3 to .4 over that at .1 to .2 cycles per pixel."""
    taper = np.outer(*(np.hanning(length) for length in noise.shape))
    power = np.square(np.abs(np.fft.rfft2(noise * taper)))
    rows = np.fft.fftfreq(noise.shape[0])[:, None]
    columns = np.fft.rfftfreq(noise.shape[1])[None, :]
    frequency = np.hypot(rows, columns)
    low, high = (
        float(power[(frequency >= lowest) & (frequency < lowest + 0.1)].mean())
        for lowest in (0.1, 0.3)
    )
    return high / low if low > 0 else 0.0


def _resampling_line(window: Plane) -> float:
    """Interpolation makes the second difference's size periodic (Gallagher, CRV 2005).

    Strongest line along columns over the median of the spectrum; the lines of JPEG blocks (8, and
    16 with subsampled colour) and of the CFA are passed over.
    """
    size = np.abs(np.diff(window, 2, axis=1)).mean(axis=0)
    profile = size - ndimage.median_filter(size, _PROFILE_TREND)
    spectrum = np.abs(np.fft.rfft(profile * np.hanning(profile.size)))
    cells = np.fft.rfftfreq(profile.size) * 16
    apart = np.abs(cells - np.rint(cells)) > 16 * _LINE_WIDTH / profile.size
    kept = spectrum[apart & (cells > 16 * _LOWEST_LINE)]
    middle = float(np.median(kept))
    return float(kept.max()) / middle if middle > 0 else 0.0
