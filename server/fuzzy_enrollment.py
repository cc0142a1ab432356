"""Enrolment by the fuzzy extractor: helper data and a public key (docs/PROTOCOL.md).

begin is `enrollment.begin`. enrol: the device shows that it has the key, and both are stored. The
service cannot look into helper data, and has no use for what is in it: it only gives it back.
"""

import math
from dataclasses import dataclass

from grainseal.crypto.camera_key import helper_hash, key_enrollment_transcript
from grainseal.crypto.entries import MAX_SIDE, KeyEnrollmentEntry
from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.helper_data import helper_data_size, profile_of
from grainseal.crypto.profiles import fuzzy_profile_named
from grainseal.models.codes import CodeError, code_for, require_frame
from grainseal.models.photo import MAX_PIXELS

from . import log
from .authority import Authority, check_signature
from .device_keys import require_usable_key
from .enrollment import enrolled_row
from .exchange import end
from .idempotency import Write, reference_of, remember
from .session import Event, Kind, State, check_in_time, check_known, context_of, next_state
from .standing import unknown
from .store.store import Transaction
from .store.tables import CameraKeyRow, EnrollmentRow
from .warrants import use_warrant


@dataclass(frozen=True)
class CameraKey:
    """What a device enrols: helper data for photos of a (height, width), and a public key."""

    frame: tuple[int, int]
    helper_data: bytes
    public_key: bytes


def enrol(
    tx: Transaction,
    authority: Authority,
    write: Write,
    session_id: str,
    submitted: CameraKey,
    camera_key_signature: bytes,
    signature: bytes,
) -> EnrollmentRow:
    """EnrollKey: one transaction; the new enrolment."""
    # Q2: the session exists, is of this kind and BEGUN
    session = check_known(tx.sessions.find(session_id), Kind.KEY_ENROLLMENT)
    if reference_of(tx, write) is not None:
        return _found(tx, session.enrollment_id)
    next_state(Kind.KEY_ENROLLMENT, State(session.state), Event.FINISH)
    # Q3: it has not expired
    now = authority.clock()
    check_in_time(session, now)
    # Q4: the device key's signature of the key-enrollment transcript is true
    transcript = key_enrollment_transcript(
        context_of(session), submitted.frame, submitted.helper_data, submitted.public_key
    )
    check_signature(session.device_key, transcript, signature)
    # Q5: the camera key is a usable Ed25519 key, and its signature of the transcript is true
    require_usable_key(submitted.public_key)
    check_signature(submitted.public_key, transcript, camera_key_signature)
    # Q6
    check_helper_data(session.profile, submitted)
    # Q7: BEGUN → DECIDED, and all that follows from it
    end(tx, session, accepted=True)
    use_warrant(tx, session)
    enrollment = enrolled_row(session, now)
    tx.enrollments.add(
        enrollment,
        CameraKeyRow(
            enrollment_id=enrollment.enrollment_id,
            public_key=submitted.public_key,
            helper_data=submitted.helper_data,
        ),
    )
    log.append_entry(tx, authority, enrollment.enrollment_id, _entry(enrollment, submitted))
    remember(tx, write, session_id, now)
    return enrollment


def check_helper_data(profile_name: str, submitted: CameraKey) -> None:
    """Q6: helper data of the profile, as long as its frame makes it; else `MalformedMessage`."""
    profile, spec = fuzzy_profile_named(profile_name), code_for(profile_name)
    if math.prod(submitted.frame) > MAX_PIXELS or max(submitted.frame) > MAX_SIDE:
        raise MalformedMessage(f"a frame has at most {MAX_PIXELS} pixels, {MAX_SIDE} a side")
    try:
        require_frame(submitted.frame, spec)
    except CodeError as error:
        raise MalformedMessage(str(error)) from None
    size = helper_data_size(profile, spec.feature_count(submitted.frame))
    if len(submitted.helper_data) != size:
        message = f"helper data of {profile_name} has {size} bytes for this frame"
        raise MalformedMessage(f"{message}, not {len(submitted.helper_data)}")
    if profile_of(submitted.helper_data) != profile:
        raise MalformedMessage("the helper data is of another profile than the session")


def _found(tx: Transaction, enrollment_id: str) -> EnrollmentRow:
    enrollment = tx.enrollments.find(enrollment_id)
    if enrollment is None:
        raise unknown()
    return enrollment


def _entry(enrollment: EnrollmentRow, submitted: CameraKey) -> KeyEnrollmentEntry:
    return KeyEnrollmentEntry(
        enrollment_id=enrollment.enrollment_id,
        subject=enrollment.subject,
        issuer=enrollment.issuer,
        profile=enrollment.profile,
        device_key=enrollment.device_key,
        helper_sha256=helper_hash(submitted.helper_data),
        camera_key=submitted.public_key,
        created_at=enrollment.created_at,
    )
