"""Uploads in pieces: resumed, refused, bounded, and gone with their session."""

import grpc
import pytest
from tests.server.claims import ClaimMaterial
from tests.server.device import PIECE, TestDevice, noisy, random_code, refused, retry_after
from tests.server.process import ServeProcess

from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server import admin
from grainseal.server.uploads import MAX_UPLOADING

SIZE = 1_314_816  # of a claim template of CLAIM_TESTING on the small frame


@pytest.fixture
def device(world):
    """A device that has begun nothing yet."""
    device = world.device()
    device.claims = ClaimMaterial.random(world.rng)
    return device


@pytest.fixture
def session(world, device):
    return device.begin_enrollment(world.ticket())


def stored(world, session):
    with world.server.service.store.transaction() as tx:
        return tx.uploads.content(session.session_id)


def test_pieces_make_one_string(world, device, session):
    assert device.upload(session, 0, b"one") == 3
    assert device.upload(session, 3, b"") == 3
    assert device.upload(session, 3, b"two, three") == 13
    assert stored(world, session) == b"onetwo, three"


def test_a_device_that_lost_its_line_learns_how_much_arrived(device, session):
    device.upload(session, 0, bytes(1000))
    # It has forgotten, or its piece arrived and the answer did not.
    assert device.upload(session, 0, b"") == 1000
    assert device.upload(session, 1000, bytes(500)) == 1500
    assert device.upload(session, 1000, bytes(500)) == 1500


def test_a_piece_within_what_arrived_changes_nothing(world, device, session):
    device.upload(session, 0, b"abcdef")
    for offset, piece in ((0, b"XYZ"), (2, b"XY"), (3, b"XYZ"), (6, b"")):
        assert device.upload(session, offset, piece) == 6
    assert stored(world, session) == b"abcdef"


@pytest.mark.parametrize(("offset", "piece"), [(3, b"XYZW"), (0, b"abcdefg"), (7, b"X"), (7, b"")])
def test_no_piece_overlaps_the_end_or_leaves_a_gap(world, device, session, offset, piece):
    device.upload(session, 0, b"abcdef")
    error = refused("MALFORMED", device.upload, session, offset, piece)
    assert "6 bytes have arrived" in error.details()
    assert stored(world, session) == b"abcdef"


def test_an_offset_beyond_all_databases_is_refused(device, session):
    refused("MALFORMED", device.upload, session, 2**64 - 1, b"X")


def test_a_piece_has_a_length_that_fits_a_message(device, session):
    refused("MALFORMED", device.upload, session, 0, bytes(PIECE + 1))
    assert device.upload(session, 0, bytes(PIECE)) == PIECE


def test_a_session_takes_as_much_as_it_is_for(device, session):
    device.upload(session, 0, bytes(PIECE))
    error = refused("MALFORMED", device.upload, session, PIECE, bytes(SIZE - PIECE + 1))
    assert str(SIZE) in error.details()
    assert device.upload(session, PIECE, bytes(SIZE - PIECE)) == SIZE
    refused("MALFORMED", device.upload, session, SIZE, b"X")


def test_a_piece_is_signed_with_its_place_and_session(world, device, session):
    upload = world.connection.copyright.Upload
    request = device.upload_request(session, 0, b"piece")
    other = device.begin_enrollment(world.ticket())
    for change in (
        {"data": b"peace"},
        {"offset": 1},
        {"session_id": other.session_id},
        {"signature": bytes(64)},
    ):
        forged = pb.UploadChunk.FromString(request.SerializeToString())
        for name, value in change.items():
            setattr(forged, name, value)
        error = refused("SIGNATURE_INVALID", upload, forged)
        assert error.code() is grpc.StatusCode.UNAUTHENTICATED
    assert stored(world, session) == stored(world, other) == b""
    assert upload(request).received == 5


def test_a_stranger_learns_nothing_of_an_upload(world, device, session):
    device.upload(session, 0, b"piece")
    stranger = world.device()
    refused("SIGNATURE_INVALID", stranger.upload, session, 0, b"")


def test_only_sessions_that_take_an_upload_take_one(world, device):
    enrolled = world.enrolled()
    without = enrolled.begin_enrollment(world.ticket())
    asking = enrolled.begin_request("list")
    authenticating = enrolled.begin("grainseal", "renew")
    for session in (without, asking, authenticating, pb.Session(session_id="none")):
        error = refused("SESSION_UNKNOWN", enrolled.upload, session, 0, b"piece")
        assert error.code() is grpc.StatusCode.NOT_FOUND


def test_a_submitted_session_takes_no_more(device, session):
    claims = device.encrypt_claims()
    device.upload_all(session, claims.blob)
    device.submit_template(device.template_request(session, claims_sha256=claims.sha256))
    refused("SESSION_USED", device.upload, session, 0, b"")


def test_an_expired_session_takes_no_more_and_its_upload_is_purged(world, device, session):
    device.upload(session, 0, b"piece")
    with world.clock.moved(301):
        refused("SESSION_EXPIRED", device.upload, session, 5, b"more")
    store = world.server.service.store
    store.purge(session.expires_at - 1, retention=86400)
    assert stored(world, session) == b"piece"
    store.purge(session.expires_at, retention=86400)
    assert stored(world, session) == b""


def test_one_ticket_has_a_share_of_uploads_whatever_the_number_of_keys(world):
    ticket, first = world.ticket(), None
    for _ in range(MAX_UPLOADING):
        holder = with_claims(world)
        session = holder.begin_enrollment(ticket)
        first = first or (holder, session)
        assert holder.upload(session, 0, b"piece") == 5
    late = with_claims(world)
    session = late.begin_enrollment(ticket)
    error = refused("TOO_MANY_SESSIONS", late.upload, session, 0, b"piece")
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert 200 < retry_after(error) <= 300
    # Nothing was kept, an empty piece asks as before, and whoever has begun goes on.
    assert late.upload(session, 0, b"") == 0
    assert first[0].upload(first[1], 5, b"more") == 9
    # Another ticket has its own share.
    assert late.upload(late.begin_enrollment(world.ticket()), 0, b"piece") == 5
    with world.clock.moved(301):
        assert late.upload(late.begin_enrollment(ticket), 0, b"piece") == 5


def test_renewals_of_one_device_key_share(world):
    device = world.enrolled()
    device.claims = ClaimMaterial.random(world.rng)
    tokens = [device.renewal_token() for _ in range(MAX_UPLOADING + 1)]
    sessions = [device.begin_enrollment(renewal_token=token) for token in tokens]
    for session in sessions[:-1]:
        device.upload(session, 0, b"piece")
    refused("TOO_MANY_SESSIONS", device.upload, sessions[-1], 0, b"piece")
    # One that ends makes room.
    ended = sessions[0]
    claims = device.encrypt_claims()
    with world.server.service.store.transaction() as tx:
        tx.uploads.delete(ended.session_id)
    device.upload_all(ended, claims.blob)
    sums = device.submit_template(device.template_request(ended, claims_sha256=claims.sha256))
    refused("TOO_MANY_SESSIONS", device.upload, sessions[-1], 0, b"piece")
    device.finish_enrollment(device.template_opening(ended, sums))
    assert device.upload(sessions[-1], 0, b"piece") == 5


def with_claims(world):
    device = world.device()
    device.claims = ClaimMaterial.random(world.rng)
    return device


def test_upload_and_enrolment_outlive_a_killed_server(tmp_path, rng):
    data = tmp_path / "data"
    server = ServeProcess(data, "--allow-testing-profiles", "--workers", "1")
    device = TestDevice(server.connection, random_code(rng))
    device.claims = ClaimMaterial.random(rng)
    session = device.begin_enrollment(admin.issue_ticket(data, "alice").ticket)
    claims = device.encrypt_claims()
    device.upload(session, 0, claims.blob[:PIECE])
    server.kill()
    server = ServeProcess(data, "--allow-testing-profiles", "--workers", "1")
    device.connection = server.connection
    assert device.upload(session, 0, b"") == PIECE
    device.upload(session, PIECE, claims.blob[PIECE:])
    sums = device.submit_template(device.template_request(session, claims_sha256=claims.sha256))
    server.kill()
    server = ServeProcess(data, "--allow-testing-profiles", "--workers", "1")
    device.connection = server.connection
    enrolled = device.finish_enrollment(device.template_opening(session, sums))
    device.enrollment_id = enrolled.enrollment_id
    assert device.authenticate(noisy(device.code, rng), "grainseal", "claim").accepted
    assert server.stop() == 0
