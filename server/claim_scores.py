"""From opened sums to what they say: Y16 of docs/PROTOCOL.md. Pure.

The service learns each score here and forgets it: a finding per photo, a power of ten, and scores
rounded to a quarter of the null's standard deviation are all that is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grainseal.crypto.certificate import Findings
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.masking import Mask, unmask_sum
from grainseal.crypto.profiles import ClaimProfile
from grainseal.models.claim_code import ClaimSpec, claim_for
from grainseal.models.claims import ClaimScore, ProbeSize, kept_z, score_of, told_probability

from .claim_work import ClaimFacts
from .verdict_facts import MATCH, NO_MATCH, TOO_GOOD

# Ends of the levels of a match map, in standard deviations of the null.
MAP_LEVELS = (2.0, 4.0, 8.0)
# Of a match, all tries together. The windows' low ends keep it for one.
LARGEST_FALSE_MATCH = 1e-4


@dataclass(frozen=True)
class ClaimScores:
    """Scores of a claim's probes. `copies`: by placement. `tiles`: levels 0..3, or None."""

    copies: tuple[ClaimScore, ...]
    original: ClaimScore | None
    control: ClaimScore
    tiles: tuple[int, ...] | None

    @property
    def best(self) -> int:
        """The placement in which the copy scores highest."""
        return max(range(len(self.copies)), key=lambda i: self.copies[i].z)

    @property
    def match_map(self) -> tuple[int, ...] | None:
        """Levels of the tiles; None if the copy turned out to lie in another way than they do."""
        return self.tiles if self.best == 0 else None

    @property
    def kept(self) -> list[float]:
        """What is stored of the scores of the copy, the original and the control."""
        original = [] if self.original is None else [self.original]
        return [kept_z(each.z) for each in (*self.copies, *original, self.control)]

    def findings(self, spec: ClaimSpec) -> Findings:
        """What each photo scored, without the score."""
        tries = len(self.copies) + (self.original is not None)
        original = None if self.original is None else _finding(self.original, spec, tries)
        copy = _finding(self.copies[self.best], spec, tries)
        return Findings(copy, original, _finding(self.control, spec, 1))

    def probability(self, spec: ClaimSpec) -> str:
        """The false match probability that is told: "1", or "1e-1" to "1e-12".

        That of the best score, times the number of tries: placements and original. It is 1 where
        the null does not hold: for a photo that was enrolled, and when the control matches.
        """
        tried = [*self.copies, *([] if self.original is None else [self.original])]
        if self.control.z >= spec.low or any(each.z >= spec.high for each in tried):
            return "1"
        lowest = min(each.false_match_probability for each in tried)
        told = told_probability(min(1.0, lowest * len(tried)))
        return "1" if told >= 1 else f"1e-{_power(told)}"


def read_scores(
    profile: ClaimProfile, masks: Sequence[Mask], opened: Sequence[int], facts: ClaimFacts
) -> ClaimScores:
    """Y16; `VerificationFailed` unless the sums of each probe give one score in range, and those of
    the tiles add up to the copy's."""
    spec, place = claim_for(profile.name), 0

    def next_sum(size: ProbeSize, openings: int) -> int:
        nonlocal place
        part = slice(place, place + openings)
        place += openings
        return unmask_sum(profile, masks[part], opened[part], size.largest_sum)

    def next_score(size: ProbeSize, openings: int) -> ClaimScore:
        return score_of(next_sum(size, openings), size, spec)

    first = next_sum(facts.copies[0], profile.openings)
    copies = [score_of(first, facts.copies[0], spec)]
    copies += [next_score(size, profile.openings) for size in facts.copies[1:]]
    original = facts.original_size
    found = None if original is None else next_score(original, profile.openings)
    control = next_score(facts.control, profile.openings)
    sums = [next_sum(size, 1) for size in facts.tiles]
    if facts.tiles and sum(sums) != first:
        raise VerificationFailed("the tiles do not add up to the copy's score")
    levels = [_level(each, size, spec) for each, size in zip(sums, facts.tiles, strict=True)]
    return ClaimScores(tuple(copies), found, control, tuple(levels) if facts.tiles else None)


def _finding(score: ClaimScore, spec: ClaimSpec, tries: int) -> str:
    if score.z < spec.low or tries * score.false_match_probability > LARGEST_FALSE_MATCH:
        return NO_MATCH
    return MATCH if score.z < spec.high else TOO_GOOD


def _level(inner_product: int, size: ProbeSize, spec: ClaimSpec) -> int:
    if size.largest_sum == 0:  # the copy shows nothing of this tile
        return 0
    z = score_of(inner_product, size, spec).z
    return sum(z >= end for end in MAP_LEVELS)


def _power(probability: float) -> int:
    """k of 1e-k."""
    return int(f"{probability:e}".partition("e-")[2])
