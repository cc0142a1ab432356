"""A virtual camera: one sensor with a known PRNU pattern, and what it records of a scene.

The signal chain is that of the EMVA 1288 sensor model, pixel by pixel: photons through the colour
filter and the lens, times 1 + K, shot noise, dark current, read noise, gain, black level,
digitisation. Siblings of one model share everything but their own K.
"""

import zlib
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from grainseal.models.photo import Photo, RawLevels
from grainseal.models.simulator.scene import Scene

Plane = npt.NDArray[np.float32]

CFA: Final = "RGGB"
_CHANNEL_OF_PHASE: Final = (0, 1, 1, 2)  # of "RGGB" in R, G, B
BITS: Final = 12
BLACK: Final = 256.0
WHITE: Final = float(2**BITS - 1)

# What every camera of one model has in common, relative to the individual's PRNU: strong linear
# and stitching patterns, and a little fine structure that no filter tells from the individual's.
# The latter makes siblings correlate by its square, .001, as real cameras of one family do.
FAMILY_LINEAR: Final = 0.15
FAMILY_FINE: Final = 0.03
# Standard deviation of the blur that makes an individual's smooth part, of the shorter side: dust,
# coatings and the wafer's own unevenness reach over tens to hundreds of pixels.
SMOOTH_REACH: Final = 1 / 32


@dataclass(frozen=True)
class RawFrame:
    """One exposure: uint16 (H, W) Bayer plane in DN between `black` and `white`, and its tags."""

    pixels: npt.NDArray[np.uint16] = field(repr=False)
    make: str
    model: str
    iso: int
    black: float = BLACK
    white: float = WHITE
    cfa: str = CFA

    def photo(self, name: str, sha256: str = "") -> Photo:
        """As it is read from a file that it was written to, but without make, model and ISO."""
        levels = RawLevels((self.black,) * 4, self.white, self.cfa)
        return Photo(self.pixels, "raw", name, sha256, levels=levels)


@dataclass(frozen=True)
class SensorParameters:
    """Electrons and gains, typical of a small modern sensor."""

    full_well: float = 12_000.0  # electrons at white, ISO 100
    read_noise: float = 3.0  # electrons
    dark_current: float = 2.0  # mean electrons per exposure
    shading: float = 0.25  # light lost in the corners


@dataclass(frozen=True)
class PatternParameters:
    """What a pattern has beside the individual's fine part, relative to that.

    `family`: factor on what all cameras of the model share. `smooth`: standard deviation of the
    individual's own low frequencies.
    """

    family: float = 1.0
    smooth: float = 0.0


class VirtualCamera:
    """A camera body: `seed` makes the individual, `make` and `model` the family.

    `prnu` is the standard deviation of the individual's fine pattern; `prnu_pattern` is the pattern
    itself, float32 (H, W), with the family's part in it, `own_pattern` without.
    """

    def __init__(
        self,
        seed: int,
        width: int,
        height: int,
        prnu: float = 0.006,
        make: str = "Simulated",
        model: str = "Virtual One",
        sensor: SensorParameters | None = None,
        pattern: PatternParameters | None = None,
    ) -> None:
        if width % 2 or height % 2 or min(width, height) <= 0:
            raise ValueError(f"width and height must be even and positive: {width}x{height}")
        self.width, self.height = width, height
        self.make, self.model = make, model
        self.seed = seed
        self._sensor = sensor if sensor is not None else SensorParameters()
        pattern = pattern if pattern is not None else PatternParameters()
        own = _white_noise(np.random.default_rng([seed, 10]), height, width)
        if pattern.smooth > 0:
            own += np.float32(pattern.smooth) * _smooth_pattern(seed, height, width)
        family = np.float32(pattern.family) * _family_pattern(f"{make}/{model}", height, width)
        self.own_pattern: Plane = np.float32(prnu) * own
        self.prnu_pattern: Plane = np.float32(prnu) * (own + family)
        self._dark = self._sensor.dark_current * _dark_signal(seed, height, width)
        self._shading = _lens_shading(height, width, self._sensor.shading)

    def photograph(
        self, scene: Scene, iso: int = 100, seed: int = 0, sign: float = 1.0
    ) -> RawFrame:
        """Expose the sensor to a float32 (H, W, 3) scene in [0, 1]; `seed` is the shot's noise.

        `sign` -1 gives the same shot, noise and all, by a sensor of the opposite pattern.
        """
        if scene.shape != (self.height, self.width, 3):
            raise ValueError(f"the scene must be {(self.height, self.width, 3)}: {scene.shape}")
        rng = np.random.default_rng([self.seed, seed, 11])
        well = self._sensor.full_well * 100 / iso
        electrons = mosaic(scene)
        electrons *= self._shading
        electrons *= np.float32(well) * (1 + np.float32(sign) * self.prnu_pattern)
        electrons += self._dark
        # A normal of variance n + read noise^2: Poisson to within a percent above 50 electrons.
        deviation = np.sqrt(electrons + np.float32(self._sensor.read_noise**2))
        electrons += deviation * _white_noise(rng, self.height, self.width)
        return self._digitised(electrons, well, iso)

    def without_noise(self, scene: Scene, iso: int = 100) -> RawFrame:
        """The same exposure by a sensor with neither pattern nor noise nor dark current."""
        if scene.shape != (self.height, self.width, 3):
            raise ValueError(f"the scene must be {(self.height, self.width, 3)}: {scene.shape}")
        well = self._sensor.full_well * 100 / iso
        return self._digitised(mosaic(scene) * self._shading * np.float32(well), well, iso)

    def _digitised(self, electrons: Plane, well: float, iso: int) -> RawFrame:
        signal = np.rint(electrons * np.float32((WHITE - BLACK) / well) + np.float32(BLACK))
        pixels = np.clip(signal, 0, WHITE).astype(np.uint16)
        return RawFrame(pixels, self.make, self.model, iso)


def mosaic(scene: Scene) -> Plane:
    """What lies behind an RGGB colour filter array: float32 (H, W) from (H, W, 3)."""
    plane = np.empty(scene.shape[:2], np.float32)
    for phase, channel in enumerate(_CHANNEL_OF_PHASE):
        cell = np.s_[phase // 2 :: 2, phase % 2 :: 2]
        plane[cell] = scene[:, :, channel][cell]
    return plane


def _white_noise(rng: np.random.Generator, height: int, width: int) -> Plane:
    return rng.standard_normal((height, width), dtype=np.float32)


def _family_pattern(family: str, height: int, width: int) -> Plane:
    """Shared by all siblings: column amplifiers, a repeated lithography field, fine structure."""
    rng = np.random.default_rng([zlib.crc32(family.encode()), 12])
    columns = rng.standard_normal((1, width), dtype=np.float32)
    rows = rng.standard_normal((height, 1), dtype=np.float32)
    field_side = 64
    tile = rng.standard_normal((field_side, field_side), dtype=np.float32)
    repeats = (-(-height // field_side), -(-width // field_side))
    stitched = np.tile(tile, repeats)[:height, :width]
    linear = np.float32(FAMILY_LINEAR) * (columns + rows + stitched)
    return linear + np.float32(FAMILY_FINE) * _white_noise(rng, height, width)


def _smooth_pattern(seed: int, height: int, width: int) -> Plane:
    """Low frequencies alone, mean 0 and standard deviation 1."""
    white = _white_noise(np.random.default_rng([seed, 14]), height, width)
    smooth: Plane = ndimage.gaussian_filter(white, SMOOTH_REACH * min(height, width), truncate=3)
    smooth -= smooth.mean()
    smooth /= smooth.std()
    return smooth


def _dark_signal(seed: int, height: int, width: int) -> Plane:
    """Relative dark current: uneven, with a few hot pixels; mean about one."""
    rng = np.random.default_rng([seed, 13])
    dark: Plane = np.maximum(1 + np.float32(0.3) * _white_noise(rng, height, width), 0)
    hot = rng.integers(0, height * width, size=height * width // 50_000)
    dark.ravel()[hot] += 200
    return dark


def _lens_shading(height: int, width: int, loss: float) -> Plane:
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    shading: Plane = (1 - loss / 2 * (rows**2 + columns**2)).astype(np.float32)
    return shading
