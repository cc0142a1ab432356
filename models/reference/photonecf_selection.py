"""PhotoNecf's options after the extraction: the brightest patches only, and signs only.

Qian et al., "Web Photo Source Identification based on Neural Enhanced Camera Fingerprint", WWW 2023
(arXiv 2302.09228), and the code at https://github.com/PhotoNecf/PhotoNecf (MIT licence). A photo's
fingerprint is kept in the 64 brightest 128x128 patches, or weighted there by their brightness; none
is taken whose mean level is 255 or more; those as bright as the last one taken are taken with it. A
fingerprint becomes +1 where it is 0 or above, else -1.

The authors' code has both and calls neither. Our choices

- The mask is the probe's alone, `evaluate --matcher bright` or `bright-weighted`; outside it the
  probe is 0, and the score is the NCC of the whole planes.
- A photo of 64 patches or fewer is used whole, as it is; pixels that fill no patch are its too.
- Level: the mean of a developed photo's planes, the upper 8 bits of RAW. Of several photos: their
  mean.
- Signs are those of both sides, `evaluate --matcher signs`.
"""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator
from grainseal.models.photo import Photo
from grainseal.models.reference.photonecf_levels import with_8_bits

Plane = npt.NDArray[np.float32]
Levels = npt.NDArray[np.float64]

SIDE: Final = 128
TAKEN: Final = 64
TOO_BRIGHT: Final = 255.0


class BrightestEstimator:
    """The maximum-likelihood fingerprint of photos, in their brightest patches only."""

    def __init__(
        self, extractor: Extractor, crop: int | None = None, weighted: bool = False
    ) -> None:
        """`crop`: use only the centre crop x crop pixels of each photo, also to choose patches."""
        self._made = FingerprintEstimator(extractor)
        self._crop = crop
        self._weighted = weighted
        self._levels: Levels = np.zeros(())  # sum over the photos

    def add(self, photo: Photo) -> None:
        """Take in one more photo; PhotoError when it cannot come from the same sensor readout."""
        if self._crop is not None:
            photo = photo.cropped(self._crop)
        self._made.add(photo)
        self._levels = self._levels + patch_levels(photo)

    def finish(self) -> Fingerprint:
        """The fingerprint, 0 where no patch is taken; PhotoError without photos."""
        made = self._made.finish()
        levels = self._levels / made.photos
        return replace(made, values=made.values * mask(levels, made.shape, self._weighted))


def patch_levels(photo: Photo) -> Levels:
    """Mean level of each whole patch, 0 to 255, float64 (H // SIDE, W // SIDE)."""
    rows, columns = (length // SIDE for length in photo.shape)
    inside = with_8_bits(photo).pixels[: rows * SIDE, : columns * SIDE]
    patches = inside.reshape(rows, SIDE, columns, SIDE, -1)
    means: Levels = patches.mean(axis=(1, 3, 4), dtype=np.float64)
    return means


def mask(levels: Levels, shape: tuple[int, int], weighted: bool = False) -> Plane:
    """What each pixel counts, float32 (H, W) of `shape` in [0, 1].

    `levels`: float64 (H // SIDE, W // SIDE). `weighted`: a patch counts as its level does to the
    brightest one's that is taken, else 1.
    """
    if levels.size <= TAKEN:
        return np.ones(shape, np.float32)
    allowed = np.where(levels < TOO_BRIGHT, levels, -1.0)
    last = max(0.0, float(np.sort(allowed, axis=None)[-TAKEN]))
    kept = np.where(allowed >= last, allowed if weighted else 1.0, 0.0)
    counts = (kept / (kept.max() or 1.0)).astype(np.float32)
    found = np.zeros(shape, np.float32)
    inside = counts.repeat(SIDE, axis=0).repeat(SIDE, axis=1)
    found[: inside.shape[0], : inside.shape[1]] = inside
    return found


def signs(values: Plane) -> Plane:
    """+1 where float32 (H, W) `values` are 0 or above, else -1, as a new float32 array."""
    return np.where(values >= 0, np.float32(1), np.float32(-1))
