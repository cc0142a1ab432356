"""A device as small as can be: random codes instead of photos, the stubs instead of the SDK.

Every step of a ceremony is a method of its own that a test can call, leave out or override.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import grpc
import numpy as np
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from numpy.typing import NDArray
from tests.server.claims import ClaimMaterial, EncryptedClaims

from grainseal.crypto.masking import MaskedSum, PublicKeys
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import TESTING, Profile
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import (
    SessionContext,
    opening_transcript,
    probe_transcript,
    request_transcript,
    template_transcript,
    upload_transcript,
)
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as rpc

Code = NDArray[np.int8]
TIMEOUT = 60.0  # seconds per call
PIECE = 786_432  # bytes of an upload in one message


def new_key() -> bytes:
    """An idempotency key."""
    return os.urandom(16)


def reason_of(error: grpc.RpcError) -> str:
    """`ErrorInfo.reason` of a refusal."""
    info = _detail(error, error_details_pb2.ErrorInfo())
    assert info.domain == "grainseal"
    return info.reason


def retry_after(error: grpc.RpcError) -> int:
    """Seconds of a refusal's `RetryInfo`."""
    return _detail(error, error_details_pb2.RetryInfo()).retry_delay.seconds


def refused(reason: str, call, *arguments, **named) -> grpc.RpcError:
    """Make a call that must be refused for that reason; the error."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **named)
    assert reason_of(caught.value) == reason
    return caught.value


def _detail(error, message):
    status = rpc_status.from_call(error)
    assert status is not None, error
    assert next(d for d in status.details if d.Is(message.DESCRIPTOR)).Unpack(message)
    return message


def random_code(rng: np.random.Generator, profile: Profile = TESTING) -> Code:
    """A code of a camera that nobody else has."""
    return rng.choice(np.array([-1, 1], np.int8), profile.length)


def noisy(code: Code, rng: np.random.Generator, flipped: float = 0.35) -> Code:
    """What the same camera gives another time: a share of the symbols turned over."""
    return np.where(rng.random(code.size) < flipped, -code, code).astype(np.int8)


def context_of(session: pb.Session) -> SessionContext:
    """What the session's transcripts begin with."""
    return SessionContext(
        session.nonce,
        session.service_key,
        session.audience,
        session.enrollment_id,
        session.subject,
        session.purpose,
        session.profile,
        session.expires_at,
    )


@dataclass(frozen=True)
class Connection:
    """A TLS channel to a server and its stubs."""

    channel: grpc.Channel
    enrollment: rpc.EnrollmentServiceStub
    authentication: rpc.AuthenticationServiceStub
    log: rpc.LogServiceStub
    copyright: rpc.CopyrightServiceStub

    @classmethod
    def to(cls, address: str, ca_file: Path) -> "Connection":
        credentials = grpc.ssl_channel_credentials(Path(ca_file).read_bytes())
        # Channels with equal options share a connection; each device has its own.
        options = [
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.max_receive_message_length", 4 << 20),
        ]
        channel = grpc.secure_channel(address, credentials, options)
        return cls(
            channel,
            rpc.EnrollmentServiceStub(channel),
            rpc.AuthenticationServiceStub(channel),
            rpc.LogServiceStub(channel),
            rpc.CopyrightServiceStub(channel),
        )

    def close(self) -> None:
        self.channel.close()


class TestDevice:
    """One phone with one camera. `code`: what the camera gave at enrolment.

    `claims`: what it makes a claim template from, if it is to enrol with one.
    """

    __test__ = False

    def __init__(self, connection: Connection, code: Code, profile: Profile = TESTING) -> None:
        self.connection, self.code, self.profile = connection, code, profile
        self.signing = SigningKey()
        self.homomorphic = HomomorphicKey(profile)
        self.enrollment_id = ""
        self.claims: ClaimMaterial | None = None

    # What a test may override ------------------------------------------------------------------

    def encrypt(self, code: Code) -> bytes:
        return self.homomorphic.encrypt(code)

    def public_keys(self) -> PublicKeys:
        return self.homomorphic.public_keys()

    def open(self, sums: list[MaskedSum]) -> list[int]:
        return self.homomorphic.open(sums)

    def encrypt_claims(self) -> EncryptedClaims:
        return self.claims.encrypted()

    def open_claims(self, sums: list[MaskedSum]) -> list[int]:
        return self.claims.homomorphic.open(sums, count=len(sums))

    def open_templates(self, sums: list[MaskedSum]) -> list[int]:
        """What an enrolment is answered: sums of the template, then of the claim template."""
        if self.claims is None:
            return self.open(sums)
        own = self.profile.openings
        return [*self.open(sums[:own]), *self.open_claims(sums[own:])]

    def sign(self, transcript: bytes) -> bytes:
        return self.signing.sign(transcript)

    # Enrolment ---------------------------------------------------------------------------------

    def begin_enrollment(self, ticket="", renewal_token="", key=b"", **changes) -> pb.Session:
        warrant = {"renewal_token": renewal_token} if renewal_token else {"ticket": ticket}
        request = pb.BeginEnrollmentRequest(
            **{
                "profile": self.profile.name,
                "device_key": self.signing.public,
                "idempotency_key": key or new_key(),
                **warrant,
                **({} if self.claims is None else {"claims": self.claims.parameters}),
                **changes,
            }
        )
        return self.connection.enrollment.BeginEnrollment(request, timeout=TIMEOUT)

    def upload_request(self, session: pb.Session, offset: int, data: bytes) -> pb.UploadChunk:
        return pb.UploadChunk(
            session_id=session.session_id,
            offset=offset,
            data=data,
            signature=self.sign(upload_transcript(context_of(session), offset, data)),
        )

    def upload(self, session: pb.Session, offset: int, data: bytes) -> int:
        request = self.upload_request(session, offset, data)
        return self.connection.copyright.Upload(request, timeout=TIMEOUT).received

    def upload_all(self, session: pb.Session, content: bytes) -> None:
        for offset in range(0, len(content), PIECE):
            self.upload(session, offset, content[offset : offset + PIECE])

    def template_request(
        self, session: pb.Session, key=b"", claims_sha256=b""
    ) -> pb.SubmitTemplateRequest:
        template, keys = self.encrypt(self.code), self.public_keys()
        transcript = template_transcript(context_of(session), template, keys, claims_sha256)
        return pb.SubmitTemplateRequest(
            session_id=session.session_id,
            template=template,
            relin_key=keys.relin_key,
            zero_key=keys.zero_key,
            signature=self.sign(transcript),
            idempotency_key=key or new_key(),
        )

    def submit_template(self, request: pb.SubmitTemplateRequest) -> list[MaskedSum]:
        return _sums(self.connection.enrollment.SubmitTemplate(request, timeout=TIMEOUT))

    def finish_enrollment(self, request: pb.Opening) -> pb.Enrollment:
        return self.connection.enrollment.FinishEnrollment(request, timeout=TIMEOUT)

    def enroll(self, ticket="", renewal_token="") -> pb.Enrollment:
        session = self.begin_enrollment(ticket, renewal_token)
        sums = self.submit_template(self.whole_request(session))
        enrolled = self.finish_enrollment(self.template_opening(session, sums))
        self.enrollment_id = enrolled.enrollment_id
        return enrolled

    def whole_request(self, session: pb.Session) -> pb.SubmitTemplateRequest:
        """The template's request, once the claim template was uploaded if there is one."""
        if self.claims is None:
            return self.template_request(session)
        claims = self.encrypt_claims()
        self.upload_all(session, claims.blob)
        return self.template_request(session, claims_sha256=claims.sha256)

    def template_opening(self, session: pb.Session, sums: list[MaskedSum], key=b"") -> pb.Opening:
        return self.opening(session, sums, self.open_templates(sums), key)

    def renewal_token(self) -> str:
        """What the enrolled camera earns by an authentication of purpose renew."""
        probe = noisy(self.code, np.random.default_rng())
        return self.authenticate(probe, "grainseal", "renew").token

    def renew(self, code: Code) -> pb.Enrollment:
        """Enrol anew: `code` is what the same camera gives under a new code key."""
        token = self.renewal_token()
        self.code, self.homomorphic = code, HomomorphicKey(self.profile)
        if self.claims is not None:
            self.claims.homomorphic = HomomorphicKey(self.claims.profile)
        return self.enroll(renewal_token=token)

    # Authentication ----------------------------------------------------------------------------

    def begin(self, audience: str, purpose="authenticate", key=b"") -> pb.Session:
        request = pb.BeginAuthenticationRequest(
            enrollment_id=self.enrollment_id,
            audience=audience,
            purpose=purpose,
            idempotency_key=key or new_key(),
        )
        return self.connection.authentication.BeginAuthentication(request, timeout=TIMEOUT)

    def probe_request(self, session: pb.Session, probe: bytes, key=b"") -> pb.SubmitProbeRequest:
        return pb.SubmitProbeRequest(
            session_id=session.session_id,
            probe=probe,
            signature=self.sign(probe_transcript(context_of(session), probe)),
            idempotency_key=key or new_key(),
        )

    def submit_probe(self, request: pb.SubmitProbeRequest) -> list[MaskedSum]:
        return _sums(self.connection.authentication.SubmitProbe(request, timeout=TIMEOUT))

    def opening(
        self, session: pb.Session, sums: list[MaskedSum], opened=None, key=b""
    ) -> pb.Opening:
        opened = self.open(sums) if opened is None else opened
        return pb.Opening(
            session_id=session.session_id,
            opened=opened,
            signature=self.sign(opening_transcript(context_of(session), sums, opened)),
            idempotency_key=key or new_key(),
        )

    def finish(self, request: pb.Opening) -> pb.AuthenticationDecision:
        return self.connection.authentication.FinishAuthentication(request, timeout=TIMEOUT)

    def authenticate(
        self, code: Code, audience: str, purpose="authenticate"
    ) -> pb.AuthenticationDecision:
        session = self.begin(audience, purpose)
        sums = self.submit_probe(self.probe_request(session, self.encrypt(code)))
        return self.finish(self.opening(session, sums))

    # Requests ----------------------------------------------------------------------------------

    def begin_request(self, purpose: str, enrollment_id="", key=b"") -> pb.Session:
        request = pb.BeginRequestRequest(
            enrollment_id=enrollment_id or self.enrollment_id,
            purpose=purpose,
            idempotency_key=key or new_key(),
        )
        return self.connection.enrollment.BeginRequest(request, timeout=TIMEOUT)

    def signed_request(self, session: pb.Session, key=b"") -> pb.SignedRequest:
        return pb.SignedRequest(
            session_id=session.session_id,
            signature=self.sign(request_transcript(context_of(session))),
            idempotency_key=key or new_key(),
        )

    def list_enrollments(self) -> list[pb.Enrollment]:
        request = self.signed_request(self.begin_request("list"))
        answer = self.connection.enrollment.ListEnrollments(request, timeout=TIMEOUT)
        return list(answer.enrollments)

    def revoke(self, enrollment_id="") -> pb.Enrollment:
        request = self.signed_request(self.begin_request("revoke", enrollment_id))
        return self.connection.enrollment.RevokeEnrollment(request, timeout=TIMEOUT)

    def receipt(self, enrollment_id="") -> pb.Receipt:
        request = self.signed_request(self.begin_request("receipt", enrollment_id))
        return self.connection.enrollment.GetReceipt(request, timeout=TIMEOUT)


class Backend:
    """A relying party's server. `name`: its audience."""

    def __init__(self, connection: Connection, name: str, api_key: str) -> None:
        self.connection, self.name = connection, name
        self._metadata = (("authorization", f"Bearer {api_key}"),)

    def ticket(self, subject: str, key=b"") -> str:
        request = pb.IssueTicketRequest(subject=subject, idempotency_key=key or new_key())
        stub = self.connection.enrollment
        return stub.IssueTicket(request, timeout=TIMEOUT, metadata=self._metadata).ticket

    def verify(self, token: str, key=b"") -> pb.VerifiedDecision:
        request = pb.VerifyDecisionRequest(token=token, idempotency_key=key or new_key())
        stub = self.connection.authentication
        return stub.VerifyDecision(request, timeout=TIMEOUT, metadata=self._metadata)


def _sums(message: pb.MaskedSums) -> list[MaskedSum]:
    return [MaskedSum(each.c1, each.c0) for each in message.sums]
