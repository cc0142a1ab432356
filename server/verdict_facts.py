"""What a verdict on a claim rests on, and how it is put into words. Pure."""

import datetime as dt
from dataclasses import dataclass

from grainseal.crypto.certificate import Findings, Reason
from grainseal.crypto.entries import Grade
from grainseal.models.perceptual import SAME

MATCH, NO_MATCH, TOO_GOOD = "match", "no match", "too good"


@dataclass(frozen=True)
class Registered:
    """A registration. `index`: of its leaf, so that of two one is the earlier. `distance`: of the
    perceptual hashes, in bits."""

    index: int
    at: int
    grade: Grade
    distance: int = 0

    @property
    def same(self) -> bool:
        """Whether it is of this very picture, and not of one that looks like it."""
        return self.distance <= SAME

    @property
    def what(self) -> str:
        """The photo, as a reason names it."""
        if self.same:
            return "this photo"
        return f"a photo that looks like this one ({self.distance} of 256 bits differ)"

    def before(self, other: "Registered | None") -> bool:
        """Whether it is the earlier of the two; it is if the other is none."""
        return other is None or self.index < other.index


@dataclass(frozen=True)
class Facts:
    """All that a verdict rests on. Times are Unix seconds.

    `findings`: None if the sums contradict each other. `probability`: as the certificate tells it.
    `scale`: the smaller of the copy's, in (0, 1]. `coverage`: the share of the frame that it shows,
    in (0, 1]. `jpeg_quality`: the copy's; None if its format loses nothing, 0 if it does, but is no
    JPEG. `enrolled_at`: when the template was enrolled. `own`: the claimant's registration;
    `own_template_is_earlier`: it was made with another template than this. `others`: those of other
    devices. `seen_at`: since when the copy is public, None if nobody said.
    """

    findings: Findings | None
    probability: str
    scale: float
    jpeg_quality: int | None
    enrolled_at: int
    own: Registered | None = None
    own_template_is_earlier: bool = False
    others: tuple[Registered, ...] = ()
    seen_at: int | None = None
    coverage: float = 1.0

    @property
    def matches(self) -> bool:
        """Whether copy or original carry the pattern of the claimant's camera."""
        return self.findings is not None and MATCH in (self.findings.copy, self.findings.original)


def match_reason(facts: Facts) -> Reason:
    """That it matches, and how seldom that happens to others."""
    found = facts.findings
    if found is not None and found.copy == MATCH:
        what = "The copy carries" if found.original != MATCH else "Copy and original carry"
    else:
        what = "The original, whose picture the copy shows, carries"
    text = f"{what} the pattern of the claimant's camera: of unrelated cameras {_odds(facts)} would"
    return Reason("match", f"{text} reach as much.")


def _odds(facts: Facts) -> str:
    _, _, power = facts.probability.partition("1e-")
    return f"at most one in 10^{power}" if power else "any"


def own_date(facts: Facts) -> str:
    """When the claimant registered the photo."""
    return "not registered" if facts.own is None else date(facts.own.at)


def date(seconds: int) -> str:
    """A moment as people write it, in UTC."""
    try:
        moment = dt.datetime.fromtimestamp(seconds, dt.timezone.utc)
    except (OverflowError, ValueError, OSError):  # a device may name any number
        return f"second {seconds} of Unix time"
    return f"{moment:%Y-%m-%d %H:%M} UTC"
