"""From what was found to a verdict on a claim: Z1–Z8 of docs/PROTOCOL.md, and nothing else.

Pure: facts in, a verdict and its reasons out. Nobody is accused by it: *rejected* says that this
claim does not hold, *inconclusive* that the photo cannot tell. Of a score the reasons tell the
power of ten of the false match probability and no more.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from grainseal.crypto.certificate import Reason
from grainseal.crypto.entries import Grade

from .verdict_facts import (
    MATCH,
    NO_MATCH,
    TOO_GOOD,
    Facts,
    Registered,
    date,
    match_reason,
    own_date,
)

# Below these the noise is often lost, so that its absence says nothing.
SMALLEST_EXPECTED_SCALE = 0.9
LOWEST_EXPECTED_QUALITY = 85
SMALLEST_EXPECTED_COVERAGE = 0.75


class Verdict(str, Enum):
    """What is said of a claim; in the certificate by value."""

    PROVEN = "proven"
    SUPPORTED = "supported"
    INCONCLUSIVE = "inconclusive"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Judgement:
    """A verdict with the reasons for it, the first the weightiest."""

    verdict: Verdict
    reasons: tuple[Reason, ...]


def judge(facts: Facts) -> Judgement:
    """The verdict: that of the first rule that applies. The last one always does."""
    return next(found for rule in _RULES if (found := rule(facts)) is not None)


def _contradicted(facts: Facts) -> Judgement | None:
    # Z1: the sums contradict each other
    if facts.findings is not None:
        return None
    text = "The device's answers contradict each other, so nothing can be said for this claim."
    return Judgement(Verdict.REJECTED, (Reason("contradiction", text),))


def _registered_before_enrolment(facts: Facts) -> Judgement | None:
    # Z2: somebody else registered the photo before the claimant's template was enrolled, and before
    # the claimant did
    earlier = [each for each in _before_enrolment(facts) if each.same]
    if not earlier:
        return None
    return Judgement(Verdict.REJECTED, (_earlier_than_the_template(facts, earlier),))


def _before_enrolment(facts: Facts) -> list[Registered]:
    others = facts.others
    return [each for each in others if each.at < facts.enrolled_at and each.before(facts.own)]


def _earlier_than_the_template(facts: Facts, earlier: list[Registered]) -> Reason:
    first = min(earlier, key=lambda each: each.index)
    text = (
        f"Somebody else registered {first.what} on {date(first.at)}, before the claimant's "
        f"template was enrolled on {date(facts.enrolled_at)}, and before the claimant did: "
        f"{own_date(facts)}."
    )
    return Reason("another-before-enrolment", text)


def _unusable_score(facts: Facts) -> Judgement | None:
    # Z3: the copy or the original scores above the window, or the control is in the window
    found, reasons = facts.findings, []
    if found is None:
        return None
    for what, finding in (("copy", found.copy), ("original", found.original)):
        if finding == TOO_GOOD:
            text = (
                f"The {what} agrees with the template better than any other photo of the camera "
                "could: the template was made from this very photo, so it shows nothing."
            )
            reasons.append(Reason(f"{what}-was-enrolled", text))
    if found.control != NO_MATCH:
        text = (
            "The control matches too: the same noise, moved away from where it belongs. So what "
            "agrees is not the camera's pattern."
        )
        reasons.append(Reason("control-matches", text))
    return Judgement(Verdict.INCONCLUSIVE, tuple(reasons)) if reasons else None


def _no_match(facts: Facts) -> Judgement | None:
    # Z4: neither the copy nor the original matches: inconclusive if nobody else registered the
    # photo, the original is not given and the copy is too small or too compressed for its noise to
    # be expected, else rejected
    if facts.matches:
        return None
    text = "The pattern of the claimant's camera was not found in this photo."
    excuses, reason = _excuses(facts), Reason("no-match", text)
    if not excuses:
        return Judgement(Verdict.REJECTED, (reason,))
    same = [each for each in facts.others if each.same]
    if same:
        first = min(same, key=lambda each: each.index)
        text = f"Somebody else registered this photo on {date(first.at)}."
        return Judgement(Verdict.REJECTED, (reason, Reason("another-registered", text)))
    return Judgement(Verdict.INCONCLUSIVE, (reason, *excuses))


def _excuses(facts: Facts) -> list[Reason]:
    if facts.findings is not None and facts.findings.original is not None:
        return []  # nothing is lost in an original
    return _losses(facts)


def _losses(facts: Facts) -> list[Reason]:
    """Why the pattern may be lost in the copy."""
    found, quality = [], facts.jpeg_quality
    if facts.scale < SMALLEST_EXPECTED_SCALE:
        text = (
            "The copy was reduced or cropped so far that the pattern may be lost: give the "
            "original too, or find a larger copy."
        )
        found.append(Reason("copy-too-small", text))
    if quality is not None and quality < LOWEST_EXPECTED_QUALITY:
        how = f"JPEG quality {quality}" if quality else "not as a JPEG"
        text = (
            f"The copy was compressed so far ({how}) that the pattern may be lost: give the "
            "original too, or find a better copy."
        )
        found.append(Reason("copy-too-compressed", text))
    if facts.coverage < SMALLEST_EXPECTED_COVERAGE:
        text = "The copy shows so small a part of the photo that the pattern may be lost."
        found.append(Reason("copy-too-cropped", text))
    return found


def _lookalike_before_enrolment(facts: Facts) -> Judgement | None:
    # Z5: it matches, and a photo that looks like it was registered before the template was enrolled
    earlier = _before_enrolment(facts)
    if not earlier:
        return None
    reasons = (match_reason(facts), _earlier_than_the_template(facts, earlier))
    return Judgement(Verdict.INCONCLUSIVE, reasons)


def _copy_without_pattern(facts: Facts) -> Judgement | None:
    # Z5: the original matches and the copy does not, though nothing explains its loss
    found = facts.findings
    if found is None or found.original != MATCH or found.copy == MATCH or _losses(facts):
        return None
    text = (
        "The copy is too good to have lost the pattern, and does not carry it: it may come from "
        "another camera's file of this picture than the original that was given."
    )
    return Judgement(Verdict.INCONCLUSIVE, (match_reason(facts), Reason("copy-lacks-it", text)))


def _public_before_enrolment(facts: Facts) -> Judgement | None:
    # Z5: it matches, and the copy was public before the template was enrolled
    if facts.seen_at is None or facts.seen_at >= facts.enrolled_at:
        return None
    text = (
        f"The copy is said to have been public on {date(facts.seen_at)}, before the template was "
        f"enrolled on {date(facts.enrolled_at)}: a template could have been made from public "
        "photos."
    )
    reason = Reason("public-before-enrolment", text)
    return Judgement(Verdict.INCONCLUSIVE, (match_reason(facts), reason))


def _verified_for_another(facts: Facts) -> Judgement | None:
    # Z6: it matches, and somebody else's registration is camera-verified and earlier than the
    # claimant's own, or there is no own one
    verified = [each for each in _verified(facts) if each.same and each.before(facts.own)]
    if not verified:
        return None
    first = min(verified, key=lambda each: each.index)
    text = (
        f"Somebody else registered this photo on {date(first.at)}, verified by their camera. The "
        f"claimant: {own_date(facts)}."
    )
    reason = Reason("another-camera-verified", text)
    return Judgement(Verdict.INCONCLUSIVE, (match_reason(facts), reason))


def _something_missing(facts: Facts) -> Judgement | None:
    # Z7: it matches, and something is missing
    missing = [reason for look in _MISSING if (reason := look(facts)) is not None]
    return Judgement(Verdict.SUPPORTED, (match_reason(facts), *missing)) if missing else None


def _not_registered(facts: Facts) -> Reason | None:
    # Z7: the claimant has not registered the photo
    if facts.own is not None:
        return None
    given = facts.findings is not None and facts.findings.original is not None
    which = "the original that was given" if given else "this photo"
    text = f"The claimant has not registered {which}, so there is no date to rely on."
    return Reason("not-registered", text)


def _asserted_earlier(facts: Facts) -> Reason | None:
    # Z7: the registration is device-asserted and was made with an earlier template
    own = facts.own
    if own is None or own.grade is not Grade.DEVICE_ASSERTED or not facts.own_template_is_earlier:
        return None
    text = (
        f"The registration of {date(own.at)} was asserted by the device, with a template that "
        "has been replaced since: nobody saw which photo it was."
    )
    return Reason("asserted-with-earlier-template", text)


def _public_before_registration(facts: Facts) -> Reason | None:
    # Z7: the copy was public before the registration
    if facts.own is None or facts.seen_at is None or facts.seen_at >= facts.own.at:
        return None
    text = (
        f"The copy is said to have been public on {date(facts.seen_at)}, before the claimant "
        f"registered the photo on {date(facts.own.at)}."
    )
    return Reason("public-before-registration", text)


def _registered_by_another(facts: Facts) -> Reason | None:
    # Z7: somebody else registered it earlier, or camera-verified later than device-asserted
    earlier = [each for each in facts.others if each.before(facts.own)]
    if earlier:
        first = min(earlier, key=lambda each: each.index)
        text = f"Somebody else registered {first.what} earlier, on {date(first.at)}."
        return Reason("another-registered-earlier", text)
    verified = _verified(facts)
    if not verified or facts.own is None or facts.own.grade is Grade.CAMERA_VERIFIED:
        return None
    first = min(verified, key=lambda each: each.index)
    text = (
        f"Somebody else registered {first.what} later, on {date(first.at)}, and it was verified by "
        "their camera."
    )
    return Reason("another-camera-verified-later", text)


def _proven(facts: Facts) -> Judgement:
    # Z8: it matches, and nothing of this stands against it
    text = f"The claimant registered this photo on {own_date(facts)}, nobody before that."
    return Judgement(Verdict.PROVEN, (match_reason(facts), Reason("registered", text)))


_RULES: tuple[Callable[[Facts], Judgement | None], ...] = (
    _contradicted,
    _registered_before_enrolment,
    _unusable_score,
    _no_match,
    _public_before_enrolment,
    _lookalike_before_enrolment,
    _copy_without_pattern,
    _verified_for_another,
    _something_missing,
    _proven,
)
_MISSING: tuple[Callable[[Facts], Reason | None], ...] = (
    _not_registered,
    _asserted_earlier,
    _public_before_registration,
    _registered_by_another,
)


def _verified(facts: Facts) -> list[Registered]:
    return [each for each in facts.others if each.grade is Grade.CAMERA_VERIFIED]
