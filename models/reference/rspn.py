"""RSPN: Lukas, Fridrich, Goljan, "Digital camera identification from sensor pattern noise", IEEE
TIFS 1(2), 2006, pages 205-214, the baseline of most that followed.

A camera's reference is the average of its photos' noise residuals n = p - F(p); a photo belongs to
the camera whose reference its own residual has the highest normalised correlation with. F is the
denoiser of appendix A, which is models/wavelet.py: `--extractor wavelet --matcher rspn`.

Our choices

- Colour: F runs on R, G and B; the residual is that of their luminance (Rec. 601).
- Photos of a reference: as many as the evaluation gives; the paper wants 50 or more.
- Any other extractor's residual may be averaged instead of the wavelet's.

Pixels are not weighted and nothing is cleaned up afterwards: that came with the maximum-likelihood
estimate of models/fingerprint.py.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import Fingerprint, require_same_grid
from grainseal.models.photo import Photo, PhotoError

Plane = npt.NDArray[np.float32]

LUMINANCE: Final = (0.299, 0.587, 0.114)


class AveragingEstimator:
    """The average residual of photos that are added one by one; memory does not grow."""

    def __init__(self, extractor: Extractor, crop: int | None = None) -> None:
        """`crop`: use only the centre crop x crop pixels of each photo."""
        self._extractor = extractor
        self._crop = crop
        self._first: Photo | None = None
        self._photos = 0
        self._sum: Plane = np.zeros((0, 0), np.float32)

    def add(self, photo: Photo) -> None:
        """Take in one more photo; PhotoError when it cannot come from the same sensor readout."""
        if self._crop is not None:
            photo = photo.cropped(self._crop)
        if self._first is not None:
            require_same_grid(photo, self._first, self._sum.shape)
        residual = plain_residual(photo, self._extractor)
        if self._first is None:
            self._first, self._sum = photo.without_pixels(), np.zeros_like(residual)
        self._sum += residual
        self._photos += 1

    def finish(self) -> Fingerprint:
        """The average, float32 (H, W) on the scale of residuals; PhotoError without photos.

        Its source says that it is one: no code is made of averages.
        """
        if self._first is None:
            raise PhotoError("no photos: a reference needs at least one")
        kind = self._first.kind
        average = self._sum / np.float32(self._photos)
        return Fingerprint(average, kind, self._photos, f"rspn of {self._extractor.source(kind)}")


def plain_residual(photo: Photo, extractor: Extractor) -> Plane:
    """One float32 (H, W) residual of a photo: of the luminance where there are three."""
    residuals = [observation.residual for observation in extractor.observe(photo)]
    if len(residuals) == 1:
        return residuals[0]
    return luminance(residuals)


def luminance(planes: Sequence[Plane]) -> Plane:
    """Float32 (H, W) of red, green and blue."""
    red, green, blue = (np.float32(w) * plane for w, plane in zip(LUMINANCE, planes, strict=True))
    mixed: Plane = red + green + blue
    return mixed
