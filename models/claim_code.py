"""What a claim code is and where in the frame it is taken.

A claim code is longer than an authentication code, for a single web photo says little per pixel.
Its features are sums over 2x2 pixels. The strongest |K| are chosen by quota: the same number in
each of 8x8 tiles of the frame and, within a tile, at each of the 16 places of a feature in an 8x8
pixel cell. Without it a template could be planted where it does harm: in one bright corner, or on
the grid of JPEG blocks, where the noise of strangers' photos is alike.

The order is by map tile (2x2 of those tiles, 4x4 of them in the frame, row by row) and ascending
within it, so that map tile j is the j-th sixteenth of the code and a match map needs no other code.
The order follows from the set: one bit for each feature of the frame stores the positions.
"""

import math
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from grainseal.models.codes import NEURAL_V2, CodeError, CodeSpec, Features, Positions

Scalar = TypeVar("Scalar", bound=np.generic)

TILES: Final = 8  # tiles along each side of the frame, for the quota
MAP_TILES: Final = 4  # tiles along each side of a match map
CELL: Final = 8  # pixels a side of the JPEG block, whose phases have a quota each
# Rounding to +-7 with a root mean square of 3 clips one probe value in 30, those where the scene
# leaked into the residual; on real photos z is then 2 % higher than with real-valued features.
PROBE_LIMIT: Final = 7


@dataclass(frozen=True)
class ClaimSpec(CodeSpec):
    """A claim code and what it accepts: low <= z < high.

    `null_mean`: what cameras of one family have in common may lift the mean of z this far.
    """

    low: float
    high: float
    null_mean: float

    @property
    def quota(self) -> int:
        """Positions per tile and phase."""
        return self.length // (TILES**2 * self.phases**2)

    @property
    def phases(self) -> int:
        """Places of a feature along each side of an 8x8 pixel cell."""
        return CELL // self.step

    @property
    def largest_sum(self) -> int:
        """Bound of |<t, p>| for any probe: a plaintext modulus must exceed twice this."""
        return PROBE_LIMIT * self.length


def _neural(name: str, length: int, low: float, high: float, null_mean: float) -> ClaimSpec:
    """The same code of a network's residual."""
    return ClaimSpec(
        name, "developed", "neural", length, 2, None, low, high, null_mean, weights=NEURAL_V2
    )


# The low ends leave an unrelated camera less than 1e-4 by the null with its spread and mean. The
# high ends are .35 sqrt(N): real even scenes, the best there are, score up to .22 sqrt(N); a photo
# that is one of the six its template was made from .4 to .7 sqrt(N). Measured at 2^18 only.
CLAIMS: Final = {
    spec.name: spec
    for spec in (
        ClaimSpec("CLAIM_V1", "developed", "wavelet", 2**18, 2, None, 4.25, 180.0, 0.3),
        ClaimSpec("CLAIM_MAX_V1", "developed", "wavelet", 2**20, 2, None, 4.5, 360.0, 0.5),
        _neural("CLAIM_V2", 2**18, 4.25, 180.0, 0.3),
        _neural("CLAIM_MAX_V2", 2**20, 4.5, 360.0, 0.5),
        # For small simulated photos in tests; a server refuses it anywhere else.
        ClaimSpec("CLAIM_TESTING", "developed", "wavelet", 2**14, 2, None, 4.25, 45.0, 0.3),
        _neural("CLAIM_TESTING_V2", 2**14, 4.25, 45.0, 0.3),
    )
}


def claim_for(spec_name: str) -> ClaimSpec:
    """The claim code of that name; CodeError lists the names there are."""
    if spec_name not in CLAIMS:
        raise CodeError(f"no claim code {spec_name!r}: choose one of {', '.join(sorted(CLAIMS))}")
    return CLAIMS[spec_name]


def require_claim_frame(shape: tuple[int, int], spec: ClaimSpec) -> None:
    """CodeError unless every tile of a (height, width) frame can fill its quotas."""
    cells = math.prod(length // (CELL * TILES) for length in shape)
    if cells < spec.quota:
        side = CELL * TILES * math.ceil(math.sqrt(spec.quota))
        raise CodeError(
            f"photos of {shape[1]}x{shape[0]} are too small for {spec.name}: it needs at least "
            f"{side}x{side} pixels, or as many in another shape"
        )


def claim_positions(features: Features, shape: tuple[int, int], spec: ClaimSpec) -> Positions:
    """Indices of the strongest features of each tile and phase, uint32 (N,), in map order.

    `features` are those of the (height, width) frame `shape`; equal strengths go to the lower
    index. CodeError when the frame is too small.
    """
    require_claim_frame(shape, spec)
    strength = np.abs(features).reshape(_grid(shape, spec))
    index = np.arange(features.size, dtype=np.uint32).reshape(strength.shape)
    quarters = []
    for row, column in np.ndindex(MAP_TILES, MAP_TILES):
        chosen = [
            _strongest(strength[tile], index[tile], spec)
            for tile in _tiles_of(row, column, shape, spec)
        ]
        quarters.append(np.sort(np.concatenate(chosen)))
    return np.concatenate(quarters)


def check_positions(positions: Positions, shape: tuple[int, int], spec: ClaimSpec) -> None:
    """CodeError unless `positions` are N of the frame's features, by quota and in map order.

    What a verifier must ask of positions that someone else chose. Without order there could be
    doubles, without quota the null model would not hold.
    """
    require_claim_frame(shape, spec)
    if positions.shape != (spec.length,) or positions.dtype != np.uint32:
        raise CodeError(f"{spec.name} needs {spec.length} positions as 32-bit integers")
    if int(positions.max()) >= spec.feature_count(shape):
        raise CodeError("a position lies outside the enrolled frame")
    chosen = np.zeros(spec.feature_count(shape), np.bool_)
    chosen[positions] = True
    if not np.array_equal(positions, positions_from(chosen, shape, spec)):
        raise CodeError("the positions are not in map order, or not by the quota of this code")


def positions_from(
    chosen: npt.NDArray[np.bool_], shape: tuple[int, int], spec: ClaimSpec
) -> Positions:
    """Positions in map order of a set given as bool (M,), so a bit per feature can be stored.

    CodeError when the set does not fill the quotas exactly.
    """
    require_claim_frame(shape, spec)
    if chosen.shape != (spec.feature_count(shape),):
        raise CodeError(f"{spec.name} on this frame has {spec.feature_count(shape)} features")
    grid = chosen.reshape(_grid(shape, spec))
    index = np.arange(chosen.size, dtype=np.uint32).reshape(grid.shape)
    quarters, filled = [], 0
    for row, column in np.ndindex(MAP_TILES, MAP_TILES):
        tiles = _tiles_of(row, column, shape, spec)
        counts = [_by_phase(grid[tile], spec).sum(axis=1) for tile in tiles]
        filled += sum(int(np.sum(count == spec.quota)) for count in counts)
        quarters.append(np.sort(np.concatenate([index[tile][grid[tile]] for tile in tiles])))
    ordered = np.concatenate(quarters)
    if filled != TILES**2 * spec.phases**2 or ordered.size != int(chosen.sum()):
        raise CodeError(f"the positions do not meet the quota of {spec.name}: enrol again")
    return ordered


def map_tile(spec: ClaimSpec, index: int) -> slice:
    """Where map tile `index` (0..15, row by row) lies in a template or probe."""
    if not 0 <= index < MAP_TILES**2:
        raise CodeError(f"a match map has {MAP_TILES**2} tiles, there is no tile {index}")
    length = spec.length // MAP_TILES**2
    return slice(index * length, (index + 1) * length)


def _grid(shape: tuple[int, int], spec: ClaimSpec) -> tuple[int, int]:
    return shape[0] // spec.step, shape[1] // spec.step


def _tiles_of(
    row: int, column: int, shape: tuple[int, int], spec: ClaimSpec
) -> list[tuple[slice, slice]]:
    """The quota tiles of one map tile, as slices of the feature grid, on whole 8x8 pixel cells."""
    share = TILES // MAP_TILES
    rows, columns = (
        [tile * (length // CELL) // TILES * spec.phases for tile in range(TILES + 1)]
        for length in shape
    )
    return [
        (
            slice(rows[share * row + i], rows[share * row + i + 1]),
            slice(columns[share * column + j], columns[share * column + j + 1]),
        )
        for i, j in np.ndindex(share, share)
    ]


def _by_phase(tile: npt.NDArray[Scalar], spec: ClaimSpec) -> npt.NDArray[Scalar]:
    """(16, cells): one row for each place in the 8x8 pixel cell."""
    phases = spec.phases
    height, width = tile.shape
    split = tile.reshape(height // phases, phases, width // phases, phases)
    return split.transpose(1, 3, 0, 2).reshape(phases**2, -1)


def _strongest(strength: Features, index: Positions, spec: ClaimSpec) -> Positions:
    order = np.argsort(-_by_phase(strength, spec), axis=1, kind="stable")[:, : spec.quota]
    strongest: Positions = np.take_along_axis(_by_phase(index, spec), order, axis=1).ravel()
    return strongest
