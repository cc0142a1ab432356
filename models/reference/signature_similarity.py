"""The pair matcher `signature-similarity`: a signature of each photo, the likeness of two.

models/training/systems/signature_similarity.py has the paper (Bennabhaktula et al., ICPRAM 2020),
the layers, the training and our choices. `similarity_matrix` is the paper's Algorithm 1.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from grainseal.models.photo import Photo
from grainseal.models.reference.network import TrainedNetwork
from grainseal.models.reference.photo_set import AveragedSet

Array = npt.NDArray[np.float32]

NAME: Final = "signature-similarity"
STEMS: Final = (f"{NAME}-signature", f"{NAME}-similarity")
SIGNATURE: Final = 1024
# Of Algorithm 1: pairs of photos for two cameras, and the score from which on two are one's (4.2).
PAIRS: Final = 100
THRESHOLD: Final = 0.99


class SignatureMatcher:
    """Compares signatures of the centres of photos; `config` is that of its training."""

    name = NAME

    def __init__(self) -> None:
        """WeightsError, which says what to do, if the networks are not there."""
        self._signature, self._similarity = (TrainedNetwork(NAME, stem) for stem in STEMS)
        self.config: Mapping[str, Any] = self._signature.manifest.config
        self._crop = int(self.config["crop"])

    def start(self) -> AveragedSet:
        """An empty set; its features are its mean signature, float32 (1, 1024)."""
        return AveragedSet(self._signed, lambda mean: mean)

    def score(self, one: Array, other: Array) -> float:
        """Equation 3, in [0, 1]: the mean of both orders."""
        both = np.concatenate((one, other)), np.concatenate((other, one))
        return float(np.mean(self._similarity.run(one=both[0], other=both[1])))

    def _signed(self, photo: Photo) -> Array:
        planes = np.stack(list(photo.cropped(self._crop).planes()))
        return self._signature.run(photos=planes[None])


def similarity_matrix(
    cameras: Sequence[Sequence[Array]],
    score: Callable[[Array, Array], float],
    seed: int = 0,
    pairs: int = PAIRS,
    threshold: float = THRESHOLD,
) -> npt.NDArray[np.float64]:
    """Algorithm 1: for cameras i and j the share of random pairs of their photos that are alike.

    `cameras`: for each one its photos' signatures. Pairs are drawn with replacement; one camera's
    are of two photos if it has two (ours). Returns float64 (N, N); ideal is the identity.
    """
    rng = np.random.default_rng(seed)
    matrix = np.zeros((len(cameras), len(cameras)))
    for i, ones in enumerate(cameras):
        for j, others in enumerate(cameras):
            drawn = [_drawn(rng, len(ones), len(others), i == j) for _ in range(pairs)]
            alike = [score(ones[a], others[b]) > threshold for a, b in drawn]
            matrix[i, j] = np.mean(alike)
    return matrix


def matrix_accuracy(matrix: npt.NDArray[np.float64]) -> float:
    """Share of right decisions over all N x N experiments of a similarity matrix."""
    right = np.where(np.eye(len(matrix), dtype=bool), matrix, 1 - matrix)
    return float(np.mean(right))


def _drawn(rng: np.random.Generator, ones: int, others: int, same: bool) -> tuple[int, int]:
    first, second = int(rng.integers(ones)), int(rng.integers(others))
    if same and ones > 1:  # another photo of the camera, each as likely
        second = (first + 1 + int(rng.integers(ones - 1))) % ones
    return first, second
