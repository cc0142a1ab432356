"""The authentication ceremony: photos taken now against an enrolled camera (docs/PROTOCOL.md).

begin: an enrolment and an audience become a session. submit: an encrypted probe becomes masked
sums. finish: their opening becomes a decision, which is all that ever leaves the service.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from grainseal.crypto.decision import Verdict, judge
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.masking import Mask, MaskedSum, PublicKeys, unmask_score
from grainseal.crypto.profiles import Profile, Scheme, scheme_of
from grainseal.crypto.transcript import probe_transcript

from .authority import Authority, check_signature
from .decisions import Outcome, decide, told_again
from .errors import Reason, Refused
from .exchange import Opening, check_opening, consume, keep_answer, kept_answer
from .homomorphic import Upload, answer_probe, check_probe
from .idempotency import Write, reference_of
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
from .standing import active, check_not_locked, unknown
from .store.store import Transaction
from .store.tables import EnrollmentRow, SessionRow

PURPOSE_AUTHENTICATE = "authenticate"
KINDS: Mapping[Scheme, Kind] = MappingProxyType(
    {
        Scheme.HOMOMORPHIC: Kind.AUTHENTICATION,
        Scheme.FUZZY_EXTRACTOR: Kind.KEY_AUTHENTICATION,
    }
)
PURPOSES = ", ".join((PURPOSE_AUTHENTICATE, PURPOSE_RENEW, PURPOSE_CLAIM))


@dataclass(frozen=True)
class Accepted:
    """A probe whose signature is true: its answer if one was kept, else what is to be compared."""

    profile: str
    enrolled: Upload
    answer: list[MaskedSum] | None
    consumed: bool


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
    scheme = scheme_of(enrollment.profile)
    authority.enrolled_profile(scheme, enrollment.profile)
    # A2: it is not locked
    check_not_locked(enrollment, authority.clock())
    # A3: the audience is one for this purpose and enrolment, which can be claimed with if need be
    _check_audience(tx, authority, enrollment, audience, purpose)
    if purpose == PURPOSE_CLAIM and not tx.claim_templates.exists(enrollment_id):
        message = "the enrolment has no claim template: renew it with one"
        raise Refused(Reason.CLAIMS_UNKNOWN, message)
    terms = Terms(
        kind=KINDS[scheme],
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
        return told_again(tx, authority, opening.session_id, Kind.AUTHENTICATION)
    now = authority.clock()
    # D1–D4; only from here on can an attempt count as a failure
    exchange = check_opening(tx, opening, Kind.AUTHENTICATION, now)
    # D5: the enrolment is active and not locked
    enrollment = active(tx, exchange.session.enrollment_id, lock=True)
    check_not_locked(enrollment, now)
    # D6, D7
    accepted = _is_match(exchange.profile, exchange.masks, opening.opened)
    # D8
    return decide(tx, authority, write, exchange.session, enrollment, accepted, now)


def _is_match(profile: Profile, masks: Sequence[Mask], opened: Sequence[int]) -> bool:
    # D6: all K sums give one score, of N's parity, in [−N, N]
    try:
        score = unmask_score(profile, masks, opened)
    except VerificationFailed:
        return False
    # D7: the score is in the profile's window
    return judge(profile, score) is Verdict.ACCEPTED
