"""Enrolment and authentication by the fuzzy extractor, pure: what to submit, ask for, answer.

docs/PROTOCOL.md, "By key". Enrolment: `begin_*` of `enrolling` → service → `submit` → service.
Authentication: `authenticating.begin` → service → `fetch` → service → `reproduced` → `answer` →
service → `authenticating.checked_token`.
"""

from dataclasses import dataclass, field

from grainseal.crypto.camera_key import (
    answer_transcript,
    camera_key_of,
    fetch_transcript,
    helper_hash,
    key_enrollment_transcript,
    proof_transcript,
)
from grainseal.crypto.helper_data import HelperData, device_secret_of
from grainseal.crypto.profiles import FuzzyProfile
from grainseal.crypto.signing import SigningKey
from grainseal.models.fingerprint import Fingerprint
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import CameraNotRecognised, UntrustedService
from .key_coding import new_key, same_key
from .key_file import KeyBurst
from .sessions import Expected, checked_session, context_of
from .vault_state import PendingEnrollment, StoredEnrollment


@dataclass(frozen=True)
class NewCameraKey:
    """A camera key with the helper data that gives it back, for photos of a (height, width).

    `signing` is forgotten with the call: what is kept of it is public. `marks`: of the photos,
    which must make no other key.
    """

    frame: tuple[int, int]
    helper_data: bytes = field(repr=False)
    signing: SigningKey = field(repr=False)
    marks: tuple[bytes, ...] = ()


def new_camera_key(burst: KeyBurst, profile: FuzzyProfile, device: SigningKey) -> NewCameraKey:
    """A new key of the camera; `PhotosRefused` for photos of the wrong kind or size."""
    secret = device_secret_of(device.seed)
    made = new_key(burst.fingerprint, profile, secret)
    helper_data, signing = made.helper.to_bytes(secret), camera_key_of(profile, made.key)
    return NewCameraKey(burst.fingerprint.shape, helper_data, signing, burst.marks)


def submit(
    session: pb.Session,
    expected: Expected,
    made: NewCameraKey,
    device: SigningKey,
    idempotency_key: bytes,
    now: float,
) -> PendingEnrollment:
    """What to keep before the only request is sent, that request included; checks C1–C4."""
    context = checked_session(session, expected, now)
    public = made.signing.public
    transcript = key_enrollment_transcript(context, made.frame, made.helper_data, public)
    height, width = made.frame
    request = pb.EnrollKeyRequest(
        session_id=session.session_id,
        height=height,
        width=width,
        helper_data=made.helper_data,
        camera_key=public,
        camera_key_signature=made.signing.sign(transcript),
        signature=device.sign(transcript),
        idempotency_key=idempotency_key,
    )
    enrollment = StoredEnrollment(
        enrollment_id=session.enrollment_id,
        subject=session.subject,
        profile=session.profile,
        frame=made.frame,
        openings=0,
        service_key=session.service_key,
        positions=b"",
        code_key=b"",
        homomorphic_secret=b"",
        helper_sha256=helper_hash(made.helper_data),
        camera_key=public,
    )
    return PendingEnrollment(enrollment, request.SerializeToString())


def fetch(
    session: pb.Session, expected: Expected, device: SigningKey, now: float
) -> pb.FetchHelperDataRequest:
    """The request for the enrolment's helper data, after the checks C1–C4."""
    transcript = fetch_transcript(checked_session(session, expected, now))
    return pb.FetchHelperDataRequest(
        session_id=session.session_id, signature=device.sign(transcript)
    )


def reproduced(
    said: pb.HelperData,
    fingerprint: Fingerprint,
    enrolled: StoredEnrollment,
    device: SigningKey,
) -> SigningKey | None:
    """The camera key, or None if these photos do not give it.

    `UntrustedService` for other helper data than was enrolled, `PhotosRefused` for photos of the
    wrong kind or size; neither is answered, so neither is an attempt.
    """
    # Q18: the helper data is what the vault remembers
    if helper_hash(said.helper_data) != enrolled.helper_sha256:
        raise UntrustedService("the service sent other helper data than was enrolled")
    secret = device_secret_of(device.seed)
    helper = HelperData.from_bytes(said.helper_data, secret)
    try:
        key = same_key(fingerprint, helper, secret)
    except CameraNotRecognised:
        return None
    return camera_key_of(helper.profile, key)


def answer(
    session: pb.Session,
    enrolled: StoredEnrollment,
    key: SigningKey | None,
    device: SigningKey,
    idempotency_key: bytes,
) -> pb.KeyAnswer:
    """The signed answer in a session that `fetch` has checked; without a key an empty proof.

    The service counts that as an attempt, as it counts photos of another camera.
    """
    context, helper_sha256 = context_of(session), enrolled.helper_sha256
    proof = b"" if key is None else key.sign(proof_transcript(context, helper_sha256))
    return pb.KeyAnswer(
        session_id=session.session_id,
        proof=proof,
        signature=device.sign(answer_transcript(context, helper_sha256, proof)),
        idempotency_key=idempotency_key,
    )
