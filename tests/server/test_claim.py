"""Claim copies of photos over a real TLS server: Y1–Y17, and which verdict comes of it."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image
from tests.server.device import new_key, noisy, random_code, refused
from tests.server.photographer import (
    Copy,
    certified,
    codes_of,
    flats,
    jpeg,
    photographer,
    picture,
)

from grainseal.crypto.certificate import Findings
from grainseal.crypto.entries import Grade, parse_enrollment_entry, parse_registration_entry
from grainseal.models.identity import identity_of
from grainseal.models.photo import read_photo
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server.errors import Refused

ASSERTED, VERIFIED = Grade.DEVICE_ASSERTED, Grade.CAMERA_VERIFIED
SHARP = Image.Resampling.LANCZOS
CROP = (48, 32, 448, 432)


@pytest.fixture(autouse=True)
def nothing_left_uploaded(world):
    """As if each test's sessions had expired before the next."""
    yield
    world.server.service.store.purge(int(world.clock()) + 301, retention=86_400)


@pytest.fixture(scope="module")
def ann(world):
    """A device with camera 0."""
    return photographer(world, 0)


@pytest.fixture(scope="module")
def bob(world):
    """Another device with a camera of the same kind."""
    return photographer(world, 1)


def decided(world, device, wanted):
    """What the certificate says, and the claim."""
    claim = device.claim(wanted)
    return certified(world, claim), claim


def told(world, device):
    with world.server.service.store.transaction() as tx:
        return tx.claim_templates.find(device.enrollment_id).scores_told


def scores_of(world, session):
    with world.server.service.store.transaction() as tx:
        return tx.claims.of_session(session.session_id).scores


def test_a_copy_of_a_registered_photo_is_proven(world, ann):
    image = picture(0)
    photo, copy = jpeg(image), jpeg(image, 80)
    registered, before = ann.register(photo, VERIFIED), told(world, ann)
    said, claim = decided(world, ann, Copy(copy))
    assert (said.verdict, codes_of(said)) == ("proven", ["match", "registered"])
    assert said.findings == Findings("match", None, "no match")
    assert said.false_match_probability == "1e-12"
    assert said.claim_id == claim.claim_id
    identity = identity_of(read_photo(copy))
    assert vars(said.copy) == vars(identity)
    assert (said.original, said.match_map, said.seen_at) == (None, None, None)
    assert said.registration.registration_id == registered.registration_id
    assert said.registration.grade == "camera-verified"
    assert (said.placement.scale, said.placement.turns) == (("1.0000", "1.0000"), 0)
    # The receipts belong to it.
    enrolled = parse_enrollment_entry(claim.enrollment_receipt.entry)
    assert enrolled.enrollment_id == said.claimant.enrollment_id == ann.enrollment_id
    assert enrolled.created_at == said.claimant.enrolled_at
    assert said.claimant.device_key == ann.signing.public
    entry = parse_registration_entry(claim.registration_receipt.entry)
    assert entry.registration_id == registered.registration_id
    assert told(world, ann) == before + 2  # one placement, one control


def test_the_original_finds_a_crop_and_a_map_shows_where(world, ann):
    image = picture(0)
    photo = jpeg(image)
    registered = ann.register(photo)
    copy = jpeg(image.crop(CROP).transpose(Image.Transpose.ROTATE_90), 85)
    before = told(world, ann)
    wanted = Copy(copy, photo, registered.registration_id, match_map=True)
    session, sums = ann.submitted_claim(wanted)
    assert len(sums) == 2 + 2 + 2 + 16
    said = certified(world, ann.finish_claim(ann.claim_opening(session, sums)))
    assert said.verdict == "proven"
    assert said.findings == Findings("match", "match", "no match")
    assert said.placement.origin == ("32.00", "48.00")
    assert (said.placement.turns, said.placement.mirrored) == (3, False)
    assert float(said.placement.similarity) > 0.85
    assert vars(said.original) == vars(identity_of(read_photo(photo)))
    assert len(said.match_map) == 16
    assert sum(level >= 1 for level in said.match_map) >= 8
    assert told(world, ann) == before + 3 + 16
    kept = scores_of(world, session)
    assert len(kept) == 3
    assert all((4 * z).is_integer() for z in kept)


@pytest.mark.parametrize("operation", [Image.Transpose.ROTATE_270, Image.Transpose.FLIP_LEFT_RIGHT])
def test_a_registration_tells_how_a_turned_copy_lies(world, ann, operation):
    image = picture(0)
    ann.register(jpeg(image))
    session, sums = ann.submitted_claim(Copy(jpeg(image.transpose(operation), 90)))
    assert len(sums) == 2 + 2
    said = certified(world, ann.finish_claim(ann.claim_opening(session, sums)))
    assert said.verdict == "proven"
    assert said.placement.mirrored == (operation is Image.Transpose.FLIP_LEFT_RIGHT)


def test_without_a_registration_every_way_to_lie_is_tried(world, ann):
    """Four of a square frame; the template has the say, and the claim lacks a date."""
    image = picture(0)
    copy = jpeg(image.transpose(Image.Transpose.ROTATE_180), 80)
    session, sums = ann.submitted_claim(Copy(copy, match_map=True))
    assert len(sums) == 4 * 2 + 2 + 16
    claim = ann.finish_claim(ann.claim_opening(session, sums))
    said = certified(world, claim)
    assert (said.verdict, codes_of(said)) == ("supported", ["match", "not-registered"])
    assert said.registration is None
    assert not claim.HasField("registration_receipt")
    assert said.placement.turns == 2
    assert said.match_map is None  # it was made for the copy as it stands
    assert len(scores_of(world, session)) == 5


def test_another_camera_s_photo_is_rejected(world, bob):
    image = picture(0)
    said, _ = decided(world, bob, Copy(jpeg(image)))
    assert (said.verdict, codes_of(said)) == ("rejected", ["no-match"])
    assert said.findings.copy == "no match"
    small = jpeg(image.resize((300, 300), SHARP), 90)
    said, _ = decided(world, bob, Copy(small))
    assert (said.verdict, codes_of(said)) == ("inconclusive", ["no-match", "copy-too-small"])
    said, _ = decided(world, bob, Copy(jpeg(image, 70)))
    assert codes_of(said) == ["no-match", "copy-too-compressed"]


def test_an_impostor_cannot_borrow_the_owner_s_registration(world, ann, bob):
    image = picture(0)
    registered = ann.register(jpeg(image), VERIFIED)
    named = Copy(jpeg(image, 70), registration_id=registered.registration_id)
    session = bob.begin_claim()
    bob.upload_all(session, named.copy)
    refused("REGISTRATION_UNKNOWN", bob.submit_claim, bob.claim_request(session, named))
    said, claim = decided(world, bob, Copy(jpeg(image, 70)))
    assert (said.verdict, codes_of(said)) == ("rejected", ["no-match", "another-registered"])
    assert [each.registration_id for each in said.competing] == [registered.registration_id]
    assert not claim.HasField("registration_receipt")


def test_a_photo_that_was_enrolled_shows_nothing(world, ann):
    said, _ = decided(world, ann, Copy(flats(0)[2]))
    assert (said.verdict, codes_of(said)) == ("inconclusive", ["copy-was-enrolled"])
    assert said.findings.copy == "too good"
    assert said.false_match_probability == "1"


def test_a_template_planted_after_another_s_registration_is_rejected(world, ann):
    """Whoever has the photos can make a template of them: only the dates tell."""
    image = picture(0)
    first = ann.register(jpeg(image), VERIFIED)
    with world.clock.moved(10):
        thief = photographer(world, 0)
        thief.register(jpeg(image), VERIFIED)
        said, _ = decided(world, thief, Copy(jpeg(image, 90)))
    assert (said.verdict, codes_of(said)) == ("rejected", ["another-before-enrolment"])
    assert said.competing[0].registration_id == first.registration_id
    # To the owner, verified before, the later registration does nothing.
    said, _ = decided(world, ann, Copy(jpeg(image, 90)))
    assert (said.verdict, codes_of(said)[1:]) == ("proven", ["registered"])


def test_another_s_earlier_registrations_count_by_grade(world, ann):
    theirs = photographer(world, 0)
    image, other = picture(0), picture(0)
    theirs.register(jpeg(image), ASSERTED)
    theirs.register(jpeg(other), VERIFIED)
    for photo in (image, other):
        ann.register(jpeg(photo), VERIFIED)
    said, _ = decided(world, ann, Copy(jpeg(image, 90)))
    # Ann's template is older than both.
    assert (said.verdict, codes_of(said)[1:]) == ("supported", ["another-registered-earlier"])
    said, _ = decided(world, ann, Copy(jpeg(other, 90)))
    assert (said.verdict, codes_of(said)[1:]) == ("inconclusive", ["another-camera-verified"])


def test_when_the_copy_was_seen_counts(world):
    with world.clock.moved(-1000):
        device = photographer(world, 0)
    image = picture(0)
    with world.clock.moved(-500):
        device.register(jpeg(image))
    now = int(world.clock())
    for seen, verdict, code in (
        (now - 2000, "inconclusive", "public-before-enrolment"),
        (now - 800, "supported", "public-before-registration"),
        (now - 100, "proven", "registered"),
    ):
        said, _ = decided(world, device, Copy(jpeg(image, 90), seen_at=seen))
        assert (said.verdict, codes_of(said)[1:], said.seen_at) == (verdict, [code], seen)


def test_an_asserted_registration_of_an_earlier_template_lacks_a_witness(world):
    device = photographer(world, 0)
    image, other = picture(0), picture(0)
    asserted = device.register(jpeg(image))
    device.register(jpeg(other), VERIFIED)
    device.renew(random_code(world.rng))
    said, claim = decided(world, device, Copy(jpeg(image, 90)))
    assert (said.verdict, codes_of(said)[1:]) == ("supported", ["asserted-with-earlier-template"])
    entry = parse_registration_entry(claim.registration_receipt.entry)
    assert entry.registration_id == asserted.registration_id
    said, _ = decided(world, device, Copy(jpeg(other, 90)))
    assert said.verdict == "proven"


@pytest.mark.parametrize("place", ["copy", "control", "tile"])
def test_contradicting_answers_are_rejected_with_a_certificate(world, ann, place):
    image = picture(0)
    ann.register(jpeg(image))
    before = told(world, ann)
    session, sums = ann.submitted_claim(Copy(jpeg(image, 90), match_map=True))
    opened = ann.open_claims(sums)
    opened[{"copy": 1, "control": 2, "tile": 7}[place]] ^= 1 << 20
    said = certified(world, ann.finish_claim(ann.claim_opening(session, sums, opened)))
    assert (said.verdict, codes_of(said)) == ("rejected", ["contradiction"])
    assert said.false_match_probability == "1"
    assert scores_of(world, session) == []
    assert told(world, ann) == before + 18


def test_a_token_is_for_one_claim(world, ann):
    image = picture(0)
    token = ann.claim_token()
    first, second = ann.begin_claim(token), ann.begin_claim(token)
    wanted = Copy(jpeg(image))
    for session in (first, second):
        ann.upload_all(session, wanted.copy)
    sums = ann.submit_claim(ann.claim_request(first, wanted))
    request = ann.claim_request(second, wanted)
    refused("TOKEN_INVALID", ann.submit_claim, request)
    refused("TOKEN_INVALID", ann.submit_claim, request)
    refused("TOKEN_INVALID", ann.begin_claim, token)
    assert ann.finish_claim(ann.claim_opening(first, sums)).certificate


def test_only_a_token_for_claims_begins_one(world, ann):
    refused("MALFORMED", ann.begin_claim, "no token")
    refused("TOKEN_INVALID", ann.begin_claim, ann.renewal_token())
    token = ann.claim_token()
    with world.clock.moved(121):
        refused("TOKEN_INVALID", ann.begin_claim, token)
    plain = world.enrolled()
    refused("CLAIMS_UNKNOWN", plain.begin, "grainseal", "claim")
    device = photographer(world, 0)
    token = device.claim_token()
    device.revoke()
    refused("ENROLLMENT_UNKNOWN", device.begin_claim, token)


def test_a_refused_photo_leaves_the_token_unused(world, ann):
    token, image = ann.claim_token(), picture(0)
    before = told(world, ann)
    for copy, reason in (
        (jpeg(image)[:4000], "damaged"),
        (jpeg(image.crop((0, 0, 100, 64))), "cropped"),
        (jpeg(image.crop((0, 0, 64, 64))), "0.25"),
        (jpeg(image.resize((600, 600))), "enlarged"),
        (jpeg(Image.new("RGB", (512, 512), (90, 90, 90))), "blank"),
    ):
        session, wanted = ann.begin_claim(token), Copy(copy)
        ann.upload_all(session, copy)
        error = refused("PHOTO_REFUSED", ann.submit_claim, ann.claim_request(session, wanted))
        assert reason in error.details()
        world.server.service.store.purge(int(world.clock()) + 301, retention=86_400)
    session, sums = ann.submitted_claim(Copy(jpeg(image)), token)
    assert ann.finish_claim(ann.claim_opening(session, sums)).certificate
    assert told(world, ann) == before + 5


def test_original_and_registration_belong_to_the_copy(world, ann):
    image, other = picture(0), picture(0)
    photo = jpeg(image)
    registered, unrelated = ann.register(photo), ann.register(jpeg(other))
    token = ann.claim_token()
    for wanted, reason in (
        (Copy(jpeg(image, 80), jpeg(other)), "does not show"),
        (Copy(jpeg(image, 80), jpeg(image, 91), registered.registration_id), "registered file"),
        (Copy(jpeg(image, 80), registration_id=unrelated.registration_id), "does not look like"),
        (Copy(jpeg(image, 80), jpeg(image.resize((640, 640)))), "the enrolled frame is 512x512"),
    ):
        session = ann.begin_claim(token)
        ann.upload_all(session, wanted.copy + wanted.original)
        error = refused("PHOTO_REFUSED", ann.submit_claim, ann.claim_request(session, wanted))
        assert reason in error.details()
        world.server.service.store.purge(int(world.clock()) + 301, retention=86_400)
    # An original that was never registered is evidence all the same.
    said, _ = decided(world, ann, Copy(jpeg(image, 80), jpeg(image, 91)))
    assert (said.verdict, codes_of(said)[1:]) == ("supported", ["not-registered"])


def test_malformed_claims(world, ann):
    token, copy = ann.claim_token(), jpeg(picture(0))
    session = ann.begin_claim(token)
    ann.upload_all(session, copy)
    for changes in (
        {"copy_size": 0},
        {"copy_size": len(copy) + 1},
        {"seen_at": -1},
        {"seen_at": 2**60},
        {"idempotency_key": b"short"},
    ):
        request = ann.claim_request(session, Copy(copy, changes=changes))
        refused("MALFORMED", ann.submit_claim, request)
    for changes in ({"match_map": True}, {"registration_id": "x"}, {"copy_size": 100}):
        request = ann.claim_request(session, Copy(copy, changes=changes))
        refused("SIGNATURE_INVALID", ann.submit_claim, request)
    sums = ann.submit_claim(ann.claim_request(session, Copy(copy)))
    short = ann.claim_opening(session, sums, [0] * (len(sums) - 1))
    refused("MALFORMED", ann.finish_claim, short)
    unsigned = ann.claim_opening(session, sums)
    unsigned.signature = bytes(64)
    refused("SIGNATURE_INVALID", ann.finish_claim, unsigned)
    with world.clock.moved(301):
        refused("SESSION_EXPIRED", ann.finish_claim, ann.claim_opening(session, sums))
    assert ann.finish_claim(ann.claim_opening(session, sums)).certificate


def test_calls_can_be_repeated(world, ann):
    image, submitted = picture(0), new_key()
    ann.register(jpeg(image))
    session, wanted = ann.begin_claim(), Copy(jpeg(image, 80), jpeg(image))
    ann.upload_all(session, wanted.copy + wanted.original)
    request = ann.claim_request(session, wanted, submitted)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(ann.submit_claim, [request, request]))
    sums = ann.submit_claim(request)
    assert answers == [sums, sums]
    refused("SESSION_USED", ann.submit_claim, ann.claim_request(session, wanted))
    finish, before = ann.claim_opening(session, sums), told(world, ann)
    claim = ann.finish_claim(finish)
    assert told(world, ann) == before + 3
    # Another registration and a larger log do not change what was decided.
    photographer(world, 0).register(jpeg(image), VERIFIED)
    again = ann.finish_claim(finish)
    assert (again.claim_id, again.certificate) == (claim.claim_id, claim.certificate)
    assert again.registration_receipt.entry == claim.registration_receipt.entry
    assert told(world, ann) == before + 3
    refused("SESSION_USED", ann.finish_claim, ann.claim_opening(session, sums))
    refused("SESSION_USED", ann.submit_claim, request)


def test_scores_of_a_template_are_bounded(world):
    device = photographer(world, 0)
    image = picture(0)
    device.register(jpeg(image))
    session, sums = device.submitted_claim(Copy(jpeg(image, 90)))
    with world.server.service.store.transaction() as tx:
        tx.claim_templates.count_scores(device.enrollment_id, 199)
    finish = device.claim_opening(session, sums)
    token = device.claim_token()
    begun, wanted = device.begin_claim(token), Copy(jpeg(image, 90))
    device.upload_all(begun, wanted.copy)
    # Both at the beginning, before the token is used up, and at the end.
    refused("SCORES_USED_UP", device.submit_claim, device.claim_request(begun, wanted))
    refused("SCORES_USED_UP", device.finish_claim, finish)
    assert told(world, device) == 199
    device.renew(random_code(world.rng))
    assert certified(world, device.claim(wanted)).verdict == "supported"
    assert told(world, device) == 2


def test_work_goes_on_when_its_caller_leaves(world):
    """Who asks again waits for the same result; what nobody waits for is no stray error."""
    service, ran = world.server.service, []

    async def work():
        ran.append(len(ran))
        await asyncio.sleep(0.05)
        if len(ran) == 2:
            raise ZeroDivisionError
        return "result"

    async def scenario():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(service.shared("session", "key", work), 0.01)
        with pytest.raises(Refused):
            await service.shared("session", "another key", work)
        assert await service.shared("session", "key", work) == "result"
        assert ran == [0]
        with pytest.raises(ZeroDivisionError):
            await service.shared("session", "key", work)
        assert await service.shared("session", "key", work) == "result"

    asyncio.run(scenario())


def test_authenticating_to_claim_is_not_a_decision_for_anybody(world, ann):
    party = world.backend()
    probe = noisy(ann.code, world.rng)
    token = ann.authenticate(probe, "grainseal", "claim").token
    refused("TOKEN_INVALID", party.verify, token)
    refused("AUDIENCE_REFUSED", ann.begin, party.name, "claim")
    refused("TOKEN_INVALID", ann.begin_enrollment, renewal_token=token)
    assert isinstance(ann.begin_claim(token), pb.Session)
