"""The enrolment ceremony: a camera's encrypted template under a subject (docs/PROTOCOL.md).

begin: a ticket or a renewal token becomes a session. submit: an encrypted template, and the claim
template if one was uploaded, become masked sums that are zero if every slot is ±1. finish: their
opening becomes an enrolment.
"""

from dataclasses import dataclass, replace

from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.masking import MaskedSum, check_template
from grainseal.crypto.profiles import Scheme
from grainseal.crypto.transcript import template_transcript

from . import log
from .authority import Authority, check_signature
from .claim_upload import ClaimParameters, ClaimUpload, check_parameters, split_claim_template
from .device_keys import require_usable_key
from .errors import Reason, Refused
from .exchange import Exchange, Opening, check_opening, consume, end, keep_answer, kept_answer
from .homomorphic import Upload, answer_upload, check_upload
from .idempotency import Write, reference_of, remember
from .service import NO_DEADLINE, Service
from .session import Kind, begin_session, begun_by, check_in_time, check_known, context_of
from .store.enrollments import EnrollmentState
from .store.store import Transaction
from .store.tables import ClaimTemplateRow, EnrollmentRow, SessionRow, TemplateRow
from .warrants import EnrollmentRequest, terms_of, use_warrant


@dataclass(frozen=True)
class Accepted:
    """A submission whose signature is true: its answer if one was kept, else what is to be done."""

    profile: str
    claims: ClaimUpload | None
    answer: list[MaskedSum] | None
    consumed: bool


def begin(
    tx: Transaction, authority: Authority, write: Write, request: EnrollmentRequest
) -> SessionRow:
    """BeginEnrollment."""
    replayed = begun_by(tx, write)
    if replayed is not None:
        return replayed
    # B2, Q1: the scheme has that profile, and it is not one for tests
    authority.enrolled_profile(request.scheme, request.profile)
    # Q1: without claims
    if request.scheme is Scheme.FUZZY_EXTRACTOR and request.claims is not None:
        message = "a claim template takes the homomorphic scheme: enrol by that, or without claims"
        raise Refused(Reason.MALFORMED, message)
    # B3: the device key is an Ed25519 public key, not of small order
    require_usable_key(request.device_key)
    # B6: the claim profile is known, and not one for tests; seed and frame have their form
    claims = request.claims
    if claims is not None:
        authority.claim_profile(claims.profile)
        check_parameters(claims)
    # B4, B5
    terms = terms_of(tx, authority, request)
    if claims is not None:
        terms = replace(terms, claims=claims.as_json(), upload_limit=claims.size)
    return begin_session(tx, authority, write, terms)


async def submit(
    service: Service,
    deadline: float,
    write: Write,
    session_id: str,
    upload: Upload,
    signature: bytes,
) -> list[MaskedSum]:
    """SubmitTemplate. `deadline`: of `time.monotonic`."""
    # S1–S3, S8
    accepted = await service.transact(deadline, accept, write, session_id, upload, signature)
    if accepted.answer is not None:
        return accepted.answer
    profile, claims = accepted.profile, accepted.claims
    if not accepted.consumed:
        # S4, S7: templates and keys pass W1–W3, the positions meet the quotas
        await service.workers.run(deadline, check_upload, profile, upload, claims)
        # S5: BEGUN → SUBMITTED
        await service.transact(deadline, consume, write, session_id)
    # S6: the answer
    answer = await service.workers.run(deadline, answer_upload, profile, upload, claims)
    return await service.transact(NO_DEADLINE, keep_answer, session_id, answer, upload)


def accept(
    tx: Transaction,
    authority: Authority,
    write: Write,
    session_id: str,
    upload: Upload,
    signature: bytes,
) -> Accepted:
    """S1–S3 and S8 of SubmitTemplate."""
    consumed = reference_of(tx, write) is not None
    # S1: the session exists and is of this kind
    session = check_known(tx.sessions.find(session_id), Kind.ENROLLMENT)
    # S2: it has not expired
    check_in_time(session, authority.clock())
    # S8: the upload is complete; asked before S3, for the signature is over its hash
    claims = _uploaded(tx, session)
    # S3: the device's signature of the template transcript is true
    claims_sha256 = b"" if claims is None else claims.sha256
    transcript = template_transcript(
        context_of(session), upload.template, upload.keys, claims_sha256
    )
    check_signature(session.device_key, transcript, signature)
    answer = kept_answer(tx, session) if consumed else None
    return Accepted(session.profile, claims, answer, consumed)


def _uploaded(tx: Transaction, session: SessionRow) -> ClaimUpload | None:
    if session.claims is None:
        return None
    parameters = ClaimParameters.of_json(session.claims)
    return split_claim_template(parameters, tx.uploads.content(session.session_id))


def finish(
    tx: Transaction, authority: Authority, write: Write, opening: Opening
) -> EnrollmentRow | None:
    """FinishEnrollment: the new enrolment, or None if its template was refused (F5)."""
    if reference_of(tx, write) is not None:
        return _outcome(tx, opening.session_id)
    now = authority.clock()
    # F1–F4
    exchange = check_opening(tx, opening, Kind.ENROLLMENT, now)
    # F5: all sums are zero once unmasked. A session has one opening, true or not.
    try:
        _check_templates(exchange, opening)
    except VerificationFailed:
        end(tx, exchange.session, accepted=False)
        enrollment = None
    else:
        # F6
        enrollment = _enrol(tx, authority, exchange)
    remember(tx, write, opening.session_id, now)
    return enrollment


def _check_templates(exchange: Exchange, opening: Opening) -> None:
    masks, opened, of_template = exchange.masks, opening.opened, exchange.profile.openings
    check_template(exchange.profile, masks[:of_template], opened[:of_template])
    if exchange.claim_profile is not None:
        check_template(exchange.claim_profile, masks[of_template:], opened[of_template:])


def _outcome(tx: Transaction, session_id: str) -> EnrollmentRow | None:
    session = check_known(tx.sessions.find(session_id), Kind.ENROLLMENT)
    return tx.enrollments.find(session.enrollment_id) if session.accepted else None


def _enrol(tx: Transaction, authority: Authority, exchange: Exchange) -> EnrollmentRow:
    session = exchange.session
    template, claims = _template(session.enrollment_id, exchange), _uploaded(tx, session)
    end(tx, session, accepted=True)
    use_warrant(tx, session)
    enrollment = enrolled_row(session, authority.clock())
    tx.enrollments.add(enrollment, template)
    claims_sha256 = b"" if claims is None else claims.sha256
    if claims is not None:
        tx.claim_templates.add(_claim_template(enrollment.enrollment_id, claims, claims_sha256))
    log.append_enrollment(tx, authority, enrollment, template, claims_sha256)
    return enrollment


def enrolled_row(session: SessionRow, now: float) -> EnrollmentRow:
    """The enrolment that a session makes, by either scheme."""
    return EnrollmentRow(
        enrollment_id=session.enrollment_id,
        subject=session.subject,
        issuer=session.issuer,
        profile=session.profile,
        device_key=session.device_key,
        state=EnrollmentState.ACTIVE,
        created_at=int(now),
    )


def _claim_template(enrollment_id: str, claims: ClaimUpload, sha256: bytes) -> ClaimTemplateRow:
    return ClaimTemplateRow(
        enrollment_id=enrollment_id,
        profile=claims.profile,
        height=claims.height,
        width=claims.width,
        seed=claims.seed,
        code=claims.code,
        relin_key=claims.keys.relin_key,
        zero_key=claims.keys.zero_key,
        positions=claims.positions,
        commitment_sha256=claims.commitment_sha256 or None,
        template_sha256=sha256,
        scores_told=0,
    )


def _template(enrollment_id: str, exchange: Exchange) -> TemplateRow:
    row = exchange.row
    return TemplateRow(
        enrollment_id=enrollment_id,
        template=row.template,
        relin_key=row.relin_key,
        zero_key=row.zero_key,
    )
