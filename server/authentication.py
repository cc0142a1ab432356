"""The authentication ceremony: photos taken now against an enrolled camera (docs/PROTOCOL.md).

begin: an enrolment and an audience become a session. submit: an encrypted probe becomes masked
sums. finish: their opening becomes a decision, which is all that ever leaves the service.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grainseal.crypto.decision import Verdict, judge
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.masking import Mask, MaskedSum, PublicKeys, unmask_score
from grainseal.crypto.profiles import Profile
from grainseal.crypto.tokens import Decision, sign_decision
from grainseal.crypto.transcript import probe_transcript

from .authority import Authority, check_signature
from .errors import Reason, Refused
from .exchange import Opening, check_opening, consume, end, keep_answer, kept_answer
from .homomorphic import Upload, answer_probe, check_probe
from .idempotency import Write, reference_of, remember
from .relying_parties import named
from .service import NO_DEADLINE, Service
from .session import (
    PURPOSE_CLAIM,
    PURPOSE_RENEW,
    Kind,
    Terms,
    begin_session,
    begun_by,
    check_in_time,
    check_known,
    context_of,
)
from .standing import active, check_not_locked, count, unknown
from .store.store import Transaction
from .store.tables import DecisionRow, EnrollmentRow, SessionRow

PURPOSE_AUTHENTICATE = "authenticate"
PURPOSES = ", ".join((PURPOSE_AUTHENTICATE, PURPOSE_RENEW, PURPOSE_CLAIM))


@dataclass(frozen=True)
class Accepted:
    """A probe whose signature is true: its answer if one was kept, else what is to be compared."""

    profile: str
    enrolled: Upload
    answer: list[MaskedSum] | None
    consumed: bool


@dataclass(frozen=True)
class Outcome:
    """How an authentication ended: `token` is empty unless accepted. Nothing else is told."""

    enrollment_id: str
    audience: str
    token: str

    @property
    def accepted(self) -> bool:
        """Whether the camera was recognised."""
        return bool(self.token)


def begin(
    tx: Transaction,
    authority: Authority,
    write: Write,
    enrollment_id: str,
    audience: str,
    purpose: str,
) -> SessionRow:
    """BeginAuthentication."""
    replayed = begun_by(tx, write)
    if replayed is not None:
        return replayed
    # A1: the enrolment is active, and its profile one that this service takes
    enrollment = active(tx, enrollment_id)
    authority.profile(enrollment.profile)
    # A2: it is not locked
    check_not_locked(enrollment, authority.clock())
    # A3: the audience is one for this purpose and enrolment, which can be claimed with if need be
    _check_audience(tx, authority, enrollment, audience, purpose)
    if purpose == PURPOSE_CLAIM and not tx.claim_templates.exists(enrollment_id):
        message = "the enrolment has no claim template: renew it with one"
        raise Refused(Reason.CLAIMS_UNKNOWN, message)
    terms = Terms(
        kind=Kind.AUTHENTICATION,
        audience=audience,
        enrollment_id=enrollment_id,
        subject=enrollment.subject,
        purpose=purpose,
        profile=enrollment.profile,
        device_key=enrollment.device_key,
    )
    return begin_session(tx, authority, write, terms)


def _check_audience(
    tx: Transaction, authority: Authority, enrollment: EnrollmentRow, audience: str, purpose: str
) -> None:
    service = authority.config.service_name
    if purpose in (PURPOSE_RENEW, PURPOSE_CLAIM):
        allowed = audience == service
    elif purpose == PURPOSE_AUTHENTICATE:
        # The operator's own subjects may go anywhere, a relying party's only back to it.
        party = named(tx, audience)
        allowed = party is not None and enrollment.issuer in (service, party.name)
        if party is not None and allowed and party.name != audience:
            # The device signs the audience: only itself can put it right.
            message = f"audience {audience!r} is written {party.name!r}"
            raise Refused(Reason.AUDIENCE_REFUSED, message)
    else:
        raise Refused(Reason.MALFORMED, f"purpose {purpose!r} is none of {PURPOSES}")
    if not allowed:
        message = f"audience {audience!r} is not one for this enrolment"
        raise Refused(Reason.AUDIENCE_REFUSED, message)


async def submit(
    service: Service,
    deadline: float,
    write: Write,
    session_id: str,
    probe: bytes,
    signature: bytes,
) -> list[MaskedSum]:
    """SubmitProbe. `deadline`: of `time.monotonic`."""
    # P1–P4
    accepted = await service.transact(deadline, accept, write, session_id, probe, signature)
    if accepted.answer is not None:
        return accepted.answer
    profile, enrolled = accepted.profile, accepted.enrolled
    if not accepted.consumed:
        # P5: the probe passes W1–W3
        await service.workers.run(deadline, check_probe, profile, probe)
        # P6: BEGUN → SUBMITTED
        await service.transact(deadline, consume, write, session_id)
    # P7: the answer; the probe is not stored
    answer = await service.workers.run(deadline, answer_probe, profile, enrolled, probe)
    return await service.transact(NO_DEADLINE, keep_answer, session_id, answer)


def accept(
    tx: Transaction,
    authority: Authority,
    write: Write,
    session_id: str,
    probe: bytes,
    signature: bytes,
) -> Accepted:
    """P1–P4 of SubmitProbe."""
    consumed = reference_of(tx, write) is not None
    # P1: the session exists and is of this kind
    session = check_known(tx.sessions.find(session_id), Kind.AUTHENTICATION)
    # P2: it has not expired
    check_in_time(session, authority.clock())
    # P3: the device's signature of the probe transcript is true
    transcript = probe_transcript(context_of(session), probe)
    check_signature(session.device_key, transcript, signature)
    # P4: the enrolment is active and not locked
    check_not_locked(active(tx, session.enrollment_id), authority.clock())
    answer = kept_answer(tx, session) if consumed else None
    return Accepted(session.profile, _enrolled(tx, session.enrollment_id), answer, consumed)


def _enrolled(tx: Transaction, enrollment_id: str) -> Upload:
    row = tx.enrollments.template(enrollment_id)
    if row is None:
        raise unknown()
    return Upload(row.template, PublicKeys(row.relin_key, row.zero_key))


def finish(tx: Transaction, authority: Authority, write: Write, opening: Opening) -> Outcome:
    """FinishAuthentication: one transaction, so that the counters see every attempt."""
    if reference_of(tx, write) is not None:
        session = check_known(tx.sessions.find(opening.session_id), Kind.AUTHENTICATION)
        decision = tx.warrants.decision_of_session(opening.session_id)
        return _outcome(authority, session, decision)
    now = authority.clock()
    # D1–D4; only from here on can an attempt count as a failure
    exchange = check_opening(tx, opening, Kind.AUTHENTICATION, now)
    # D5: the enrolment is active and not locked
    enrollment = active(tx, exchange.session.enrollment_id, lock=True)
    check_not_locked(enrollment, now)
    # D6, D7
    accepted = _is_match(exchange.profile, exchange.masks, opening.opened)
    # D8: decided; the failure counters move; the decision is stored
    end(tx, exchange.session, accepted)
    count(tx, enrollment, accepted, now)
    decision = _decision(authority, exchange.session, enrollment.issuer, now) if accepted else None
    if decision is not None:
        tx.warrants.add_decision(decision)
    remember(tx, write, opening.session_id, now)
    return _outcome(authority, exchange.session, decision)


def _is_match(profile: Profile, masks: Sequence[Mask], opened: Sequence[int]) -> bool:
    # D6: all K sums give one score, of N's parity, in [−N, N]
    try:
        score = unmask_score(profile, masks, opened)
    except VerificationFailed:
        return False
    # D7: the score is in the profile's window
    return judge(profile, score) is Verdict.ACCEPTED


def _decision(
    authority: Authority, session: SessionRow, enrolled_by: str, now: float
) -> DecisionRow:
    return DecisionRow(
        token_id=authority.new_id(),
        session_id=session.session_id,
        subject=session.subject,
        enrolled_by=enrolled_by,
        audience=session.audience,
        purpose=session.purpose,
        enrollment_id=session.enrollment_id,
        profile=session.profile,
        issued_at=int(now),
        expires_at=int(now) + authority.config.token_lifetime,
    )


def _outcome(authority: Authority, session: SessionRow, decision: DecisionRow | None) -> Outcome:
    token = "" if decision is None else _token(authority, decision)
    return Outcome(session.enrollment_id, session.audience, token)


def _token(authority: Authority, row: DecisionRow) -> str:
    # Ed25519 is deterministic: the same claims give the same token each time.
    decision = Decision(
        issuer=authority.config.service_name,
        subject=row.subject,
        enrolled_by=row.enrolled_by,
        audience=row.audience,
        purpose=row.purpose,
        enrollment_id=row.enrollment_id,
        profile=row.profile,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        token_id=row.token_id,
    )
    return sign_decision(authority.keys.signing, decision)
