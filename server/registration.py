"""The registration ceremony: a photo of an enrolled camera, with a date (docs/PROTOCOL.md).

begin: an enrolment with a claim template becomes a session. submit: the device's statement, and an
encrypted code or the photo itself, become masked sums. `registration_result` is how it ends.
"""

import asyncio
from dataclasses import astuple, dataclass, replace
from functools import partial

from grainseal.crypto.entries import Grade, RegistrationStatement, check_statement
from grainseal.crypto.masking import MaskedSum
from grainseal.crypto.transcript import registration_transcript
from grainseal.models.identity import PhotoIdentity

from .authority import Authority, check_signature
from .claim_support import (
    check_scores,
    claim_template,
    frame_of,
    looking,
    once,
    open_session,
    photo_deadline,
    sha256,
    template_of,
    uploaded,
)
from .claim_upload import ClaimUpload
from .claim_work import (
    RegistrationFacts,
    answer_photo,
    answer_registered,
    as_json,
    check_code,
)
from .errors import Reason, Refused
from .exchange import consume, keep_answer, kept_answer
from .idempotency import Write, reference_of
from .photo_work import cut_registered
from .service import NO_DEADLINE, Service
from .session import (
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
)
from .standing import active
from .store.store import Transaction
from .store.tables import SessionRow
from .uploads import MAX_PHOTO

PURPOSE_REGISTER = "register"


@dataclass(frozen=True)
class Said:
    """What a device says of a photo: the statement's fields that are its own to say."""

    file_sha256: bytes
    pixels_sha256: bytes
    perceptual_hash: bytes
    height: int
    width: int
    title: str
    creator: str
    licence: str
    captured_at: str
    camera: str


@dataclass(frozen=True)
class Submission:
    """A registration on its way in. `upload_sha256`: of what the session has uploaded."""

    session_id: str
    said: Said
    statement_signature: bytes
    signature: bytes
    upload_sha256: bytes = b""


@dataclass(frozen=True)
class Accepted:
    """A submission whose signatures are true: its answer if one was kept, else what to do."""

    grade: Grade
    statement: RegistrationStatement
    template: ClaimUpload
    answer: list[MaskedSum] | None
    consumed: bool


def begin(
    tx: Transaction, authority: Authority, write: Write, enrollment_id: str, grade: Grade | None
) -> SessionRow:
    """BeginRegistration. `grade`: None if it is none that there is."""
    replayed = begun_by(tx, write)
    if replayed is not None:
        return replayed
    # X1: the enrolment is active and has a claim template of a profile that this service takes
    enrollment = active(tx, enrollment_id)
    template = claim_template(tx, authority, enrollment_id)
    # X2: the grade is one of the two
    if grade is None:
        raise Refused(Reason.MALFORMED, "a registration is device-asserted or camera-verified")
    limit = len(template.code)
    if grade is Grade.CAMERA_VERIFIED:
        # X3: fewer than 200 scores were told for the claim template
        check_scores(authority, template, 1)
        limit = MAX_PHOTO
    terms = Terms(
        kind=Kind.REGISTRATION,
        audience=authority.config.service_name,
        enrollment_id=enrollment_id,
        subject=enrollment.subject,
        purpose=PURPOSE_REGISTER,
        profile=template.profile,
        device_key=enrollment.device_key,
        upload_limit=limit,
        grade=grade.value,
    )
    return begin_session(tx, authority, write, terms)


async def submit(
    service: Service, deadline: float, write: Write, submission: Submission
) -> list[MaskedSum]:
    """SubmitRegistration. `deadline`: of `time.monotonic`."""
    session_id, key = submission.session_id, f"{write.key.hex()}/{write.request_hash.hex()}"
    # X4, X5: before the call waits for room, which strangers must not be able to fill
    await service.transact(deadline, open_session, session_id, Kind.REGISTRATION)
    work = partial(_submit, service, deadline, write, submission)
    return await service.shared(session_id, key, work)


async def _submit(
    service: Service, deadline: float, write: Write, submission: Submission
) -> list[MaskedSum]:
    session_id = submission.session_id
    async with service.holding_photos(deadline):
        # X4, X5
        content = await service.transact(deadline, uploaded, session_id, Kind.REGISTRATION)
        digest = await asyncio.to_thread(sha256, content)
        # X6–X8
        submission = replace(submission, upload_sha256=digest)
        accepted = await service.transact(deadline, accept, write, submission)
        if accepted.answer is not None:
            return accepted.answer
        # X9–X11
        if accepted.grade is Grade.CAMERA_VERIFIED:
            async with once(service, session_id):
                return await _answer_photo(service, write, submission, accepted, content)
        return await _answer_code(service, write, submission, accepted, content)


def accept(tx: Transaction, authority: Authority, write: Write, submission: Submission) -> Accepted:
    """X4–X8 of SubmitRegistration."""
    consumed = reference_of(tx, write) is not None
    # X4: the session exists and is of this kind
    session = check_known(tx.sessions.find(submission.session_id), Kind.REGISTRATION)
    # X5: it has not expired
    check_in_time(session, authority.clock())
    # X6: the device's signature of the registration transcript is true
    grade, statement = Grade(session.grade), _statement(session, submission.said)
    transcript = registration_transcript(
        context_of(session),
        grade.value,
        statement.encoded,
        submission.statement_signature,
        submission.upload_sha256,
    )
    check_signature(session.device_key, transcript, submission.signature)
    # X7: the statement has its form, and the device's signature of it is true
    check_statement(statement)
    check_signature(session.device_key, statement.encoded, submission.statement_signature)
    # X8: the enrolment is active and has its claim template
    active(tx, session.enrollment_id)
    template = claim_template(tx, authority, session.enrollment_id)
    if not consumed:
        # Only a session that X10 will let through is worth the work that comes before it.
        next_state(Kind.REGISTRATION, State(session.state), Event.SUBMIT)
    answer = kept_answer(tx, session) if consumed else None
    return Accepted(grade, statement, template_of(template), answer, consumed)


def _statement(session: SessionRow, said: Said) -> RegistrationStatement:
    return RegistrationStatement(
        session.service_key, session.enrollment_id, session.device_key, *astuple(said)
    )


async def _answer_code(
    service: Service, write: Write, submission: Submission, accepted: Accepted, code: bytes
) -> list[MaskedSum]:
    template, statement = accepted.template, accepted.statement
    if not accepted.consumed:
        # X9: the upload is an encrypted code that passes W1–W3; the photo has the enrolled size,
        # or there could be no code of it
        if (statement.height, statement.width) != (template.height, template.width):
            message = "the photo is not of the enrolled size: register it as it left the camera"
            raise Refused(Reason.PHOTO_REFUSED, message)
        await service.workers.run(photo_deadline(), check_code, template.profile, code)
        # X10: BEGUN → SUBMITTED
        await service.transact(NO_DEADLINE, consume, write, submission.session_id)
    # X11: one masked sum of the comparison
    answer = await service.workers.run(photo_deadline(), answer_registered, template, code)
    facts = as_json(RegistrationFacts.of(statement, submission.statement_signature, None))
    return await service.transact(
        NO_DEADLINE, keep_answer, submission.session_id, answer, work=facts
    )


async def _answer_photo(
    service: Service, write: Write, submission: Submission, accepted: Accepted, photo: bytes
) -> list[MaskedSum]:
    template, statement = accepted.template, accepted.statement
    # X9: the upload is a photo of the enrolled size, and its hashes are those of the statement
    identity, probe = await looking(service, cut_registered, frame_of(template), photo)
    _check_identity(identity, statement)
    if not accepted.consumed:
        # X10: BEGUN → SUBMITTED
        await service.transact(NO_DEADLINE, consume, write, submission.session_id)
    # X11: K masked sums of the public probe
    answer = await service.workers.run(photo_deadline(), answer_photo, template, probe)
    facts = as_json(RegistrationFacts.of(statement, submission.statement_signature, probe))
    return await service.transact(
        NO_DEADLINE, keep_answer, submission.session_id, answer, work=facts
    )


def _check_identity(identity: PhotoIdentity, statement: RegistrationStatement) -> None:
    for name, value in vars(identity).items():
        if getattr(statement, name) != value:
            what = name.replace("_", " ")
            message = f"the statement's {what} is not that of the photo: make it from this photo"
            raise Refused(Reason.PHOTO_REFUSED, message)
