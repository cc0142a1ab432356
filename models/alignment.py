"""Bring a found copy back onto the sensor grid of the photo it was made from.

Covered: quarter turns and mirror images, reduction to .25 of the size or more, each direction by
its own factor, and crops, in any combination. Not covered: other rotations, perspective, enlarged
copies, collages, and parts that were painted over (they only add noise).

With the original at hand its picture tells where the copy lies: see `registration`. Without it only
whole copies can be placed, by their size (`uncropped`). Nothing else helps then: the template is
encrypted, so there is no pattern here to try shifts against, and every placement that is put to the
test is one more comparison.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from grainseal.models.codes import CodeSpec, Features, extractor_for, features
from grainseal.models.fingerprint import estimate, zero_mean_by_cell
from grainseal.models.photo import Photo

Plane = npt.NDArray[np.float32]
Shape = tuple[int, int]

# Below a quarter of the size nothing of the pattern is left in JPEGs; a copy is never larger.
SMALLEST_SCALE: Final = 0.25


class AlignmentError(ValueError):
    """A copy that cannot be laid onto the frame; the message says why and what to do."""


@dataclass(frozen=True)
class Placement:
    """Where a copy lies on a frame.

    The copy is mirrored left to right if `mirrored`, then turned counter-clockwise by `turns`
    quarter turns; then a point y of the frame lies at scale * (y - origin) of the copy, both
    counted in pixels from the upper left corner's edge, rows before columns. `similarity` is the
    correlation of the two pictures in [-1, 1], or None when only sizes were compared.
    """

    scale: tuple[float, float]
    origin: tuple[float, float] = (0.0, 0.0)
    turns: int = 0
    mirrored: bool = False
    similarity: float | None = None

    @property
    def whole_pixels(self) -> bool:
        """Whether copy pixels are frame pixels, so that nothing needs to be interpolated."""
        return self.scale == (1.0, 1.0) and all(start.is_integer() for start in self.origin)


def uncropped(copy: Shape, frame: Shape) -> tuple[Placement, ...]:
    """Placements of a whole copy of size (height, width) on a frame, by size alone.

    Two, the likelier first: upright and upside down, or turned left and right. A square frame has
    all four. AlignmentError when the copy is cropped, enlarged or too small.
    """
    placements = []
    for turns in (0, 1, 3, 2):
        height, width = copy if turns % 2 == 0 else copy[::-1]
        # Sides are rounded to whole pixels, some tools round down and some up.
        if abs(height * frame[1] - width * frame[0]) <= max(frame):
            placements.append(Placement((height / frame[0], width / frame[1]), turns=turns))
    sizes = f"the copy is {copy[1]}x{copy[0]}, the camera's photos {frame[1]}x{frame[0]}"
    if not placements:
        raise AlignmentError(
            f"{sizes}: if it was cropped, give the original photo too; framed, turned by an angle "
            "or of another camera it cannot be claimed"
        )
    require_scale(placements[0].scale, sizes)
    return tuple(placements)


def require_scale(scale: tuple[float, float], sizes: str) -> None:
    """AlignmentError unless `scale` is one that is covered; `sizes` begins its message."""
    if max(scale) > 1:
        raise AlignmentError(f"{sizes}: it was enlarged, find a copy of at most the original size")
    if min(scale) < SMALLEST_SCALE:
        raise AlignmentError(
            f"{sizes}: below {SMALLEST_SCALE} of the size no sensor noise is left, "
            "find a larger copy"
        )


def upright(copy: Photo, placement: Placement) -> Photo:
    """The copy with its mirroring and quarter turns undone, as a new photo."""
    pixels = turned(copy.pixels, placement.turns, placement.mirrored)
    return replace(copy, pixels=np.ascontiguousarray(pixels))


def turned(values: npt.NDArray[np.generic], turns: int, mirrored: bool) -> npt.NDArray[np.generic]:
    """(H, W, ...) mirrored left to right if asked, then turned counter-clockwise; a view."""
    return np.rot90(values[:, ::-1] if mirrored else values, turns)


def to_frame(values: Plane, placement: Placement, frame: Shape) -> Plane:
    """Values of an upright copy's pixels on the frame, float32 (H, W); 0 where it shows nothing.

    Bilinear where pixels do not coincide: nearly the adjoint of what shrank the copy, which is what
    a correlation with the full-size pattern asks for.
    """
    if placement.whole_pixels:
        return _pasted(values, placement, frame)
    scale = np.asarray(placement.scale)
    offset = scale * (0.5 - np.asarray(placement.origin)) - 0.5
    placed: Plane = ndimage.affine_transform(values, scale, offset, output_shape=frame, order=1)
    return placed


def copy_features(copy: Photo, placement: Placement, frame: Shape, spec: CodeSpec) -> Features:
    """Features float32 (M,) of a copy on the original's (height, width) frame, 0 where unknown.

    The residual is taken on the copy's own grid, where its JPEG blocks lie, and what they print on
    everybody's photos is taken out there; then it is brought to the frame. Raises PhotoError for a
    copy too small to have a residual, CodeError where the code's extractor is not installed.
    """
    if np.ptp(copy.pixels) == 0:  # blank: no noise either
        return np.zeros(spec.feature_count(frame), np.float32)
    single = estimate([upright(copy, placement)], extractor_for(spec))
    placed = to_frame(zero_mean_by_cell(single.values), placement, frame)
    return features(replace(single, values=placed), spec)


def _pasted(values: Plane, placement: Placement, frame: Shape) -> Plane:
    """Copy pixels where they belong; what hangs over the frame's edge is dropped."""
    placed = np.zeros(frame, np.float32)
    inside, taken = [], []
    for start, length, limit in zip(placement.origin, values.shape, frame, strict=True):
        first = max(0, int(start))
        last = max(first, min(limit, int(start) + length))
        inside.append(slice(first, last))
        taken.append(slice(first - int(start), last - int(start)))
    placed[tuple(inside)] = values[tuple(taken)]
    return placed
