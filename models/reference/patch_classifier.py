"""The classifier `patch-classifier`: which of the cameras that it was trained on took a photo?

models/training/systems/patch_classifier.py has the paper (Skrabec and Ghosh, EURECOM, 2021, section
3), the layers, the training and our choices. It knows no other cameras: train it on your own.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from grainseal.models.photo import Photo, PhotoError
from grainseal.models.reference.interfaces import Probabilities
from grainseal.models.reference.network import TrainedNetwork

Array = npt.NDArray[np.float32]

NAME: Final = "patch-classifier"
PATCH: Final = 32


class PatchClassifier:
    """Averages the probabilities of a photo's patches; `config` is that of its training."""

    name = NAME

    def __init__(self) -> None:
        """WeightsError, which says what to do, if the network is not there."""
        self._network = TrainedNetwork(NAME, NAME)
        self.config: Mapping[str, Any] = self._network.manifest.config
        self._side = int(self.config["side"])
        self.cameras: tuple[str, ...] = tuple(self.config["camera_names"])

    def probabilities(self, photo: Photo) -> Probabilities:
        """Float64 (cameras,), the mean over the patches in the middle of the photo."""
        mean: Probabilities = np.mean(self.of_patches(photo), axis=0, dtype=np.float64)
        return mean

    def of_patches(self, photo: Photo) -> Array:
        """Float32 (patches, cameras): each one's probabilities, row by row of the photo's middle.

        PhotoError for a photo that is RAW or too small.
        """
        if photo.kind != "developed":
            raise PhotoError(f"{photo.name} is RAW: give the JPEG made of it")
        return self._network.run(patches=patches_of(photo.cropped(self._side).pixels))


def patches_of(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], side: int = PATCH) -> Array:
    """Float32 (N, 3, S, S) in [0, 1]: 8-bit (H, W, 3) in patches side by side, row by row."""
    rows, columns = (length // side for length in pixels.shape[:2])
    grid = pixels[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    patches = grid.transpose(0, 2, 4, 1, 3).reshape(-1, 3, side, side)
    return patches.astype(np.float32) / np.float32(255)
