"""Authentication by the fuzzy extractor: a key that the camera gives again (docs/PROTOCOL.md).

begin is `authentication.begin`. fetch: the device is given its helper data. answer: the camera
key's signature, or none where the photos did not give the key, becomes a decision.
"""

from dataclasses import dataclass

from grainseal.crypto.camera_key import (
    answer_transcript,
    fetch_transcript,
    helper_hash,
    proof_transcript,
)
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.signing import SIGNATURE_BYTES, verify

from .authority import Authority, check_signature
from .decisions import Outcome, decide, told_again
from .errors import Reason, Refused
from .idempotency import Write, reference_of
from .session import Event, Kind, State, check_in_time, check_known, context_of, next_state
from .standing import active, check_not_locked, unknown
from .store.store import Transaction
from .store.tables import CameraKeyRow, SessionRow

KIND = Kind.KEY_AUTHENTICATION


@dataclass(frozen=True)
class Answer:
    """A device's answer: the camera key's signature, 64 bytes or empty, and the device key's."""

    session_id: str
    proof: bytes
    signature: bytes


def fetch(tx: Transaction, authority: Authority, session_id: str, signature: bytes) -> bytes:
    """FetchHelperData: the enrolment's helper data. Changes nothing and may be asked again."""
    now = authority.clock()
    # Q8: the session exists, is of this kind and BEGUN
    # Q9: it has not expired
    session = _awaiting(tx, session_id, now)
    # Q10: the device key's signature of the key-fetch transcript is true
    check_signature(session.device_key, fetch_transcript(context_of(session)), signature)
    # Q11: the enrolment is active and not locked
    check_not_locked(active(tx, session.enrollment_id), now)
    return _enrolled(tx, session.enrollment_id).helper_data


def answer(tx: Transaction, authority: Authority, write: Write, given: Answer) -> Outcome:
    """AnswerWithKey: one transaction, so that the counters see every attempt."""
    if reference_of(tx, write) is not None:
        return told_again(tx, authority, given.session_id, KIND)
    now = authority.clock()
    # Q12: the session exists, is of this kind and BEGUN
    # Q13: it has not expired
    session = _awaiting(tx, given.session_id, now)
    # Q14: the enrolment is active and not locked
    enrollment = active(tx, session.enrollment_id, lock=True)
    check_not_locked(enrollment, now)
    enrolled = _enrolled(tx, session.enrollment_id)
    helper_sha256 = helper_hash(enrolled.helper_data)
    # Q15: the device key's signature of the key-answer transcript is true, and the proof has 64
    # bytes or none; only from here on can an attempt count as a failure
    transcript = answer_transcript(context_of(session), helper_sha256, given.proof)
    check_signature(session.device_key, transcript, given.signature)
    if len(given.proof) not in (0, SIGNATURE_BYTES):
        raise Refused(Reason.MALFORMED, f"a proof has {SIGNATURE_BYTES} bytes, or none")
    # Q16
    accepted = _is_proven(session, enrolled.public_key, helper_sha256, given.proof)
    # Q17
    return decide(tx, authority, write, session, enrollment, accepted, now)


def _is_proven(session: SessionRow, public_key: bytes, helper_sha256: bytes, proof: bytes) -> bool:
    # Q16: the camera key's signature of the key-proof transcript is true
    if not proof:
        return False
    try:
        verify(public_key, proof_transcript(context_of(session), helper_sha256), proof)
    except VerificationFailed:
        return False
    return True


def _awaiting(tx: Transaction, session_id: str, now: float) -> SessionRow:
    session = check_known(tx.sessions.find(session_id), KIND)
    next_state(KIND, State(session.state), Event.FINISH)
    check_in_time(session, now)
    return session


def _enrolled(tx: Transaction, enrollment_id: str) -> CameraKeyRow:
    row = tx.enrollments.camera_key(enrollment_id)
    if row is None:
        raise unknown()
    return row
