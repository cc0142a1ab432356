"""Where a claimant says that a photo lies on the frame, and what it costs to have had a choice.

In a claim proof the claimant places the photo, and could have tried every place that can be said
until a stranger's noise fits. So placements are said in decimals, which makes them countable, and
the score that a proof must show rises with the number of those that are at least as plain: the
probability that any of them matches by chance (a union bound) stays below LARGEST_FALSE_MATCH.
"""

from dataclasses import replace
from typing import Final

from grainseal.models.alignment import (
    SMALLEST_SCALE,
    AlignmentError,
    Placement,
    Shape,
    require_scale,
    uncropped,
)
from grainseal.models.claim_code import ClaimSpec
from grainseal.models.claims import false_match_probability

SCALE_DIGITS: Final = 5  # of an edge of 4,000 pixels .02 pixels
ORIGIN_DIGITS: Final = 1
_ORIGINS: Final = 10  # in a pixel
LARGEST_FALSE_MATCH: Final = 1e-8
"""Of one photo, over all placements of a kind that a claimant could have tried.

A service tells itself few scores of one template. Who makes proofs has the code and can score
photos without end, to prove the one that matches by chance: one in a hundred million.
"""
_ORIENTATIONS: Final = 8
_SCALES: Final = round((1 - SMALLEST_SCALE) * 10**SCALE_DIGITS) + 1
_QUARTERS: Final = 4


def pinned(placement: Placement) -> Placement:
    """The placement in the decimals that a claim proof says it in."""
    rows, columns = (round(each, SCALE_DIGITS) for each in placement.scale)
    top, left = (round(each, ORIGIN_DIGITS) + 0.0 for each in placement.origin)
    return replace(placement, scale=(rows, columns), origin=(top, left), similarity=None)


def whole_placements(copy: Shape, frame: Shape) -> list[Placement]:
    """How a whole photo of size (height, width) may lie, pinned, the plainest first.

    None if the photo is cropped, enlarged or too small.
    """
    try:
        found = [pinned(each) for each in uncropped(copy, frame)]
    except AlignmentError:
        return []
    return [*found, *(replace(each, mirrored=True) for each in found)]


def tries(placement: Placement, copy: Shape, frame: Shape) -> int:
    """How many placements are at least as plain as this pinned one, itself included.

    One for the whole photo as the camera holds it; then the whole photo turned or mirrored; then
    crops whose pixels are the frame's own; then all that can be said. AlignmentError for one that
    no photo can have.
    """
    whole = whole_placements(copy, frame)
    if placement in whole:
        return 1 if placement == whole[0] else len(whole)
    require_scale(placement.scale, f"the stated scale is {placement.scale}")
    sides = copy if placement.turns % 2 == 0 else copy[::-1]
    for start, side, scale, length in zip(
        placement.origin, sides, placement.scale, frame, strict=True
    ):
        if not -side / scale < start < length:
            raise AlignmentError("the stated place lies beside the frame")
    places = _ORIENTATIONS * 4 * frame[0] * frame[1]
    if placement.whole_pixels:
        return places
    return places * _ORIGINS**2 * _SCALES**2


def low_quarters(spec: ClaimSpec, placements: int) -> int:
    """The z that a proof must reach with so many placements to choose from, in quarters.

    The smallest from the profile's low end on at which all of them together match by chance with
    at most LARGEST_FALSE_MATCH.
    """
    quarters = round(spec.low * _QUARTERS)
    while placements * false_match_probability(quarters / _QUARTERS, spec) > LARGEST_FALSE_MATCH:
        quarters += 1
    return quarters


def high_quarters(spec: ClaimSpec) -> int:
    """Where the profile's window ends, in quarters of z."""
    return round(spec.high * _QUARTERS)
