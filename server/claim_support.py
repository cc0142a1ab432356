"""What registrations and claims have in common: the enrolled template, the upload, the photos.

The whole submit runs by itself once the device has asked for it: looking at photos takes longer
than some clients wait, and one that asks again gets what the first call worked for.
"""

import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import ParamSpec, TypeVar

from grainseal.crypto.masking import PublicKeys

from .authority import Authority
from .claim_upload import ClaimUpload
from .errors import Reason, Refused
from .photo_work import Frame, PhotoUnusable
from .service import NO_DEADLINE, Service
from .session import Kind, State, check_in_time, check_known, used
from .store.store import Transaction
from .store.tables import ClaimTemplateRow

P = ParamSpec("P")
T = TypeVar("T")

# Two photos of 60 Mpx take a slow core two minutes; a session lives for five.
PHOTO_SECONDS = 240.0


def claim_template(
    tx: Transaction, authority: Authority, enrollment_id: str, *, lock: bool = False
) -> ClaimTemplateRow:
    """X1, Y1, X8, Y5: the claim template, of a profile that this service takes."""
    row = tx.claim_templates.find(enrollment_id, lock=lock)
    if row is None:
        message = "the enrolment has no claim template: renew it with one"
        raise Refused(Reason.CLAIMS_UNKNOWN, message)
    authority.claim_profile(row.profile)
    return row


def check_scores(authority: Authority, row: ClaimTemplateRow, more: int) -> None:
    """X3, Y8: with so many more, not too many scores were told for the claim template."""
    most = authority.claim_profile(row.profile).max_scores
    if row.scores_told + more > most:
        message = f"{row.scores_told} of {most} scores were told for this claim template: renew it"
        raise Refused(Reason.SCORES_USED_UP, message)


def count_scores(tx: Transaction, authority: Authority, enrollment_id: str, told: int) -> None:
    """X18, Y17: so many more scores were told. Checked again, for other sessions told theirs."""
    if told:
        check_scores(authority, claim_template(tx, authority, enrollment_id, lock=True), told)
        tx.claim_templates.count_scores(enrollment_id, told)


def template_of(row: ClaimTemplateRow) -> ClaimUpload:
    """What workers compare with."""
    return ClaimUpload(
        profile=row.profile,
        height=row.height,
        width=row.width,
        seed=row.seed,
        code=row.code,
        keys=PublicKeys(row.relin_key, row.zero_key),
        positions=row.positions,
        commitment_sha256=row.commitment_sha256 or b"",
    )


def frame_of(template: ClaimUpload) -> Frame:
    """What workers cut probes by."""
    return Frame(
        template.profile, template.height, template.width, template.seed, template.positions
    )


def uploaded(tx: Transaction, authority: Authority, session_id: str, kind: Kind) -> bytes:
    """What an open session has uploaded."""
    open_session(tx, authority, session_id, kind)
    return tx.uploads.content(session_id)


def open_session(tx: Transaction, authority: Authority, session_id: str, kind: Kind) -> None:
    """X4, X5, Y2, Y3: the session exists, has not expired and is not decided."""
    # X4, Y2: the session exists and is of this kind
    session = check_known(tx.sessions.find(session_id), kind)
    # X5, Y3: it has not expired
    check_in_time(session, authority.clock())
    if session.state == State.DECIDED:  # its upload is gone
        raise used()


def drop_upload(tx: Transaction, _authority: Authority, session_id: str) -> None:
    """Forget a session's photos that cannot be used: to be looked at again, they are sent again."""
    tx.uploads.delete(session_id)


def sha256(data: bytes) -> bytes:
    """The hash of an upload; call it off the event loop and off the store's thread."""
    return hashlib.sha256(data).digest()


async def looking(service: Service, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Result of a worker's look at photos; `Refused` (PHOTO_REFUSED) if they cannot be used."""
    try:
        return await service.workers.run(photo_deadline(), work, *args, **kwargs)
    except PhotoUnusable as error:
        raise Refused(Reason.PHOTO_REFUSED, str(error)) from None


@asynccontextmanager
async def once(service: Service, session_id: str) -> AsyncIterator[None]:
    """Photos that are refused are gone: nobody has the same ones looked at again and again."""
    try:
        yield
    except Refused as refused:
        if refused.reason is Reason.PHOTO_REFUSED:
            await service.transact(NO_DEADLINE, drop_upload, session_id)
        raise


def photo_deadline() -> float:
    """Until when work on photos that began now is worth waiting for, by `time.monotonic`."""
    return time.monotonic() + PHOTO_SECONDS
