"""The transport against a gRPC server on this machine that fails on purpose."""

import datetime
import ipaddress
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from grainseal.client.errors import ClientError, ServiceError
from grainseal.client.transport import RETRY_DELAYS, Transport
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as services


class Troubled(services.AuthenticationServiceServicer):
    """Answers as the enrolment id says, and keeps what it was sent."""

    def __init__(self) -> None:
        self.received: list[pb.BeginAuthenticationRequest] = []
        self.metadata: dict[str, str] = {}

    def BeginAuthentication(self, request, context):  # noqa: N802
        self.received.append(request)
        wanted = request.enrollment_id
        if wanted.startswith("unavailable") and len(self.received) <= int(wanted.split()[1]):
            context.abort(grpc.StatusCode.UNAVAILABLE, "busy")
        if wanted == "locked":
            context.abort_with_status(rpc_status.to_status(locked()))
        if wanted == "bare":
            context.abort(grpc.StatusCode.NOT_FOUND, "nothing here")
        if wanted == "slow":
            time.sleep(1)
        return pb.Session(session_id="s")

    def VerifyDecision(self, request, context):  # noqa: N802
        self.metadata = dict(context.invocation_metadata())
        return pb.VerifiedDecision()


def locked() -> status_pb2.Status:
    info, retry = any_pb2.Any(), any_pb2.Any()
    info.Pack(error_details_pb2.ErrorInfo(reason="LOCKED", domain="grainseal"))
    retry.Pack(error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=30)))
    code = grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    return status_pb2.Status(code=code, message="wait", details=[info, retry])


def certificate() -> tuple[bytes, bytes]:
    """Private key and self-signed certificate for 127.0.0.1, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoded = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return encoded, made.public_bytes(serialization.Encoding.PEM)


class Running:
    def __init__(self, folder: Path) -> None:
        self.servicer = Troubled()
        self._server = grpc.server(ThreadPoolExecutor(2))
        services.add_AuthenticationServiceServicer_to_server(self.servicer, self._server)
        key, cert = certificate()
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(cert)
        credentials = grpc.ssl_server_credentials([(key, cert)])
        port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self.address = f"127.0.0.1:{port}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    server = Running(tmp_path)
    yield server
    server.stop()


def ask(running: Running, what: str, slept: list[float] | None = None) -> pb.Session:
    waits = slept if slept is not None else []
    request = pb.BeginAuthenticationRequest(enrollment_id=what, idempotency_key=b"k" * 16)
    with Transport(running.address, running.ca, sleep=waits.append) as transport:
        return transport.begin_authentication(request)


def test_unavailable_is_tried_again_with_the_same_key(running: Running) -> None:
    slept: list[float] = []
    assert ask(running, "unavailable 2", slept).session_id == "s"
    assert slept == list(RETRY_DELAYS[:2])
    assert len(running.servicer.received) == 3
    assert {each.idempotency_key for each in running.servicer.received} == {b"k" * 16}


def test_it_gives_up_in_the_end(running: Running) -> None:
    slept: list[float] = []
    with pytest.raises(ServiceError, match="busy") as caught:
        ask(running, "unavailable 99", slept)
    assert caught.value.reason == "UNAVAILABLE"
    assert slept == list(RETRY_DELAYS)


def test_rich_errors(running: Running) -> None:
    with pytest.raises(ServiceError, match="wait") as caught:
        ask(running, "locked")
    assert (caught.value.reason, caught.value.retry_after) == ("LOCKED", 30)
    assert len(running.servicer.received) == 1


def test_errors_without_details(running: Running) -> None:
    with pytest.raises(ServiceError, match="nothing here") as caught:
        ask(running, "bare")
    assert (caught.value.reason, caught.value.retry_after) == ("NOT_FOUND", None)


def test_bytes_sent_are_those_of_the_messages(running: Running) -> None:
    request = pb.BeginAuthenticationRequest(enrollment_id="x" * 1000, idempotency_key=b"k" * 16)
    with Transport(running.address, running.ca) as transport:
        transport.begin_authentication(request)
        assert transport.sent == request.ByteSize()


def test_an_api_key_travels_as_bearer(running: Running) -> None:
    with Transport(running.address, running.ca, api_key="secret") as transport:
        transport.verify_decision(pb.VerifyDecisionRequest(token="t"))
    assert running.servicer.metadata["authorization"] == "Bearer secret"


def test_nobody_there(running: Running) -> None:
    running.stop()
    with pytest.raises(ServiceError, match=f"cannot reach {running.address}"):
        ask(running, "x")


def test_another_authority(running: Running) -> None:
    running.ca.write_bytes(certificate()[1])
    with pytest.raises(ServiceError, match="is it the right service") as caught:
        ask(running, "x")
    assert caught.value.reason == "UNAVAILABLE"
    assert running.servicer.received == []


def test_ca_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="cannot read the CA file"):
        Transport("127.0.0.1:1", tmp_path / "none.pem")
    for content in (b"", b"rubbish", b"-----BEGIN CERTIFICATE-----\nAAAA\n"):
        (tmp_path / "bad.pem").write_bytes(content)
        with pytest.raises(ClientError, match="no PEM certificate"):
            Transport("127.0.0.1:1", tmp_path / "bad.pem")


def test_no_answer_in_time(running: Running) -> None:
    request = pb.BeginAuthenticationRequest(enrollment_id="slow")
    with (
        Transport(running.address, running.ca, timeout=0.2) as transport,
        pytest.raises(ServiceError, match="no answer") as caught,
    ):
        transport.begin_authentication(request)
    assert caught.value.reason == "DEADLINE_EXCEEDED"
