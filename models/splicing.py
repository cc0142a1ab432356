"""Was part of a photo taken at another ISO? Localisation of splices by inconsistent ISO metrics.

ISONet's paper (IWDW 2020) shows that the map of a photo's ISO metrics gives pasted parts away, and
leaves it to the eye. The decision here is ours:

1. The map is smoothed by a median over 3x3 patches: a single odd patch is texture.
2. It is split in two where the variance between the parts is largest (Otsu, IEEE SMC 9(1), 1979).
   The smaller part is the suspect.
3. `gap` is how many stops its mean is away from the rest's. `separation` is the gap in units of the
   deviation within the parts: of a single bell curve it is 2.6 wherever it is cut, so only more
   says that there are two. `coherence` is the share of neighbours within the suspect: a pasted
   object hangs together, what texture does to the metric need not.
4. A photo is suspicious when all three exceed their limits.

What it cannot see: parts of the same ISO from a camera of like noise, parts smaller than a few
patches, and parts larger than half of the photo (then the rest is named). A scene whose texture is
strong in one place and missing in another moves the metric too.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from grainseal.models.iso_map import PATCH, MetricMap

Map = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

SMOOTHED: Final = 3  # patches a side
# Above what one bell curve gives (2.6 deviations). docs/EVALUATION.md has what they come to.
LEAST_GAP: Final = 1.0  # stops
LEAST_SEPARATION: Final = 3.5
LEAST_COHERENCE: Final = 0.6
_LEAST_DEVIATION: Final = 0.05  # stops: what the metric cannot tell apart anyway


@dataclass(frozen=True)
class Splicing:
    """What the map of one photo says.

    `suspect`: bool (rows, columns) of the map. `suspicion`: float32 of the same shape in [0, 1],
    where a patch lies between the two parts: .5 at the cut, 1 at the suspect's mean or beyond.
    `share`: of the patches that are suspect.
    """

    suspect: Mask = field(repr=False)
    suspicion: Map = field(repr=False)
    gap: float
    separation: float
    coherence: float
    share: float

    @property
    def suspicious(self) -> bool:
        """Whether the two parts are two."""
        return (
            abs(self.gap) >= LEAST_GAP
            and self.separation >= LEAST_SEPARATION
            and self.coherence >= LEAST_COHERENCE
        )


def find_splicing(metrics: MetricMap) -> Splicing:
    """Split one photo's map in two; `gap` is positive where the suspect's ISO is the higher one."""
    smooth = ndimage.median_filter(metrics.values, SMOOTHED, mode="nearest")
    cut = _otsu(smooth.ravel())
    upper = smooth > cut
    suspect = upper if upper.sum() <= upper.size / 2 else ~upper
    if not suspect.any():
        return Splicing(suspect, np.zeros(smooth.shape, np.float32), 0.0, 0.0, 0.0, 0.0)
    inside, outside = smooth[suspect], smooth[~suspect]
    gap = float(inside.mean() - outside.mean())
    within = float(
        np.sqrt((inside.var() * inside.size + outside.var() * outside.size) / smooth.size)
    )
    suspicion = np.clip((smooth - outside.mean()) / np.float32(gap), 0, 1)
    return Splicing(
        suspect,
        suspicion.astype(np.float32),
        gap,
        abs(gap) / max(float(within), _LEAST_DEVIATION),
        _coherence(suspect),
        float(suspect.mean()),
    )


def pixel_mask(suspect: Mask, step: int, height: int, width: int) -> Mask:
    """The suspect patches on the photo's pixels, bool (height, width): each pixel's nearest patch.

    `step`: pixels between the patches, as in the map.
    """
    rows, columns = (
        np.clip(np.rint((np.arange(length) + 0.5 - PATCH / 2) / step), 0, count - 1).astype(int)
        for length, count in zip((height, width), suspect.shape, strict=True)
    )
    mask: Mask = suspect[np.ix_(rows, columns)]
    return mask


def _otsu(values: Map) -> float:
    """The cut with the largest variance between what lies above and what does not."""
    ordered = np.sort(values.astype(np.float64))
    counts = np.arange(1, ordered.size)
    below = np.cumsum(ordered)[:-1]
    above = ordered.sum() - below
    between = (
        counts * (ordered.size - counts) * (below / counts - above / (ordered.size - counts)) ** 2
    )
    between[np.diff(ordered) == 0] = 0  # equal values stay together
    if between.size == 0 or between.max() <= 0:
        return float(ordered[-1])
    return float(ordered[int(between.argmax())])


def _coherence(suspect: Mask) -> float:
    """Share of the four neighbours of suspect patches, within the map, that are suspect too."""
    pairs = [(suspect[1:], suspect[:-1]), (suspect[:, 1:], suspect[:, :-1])]
    same = sum(2 * int((one & other).sum()) for one, other in pairs)
    mixed = sum(int((one ^ other).sum()) for one, other in pairs)
    return same / (same + mixed) if same + mixed else 0.0
