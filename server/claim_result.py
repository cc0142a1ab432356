"""How a claim ends: the opening becomes a verdict with its certificate (Y11–Y17).

Every claim that comes this far is decided and certified, a contradicted one too, so that nobody
tries again until it fits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grainseal.crypto.certificate import (
    Claimant,
    ClaimStatement,
    CompetingRegistration,
    Findings,
    OwnRegistration,
    sign_certificate,
)
from grainseal.crypto.entries import Grade
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.profiles import claim_profile_named
from grainseal.models.claim_code import claim_for

from . import log
from .authority import Authority
from .claim_scores import ClaimScores, read_scores
from .claim_support import count_scores
from .claim_work import ClaimFacts, of_json
from .exchange import Exchange, Opening, check_opening, end
from .idempotency import Write, reference_of, remember
from .log import LeafReceipt
from .near import NearIndex, Neighbour, of_others
from .session import Kind, used
from .standing import active
from .store.store import Transaction
from .store.tables import ClaimRow, EnrollmentRow, RegistrationRow
from .verdict import Judgement, judge
from .verdict_facts import NO_MATCH, Facts, Registered

# Of more the certificate would say nothing else; camera-verified and older ones come first.
MAX_COMPETING = 16


@dataclass(frozen=True)
class Claimed:
    """A decided claim, with the receipts that go with its certificate."""

    row: ClaimRow
    enrollment_receipt: LeafReceipt
    registration_receipt: LeafReceipt | None


@dataclass(frozen=True)
class _Case:
    """All that is known when a claim is decided. `scores`: None if the sums contradict."""

    enrollment: EnrollmentRow
    exchange: Exchange
    facts: ClaimFacts
    scores: ClaimScores | None
    own: RegistrationRow | None
    others: Sequence[Neighbour]

    @property
    def best(self) -> int:
        """Index of the placement that is claimed."""
        return 0 if self.scores is None else self.scores.best

    @property
    def findings(self) -> Findings | None:
        """None if the sums contradict each other."""
        spec = claim_for(self.exchange.session.profile)
        return None if self.scores is None else self.scores.findings(spec)

    @property
    def probability(self) -> str:
        """As it is told."""
        spec = claim_for(self.exchange.session.profile)
        return "1" if self.scores is None else self.scores.probability(spec)


def finish(
    tx: Transaction, authority: Authority, write: Write, opening: Opening, near: NearIndex
) -> Claimed:
    """FinishClaim."""
    if reference_of(tx, write) is not None:
        return _outcome(tx, authority, opening.session_id)
    now = authority.clock()
    # Y11–Y14
    exchange = check_opening(tx, opening, Kind.CLAIM, now)
    # Y15: the enrolment is active
    enrollment = active(tx, exchange.session.enrollment_id, lock=True)
    case = _case(tx, enrollment, exchange, opening, near)
    # Y17: decided; the scores are counted; the verdict and its certificate are kept
    count_scores(tx, authority, enrollment.enrollment_id, case.facts.scores)
    end(tx, exchange.session, accepted=True)
    tx.claims.add(_decided(authority, case))
    remember(tx, write, opening.session_id, now)
    return _outcome(tx, authority, opening.session_id)


def _case(
    tx: Transaction,
    enrollment: EnrollmentRow,
    exchange: Exchange,
    opening: Opening,
    near: NearIndex,
) -> _Case:
    facts = of_json(ClaimFacts, exchange.work)
    profile = claim_profile_named(exchange.session.profile)
    # Y16: the sums of each probe give one score in range; otherwise the claim is rejected
    try:
        scores = read_scores(profile, exchange.masks, opening.opened, facts)
    except VerificationFailed:
        scores = None
    own = tx.registrations.find(facts.registration_id) if facts.registration_id else None
    others = of_others(near.search(tx, facts.hashes), enrollment.device_key)
    return _Case(enrollment, exchange, facts, scores, own, others)


def _decided(authority: Authority, case: _Case) -> ClaimRow:
    now, session = int(authority.clock()), case.exchange.session
    judgement = judge(_facts(case))
    statement = _statement(authority, case, judgement, authority.new_id(), now)
    return ClaimRow(
        claim_id=statement.claim_id,
        session_id=session.session_id,
        enrollment_id=session.enrollment_id,
        registration_id=None if case.own is None else case.own.registration_id,
        verdict=judgement.verdict.value,
        scores=[] if case.scores is None else case.scores.kept,
        decided_at=now,
        certificate=sign_certificate(authority.keys.signing, statement),
    )


def _facts(case: _Case) -> Facts:
    own, enrollment = case.own, case.enrollment
    return Facts(
        findings=case.findings,
        probability=case.probability,
        scale=min(map(float, case.facts.placements[case.best].scale)),
        jpeg_quality=case.facts.jpeg_quality,
        enrolled_at=enrollment.created_at,
        own=None if own is None else _registered(own),
        own_template_is_earlier=own is not None and own.enrollment_id != enrollment.enrollment_id,
        others=tuple(_registered(each.row, each.distance) for each in case.others),
        seen_at=case.facts.seen_at,
        coverage=_coverage(case),
    )


def _coverage(case: _Case) -> float:
    """Share of the frame that the copy shows; without an original only whole copies are placed."""
    copy, original = case.facts.copy, case.facts.original
    if original is None:
        return 1.0
    scale = math.prod(map(float, case.facts.placements[case.best].scale))
    shown = copy.height * copy.width / scale
    return min(1.0, shown / (original.height * original.width))


def _registered(row: RegistrationRow, distance: int = 0) -> Registered:
    return Registered(row.leaf_index, row.registered_at, Grade(row.grade), distance)


def _statement(
    authority: Authority, case: _Case, judgement: Judgement, claim_id: str, now: int
) -> ClaimStatement:
    facts, own = case.facts, case.own
    unknown = Findings(NO_MATCH, None if facts.original is None else NO_MATCH, NO_MATCH)
    return ClaimStatement(
        claim_id=claim_id,
        service_key=authority.keys.public,
        decided_at=now,
        verdict=judgement.verdict.value,
        reasons=judgement.reasons,
        false_match_probability=case.probability,
        claimant=_claimant(case),
        registration=None
        if own is None
        else OwnRegistration(own.registration_id, own.grade, own.registered_at),
        competing=_competing(case.others),
        copy=facts.copy,
        original=facts.original,
        placement=facts.placements[case.best],
        findings=case.findings or unknown,
        seen_at=facts.seen_at,
        match_map=None if case.scores is None else case.scores.match_map,
    )


def _claimant(case: _Case) -> Claimant:
    row = case.enrollment
    return Claimant(
        enrollment_id=row.enrollment_id,
        subject=row.subject,
        issuer=row.issuer,
        device_key=row.device_key,
        profile=case.exchange.session.profile,
        enrolled_at=row.created_at,
    )


def _competing(others: Sequence[Neighbour]) -> tuple[CompetingRegistration, ...]:
    def weight(each: Neighbour) -> tuple[bool, int]:
        return each.row.grade != Grade.CAMERA_VERIFIED, each.row.leaf_index

    return tuple(
        CompetingRegistration(
            each.row.registration_id, each.row.grade, each.row.registered_at, each.distance
        )
        for each in sorted(others, key=weight)[:MAX_COMPETING]
    )


def _outcome(tx: Transaction, authority: Authority, session_id: str) -> Claimed:
    row = tx.claims.of_session(session_id)
    if row is None:
        raise used()
    own = tx.registrations.find(row.registration_id) if row.registration_id else None
    return Claimed(
        row,
        log.receipt(tx, authority, row.enrollment_id),
        None if own is None else log.registration_receipt(tx, authority, own),
    )
