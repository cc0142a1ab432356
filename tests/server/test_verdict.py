"""Z1–Z8: which facts lead to which verdict, and what can never be proven."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grainseal.crypto.claim_statement import MAX_REASON_LENGTH, VERDICTS, Findings
from grainseal.crypto.entries import Grade
from grainseal.crypto.texts import is_visible
from grainseal.server.verdict import Verdict, judge
from grainseal.server.verdict_facts import MATCH, NO_MATCH, TOO_GOOD, Facts, Registered

ASSERTED, VERIFIED = Grade.DEVICE_ASSERTED, Grade.CAMERA_VERIFIED
DAY = 86_400
ENROLLED = 1_700_000_000
OWN = Registered(10, ENROLLED + 10 * DAY, VERIFIED)


def facts(copy=MATCH, original=None, control=NO_MATCH, **changes):
    usual = {
        "findings": Findings(copy, original, control),
        "probability": "1e-9",
        "scale": 1.0,
        "jpeg_quality": 90,
        "enrolled_at": ENROLLED,
        "own": OWN,
    }
    return Facts(**{**usual, **changes})


def other(index, at=None, grade=ASSERTED):
    return Registered(index, ENROLLED + index * DAY if at is None else at, grade)


def judged(*args, **changes):
    found = judge(facts(*args, **changes))
    return found.verdict.value, [reason.code for reason in found.reasons]


def test_z1_contradicting_sums_reject_whatever_else_is_true():
    assert judged(findings=None) == ("rejected", ["contradiction"])
    earlier = other(1, ENROLLED - DAY)
    assert judged(findings=None, others=(earlier,)) == ("rejected", ["contradiction"])


@pytest.mark.parametrize("own", [OWN, None])
@pytest.mark.parametrize("grade", list(Grade))
def test_z2_a_template_enrolled_after_another_s_registration_rejects(own, grade):
    earlier = other(1, ENROLLED - DAY, grade)
    assert judged(own=own, others=(earlier,)) == ("rejected", ["another-before-enrolment"])
    assert judged(TOO_GOOD, own=own, others=(earlier,))[1] == ["another-before-enrolment"]


def test_z2_does_not_count_against_who_registered_first():
    """As after a renewal: the template is younger than the registrations."""
    own = Registered(1, ENROLLED - 2 * DAY, VERIFIED)
    later = other(2, ENROLLED - DAY)
    assert judged(own=own, others=(later,))[0] == "proven"


@pytest.mark.parametrize(
    ("found", "codes"),
    [
        ((TOO_GOOD, None, NO_MATCH), ["copy-was-enrolled"]),
        ((MATCH, TOO_GOOD, NO_MATCH), ["original-was-enrolled"]),
        ((TOO_GOOD, TOO_GOOD, NO_MATCH), ["copy-was-enrolled", "original-was-enrolled"]),
        ((MATCH, MATCH, MATCH), ["control-matches"]),
        ((NO_MATCH, None, TOO_GOOD), ["control-matches"]),
    ],
)
def test_z3_scores_that_show_nothing(found, codes):
    assert judged(*found) == ("inconclusive", codes)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"scale": 0.89}, ["no-match", "copy-too-small"]),
        ({"jpeg_quality": 84}, ["no-match", "copy-too-compressed"]),
        (
            {"scale": 0.5, "jpeg_quality": 40},
            ["no-match", "copy-too-small", "copy-too-compressed"],
        ),
    ],
)
def test_z4_a_copy_too_poor_to_tell_is_inconclusive(changes, codes):
    assert judged(NO_MATCH, **changes) == ("inconclusive", codes)
    verdict, with_another = judged(NO_MATCH, others=(other(11),), **changes)
    assert (verdict, with_another) == ("rejected", ["no-match", "another-registered"])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scale": 0.9, "jpeg_quality": 85},
        {"jpeg_quality": None},
        {"original": NO_MATCH, "jpeg_quality": 30},
        {"original": NO_MATCH, "scale": 0.5},
    ],
)
def test_z4_a_good_copy_without_the_pattern_is_rejected(changes):
    assert judged(NO_MATCH, **changes) == ("rejected", ["no-match"])


@pytest.mark.parametrize(
    "lost", [{"scale": 0.5}, {"jpeg_quality": 75}, {"jpeg_quality": 0}, {"coverage": 0.5}]
)
def test_z4_the_original_suffices_for_a_copy_that_lost_the_pattern(lost):
    assert judged(NO_MATCH, original=MATCH, **lost)[0] == "proven"


@pytest.mark.parametrize("good", [{}, {"jpeg_quality": None}, {"scale": 0.9, "coverage": 0.75}])
def test_z5_a_good_copy_should_carry_what_its_original_carries(good):
    found = judged(NO_MATCH, original=MATCH, **good)
    assert found == ("inconclusive", ["match", "copy-lacks-it"])


def test_z5_public_before_the_template_is_inconclusive():
    found = judged(seen_at=ENROLLED - 1)
    assert found == ("inconclusive", ["match", "public-before-enrolment"])
    assert judged(seen_at=ENROLLED, own=Registered(1, ENROLLED, VERIFIED))[0] == "proven"


def alike(index, grade=ASSERTED):
    """Another camera's photo of the same view."""
    return Registered(index, ENROLLED + (index - 10) * DAY, grade, 46)


def test_z5_a_lookalike_before_the_template_is_inconclusive_and_says_that_it_is_one():
    found = judge(facts(own=None, others=(alike(9, VERIFIED),)))
    assert found.verdict.value == "inconclusive"
    assert [reason.code for reason in found.reasons] == ["match", "another-before-enrolment"]
    assert "looks like this one (46 of 256 bits differ)" in found.reasons[1].text


def test_a_lookalike_is_no_other_registration_of_the_photo():
    own = Registered(13, ENROLLED + 3 * DAY, VERIFIED)
    found = judged(own=own, others=(alike(12, VERIFIED),))
    assert found == ("supported", ["match", "another-registered-earlier"])
    assert judged(NO_MATCH, scale=0.5, others=(alike(12),))[0] == "inconclusive"


@pytest.mark.parametrize("own", [OWN, None])
def test_z6_another_s_earlier_verified_registration_is_inconclusive(own):
    found = judged(own=own, others=(other(9, grade=VERIFIED),))
    assert found == ("inconclusive", ["match", "another-camera-verified"])


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"own": None}, "not-registered"),
        (
            {"own": Registered(10, ENROLLED - DAY, ASSERTED), "own_template_is_earlier": True},
            "asserted-with-earlier-template",
        ),
        ({"seen_at": ENROLLED + DAY}, "public-before-registration"),
        ({"others": (other(9),)}, "another-registered-earlier"),
        (
            {
                "own": Registered(10, ENROLLED + DAY, ASSERTED),
                "others": (other(11, grade=VERIFIED),),
            },
            "another-camera-verified-later",
        ),
    ],
)
def test_z7_one_thing_missing_is_supported(changes, code):
    assert judged(**changes) == ("supported", ["match", code])


def test_z7_every_missing_thing_is_named():
    found = judged(own=None, others=(other(11),))
    assert found == ("supported", ["match", "not-registered", "another-registered-earlier"])


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"original": MATCH},
        {"own": Registered(10, ENROLLED + DAY, ASSERTED)},
        {"own": Registered(10, ENROLLED - DAY, VERIFIED), "own_template_is_earlier": True},
        {"others": (other(11),)},
        {"others": (other(11, grade=VERIFIED),)},
        {"seen_at": OWN.at},
    ],
)
def test_z8_nothing_against_it_is_proven(changes):
    assert judged(**changes) == ("proven", ["match", "registered"])


def test_of_two_registrations_in_one_second_the_log_says_which_was_first():
    own = Registered(10, ENROLLED + DAY, VERIFIED)
    assert judged(own=own, others=(Registered(9, own.at, VERIFIED),))[0] == "inconclusive"
    assert judged(own=own, others=(Registered(11, own.at, ASSERTED),))[0] == "proven"


def test_reasons_are_sentences_with_dates_and_odds():
    found = judge(facts(own=None, others=(other(1, ENROLLED - DAY),)))
    assert found.reasons[0].text == (
        "Somebody else registered this photo on 2023-11-13 22:13 UTC, before the claimant's "
        "template was enrolled on 2023-11-14 22:13 UTC, and before the claimant did: not "
        "registered."
    )
    match = judge(facts()).reasons[0].text
    assert match.endswith("of unrelated cameras at most one in 10^9 would reach as much.")


grades = st.sampled_from(Grade)
registrations = st.builds(
    Registered, st.integers(0, 20), st.integers(0, 20).map(lambda d: ENROLLED + (d - 10)), grades
)
some_facts = st.builds(
    Facts,
    findings=st.none()
    | st.builds(
        Findings,
        st.sampled_from([MATCH, NO_MATCH, TOO_GOOD]),
        st.sampled_from([None, MATCH, NO_MATCH, TOO_GOOD]),
        st.sampled_from([NO_MATCH, NO_MATCH, MATCH, TOO_GOOD]),
    ),
    probability=st.sampled_from(["1", "1e-1", "1e-12"]),
    scale=st.sampled_from([0.25, 0.9, 1.0]),
    jpeg_quality=st.sampled_from([None, 50, 95]),
    enrolled_at=st.just(ENROLLED),
    own=st.none() | registrations,
    own_template_is_earlier=st.booleans(),
    others=st.lists(registrations, max_size=3).map(tuple),
    seen_at=st.none() | st.sampled_from([1, ENROLLED - 1, ENROLLED + 1, 2**53 - 1]),
)


@given(some_facts)
@settings(max_examples=500, deadline=None)
def test_what_is_proven_has_a_match_and_nobody_before(given_facts):
    found = judge(given_facts)
    assert found.verdict.value in VERDICTS
    assert found.reasons
    for reason in found.reasons:
        assert len(reason.text) <= MAX_REASON_LENGTH
        assert is_visible(reason.text)
    if found.verdict is not Verdict.PROVEN:
        return
    own = given_facts.own
    assert own is not None
    assert given_facts.matches
    assert given_facts.findings.control == NO_MATCH
    assert TOO_GOOD not in (given_facts.findings.copy, given_facts.findings.original)
    assert all(own.index <= each.index for each in given_facts.others)
    # Who was verified first is not harmed by others' cameras.
    if own.grade is ASSERTED:
        assert all(each.grade is ASSERTED for each in given_facts.others)
    assert given_facts.seen_at is None or given_facts.seen_at >= max(own.at, ENROLLED)


@given(some_facts)
@settings(max_examples=200, deadline=None)
def test_supported_needs_a_match_too(given_facts):
    if judge(given_facts).verdict is Verdict.SUPPORTED:
        assert given_facts.matches
        assert TOO_GOOD not in (given_facts.findings.copy, given_facts.findings.original)
