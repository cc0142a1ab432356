"""Register photos of a virtual camera over a real TLS server (X1–X18, R6)."""

import io
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from tests.server.device import new_key, random_code, refused
from tests.server.photographer import (
    SIDE,
    Photographer,
    camera,
    flats,
    jpeg,
    photographer,
    picture,
)

from grainseal.crypto.checkpoint import parse_verifier_key
from grainseal.crypto.entries import Grade, parse_registration_entry
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit, verify_logged
from grainseal.crypto.signing import verify
from grainseal.models.identity import identity_of
from grainseal.models.photo import read_photo
from grainseal.models.simulator import flat_scene, write_dng
from grainseal.proto.v1 import grainseal_pb2 as pb

ASSERTED, VERIFIED = Grade.DEVICE_ASSERTED, Grade.CAMERA_VERIFIED


@pytest.fixture(scope="module")
def ann(world):
    """A device with camera 0."""
    return photographer(world, 0)


@pytest.fixture(scope="module")
def bob(world):
    """Another device with a camera of the same kind."""
    return photographer(world, 1)


@pytest.fixture(autouse=True)
def nothing_left_uploaded(world):
    """As if each test's sessions had expired before the next."""
    yield
    world.server.service.store.purge(int(world.clock()) + 301, retention=86_400)


def log_size(world):
    with world.server.service.store.transaction() as tx:
        return tx.log.size()


def check_receipt(world, receipt):
    """The entry, once its leaf was found in the log."""
    leaf = commit(Kind.REGISTRATION, Opening(receipt.salt, receipt.entry))
    proof = LogProof(receipt.index, tuple(receipt.inclusion), receipt.checkpoint)
    verify_logged(leaf, proof, [parse_verifier_key((world.config.data / "log.vkey").read_text())])
    return parse_registration_entry(receipt.entry)


def told(world, device):
    with world.server.service.store.transaction() as tx:
        return tx.claim_templates.find(device.enrollment_id).scores_told


@pytest.mark.parametrize("grade", list(Grade))
def test_a_photo_of_the_enrolled_camera_is_registered(world, ann, grade):
    photo, before, scores = jpeg(picture(0)), log_size(world), told(world, ann)
    session, sums = ann.submitted_registration(photo, grade, title="Böte")
    assert (session.purpose, session.profile) == ("register", "CLAIM_TESTING")
    assert len(sums) == (1 if grade is ASSERTED else 2)
    registered = ann.finish_registration(ann.claim_opening(session, sums))
    assert not registered.competing
    entry = check_receipt(world, registered.receipt)
    assert registered.receipt.kind == "registration"
    assert registered.receipt.index == before == log_size(world) - 1
    assert (entry.registration_id, entry.grade) == (registered.registration_id, grade.value)
    assert (entry.title, entry.creator, entry.competing) == ("Böte", "Ann", "")
    assert (entry.subject, entry.issuer) == (session.subject, "grainseal")
    assert entry.registered_at == registered.registered_at
    said = identity_of(read_photo(photo))
    assert (entry.file_sha256, entry.pixels_sha256) == (said.file_sha256, said.pixels_sha256)
    assert entry.perceptual_hash == said.perceptual_hash
    verify(ann.signing.public, entry.statement.encoded, entry.signature)
    # Nothing of the photo is kept, and only what the service itself cut counts as a score.
    with world.server.service.store.transaction() as tx:
        assert tx.uploads.received(session.session_id) == 0
        assert tx.sessions.exchange(session.session_id) is None
    assert told(world, ann) == scores + (grade is VERIFIED)


@pytest.mark.parametrize("grade", list(Grade))
def test_a_photo_of_another_camera_is_refused_and_leaves_nothing(world, ann, grade):
    size = log_size(world)
    session, sums = ann.submitted_registration(jpeg(picture(1)), grade)
    finish = ann.claim_opening(session, sums)
    refused("REGISTRATION_REFUSED", ann.finish_registration, finish)
    refused("REGISTRATION_REFUSED", ann.finish_registration, finish)
    refused("SESSION_USED", ann.finish_registration, ann.claim_opening(session, sums))
    assert log_size(world) == size


def test_a_photo_that_was_enrolled_is_not_camera_verified(ann):
    refused("REGISTRATION_REFUSED", ann.register, flats(0)[0], VERIFIED)


@pytest.mark.parametrize("grade", list(Grade))
def test_a_false_opening_registers_nothing(world, ann, grade):
    size = log_size(world)
    session, sums = ann.submitted_registration(jpeg(picture(0)), grade)
    opened = ann.open_claims(sums)
    lie = ann.claim_opening(session, sums, [opened[0] ^ 1, *opened[1:]])
    refused("REGISTRATION_REFUSED", ann.finish_registration, lie)
    assert log_size(world) == size


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file_sha256", bytes(32)),
        ("pixels_sha256", bytes(32)),
        ("perceptual_hash", bytes(32)),
        ("height", SIDE + 2),
    ],
)
def test_a_statement_about_another_photo_is_refused(ann, field, value):
    """X9 is before X10: the session can still be used for what is true; the photo is sent again."""
    photo = jpeg(picture(0))
    session = ann.begin_registration(VERIFIED)
    ann.upload_all(session, photo)
    false = ann.statement(session, photo, **{field: value})
    request = ann.registration_request(session, false, photo, VERIFIED)
    error = refused("PHOTO_REFUSED", ann.submit_registration, request)
    assert field.replace("_", " ") in error.details()
    refused("SIGNATURE_INVALID", ann.submit_registration, request)  # of what is gone
    ann.upload_all(session, photo)
    true = ann.registration_request(session, ann.statement(session, photo), photo, VERIFIED)
    sums = ann.submit_registration(true)
    assert ann.finish_registration(ann.claim_opening(session, sums)).registration_id


def test_a_device_asserted_photo_has_the_enrolled_size(ann):
    session = ann.begin_registration()
    code = ann.claims.homomorphic.encrypt(ann.claims.code)
    ann.upload_all(session, code)
    statement = ann.statement(session, jpeg(picture(0)), height=SIDE - 8)
    request = ann.registration_request(session, statement, code)
    refused("PHOTO_REFUSED", ann.submit_registration, request)


def test_an_encrypted_code_that_is_none_is_refused(ann):
    photo = jpeg(picture(0))
    for code in (b"", photo[:1000], bytes(262_208)):
        session = ann.begin_registration()
        ann.upload_all(session, code)
        request = ann.registration_request(session, ann.statement(session, photo), code)
        refused("MALFORMED", ann.submit_registration, request)


def saved(image, form, **options):
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def bomb():
    """A PNG whose header promises 40,000 x 40,000 pixels."""
    data = bytearray(saved(Image.new("RGB", (16, 16)), "PNG"))
    data[16:24] = (40_000).to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def raw_photo(folder):
    shot = camera(0).photograph(flat_scene(SIDE, SIDE, 1))
    return write_dng(folder / "a.dng", shot).read_bytes()


UNUSABLE = {
    "blank": (lambda _: jpeg(Image.new("RGB", (SIDE, SIDE), (120, 120, 120))), "blank"),
    "tiny": (lambda _: jpeg(picture(0).crop((0, 0, 64, 64))), "64x64"),
    "grey": (lambda _: saved(picture(0).convert("L"), "PNG"), "grey"),
    "CMYK": (lambda _: saved(picture(0).convert("CMYK"), "JPEG"), "print colours"),
    "16 bits": (
        lambda _: saved(Image.fromarray(np.zeros((SIDE, SIDE), np.uint16)), "PNG"),
        "16 bits",
    ),
    "pages": (
        lambda _: saved(picture(0), "TIFF", save_all=True, append_images=[picture(0)]),
        "several pages",
    ),
    "corrupt": (lambda _: jpeg(picture(0))[:5000] + bytes(100), "damaged"),
    "bomb": (lambda _: bomb(), "megapixels"),
    "no photo": (lambda _: b"GIF89a no photo", "not a photo"),
    "RAW": (raw_photo, "RAW"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_what_is_no_usable_photo_is_refused_with_a_reason(ann, kind, tmp_path):
    make, message = UNUSABLE[kind]
    photo, stated = make(tmp_path), jpeg(picture(0, scene=0))
    session = ann.begin_registration(VERIFIED)
    ann.upload_all(session, photo)
    statement = ann.statement(session, stated)
    request = ann.registration_request(session, statement, photo, VERIFIED)
    error = refused("PHOTO_REFUSED", ann.submit_registration, request)
    assert message in error.details()


def test_the_later_of_two_devices_is_told_of_the_earlier(world, ann, bob):
    """Both are kept: a registration is nobody's verdict."""
    image = picture(0)
    first = ann.register(jpeg(image, 92))
    theirs = photographer(world, 0)
    second = theirs.register(jpeg(image, 90), VERIFIED)
    assert not first.competing
    (competing,) = second.competing
    assert competing.registration_id == first.registration_id
    assert competing.registered_at == first.registered_at
    assert competing.grade == pb.GRADE_DEVICE_ASSERTED
    assert competing.distance <= 8
    assert check_receipt(world, second.receipt).competing_ids == (first.registration_id,)
    # A device does not compete with itself, and is told of the other now.
    (competing,) = ann.register(jpeg(image, 85)).competing
    assert competing.registration_id == second.registration_id


def test_two_registrations_at_once_are_both_provable_and_one_is_first(world, ann):
    theirs = photographer(world, 0)
    image = picture(0)
    waiting = []
    for device, quality in ((ann, 92), (theirs, 91)):
        session, sums = device.submitted_registration(jpeg(image, quality))
        waiting.append((device, device.claim_opening(session, sums)))
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(d.finish_registration, o) for d, o in waiting]
        done = sorted((each.result() for each in running), key=lambda r: r.receipt.index)
    entries = [check_receipt(world, each.receipt) for each in done]
    assert done[0].receipt.index < done[1].receipt.index
    assert entries[0].competing_ids == ()
    assert entries[1].competing_ids == (entries[0].registration_id,)


def test_calls_can_be_repeated(world, ann):
    photo, begun, submitted = jpeg(picture(0)), new_key(), new_key()
    session = ann.begin_registration(VERIFIED, begun)
    assert ann.begin_registration(VERIFIED, begun) == session
    refused("IDEMPOTENCY_CONFLICT", ann.begin_registration, ASSERTED, begun)
    ann.upload_all(session, photo)
    statement = ann.statement(session, photo)
    request = ann.registration_request(session, statement, photo, VERIFIED, submitted)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ann.submit_registration, [request, request]))
    sums = ann.submit_registration(request)
    assert answers == [sums, sums]
    other = ann.registration_request(session, statement, photo, VERIFIED)
    refused("SESSION_USED", ann.submit_registration, other)
    finish, scores = ann.claim_opening(session, sums), told(world, ann)
    registered = ann.finish_registration(finish)
    size = log_size(world)
    again = ann.finish_registration(finish)
    assert (again.registration_id, again.registered_at) == (
        registered.registration_id,
        registered.registered_at,
    )
    assert again.receipt.entry == registered.receipt.entry
    assert log_size(world) == size
    assert told(world, ann) == scores + 1
    refused("SESSION_USED", ann.submit_registration, other)


def test_signatures_are_checked(ann, bob):
    photo = jpeg(picture(0))
    session = ann.begin_registration(VERIFIED)
    ann.upload_all(session, photo)
    statement = ann.statement(session, photo)
    for changes in ({"signature": bytes(64)}, {"statement_signature": bob.sign(b"")}):
        request = ann.registration_request(session, statement, photo, VERIFIED, **changes)
        refused("SIGNATURE_INVALID", ann.submit_registration, request)
    # The transcript is true, the statement is signed by somebody else.
    forged = Photographer(ann.connection, ann.code)
    forged.signing, forged.claims = ann.signing, ann.claims
    signed = []

    def sign(data):
        signed.append(data)
        return (bob if len(signed) == 1 else ann).sign(data)

    forged.sign = sign
    request = forged.registration_request(session, statement, photo, VERIFIED)
    refused("SIGNATURE_INVALID", ann.submit_registration, request)
    other = ann.registration_request(session, statement, photo[:-1], VERIFIED)
    refused("SIGNATURE_INVALID", ann.submit_registration, other)


@pytest.mark.parametrize("text", ["e\u0301", "x" * 257, "a\nb", "a\u200bb"])
def test_texts_have_one_spelling(ann, text):
    photo = jpeg(picture(0, scene=0))
    session = ann.begin_registration(VERIFIED)
    ann.upload_all(session, photo)
    statement = ann.statement(session, photo, title=text)
    request = ann.registration_request(session, statement, photo, VERIFIED)
    refused("MALFORMED", ann.submit_registration, request)


def test_what_cannot_begin(world, ann):
    for grade in (pb.GRADE_UNSPECIFIED, 3):
        request = pb.BeginRegistrationRequest(
            enrollment_id=ann.enrollment_id, grade=grade, idempotency_key=new_key()
        )
        refused("MALFORMED", ann.connection.copyright.BeginRegistration, request)
    plain = world.enrolled(cls=Photographer)
    refused("CLAIMS_UNKNOWN", plain.begin_registration)
    refused("ENROLLMENT_UNKNOWN", ann.begin_registration, enrollment_id="none")


def test_sessions_expire_and_are_of_one_kind(world, ann):
    photo = jpeg(picture(0))
    begun = ann.begin_registration(VERIFIED)
    ann.upload_all(begun, photo)
    request = ann.registration_request(begun, ann.statement(begun, photo), photo, VERIFIED)
    session, sums = ann.submitted_registration(photo)
    finish = ann.claim_opening(session, sums)
    refused("SESSION_UNKNOWN", ann.finish_claim, finish)
    refused("SESSION_UNKNOWN", ann.finish, finish)
    with world.clock.moved(301):
        refused("SESSION_EXPIRED", ann.submit_registration, request)
        refused("SESSION_EXPIRED", ann.finish_registration, finish)
    refused("MALFORMED", ann.finish_registration, ann.claim_opening(session, sums, [1, 2]))
    assert ann.finish_registration(finish).registration_id


def test_a_revoked_enrolment_registers_nothing(world):
    device = photographer(world, 0)
    session, sums = device.submitted_registration(jpeg(picture(0)))
    finish = device.claim_opening(session, sums)
    device.revoke()
    refused("ENROLLMENT_UNKNOWN", device.finish_registration, finish)


def test_scores_of_a_template_are_bounded(world):
    device = photographer(world, 0)
    session, sums = device.submitted_registration(jpeg(picture(0)), VERIFIED)
    with world.server.service.store.transaction() as tx:
        tx.claim_templates.count_scores(device.enrollment_id, 200)
    refused("SCORES_USED_UP", device.begin_registration, VERIFIED)
    finish = device.claim_opening(session, sums)
    refused("SCORES_USED_UP", device.finish_registration, finish)
    assert device.register(jpeg(picture(0))).registration_id


def test_a_device_gets_receipts_of_its_registrations_also_after_a_renewal(world, bob):
    device = photographer(world, 0)
    registered = device.register(jpeg(picture(0)))

    def receipt_of(asking, registration_id):
        session = asking.begin_request("receipt")
        request = asking.signed_request(session)
        request.registration_id = registration_id
        return asking.connection.enrollment.GetReceipt(request, timeout=30)

    first = receipt_of(device, registered.registration_id)
    assert first == registered.receipt
    device.renew(random_code(world.rng))
    later = receipt_of(device, registered.registration_id)
    assert (later.entry, later.index) == (first.entry, first.index)
    assert check_receipt(world, later).registration_id == registered.registration_id
    assert receipt_of(device, "").kind == "enrollment"
    refused("REGISTRATION_UNKNOWN", receipt_of, bob, registered.registration_id)
    refused("REGISTRATION_UNKNOWN", receipt_of, device, "none")
