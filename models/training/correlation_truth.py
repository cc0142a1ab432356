"""What correlation photos of virtual cameras really have with their pattern, block by block.

The pattern is a fingerprint of many even photos, which is not perfect. How far it is tells its two
halves: if they correlate by g, the whole has sqrt(2g / (1 + g)) with the pattern (Spearman 1910,
Brown 1910), and every correlation with it is that much too small.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from grainseal.models.correlation_features import BLOCK
from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import FingerprintEstimator, Plane, estimate
from grainseal.models.matching import ncc
from grainseal.models.photo import Photo

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Of the P photos of one camera: correlations of their fingerprints with its pattern.

    `blocks` float64 (P, rows, columns), `whole` (P,), `pairs` (P, P): with each other's.
    """

    blocks: Array = field(repr=False)
    whole: Array
    pairs: Array


def measured(photos: Sequence[Photo], flats: Sequence[Photo], extractor: Extractor) -> Truth:
    """All of one size. ValueError for flats that have no pattern in common."""
    pattern, reliability = _pattern(flats, extractor)
    estimates = [estimate([photo], extractor).values for photo in photos]
    blocks = [_block_nccs(each, pattern) / reliability for each in estimates]
    whole = [ncc(each, pattern) / reliability for each in estimates]
    pairs = [[ncc(one, other) for other in estimates] for one in estimates]
    return Truth(np.stack(blocks), np.array(whole), np.array(pairs))


def _pattern(flats: Sequence[Photo], extractor: Extractor) -> tuple[Plane, float]:
    halves = [FingerprintEstimator(extractor) for _ in range(2)]
    for number, flat in enumerate(flats):
        halves[number % 2].add(flat)
    alike = ncc(*(half.finish().values for half in halves))
    if alike <= 0:
        raise ValueError("the even photos have no pattern in common")
    return halves[0].joined(halves[1]).finish().values, float(np.sqrt(2 * alike / (1 + alike)))


def _block_nccs(values: Plane, pattern: Plane) -> Array:
    rows, columns = (length // BLOCK for length in values.shape)
    found = np.empty((rows, columns))
    for row, column in np.ndindex(rows, columns):
        place = np.s_[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK]
        found[row, column] = ncc(values[place], pattern[place])
    return found
