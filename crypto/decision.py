"""Policy, apart from the mathematics: which scores are a match, and why not."""

from enum import Enum

from .profiles import Profile


class Verdict(Enum):
    """What a score means; anything but ACCEPTED leaves the server as the same rejection."""

    ACCEPTED = "accepted"
    TOO_LOW = "another camera, or photos that show too little of its noise"
    TOO_HIGH = "photos that were enrolled, or copies of them"


def judge(profile: Profile, score: int) -> Verdict:
    """Verdict on a score in [−N, N]: accepted inside the profile's window, ends included."""
    if score < profile.score_low:
        return Verdict.TOO_LOW
    if score > profile.score_high:
        return Verdict.TOO_HIGH
    return Verdict.ACCEPTED
