"""The estimator `isonet`: at which ISO was a photo taken?

models/training/systems/isonet.py has the paper (ISONet, IWDW 2020), the layers, the training and
our choices. A patch's ISO metric is log2(ISO / 100) (its equation 1), a photo's the median of its
patches' (equation 2).

Our choices in use

- Patches of 64x64 lie side by side from the top left corner, as in the authors' code; of a photo
  with more than 1024 the 1024 most evenly spread are looked at.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.photo import Photo, PhotoError
from grainseal.models.reference.network import TrainedNetwork
from grainseal.models.reference.patch_classifier import patches_of

Array = npt.NDArray[np.float32]

NAME: Final = "isonet"
PATCH: Final = 64
MOST: Final = 1024
_AT_ONCE: Final = 64  # patches: a layer of them takes some 60 MB


class IsoNet:
    """Estimates ISO speeds."""

    name = NAME

    def __init__(self) -> None:
        """WeightsError, which says what to do, if the network is not there."""
        self._network = TrainedNetwork(NAME, NAME)

    def iso(self, photo: Photo) -> float:
        """Of the whole photo, positive."""
        return float(100 * 2 ** np.median(self.metrics(photo)))

    def metrics(self, photo: Photo) -> Array:
        """ISO metric of each patch that is looked at, float32 (N,), row by row.

        PhotoError for a photo that is RAW or has no whole patch.
        """
        if photo.kind != "developed":
            raise PhotoError(f"{photo.name} is RAW: give the JPEG made of it")
        if min(photo.shape) < PATCH:
            raise PhotoError(
                f"{photo.name} is {photo.width}x{photo.height}: "
                f"{NAME} needs at least {PATCH} pixels a side"
            )
        patches = patches_of(photo.pixels, PATCH)
        chosen = patches[spread(len(patches), MOST)]
        parts = (chosen[i : i + _AT_ONCE] for i in range(0, len(chosen), _AT_ONCE))
        return np.concatenate([self._network.run(patches=part) for part in parts])


def spread(count: int, most: int) -> npt.NDArray[np.intp]:
    """Indices of `count` things, of more than `most` so many that are evenly spread."""
    chosen = min(count, most)
    return np.arange(chosen) * count // max(1, chosen)
