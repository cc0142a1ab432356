"""Uploads: what is longer than a message, in pieces, before the submit that it belongs to.

docs/PROTOCOL.md, "Uploads". Pieces are appended only, so what a submit was checked against is what
its finish finds.
"""

from grainseal.crypto.transcript import upload_transcript

from .authority import Authority, check_signature
from .errors import Reason, Refused
from .session import State, check_in_time, context_of, used
from .store.store import Transaction
from .store.tables import SessionRow

MAX_PIECE = 768 * 1024
# An owner uploads one thing at a time, and may have lost the line in a few before.
MAX_UPLOADING = 4
# Of registrations and claims; each photo of a session adds as much to its limit.
MAX_PHOTO = 64 << 20


def put(
    tx: Transaction,
    authority: Authority,
    session_id: str,
    offset: int,
    data: bytes,
    signature: bytes,
) -> int:
    """Upload: keep a piece; how many bytes have arrived."""
    # U1: the session exists, takes an upload, and is BEGUN
    session = tx.sessions.find(session_id)
    if session is None or session.upload_limit is None:
        raise Refused(Reason.SESSION_UNKNOWN, "no such session that takes an upload: begin anew")
    if session.state != State.BEGUN:
        raise used()
    # U2: it has not expired
    now = authority.clock()
    check_in_time(session, now)
    # U3: the device's signature of the upload transcript is true
    transcript = upload_transcript(context_of(session), offset, data)
    check_signature(session.device_key, transcript, signature)
    # U4, U6: the piece is not too long, leaves no gap and does not pass the limit
    received, end = tx.uploads.received(session_id), offset + len(data)
    _check_piece(session.upload_limit, received, offset, data)
    if end <= received:
        return received
    tx.uploads.add(session_id, offset, data)
    # U5: not too many sessions hold uploads
    _check_not_too_many(tx, session, now)
    return end


def _check_piece(limit: int, received: int, offset: int, data: bytes) -> None:
    end = offset + len(data)
    if len(data) > MAX_PIECE:
        raise Refused(Reason.MALFORMED, f"a piece has at most {MAX_PIECE} bytes")
    if offset > received or offset < received < end:
        message = f"{received} bytes have arrived: the next piece begins there"
        raise Refused(Reason.MALFORMED, message)
    if end > limit:
        raise Refused(Reason.MALFORMED, f"this session takes an upload of {limit} bytes at most")


def _check_not_too_many(tx: Transaction, session: SessionRow, now: float) -> None:
    expiries = tx.uploads.expiries_beside(session, now)
    if len(expiries) > MAX_UPLOADING:
        message = f"{MAX_UPLOADING} sessions hold uploads: finish one, or wait until one expires"
        raise Refused(Reason.TOO_MANY_SESSIONS, message, retry_after=expiries[0] - now)
