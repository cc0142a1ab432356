"""Qian et al., "Web Photo Source Identification based on Neural Enhanced Camera Fingerprint", WWW
2023 (arXiv 2302.09228): the output that the README of their code shows.
"""

from dataclasses import dataclass
from typing import Final

PAPER: Final = "Qian et al., WWW 2023"
SINGLE_PHOTO_AT: Final = "README of the authors' code, single photo registration"
PHOTOS: Final = "the authors' own real RAW photos of phones"


@dataclass(frozen=True)
class Rates:
    """Shares of 1."""

    auc: float
    eer: float


SINGLE_PHOTO: Final = Rates(auc=0.9980265567168468, eer=0.016559416559416558)
