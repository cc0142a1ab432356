"""The claim ceremony: a copy found somewhere against the claimant's camera (docs/PROTOCOL.md).

begin: a decision token of purpose claim becomes a session. submit: the copy, and the original if
there is one, become masked sums of probes that the service cuts itself. `claim_result` is how it
ends. A claim that fails before its token is used up counts for nothing and can be made again.
"""

import asyncio
from dataclasses import dataclass
from functools import partial

from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.masking import MaskedSum
from grainseal.crypto.strict_json import MAX_EXACT
from grainseal.crypto.tokens import verify_decision
from grainseal.crypto.transcript import claim_transcript

from .authority import Authority, check_signature
from .claim_photos import Photos, named_registration, own_registration
from .claim_support import (
    check_scores,
    claim_template,
    frame_of,
    looking,
    once,
    open_session,
    photo_deadline,
    template_of,
    uploaded,
)
from .claim_upload import ClaimUpload
from .claim_work import ClaimFacts, answer_claim, as_json
from .errors import Reason, Refused
from .exchange import consume, keep_answer, kept_answer
from .idempotency import Write, reference_of
from .photo_work import cut_claim, look, orientation_of
from .service import NO_DEADLINE, Service
from .session import (
    PURPOSE_CLAIM,
    Event,
    Kind,
    State,
    Terms,
    begin_session,
    begun_by,
    check_in_time,
    check_known,
    context_of,
    next_state,
    used,
)
from .standing import active
from .store.store import Transaction
from .store.tables import SessionRow
from .uploads import MAX_PHOTO


@dataclass(frozen=True)
class Submission:
    """A claim on its way in; `copy_size`: bytes of the upload that are the copy."""

    session_id: str
    copy_size: int
    registration_id: str
    seen_at: int
    match_map: bool
    signature: bytes


@dataclass(frozen=True)
class Accepted:
    """A submission whose signature is true: its answer if one was kept, else what to do."""

    template: ClaimUpload
    answer: list[MaskedSum] | None
    consumed: bool


def begin(tx: Transaction, authority: Authority, write: Write, token: str) -> SessionRow:
    """BeginClaim."""
    replayed = begun_by(tx, write)
    if replayed is not None:
        return replayed
    # Y1: the token passes T1–T5 for audience `grainseal` and purpose `claim` and is unused; its
    # enrolment is active and has a claim template of a profile that this service takes
    audience = authority.config.service_name
    try:
        decision = verify_decision(token, authority.keys.trusted, audience, authority.clock())
    except VerificationFailed:
        raise _token_refused() from None
    row = tx.warrants.decision(decision.token_id)
    if decision.purpose != PURPOSE_CLAIM or row is None or row.used:
        raise _token_refused()
    enrollment = active(tx, decision.enrollment_id)
    template = claim_template(tx, authority, enrollment.enrollment_id)
    terms = Terms(
        kind=Kind.CLAIM,
        audience=audience,
        enrollment_id=enrollment.enrollment_id,
        subject=enrollment.subject,
        purpose=PURPOSE_CLAIM,
        profile=template.profile,
        device_key=enrollment.device_key,
        upload_limit=2 * MAX_PHOTO,
        claim_token_id=decision.token_id,
    )
    return begin_session(tx, authority, write, terms)


async def submit(
    service: Service, deadline: float, write: Write, submission: Submission
) -> list[MaskedSum]:
    """SubmitClaim. `deadline`: of `time.monotonic`."""
    session_id, key = submission.session_id, f"{write.key.hex()}/{write.request_hash.hex()}"
    # Y2, Y3: before the call waits for room, which strangers must not be able to fill
    await service.transact(deadline, open_session, session_id, Kind.CLAIM)
    work = partial(_submit, service, deadline, write, submission)
    return await service.shared(session_id, key, work)


async def _submit(
    service: Service, deadline: float, write: Write, submission: Submission
) -> list[MaskedSum]:
    session_id = submission.session_id
    async with service.holding_photos(deadline):
        # Y2, Y3
        content = await service.transact(deadline, uploaded, session_id, Kind.CLAIM)
        photos = await asyncio.to_thread(Photos.split, content, submission.copy_size)
        del content
        # Y4, Y5
        accepted = await service.transact(deadline, accept, write, submission, photos)
        if accepted.answer is not None:
            return accepted.answer
        async with once(service, session_id):
            return await _answer(service, write, submission, photos, accepted)


def accept(
    tx: Transaction, authority: Authority, write: Write, submission: Submission, photos: Photos
) -> Accepted:
    """Y2–Y5 of SubmitClaim."""
    consumed = reference_of(tx, write) is not None
    # Y2: the session exists and is of this kind
    session = check_known(tx.sessions.find(submission.session_id), Kind.CLAIM)
    # Y3: it has not expired
    check_in_time(session, authority.clock())
    if not 0 <= submission.seen_at <= MAX_EXACT:
        raise Refused(Reason.MALFORMED, "seen_at is Unix seconds, or 0 if it is not known")
    # Y4: the device's signature of the claim transcript is true
    transcript = claim_transcript(
        context_of(session),
        photos.copy_sha256,
        photos.original_sha256,
        submission.registration_id,
        submission.seen_at,
        submission.match_map,
    )
    check_signature(session.device_key, transcript, submission.signature)
    # Y5: the enrolment is active and has its claim template; a registration that is named is of
    # the same device key
    active(tx, session.enrollment_id)
    template = template_of(claim_template(tx, authority, session.enrollment_id))
    if submission.registration_id:
        named_registration(tx, session, submission.registration_id)
    if not consumed:
        # Only a session that Y9 will let through is worth the work that comes before it.
        next_state(Kind.CLAIM, State(session.state), Event.SUBMIT)
    answer = kept_answer(tx, session) if consumed else None
    return Accepted(template, answer, consumed)


async def _answer(
    service: Service, write: Write, submission: Submission, photos: Photos, accepted: Accepted
) -> list[MaskedSum]:
    template, session_id = accepted.template, submission.session_id
    # Y6: both are photos that can be used, the original is the registered one
    seen = await looking(service, look, photos.copy, photos.original)
    own = await service.transact(
        NO_DEADLINE, own_registration, session_id, submission.registration_id, seen, service.near
    )
    # Y7: the copy can be laid onto the frame
    turned = None
    if own is not None and photos.original is None:
        turned = orientation_of(seen, own.perceptual_hash)
    frame = frame_of(template)
    cut = await looking(service, cut_claim, frame, photos.copy, photos.original, turned)
    own_id = "" if own is None else own.registration_id
    facts = ClaimFacts.of(
        seen, cut, template.profile, own_id, submission.seen_at, submission.match_map
    )
    if not accepted.consumed:
        # Y8, Y9
        await service.transact(NO_DEADLINE, use_up, write, session_id, facts.scores)
    # Y10: the answer
    match_map = submission.match_map
    answer = await service.workers.run(photo_deadline(), answer_claim, template, cut, match_map)
    work = as_json(facts)
    return await service.transact(NO_DEADLINE, keep_answer, session_id, answer, work=work)


def use_up(
    tx: Transaction, authority: Authority, write: Write, session_id: str, scores: int
) -> None:
    """Y8 and Y9."""
    session = tx.sessions.find(session_id)
    if session is None:
        raise used()
    # Y8: with this claim's, at most 200 scores were told for the claim template
    check_scores(authority, claim_template(tx, authority, session.enrollment_id), scores)
    # Y9: BEGUN → SUBMITTED; the token is used up. Of two sessions that rest on one token, the
    # second fails here and is undone.
    first = reference_of(tx, write) is None
    consume(tx, authority, write, session_id)
    token = session.claim_token_id
    if first and (token is None or not tx.warrants.use_token(token)):
        raise _token_refused()


def _token_refused() -> Refused:
    message = "no claim token of this camera, in time and unused: authenticate to claim"
    return Refused(Reason.TOKEN_INVALID, message)
