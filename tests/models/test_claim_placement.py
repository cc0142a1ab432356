"""Placements that a claimant states: countable, and the more of them the more must be shown."""

import math
from dataclasses import replace

import pytest

from grainseal.models.alignment import AlignmentError, Placement
from grainseal.models.claim_code import CLAIMS, claim_for
from grainseal.models.claim_placement import (
    LARGEST_FALSE_MATCH,
    high_quarters,
    low_quarters,
    pinned,
    tries,
    whole_placements,
)
from grainseal.models.claims import NULL_SPREAD

FRAME = (2000, 3008)
WHOLE = Placement((1.0, 1.0))


def test_pinned_placements_are_decimals():
    found = pinned(Placement((0.123456789, 1.0), (-0.04, 12.26), 1, True, 0.98))
    assert found == Placement((0.12346, 1.0), (0.0, 12.3), 1, True, None)
    assert math.copysign(1, found.origin[0]) == 1
    assert pinned(found) == found


def test_whole_photos_the_plainest_first():
    assert whole_placements(FRAME, FRAME)[0] == WHOLE
    assert len(whole_placements(FRAME, FRAME)) == 4
    half = whole_placements((1504, 1000), FRAME)
    assert [each.turns for each in half] == [1, 3, 1, 3]
    assert {each.scale for each in half} == {(0.5, 0.5)}
    assert len(whole_placements((512, 512), (512, 512))) == 8
    for cropped in ((1999, 2000), (4000, 6016), (200, 300)):
        assert whole_placements(cropped, FRAME) == []


def test_the_freer_the_placement_the_more_could_have_been_tried():
    assert tries(WHOLE, FRAME, FRAME) == 1
    for turned in (replace(WHOLE, mirrored=True), replace(WHOLE, turns=2)):
        assert tries(turned, FRAME, FRAME) == 4
    crop = Placement((1.0, 1.0), (64.0, -3.0))
    assert tries(crop, (1000, 1000), FRAME) == 8 * (2 * 2000) * (2 * 3008)
    free = Placement((0.5, 0.50001), (64.5, 0.0))
    said = 8 * (20 * 2000) * (20 * 3008) * 75_001**2
    assert tries(free, (500, 500), FRAME) == said
    # a whole photo that is said to be a part is no plainer for it
    assert tries(Placement((1.0, 1.0), (1.0, 0.0)), FRAME, FRAME) == 8 * 4 * 2000 * 3008


@pytest.mark.parametrize(
    "place",
    [
        Placement((0.24999, 1.0)),
        Placement((1.00001, 1.0)),
        Placement((1.0, 1.0), (2000.0, 0.0)),
        Placement((1.0, 1.0), (0.0, -3008.0)),
    ],
    ids=str,
)
def test_places_that_no_photo_has(place):
    with pytest.raises(AlignmentError):
        tries(place, (1000, 1000), FRAME)


@pytest.mark.parametrize("name", sorted(CLAIMS))
def test_what_must_be_shown(name):
    spec = claim_for(name)
    assert low_quarters(spec, 1) > 4 * spec.low
    assert high_quarters(spec) == 4 * spec.high
    for count in (4, 8, 32 * 6_000_000, 10**20):
        z = low_quarters(spec, count) / 4

        def chance(at):
            return 0.5 * math.erfc((at - spec.null_mean) / (NULL_SPREAD * math.sqrt(2)))

        assert z >= spec.low
        assert count * chance(z) <= LARGEST_FALSE_MATCH
        assert count * chance(z - 0.25) > LARGEST_FALSE_MATCH


def test_the_figures_of_the_documents():
    spec = claim_for("CLAIM_V1")
    counts = [1, 4, tries(Placement((1.0, 1.0), (8.0, 8.0)), (1000, 1000), FRAME)]
    counts.append(tries(Placement((0.5, 0.5), (8.0, 8.0)), (500, 500), FRAME))
    assert [low_quarters(spec, each) / 4 for each in counts] == [6.25, 6.5, 9.25, 12.0]
