"""Uploads over a line that breaks: nothing is lost, nothing is sent for ever."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from tests.client.test_ceremonies import DEVICE, context, session
from tests.client.test_transport import certificate

from grainseal.client.errors import ServiceError, UntrustedService
from grainseal.client.transport import RETRY_DELAYS, Transport
from grainseal.client.uploading import MAX_LOSSES, PIECE_BYTES, Upload
from grainseal.crypto.signing import verify
from grainseal.crypto.transcript import upload_transcript
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.proto.v1 import grainseal_pb2_grpc as services

DATA = bytes(range(256)) * (2 * PIECE_BYTES // 256) + b"the rest"
ATTEMPTS = 1 + len(RETRY_DELAYS)


class Keeper(services.CopyrightServiceServicer):
    """Keeps pieces as U1–U6 say, and fails as `fails` says for the n-th call."""

    def __init__(self) -> None:
        self.kept = b""
        self.calls: list[pb.UploadChunk] = []
        self.fails: Callable[[int], str] = lambda _: ""
        self.told: Callable[[int], int] = lambda received: received

    def Upload(self, request, context_):  # noqa: N802
        self.calls.append(request)
        failure = self.fails(len(self.calls))
        if failure == "before":
            context_.abort(grpc.StatusCode.UNAVAILABLE, "down")
        if failure == "refused":
            context_.abort(grpc.StatusCode.FAILED_PRECONDITION, "too late")
        end = request.offset + len(request.data)
        if request.offset <= len(self.kept) < end:
            assert request.offset == len(self.kept)
            self.kept += request.data
        if failure == "after":
            context_.abort(grpc.StatusCode.UNAVAILABLE, "down")
        return pb.UploadState(received=self.told(len(self.kept)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Keeper, str, Path]]:
    keeper = Keeper()
    server = grpc.server(ThreadPoolExecutor(2))
    services.add_CopyrightServiceServicer_to_server(keeper, server)
    key, cert = certificate()
    ca = tmp_path_factory.mktemp("keeper") / "ca.pem"
    ca.write_bytes(cert)
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, cert)]))
    server.start()
    yield keeper, f"127.0.0.1:{port}", ca
    server.stop(None).wait()


@pytest.fixture
def keeper(place: tuple[Keeper, str, Path]) -> Keeper:
    fresh = place[0]
    fresh.__init__()  # type: ignore[misc]
    return fresh


@pytest.fixture
def transport(place: tuple[Keeper, str, Path]) -> Iterator[Transport]:
    with Transport(place[1], place[2], sleep=lambda _: None) as opened:
        yield opened


def send(transport: Transport, data: bytes = DATA) -> list[tuple[int, int]]:
    seen: list[tuple[int, int]] = []
    Upload(transport, session(), DEVICE, data).send(lambda done, total: seen.append((done, total)))
    return seen


def test_pieces_are_in_order_and_signed(keeper: Keeper, transport: Transport) -> None:
    seen = send(transport)
    assert keeper.kept == DATA
    assert [each.offset for each in keeper.calls] == [0, PIECE_BYTES, 2 * PIECE_BYTES]
    for each in keeper.calls:
        transcript = upload_transcript(context(session()), each.offset, each.data)
        verify(DEVICE.public, transcript, each.signature)
        assert each.ByteSize() < 1 << 20
    assert seen == [
        (arrived, len(DATA)) for arrived in (0, PIECE_BYTES, 2 * PIECE_BYTES, len(DATA))
    ]


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_lost_line_is_asked_how_much_arrived(
    keeper: Keeper, transport: Transport, lost: str
) -> None:
    """The second piece is lost as often as the transport repeats it, on the way or on return."""
    keeper.fails = lambda call: lost if 2 <= call < 2 + ATTEMPTS else ""
    send(transport)
    assert keeper.kept == DATA
    asked = keeper.calls[1 + ATTEMPTS]
    assert (asked.offset, asked.data) == (0, b"")
    verify(DEVICE.public, upload_transcript(context(session()), 0, b""), asked.signature)
    following = keeper.calls[2 + ATTEMPTS].offset
    assert following == (PIECE_BYTES if lost == "before" else 2 * PIECE_BYTES)


def test_it_gives_up_when_nothing_goes_through(keeper: Keeper, transport: Transport) -> None:
    keeper.fails = lambda call: "before" if call > 1 else ""
    with pytest.raises(ServiceError) as caught:
        send(transport)
    assert caught.value.reason == "UNAVAILABLE"
    assert len(keeper.calls) == 1 + MAX_LOSSES * ATTEMPTS


def test_a_refusal_is_final(keeper: Keeper, transport: Transport) -> None:
    keeper.fails = lambda call: "refused" if call == 2 else ""
    with pytest.raises(ServiceError, match="too late"):
        send(transport)
    assert len(keeper.calls) == 2


@pytest.mark.parametrize("told", [lambda received: 0, lambda received: received + len(DATA)])
def test_a_count_that_cannot_be(keeper: Keeper, transport: Transport, told) -> None:
    keeper.told = told
    with pytest.raises(UntrustedService):
        send(transport)
    assert len(keeper.calls) == 1
