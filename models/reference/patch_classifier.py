"""The classifier `patch-classifier`: which of the cameras that it was trained on took a photo?

models/training/systems/patch_classifier.py has the paper (Skrabec and Ghosh, EURECOM, 2021, section
3), the layers, the training and our choices. It knows no other cameras: train it on your own.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.photo import Photo, PhotoError
from grainseal.models.reference.interfaces import Probabilities
from grainseal.models.reference.network import TrainedNetwork

Array = npt.NDArray[np.float32]

NAME: Final = "patch-classifier"
PATCH: Final = 32


class PatchClassifier:
    """Averages the probabilities of a photo's patches."""

    name = NAME

    def __init__(self) -> None:
        """WeightsError, which says what to do, if the network is not there."""
        self._network = TrainedNetwork(NAME, NAME)
        config = self._network.manifest.config
        self._side = int(config["side"])
        self.cameras: tuple[str, ...] = tuple(config["camera_names"])

    def probabilities(self, photo: Photo) -> Probabilities:
        """Float64 (cameras,), the mean over the patches in the middle of the photo."""
        if photo.kind != "developed":
            raise PhotoError(f"{photo.name} is RAW: give the JPEG made of it")
        found = self._network.run(patches=patches_of(photo.cropped(self._side).pixels))
        mean: Probabilities = np.mean(found, axis=0, dtype=np.float64)
        return mean


def patches_of(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], side: int = PATCH) -> Array:
    """Float32 (N, 3, S, S) in [0, 1]: 8-bit (H, W, 3) in patches side by side, row by row."""
    rows, columns = (length // side for length in pixels.shape[:2])
    grid = pixels[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    patches = grid.transpose(0, 2, 4, 1, 3).reshape(-1, 3, side, side)
    return patches.astype(np.float32) / np.float32(255)
