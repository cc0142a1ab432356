"""The client's only way to the service: gRPC over TLS, retries, rich errors, a count of bytes.

A call that fails with UNAVAILABLE is sent again as it is, idempotency key included, so a write
happens once however often it was sent.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import grpc
from cryptography.x509 import load_pem_x509_certificates
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as services

from .errors import ClientError, ServiceError

Answer = TypeVar("Answer", bound=Message)

TIMEOUT: Final = 30.0  # seconds for one attempt
RETRY_DELAYS: Final = (0.2, 0.6, 1.8)  # seconds before the second, third and fourth attempt
MAX_ANSWER: Final = 4 << 20  # docs/PROTOCOL.md
# What the service needs longer for: it checks a template, or denoises a photo.
_SLOWER: Final = 4


class Transport:
    """A TLS channel to one service; a context manager. `sent` counts bytes of request messages."""

    def __init__(
        self,
        server: str,
        ca: str | Path,
        *,
        api_key: str | None = None,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`server`: HOST:PORT. `ca`: PEM file of the authority that the service's name hangs on."""
        self.sent = 0
        self._server, self._timeout, self._sleep = server, timeout, sleep
        self._metadata = (("authorization", f"Bearer {api_key}"),) if api_key else ()
        credentials = grpc.ssl_channel_credentials(_pem(ca))
        limits = [("grpc.max_receive_message_length", MAX_ANSWER)]
        self._channel = grpc.secure_channel(server, credentials, options=limits)
        self._enrollment = services.EnrollmentServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._log = services.LogServiceStub(self._channel)  # type: ignore[no-untyped-call]
        self._authentication = services.AuthenticationServiceStub(  # type: ignore[no-untyped-call]
            self._channel
        )
        self._copyright = services.CopyrightServiceStub(self._channel)  # type: ignore[no-untyped-call]

    def issue_ticket(self, request: pb.IssueTicketRequest) -> pb.IssueTicketResponse:
        """A ticket for one of a relying party's subjects, with its API key."""
        return self._call(self._enrollment.IssueTicket, request, pb.IssueTicketResponse)

    def begin_enrollment(self, request: pb.BeginEnrollmentRequest) -> pb.Session:
        """B1–B6."""
        return self._call(self._enrollment.BeginEnrollment, request, pb.Session)

    def submit_template(self, request: pb.SubmitTemplateRequest) -> pb.MaskedSums:
        """S1–S7."""
        method = self._enrollment.SubmitTemplate
        return self._call(method, request, pb.MaskedSums, slower=_SLOWER)

    def finish_enrollment(self, request: pb.Opening) -> pb.Enrollment:
        """F1–F6."""
        return self._call(self._enrollment.FinishEnrollment, request, pb.Enrollment)

    def enroll_key(self, request: pb.EnrollKeyRequest) -> pb.Enrollment:
        """Q2–Q7."""
        return self._call(self._enrollment.EnrollKey, request, pb.Enrollment)

    def begin_request(self, request: pb.BeginRequestRequest) -> pb.Session:
        """A session for list, revoke or receipt."""
        return self._call(self._enrollment.BeginRequest, request, pb.Session)

    def list_enrollments(self, request: pb.SignedRequest) -> pb.ListEnrollmentsResponse:
        """All enrolments of the subject."""
        answer = pb.ListEnrollmentsResponse
        return self._call(self._enrollment.ListEnrollments, request, answer)

    def revoke_enrollment(self, request: pb.SignedRequest) -> pb.Enrollment:
        """End an enrolment."""
        return self._call(self._enrollment.RevokeEnrollment, request, pb.Enrollment)

    def get_receipt(self, request: pb.SignedRequest) -> pb.Receipt:
        """A leaf of this device's, opened, and its place in the log."""
        return self._call(self._enrollment.GetReceipt, request, pb.Receipt)

    def get_checkpoint(self) -> pb.Checkpoint:
        """The log's signed state."""
        return self._call(self._log.GetCheckpoint, pb.GetCheckpointRequest(), pb.Checkpoint)

    def get_inclusion_proof(self, request: pb.GetInclusionProofRequest) -> pb.InclusionProof:
        """G1."""
        return self._call(self._log.GetInclusionProof, request, pb.InclusionProof)

    def get_consistency_proof(self, request: pb.GetConsistencyProofRequest) -> pb.ConsistencyProof:
        """G2."""
        return self._call(self._log.GetConsistencyProof, request, pb.ConsistencyProof)

    def begin_authentication(self, request: pb.BeginAuthenticationRequest) -> pb.Session:
        """A1–A3."""
        return self._call(self._authentication.BeginAuthentication, request, pb.Session)

    def submit_probe(self, request: pb.SubmitProbeRequest) -> pb.MaskedSums:
        """P1–P7."""
        return self._call(self._authentication.SubmitProbe, request, pb.MaskedSums)

    def finish_authentication(self, request: pb.Opening) -> pb.AuthenticationDecision:
        """D1–D8."""
        answer = pb.AuthenticationDecision
        return self._call(self._authentication.FinishAuthentication, request, answer)

    def fetch_helper_data(self, request: pb.FetchHelperDataRequest) -> pb.HelperData:
        """Q8–Q11."""
        return self._call(self._authentication.FetchHelperData, request, pb.HelperData)

    def answer_with_key(self, request: pb.KeyAnswer) -> pb.AuthenticationDecision:
        """Q12–Q17."""
        return self._call(self._authentication.AnswerWithKey, request, pb.AuthenticationDecision)

    def upload(self, request: pb.UploadChunk) -> pb.UploadState:
        """U1–U6."""
        return self._call(self._copyright.Upload, request, pb.UploadState)

    def begin_registration(self, request: pb.BeginRegistrationRequest) -> pb.Session:
        """X1–X3."""
        return self._call(self._copyright.BeginRegistration, request, pb.Session)

    def submit_registration(self, request: pb.SubmitRegistrationRequest) -> pb.MaskedSums:
        """X4–X11."""
        method = self._copyright.SubmitRegistration
        return self._call(method, request, pb.MaskedSums, slower=_SLOWER)

    def finish_registration(self, request: pb.Opening) -> pb.Registration:
        """X12–X18."""
        return self._call(self._copyright.FinishRegistration, request, pb.Registration)

    def begin_claim(self, request: pb.BeginClaimRequest) -> pb.Session:
        """Y1."""
        return self._call(self._copyright.BeginClaim, request, pb.Session)

    def submit_claim(self, request: pb.SubmitClaimRequest) -> pb.MaskedSums:
        """Y2–Y10."""
        method = self._copyright.SubmitClaim
        return self._call(method, request, pb.MaskedSums, slower=_SLOWER)

    def finish_claim(self, request: pb.Opening) -> pb.Claim:
        """Y11–Y17."""
        return self._call(self._copyright.FinishClaim, request, pb.Claim)

    def verify_decision(self, request: pb.VerifyDecisionRequest) -> pb.VerifiedDecision:
        """T1–T6, for a relying party with its API key."""
        return self._call(self._authentication.VerifyDecision, request, pb.VerifiedDecision)

    def get_keys(self, request: pb.GetKeysRequest) -> pb.GetKeysResponse:
        """The service's public keys."""
        return self._call(self._authentication.GetKeys, request, pb.GetKeysResponse)

    def close(self) -> None:
        """Hang up."""
        self._channel.close()

    def __enter__(self) -> "Transport":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _call(
        self,
        method: Any,
        request: Message,
        kind: type[Answer],
        delays: Sequence[float] = RETRY_DELAYS,
        slower: int = 1,
    ) -> Answer:
        """Answer of a method, after one attempt more than `delays`; `ServiceError` otherwise.

        `slower`: how many times the usual seconds an attempt may take.
        """
        self.sent += request.ByteSize()
        timeout = slower * self._timeout
        try:
            answer: Answer = method(request, timeout=timeout, metadata=self._metadata)
            return answer
        except grpc.RpcError as error:
            if not delays or error.code() != grpc.StatusCode.UNAVAILABLE:
                raise self._service_error(error, timeout) from None
        self._sleep(delays[0])
        return self._call(method, request, kind, delays[1:], slower)

    def _service_error(self, error: Any, timeout: float) -> ServiceError:
        code, details = error.code(), error.details() or ""
        if code == grpc.StatusCode.UNAVAILABLE and "CERTIFICATE_VERIFY_FAILED" in details:
            message = f"{self._server} has no certificate of the authority in the CA file"
            return ServiceError(code.name, f"{message}: is it the right service, and its CA file?")
        if code == grpc.StatusCode.UNAVAILABLE:
            message = f"cannot reach {self._server} ({details}): is it running there?"
            return ServiceError(code.name, message)
        if code == grpc.StatusCode.DEADLINE_EXCEEDED:
            message = f"{self._server} gave no answer in {timeout:.0f} s: try again"
            return ServiceError(code.name, message)
        reason, retry_after = _rich_details(error)
        return ServiceError(reason or code.name, details or code.name, retry_after)


def _rich_details(error: Any) -> tuple[str, float | None]:
    """Reason and seconds to wait from google.rpc details; ("", None) where there are none."""
    reason, retry_after = "", None
    try:
        status = rpc_status.from_call(error)
    except ValueError:  # details that contradict the status they came with
        return reason, retry_after
    for detail in status.details if status is not None else ():
        info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
        if detail.Unpack(info):
            reason = info.reason
        elif detail.Unpack(retry):
            retry_after = retry.retry_delay.ToTimedelta().total_seconds()
    return reason, retry_after


def _pem(path: str | Path) -> bytes:
    """Certificates of a PEM file, read here because gRPC says nothing useful of a wrong one."""
    try:
        content = Path(path).read_bytes()
        load_pem_x509_certificates(content)
    except OSError as error:
        raise ClientError(f"cannot read the CA file {path}: {error.strerror or error}") from None
    except ValueError:
        raise ClientError(f"{path} has no PEM certificate: name the service's CA file") from None
    return content
