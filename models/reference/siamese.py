"""The pair matcher `siamese`: do two sets of photos come from one camera?

models/training/systems/siamese.py has the paper (Skrabec and Ghosh, EURECOM, 2021, section 2), the
layers, the training and our choices there.

Our choices in use

- Patches of 256x256 lie side by side from the top left corner, as in 2.2.1; of more than 40 the 40
  most evenly spread are compared, of fewer all (2.3 has 40 and does not say which).
- Of each patch the centre of 128x128, where the training draws a place.
- A set is of any size, the two sides need not have as many.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from grainseal.models import wavelet
from grainseal.models.photo import Photo, PhotoError
from grainseal.models.reference.network import TrainedNetwork
from grainseal.models.reference.photo_set import AveragedSet

Array = npt.NDArray[np.float32]

NAME: Final = "siamese"
STEMS: Final = (f"{NAME}-features", f"{NAME}-similarity")
PATCH: Final = 256
CROP: Final = 128
FEATURES: Final = 1024
PLACES: Final = 40


class SiameseMatcher:
    """Compares averaged residuals, place by place; `config` is that of the training."""

    name = NAME

    def __init__(self) -> None:
        """WeightsError, which says what to do, if the networks are not there."""
        self._features, self._similarity = (TrainedNetwork(NAME, stem) for stem in STEMS)
        self.config: Mapping[str, Any] = self._features.manifest.config

    def start(self) -> AveragedSet:
        """An empty set; its features are float32 (places, 1024)."""
        return AveragedSet(residual_crops, self.features)

    def features(self, crops: Array) -> Array:
        """Float32 (places, 1024) of a set's mean `residual_crops`."""
        return self._features.run(residual=crops)

    def score(self, one: Array, other: Array) -> float:
        """Mean probability over the places, in [0, 1] (2.3)."""
        if one.shape != other.shape:
            raise ValueError(f"photos of two sizes: {len(one)} and {len(other)} places")
        return float(np.mean(self._similarity.run(one=one, other=other)))


def residual_crops(photo: Photo) -> Array:
    """Float32 (places, 3, 128, 128): the middle of the wavelet residual of each patch."""
    inner = slice((PATCH - CROP) // 2, (PATCH + CROP) // 2)
    patches = (photo.pixels[top : top + PATCH, left : left + PATCH] for top, left in places(photo))
    return np.stack([residual_of(patch)[:, inner, inner] for patch in patches])


def places(photo: Photo) -> Iterator[tuple[int, int]]:
    """Top left corners of the patches that are compared; PhotoError if there is none."""
    rows, columns = (length // PATCH for length in photo.shape)
    count = rows * columns
    if count == 0:
        raise PhotoError(
            f"{photo.name} is {photo.width}x{photo.height}: "
            f"{NAME} needs at least {PATCH} pixels a side"
        )
    chosen = min(count, PLACES)
    for number in range(chosen):
        row, column = divmod(number * count // chosen, columns)
        yield row * PATCH, column * PATCH


def residual_of(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> Array:
    """Wavelet residual of each plane of 8-bit (H, W, 3): float32 (3, H, W)."""
    planes = pixels.astype(np.float32).transpose(2, 0, 1) / np.float32(255)
    return np.stack([wavelet.residual(plane) for plane in planes])
