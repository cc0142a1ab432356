"""A device that enrols by the fuzzy extractor: random codes instead of photos, as small as can be.

Every step is a method of its own that a test can call, leave out or override.
"""

import os

import numpy as np
from numpy.typing import NDArray
from tests.server.device import TIMEOUT, Code, Connection, TestDevice, context_of, new_key

from grainseal.crypto import camera_key as transcripts
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.fuzzy_extractor import generate, reproduce
from grainseal.crypto.helper_data import HelperData, device_secret_of
from grainseal.crypto.profiles import FUZZY_TESTING, FuzzyProfile
from grainseal.crypto.signing import SigningKey
from grainseal.proto.v1 import grainseal_pb2 as pb

FRAME = (512, 512)  # of 16,384 features
BITMAP = b"\xff" * 1024 + bytes(1024)
FUZZY = pb.SCHEME_FUZZY_EXTRACTOR
Soft = NDArray[np.float64]


def reading(code: Code, rng: np.random.Generator, noise: float = 1.5) -> Soft:
    """What the camera of a code gives another time: each sign with normal noise on it."""
    return code + rng.normal(0, noise, code.size)


class KeyDevice(TestDevice):
    """One phone with one camera. `code`: what the camera gives, before noise."""

    def __init__(
        self, connection: Connection, code: Code, profile: FuzzyProfile = FUZZY_TESTING
    ) -> None:
        self.connection, self.code, self.profile = connection, code, profile
        self.signing = SigningKey()
        self.enrollment_id, self.claims = "", None
        self.make_key()

    @property
    def secret(self) -> bytes:
        return device_secret_of(self.signing.seed)

    def make_key(self) -> None:
        """A new key of the camera, and its helper data."""
        made, helper = generate(self.profile, self.code, self.secret, os.urandom(32), FRAME, BITMAP)
        self.key = transcripts.camera_key_of(self.profile, made)
        self.helper_data = helper.to_bytes(self.secret)

    # Enrolment ---------------------------------------------------------------------------------

    def begin_enrollment(self, ticket="", renewal_token="", key=b"", **changes) -> pb.Session:
        return super().begin_enrollment(ticket, renewal_token, key, **{"scheme": FUZZY, **changes})

    def key_request(self, session: pb.Session, key=b"", signer=None, **changes):
        """`signer`: who signs in the camera key's place; `changes`: to what is signed and sent."""
        said = {
            "height": FRAME[0],
            "width": FRAME[1],
            "helper_data": self.helper_data,
            "camera_key": self.key.public,
            **changes,
        }
        transcript = transcripts.key_enrollment_transcript(
            context_of(session),
            (said["height"], said["width"]),
            said["helper_data"],
            said["camera_key"],
        )
        return pb.EnrollKeyRequest(
            session_id=session.session_id,
            camera_key_signature=(signer or self.key).sign(transcript),
            signature=self.sign(transcript),
            idempotency_key=key or new_key(),
            **said,
        )

    def enroll_key(self, request: pb.EnrollKeyRequest) -> pb.Enrollment:
        return self.connection.enrollment.EnrollKey(request, timeout=TIMEOUT)

    def enroll(self, ticket="", renewal_token="") -> pb.Enrollment:
        session = self.begin_enrollment(ticket, renewal_token)
        enrolled = self.enroll_key(self.key_request(session))
        self.enrollment_id = enrolled.enrollment_id
        return enrolled

    def renewal_token(self) -> str:
        soft = reading(self.code, np.random.default_rng())
        return self.authenticate(soft, "grainseal", "renew").token

    def renew(self, code: Code | None = None) -> pb.Enrollment:
        token = self.renewal_token()
        self.make_key()
        return self.enroll(renewal_token=token)

    # Authentication ----------------------------------------------------------------------------

    def fetch_request(self, session: pb.Session) -> pb.FetchHelperDataRequest:
        transcript = transcripts.fetch_transcript(context_of(session))
        return pb.FetchHelperDataRequest(
            session_id=session.session_id, signature=self.sign(transcript)
        )

    def fetch(self, session: pb.Session) -> bytes:
        stub = self.connection.authentication
        return stub.FetchHelperData(self.fetch_request(session), timeout=TIMEOUT).helper_data

    def reproduced(self, helper_data: bytes, soft: Soft) -> SigningKey | None:
        """The camera key, or None if the reading does not give it."""
        helper = HelperData.from_bytes(helper_data, self.secret)
        try:
            key = reproduce(helper, soft, self.secret)
        except VerificationFailed:
            return None
        return transcripts.camera_key_of(self.profile, key)

    def proof(self, session: pb.Session, key: SigningKey | None) -> bytes:
        helper_sha256 = transcripts.helper_hash(self.helper_data)
        transcript = transcripts.proof_transcript(context_of(session), helper_sha256)
        return b"" if key is None else key.sign(transcript)

    def answer_request(self, session: pb.Session, proof: bytes, key=b"") -> pb.KeyAnswer:
        helper_sha256 = transcripts.helper_hash(self.helper_data)
        transcript = transcripts.answer_transcript(context_of(session), helper_sha256, proof)
        return pb.KeyAnswer(
            session_id=session.session_id,
            proof=proof,
            signature=self.sign(transcript),
            idempotency_key=key or new_key(),
        )

    def answer(self, request: pb.KeyAnswer) -> pb.AuthenticationDecision:
        return self.connection.authentication.AnswerWithKey(request, timeout=TIMEOUT)

    def authenticate(
        self, soft: Soft, audience: str, purpose="authenticate"
    ) -> pb.AuthenticationDecision:
        session = self.begin(audience, purpose)
        key = self.reproduced(self.fetch(session), soft)
        return self.answer(self.answer_request(session, self.proof(session, key)))
