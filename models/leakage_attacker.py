"""What somebody can make of a camera's published photos, to pass for the camera.

The published photos are JPEGs, at full size or as a platform reduced them. Their maximum-likelihood
fingerprint (`fingerprint`), enlarged to the sensor's grid where need be, is the attack on a code of
developed photos. For a code of RAW photos the attacker needs the Bayer plane, and tries

luminance  one pattern for all three planes, as for developed photos;
sites      at each site the pattern of the plane that was measured there. Demosaicing (Gunturk et
           al., IEEE SPM 22(1), 2005, reviews it) interpolates the others;
chroma     a frequency f of the Bayer plane is also at f - (1/2, 1/2) in the difference between
           green and the mean of red and blue (Alleysson, Süsstrunk, Hérault, IEEE TIP 14(4), 2005),
           where a code's high band has become low enough to survive JPEG and reduction;
cfa        the pixels put back on a Bayer plane, made linear and denoised as RAW is;
cfa+chroma the last two, standardised, in equal parts.

`cfa` needs photos of full size.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import (
    NOISE_SIGMA,
    PRIOR_SIGMA,
    Fingerprint,
    FingerprintEstimator,
    noise_weight,
    saturation_weight,
    wiener_dft,
    zero_mean,
)
from grainseal.models.photo import Photo, PhotoKind, RawLevels

Plane = npt.NDArray[np.float32]

LUMINANCE: Final = "luminance"
_COLOUR_OF_SITE: Final = (0, 1, 1, 2)  # of RGGB, row by row, in R, G, B
_GAMMA: Final = 2.2  # what the attacker takes the camera's tone curve for
_WHITE: Final = 4095
_LANCZOS_LOBES: Final = 3
_PRIOR: Final = np.float32((NOISE_SIGMA / PRIOR_SIGMA) ** 2)


class PublishedPhotos:
    """An attacker's collection; memory does not grow with the number of photos."""

    def __init__(
        self, shape: tuple[int, int], extractor: Extractor, raw_extractor: Extractor
    ) -> None:
        """`shape`: (height, width) of the sensor, whose Bayer cell is RGGB.

        `raw_extractor` denoises Bayer planes, `extractor` developed photos.
        """
        self._shape, self._extractor = shape, extractor
        self._cfa = FingerprintEstimator(raw_extractor)
        self._photos = 0
        self._full_size = True
        self._correlation: Plane = np.zeros((0, 0, 0), np.float32)  # sums of q*W*I, (3, h, w)
        self._energy: Plane = np.zeros((0, 0, 0), np.float32)  # sums of q*I^2

    def add(self, photo: Photo) -> None:
        """Take in one more developed photo, all of one size; PhotoError if too small."""
        if self._photos == 0:
            self._correlation = np.zeros((3, *photo.shape), np.float32)
            self._energy = np.zeros_like(self._correlation)
            self._full_size = photo.shape == self._shape
        for index, (intensity, residual) in enumerate(self._extractor.observe(photo)):
            weight = saturation_weight(intensity) * noise_weight(residual) * intensity
            self._correlation[index] += weight * residual
            self._energy[index] += weight * intensity
        if self._full_size:
            self._cfa.add(_on_bayer_plane(photo))
        self._photos += 1

    def ways(self, kind: PhotoKind) -> Iterator[tuple[str, Fingerprint]]:
        """Every attack on a code of that kind: its name and its fingerprint, float32 `shape`."""
        yield LUMINANCE, self._cleaned(self._luminance(), kind)
        if kind == "developed":
            return
        planes = [
            self._on_grid(*each) for each in zip(self._correlation, self._energy, strict=True)
        ]
        yield "sites", self._cleaned(on_sites(planes), kind)
        chroma = self._cleaned(chroma_alias(planes), kind)
        yield "chroma", chroma
        if self._full_size:
            cfa = self._cfa.finish()
            yield "cfa", cfa
            both = _standardised(cfa.values) + _standardised(chroma.values)
            yield "cfa+chroma", Fingerprint(both, kind, self._photos)

    def _luminance(self) -> Plane:
        return self._on_grid(self._correlation.sum(axis=0), self._energy.sum(axis=0))

    def _on_grid(self, correlation: Plane, energy: Plane) -> Plane:
        return enlarged(correlation / (energy + _PRIOR), self._shape)

    def _cleaned(self, values: Plane, kind: PhotoKind) -> Fingerprint:
        return Fingerprint(wiener_dft(zero_mean(values)), kind, self._photos)


def on_sites(planes: list[Plane]) -> Plane:
    """Of R, G and B, float32 (H, W) each, at each site of an RGGB plane its own."""
    bayer = np.empty_like(planes[0])
    for site, colour in enumerate(_COLOUR_OF_SITE):
        cell = np.s_[site // 2 :: 2, site % 2 :: 2]
        bayer[cell] = planes[colour][cell]
    return bayer


def chroma_alias(planes: list[Plane]) -> Plane:
    """(R + B) / 2 - G of float32 (H, W) planes, moved by (1/2, 1/2) cycles per pixel."""
    red, green, blue = planes
    alias = (red + blue) * np.float32(0.5) - green
    alias[::2, 1::2] *= -1
    alias[1::2, ::2] *= -1
    return alias


def enlarged(values: Plane, shape: tuple[int, int]) -> Plane:
    """A float32 (h, w) plane on a finer (H, W) grid of the same extent, by a Lanczos kernel."""
    if values.shape == shape:
        return values
    rows, columns = (_lanczos(*each) for each in zip(values.shape, shape, strict=True))
    fine: Plane = np.asarray(rows @ values @ columns.T, np.float32)
    return fine


def _standardised(values: Plane) -> Plane:
    spread = values.std()
    return values / spread if spread > 0 else values  # grey pictures have no chroma


def _lanczos(old: int, new: int) -> Plane:
    """Weights of `old` samples for each of `new`, float32 (new, old), rows summing to 1."""
    places = (np.arange(new) + 0.5) * (old / new) - 0.5
    distance = places[:, None] - np.arange(old)[None, :]
    weights = np.sinc(distance) * np.sinc(distance / _LANCZOS_LOBES)
    weights[np.abs(distance) >= _LANCZOS_LOBES] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    single: Plane = np.asarray(weights, np.float32)
    return single


def _on_bayer_plane(photo: Photo) -> Photo:
    """The developed photo's own pixel at each site, as if it were RAW."""
    linear = np.rint(_WHITE * (np.arange(256) / 255) ** _GAMMA).astype(np.uint16)
    pixels = np.empty(photo.shape, np.uint16)
    for site, colour in enumerate(_COLOUR_OF_SITE):
        cell = np.s_[site // 2 :: 2, site % 2 :: 2]
        pixels[cell] = linear[photo.pixels[cell][..., colour]]
    levels = RawLevels((0.0, 0.0, 0.0, 0.0), float(_WHITE), "RGGB")
    return Photo(pixels, "raw", photo.name, photo.sha256, levels=levels)
