"""What systems do, whoever published them: one protocol for each kind.

extractor       photo -> residual                            models/extractor.py
pair matcher    two sets of photos -> score                  `PairMatcher`; models/correlations.py
                                                             for those that correlate
classifier      photo -> camera, among those it was shown    `Classifier`
estimator       photo -> ISO                                 `IsoEstimator`
"""

from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from grainseal.models.extractor import Extractor
from grainseal.models.photo import Photo

Kind = Literal["extractor", "pair matcher", "classifier", "estimator"]
Features = npt.NDArray[np.float32]  # (P, D): P places of D features each
Probabilities = npt.NDArray[np.float64]

__all__ = [
    "Classifier",
    "Extractor",
    "Features",
    "IsoEstimator",
    "Kind",
    "PairMatcher",
    "PhotoSet",
    "Probabilities",
]


class PhotoSet(Protocol):
    """Photos that one camera took, added one by one."""

    def add(self, photo: Photo) -> None:
        """PhotoError for a photo that cannot be worked on or is of another size or kind."""

    def finish(self) -> Features:
        """What is compared of the set; PhotoError when it is empty."""


class PairMatcher(Protocol):
    """Says how likely one camera took two sets of photos.

    What it sees of a set is computed once, however many sets it is compared with.
    """

    @property
    def name(self) -> str:
        """The name it is chosen by."""

    def start(self) -> PhotoSet:
        """An empty set."""

    def score(self, one: Features, other: Features) -> float:
        """Higher is more alike; symmetric. ValueError for features of different shapes."""


class Classifier(Protocol):
    """Tells which of the cameras that it was trained on took a photo."""

    @property
    def name(self) -> str:
        """The name it is chosen by."""

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names of the cameras, in the order of the probabilities."""

    def probabilities(self, photo: Photo) -> Probabilities:
        """One for each camera, float64 (C,), sum 1. PhotoError for a photo it cannot work on."""


class IsoEstimator(Protocol):
    """Tells at which ISO speed a photo was taken, from its pixels."""

    @property
    def name(self) -> str:
        """The name it is chosen by."""

    def iso(self, photo: Photo) -> float:
        """Positive. PhotoError for a photo it cannot work on."""
