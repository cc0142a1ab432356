"""The estimator `isonet`: at which ISO was a photo taken?

models/training/systems/isonet.py has the paper (ISONet, IWDW 2020), the layers, the training and
our choices. A patch's ISO metric is log2(ISO / 100) (its equation 1), a photo's the median of its
patches' (equation 2).

Our choices in use

- The authors' patches of 64x64 lie side by side. Here they overlap in small photos and lie apart in
  large ones (models/iso_map.py), always on the blocks of a JPEG, as in training.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.iso_map import PATCH, MetricMap, map_step
from grainseal.models.photo import Photo, require_developed
from grainseal.models.reference.network import TrainedNetwork
from grainseal.models.reference.patch_classifier import patches_of

Array = npt.NDArray[np.float32]

NAME: Final = "isonet"
_AT_ONCE: Final = 64  # patches: a layer of them takes some 60 MB


class IsoNet:
    """Estimates ISO speeds."""

    name = NAME

    def __init__(self) -> None:
        """WeightsError, which says what to do, if the network is not there."""
        self._network = TrainedNetwork(NAME, NAME)

    @property
    def sha256(self) -> str:
        """Of the network: metrics of another one are other metrics."""
        return self._network.manifest.sha256

    def iso(self, photo: Photo) -> float:
        """Of the whole photo, positive. PhotoError for one that is RAW or has no whole patch."""
        return self.metric_map(photo).iso

    def metric_map(
        self,
        photo: Photo,
        step: int | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> MetricMap:
        """ISO metrics on a grid, `step` pixels apart, by default as `map_step` says.

        `progress` is told the patches done and their number. PhotoError as for `iso`.
        """
        require_developed(photo, PATCH)
        step = map_step(*photo.shape) if step is None else step
        rows, columns = ((length - PATCH) // step + 1 for length in photo.shape)
        corners = step * np.indices((rows, columns)).reshape(2, -1).T
        found = []
        for start in _starts(len(corners)):
            found.append(self._network.run(patches=_cut(photo, corners[start : start + _AT_ONCE])))
            if progress is not None:
                progress(min(start + _AT_ONCE, len(corners)), len(corners))
        return MetricMap(np.concatenate(found).reshape(rows, columns), step)


def _cut(photo: Photo, corners: npt.NDArray[np.intp]) -> Array:
    """Float32 (N, 3, 64, 64) in [0, 1] of the patches whose first pixels are at `corners`."""
    cut = [patches_of(photo.pixels[t : t + PATCH, x : x + PATCH], PATCH) for t, x in corners]
    return np.concatenate(cut)


def _starts(count: int) -> range:
    return range(0, count, _AT_ONCE)
