"""Attacks on registrations and claims: planted templates, races, borrowed tokens, hostile files.

What the protocol does not stop is here too, as `test_known_limit_...`: docs/THREAT_MODEL.md says so
in words. `test_claim` and `test_registration` have the other refusals of each step.
"""

import io
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

import grpc
import numpy as np
import pytest
from PIL import Image
from tests.server.claims import ClaimMaterial
from tests.server.device import new_key, noisy, random_code, reason_of, refused
from tests.server.photographer import (
    SIDE,
    SPEC,
    Copy,
    Photographer,
    camera,
    certified,
    codes_of,
    fingerprint,
    jpeg,
    photographer,
    picture,
)

from grainseal.crypto.entries import Grade
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import CLAIM_TESTING
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.tokens import sign_decision, verify_decision
from grainseal.models.claims import enrol_claim
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Fingerprint, estimate
from grainseal.models.photo import read_photo
from grainseal.models.simulator import flat_scene, write_dng
from grainseal.proto.v1 import grainseal_pb2 as pb
from grainseal.server.uploads import MAX_PHOTO

ASSERTED, VERIFIED = Grade.DEVICE_ASSERTED, Grade.CAMERA_VERIFIED
SHARP = Image.Resampling.LANCZOS
PUBLISHED = 6


@pytest.fixture(scope="module")
def ann(world):
    """A photographer with camera 0."""
    return photographer(world, 0)


@pytest.fixture(scope="module")
def bob(world):
    """Somebody else with a camera of his own, enrolled before any photo here was taken."""
    with world.clock.moved(-5):
        return photographer(world, 1)


@pytest.fixture(scope="module")
def published():
    """Photos of camera 0 that are on the web."""
    return [jpeg(picture(0)) for _ in range(PUBLISHED)]


@pytest.fixture(scope="module")
def stolen(published):
    """What the published photos tell of her pattern."""
    return estimate(map(read_photo, published), get_extractor(SPEC.extractor))


@pytest.fixture(autouse=True)
def nothing_left_uploaded(world):
    """As if each test's sessions had expired before the next."""
    yield
    forget_uploads(world)


def forget_uploads(world):
    world.server.service.store.purge(int(world.clock()) + 301, retention=86_400)


def mixed(victim, own, share):
    """Two fingerprints of unit power, averaged: `share` of the victim's."""
    parts = (
        share * victim.values / victim.values.std(),
        (1 - share) * own.values / own.values.std(),
    )
    return Fingerprint((parts[0] + parts[1]).astype(np.float32), victim.kind, PUBLISHED)


def planter(world, pattern):
    """A new device whose claim template is made of that pattern, whatever its camera is."""
    device, seed = world.device(cls=Photographer), os.urandom(32)
    made = enrol_claim(pattern, SPEC, seed)
    key = HomomorphicKey(CLAIM_TESTING)
    device.claims = ClaimMaterial(
        CLAIM_TESTING, pattern.shape, seed, made.signs, made.positions, key
    )
    device.enroll(world.ticket())
    return device


def lying_registration(device, photo):
    """A device-asserted registration of any photo: what is compared is the template itself."""
    session = device.begin_registration()
    upload = device.claims.homomorphic.encrypt(device.claims.code)
    device.upload_all(session, upload)
    request = device.registration_request(session, device.statement(session, photo), upload)
    sums = device.submit_registration(request)
    return device.finish_registration(device.claim_opening(session, sums))


def with_own_noise(image, pattern, strength=1.2):
    """Somebody's picture, with the noise that another camera would have had in it."""
    pixels = np.asarray(image, np.float32) * (1 + strength * pattern.values[:, :, None])
    return Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def decided(world, device, wanted):
    return certified(world, device.claim(wanted))


def told(world, device):
    with world.server.service.store.transaction() as tx:
        return tx.claim_templates.find(device.enrollment_id).scores_told


def state_of(world, session):
    with world.server.service.store.transaction() as tx:
        return tx.sessions.find(session.session_id).state


# Templates made of somebody else's photos --------------------------------------------------------


@pytest.mark.parametrize(("share", "published_scores"), [(1.0, "too good"), (0.25, "match")])
def test_a_template_of_published_photos_comes_after_their_registration(
    world, ann, published, stolen, share, published_scores
):
    """Diluted until even a photo that it was made of looks honest: the dates still tell."""
    another = jpeg(picture(0))
    first = [ann.register(published[0], VERIFIED), ann.register(another, VERIFIED)]
    with world.clock.moved(10):
        thief = planter(world, mixed(stolen, fingerprint(1), share))
        lying_registration(thief, published[0])
        said = [decided(world, thief, Copy(copy)) for copy in (published[0], another)]
    assert [each.findings.copy for each in said] == [published_scores, "match"]
    for registered, each in zip(first, said, strict=True):
        assert (each.verdict, codes_of(each)) == ("rejected", ["another-before-enrolment"])
        assert registered.registration_id in [other.registration_id for other in each.competing]


def test_known_limit_a_template_planted_before_the_photo_is_believed(world, ann, stolen):
    """Made of her older photos, and of his own camera, whose photos it knows as well."""
    thief = planter(world, mixed(stolen, fingerprint(1), 0.5))
    assert thief.register(jpeg(picture(1)), VERIFIED).grade == pb.GRADE_CAMERA_VERIFIED
    unregistered, registered = picture(0), picture(0)
    ann.register(jpeg(registered), VERIFIED)
    for image in (unregistered, registered):
        thief.register(jpeg(image), VERIFIED)
    said = decided(world, thief, Copy(jpeg(unregistered, 90)))
    assert (said.verdict, codes_of(said)) == ("proven", ["match", "registered"])
    said = decided(world, ann, Copy(jpeg(unregistered, 90)))
    assert (said.verdict, codes_of(said)[1:]) == ("inconclusive", ["another-camera-verified"])
    # Who registers before publishing is first, whatever was planted.
    said = decided(world, thief, Copy(jpeg(registered, 90)))
    assert (said.verdict, codes_of(said)[1:]) == ("inconclusive", ["another-camera-verified"])


def test_known_limit_own_noise_in_another_s_picture_passes_for_a_photo(world, ann, bob):
    """No planted template is needed: to a camera's pattern a picture is anybody's."""
    unregistered, registered = picture(0), picture(0)
    ann.register(jpeg(registered), VERIFIED)
    said = []
    for image in (unregistered, registered):
        forged = jpeg(with_own_noise(image, fingerprint(1)))
        assert bob.register(forged, VERIFIED).grade == pb.GRADE_CAMERA_VERIFIED
        found = jpeg(image.resize((SIDE // 2, SIDE // 2), SHARP), 75)
        said.append(decided(world, bob, Copy(found, forged)))
    assert [each.findings.original for each in said] == ["match", "match"]
    assert [each.findings.copy for each in said] == ["no match", "no match"]
    assert (said[0].verdict, said[1].verdict) == ("proven", "inconclusive")
    assert codes_of(said[1])[1:] == ["another-camera-verified"]
    # A copy that kept its noise lacks the forger's.
    whole = decided(
        world, bob, Copy(jpeg(unregistered, 95), jpeg(with_own_noise(unregistered, fingerprint(1))))
    )
    assert (whole.verdict, codes_of(whole)[1:]) == ("inconclusive", ["copy-lacks-it"])
    # Hers was verified first, and stays.
    assert decided(world, ann, Copy(jpeg(registered, 90))).verdict == "proven"


# Races for a date --------------------------------------------------------------------------------


def test_a_lie_about_a_photo_wins_a_date_and_not_the_claim(world, ann, bob):
    image = picture(0)
    lie = lying_registration(bob, jpeg(image))
    refused("REGISTRATION_REFUSED", bob.register, jpeg(image), VERIFIED)
    mine = ann.register(jpeg(image), VERIFIED)
    assert [each.registration_id for each in mine.competing] == [lie.registration_id]
    hers = decided(world, ann, Copy(jpeg(image, 90)))
    assert (hers.verdict, codes_of(hers)) == ("supported", ["match", "another-registered-earlier"])
    assert hers.competing[0].grade == "device-asserted"
    his = decided(world, bob, Copy(jpeg(image, 90), registration_id=lie.registration_id))
    assert (his.verdict, codes_of(his)) == ("rejected", ["no-match"])
    assert his.registration.registration_id == lie.registration_id


def test_known_limit_a_lie_between_photo_and_renewal_harms_who_registered_nothing(world, bob):
    device = photographer(world, 0)
    unregistered, registered = picture(0), picture(0)
    device.register(jpeg(registered), VERIFIED)
    for image in (unregistered, registered):
        lying_registration(bob, jpeg(image))
    with world.clock.moved(10):
        device.renew(random_code(world.rng))
        said = [decided(world, device, Copy(jpeg(i, 90))) for i in (unregistered, registered)]
    assert (said[0].verdict, codes_of(said[0])) == ("rejected", ["another-before-enrolment"])
    assert (said[1].verdict, codes_of(said[1])) == ("proven", ["match", "registered"])


# Without the camera ------------------------------------------------------------------------------


def test_the_original_file_does_not_stand_for_the_camera(world, bob):
    """Nor does a copy too poor to tell excuse it: in an original nothing is lost."""
    image = picture(0)
    original = jpeg(image)
    for copy in (original, jpeg(image.resize((SIDE // 2, SIDE // 2), SHARP), 60)):
        said = decided(world, bob, Copy(copy, original))
        assert (said.verdict, codes_of(said)) == ("rejected", ["no-match"])
        assert (said.findings.copy, said.findings.original) == ("no match", "no match")


def test_another_camera_s_photo_of_a_registered_scene_does_not_match(world, ann):
    scene = 1
    ann.register(jpeg(picture(0, scene)), VERIFIED)
    said = decided(world, ann, Copy(jpeg(picture(1, scene))))
    assert said.registration is not None, "it looks the same"
    assert (said.verdict, codes_of(said)) == ("rejected", ["no-match"])


def test_a_vault_without_its_camera_earns_no_claim_token(world, ann):
    decision = ann.authenticate(random_code(world.rng), "grainseal", "claim")
    assert (decision.accepted, decision.token) == (False, "")
    request = pb.BeginClaimRequest(claim_token="", idempotency_key=new_key())
    refused("MALFORMED", ann.connection.copyright.BeginClaim, request)


def test_what_is_another_device_s_takes_its_signature(world, ann, bob):
    """Token, enrolment and registration: to name them is not to have them."""
    photo, token = jpeg(picture(0)), ann.claim_token()
    stolen = bob.begin_claim(token)
    assert stolen.enrollment_id == ann.enrollment_id
    registering = bob.begin_registration(VERIFIED, enrollment_id=ann.enrollment_id)
    for session in (stolen, registering):
        refused("SIGNATURE_INVALID", bob.upload_all, session, photo)
        ann.upload_all(session, photo)
    refused("SIGNATURE_INVALID", bob.submit_claim, bob.claim_request(stolen, Copy(photo)))
    request = bob.registration_request(
        registering, bob.statement(registering, photo), photo, VERIFIED
    )
    refused("SIGNATURE_INVALID", bob.submit_registration, request)
    # The token is hers as before.
    session, sums = ann.submitted_claim(Copy(photo), token)
    finish = bob.claim_opening(session, sums)
    refused("SIGNATURE_INVALID", bob.finish_claim, finish)
    assert ann.finish_claim(ann.claim_opening(session, sums)).certificate


# Tokens ------------------------------------------------------------------------------------------


def test_forged_claim_tokens_are_refused(world, ann):
    keys, now = world.server.service.authority.keys, world.clock()
    token = ann.claim_token()
    decision = verify_decision(token, keys.trusted, "grainseal", now)
    stranger = sign_decision(SigningKey(), decision)
    never_issued = sign_decision(keys.signing, replace(decision, token_id="made up"))
    head, _, signature = token.split(".")
    claimed = sign_decision(SigningKey(), replace(decision, enrollment_id="hers")).split(".")[1]
    for forged in (stranger, never_issued, ".".join((head, claimed, signature))):
        refused("TOKEN_INVALID", ann.begin_claim, forged)
    for nonsense in (token.rsplit(".", 1)[0] + ".", "a.b.c", "x" * 5000):
        with pytest.raises(grpc.RpcError) as caught:
            ann.begin_claim(nonsense)
        assert reason_of(caught.value) in ("MALFORMED", "TOKEN_INVALID")
    assert ann.begin_claim(token).purpose == "claim"


def test_decisions_for_anything_else_begin_no_claim(world, ann):
    party = world.backend()
    decision = ann.authenticate(noisy(ann.code, world.rng), party.name)
    refused("TOKEN_INVALID", ann.begin_claim, decision.token)
    refused("TOKEN_INVALID", ann.begin_claim, ann.renewal_token())
    refused("AUDIENCE_REFUSED", ann.begin, "grainseal", "authenticate")


def test_of_two_claims_at_once_on_one_token_one_is_answered(world, ann):
    token, wanted = ann.claim_token(), Copy(jpeg(picture(0)))
    before, requests = told(world, ann), []
    for _ in range(2):
        session = ann.begin_claim(token)
        ann.upload_all(session, wanted.copy)
        requests.append((session, ann.claim_request(session, wanted)))

    def submitted(request):
        with suppress(grpc.RpcError):
            return ann.submit_claim(request)
        return None

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(submitted, [request for _, request in requests]))
    (won,) = [i for i, sums in enumerate(answers) if sums is not None]
    refused("TOKEN_INVALID", ann.submit_claim, requests[1 - won][1])
    assert state_of(world, requests[1 - won][0]) == "begun"
    finish = ann.claim_opening(requests[won][0], answers[won])
    assert ann.finish_claim(finish).certificate
    assert told(world, ann) == before + 5  # four placements, one control


# Files that are no photos ------------------------------------------------------------------------


def saved(image, form, **options):
    data = io.BytesIO()
    image.save(data, form, **options)
    return data.getvalue()


def png(side, depth, pixels):
    """A square RGB picture of already compressed pixels."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, depth, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def black(side):
    """A true PNG of black pixels: one compressed stretch of rows, as often as it takes."""
    rows, row = 64, 1 + 3 * side
    deflate = zlib.compressobj(9, wbits=-15)
    stretch = deflate.compress(bytes(rows * row)) + deflate.flush(zlib.Z_FULL_FLUSH)
    checksum = (side * row % 65521) << 16 | 1
    end = b"\x03\x00" + struct.pack(">I", checksum)
    return png(side, 8, b"\x78\xda" + stretch * (side // rows) + end)


def without_tables(photo):
    """A JPEG whose first Huffman table is zeros."""
    at = photo.find(b"\xff\xc4") + 5
    return photo[:at] + bytes(50) + photo[at + 50 :]


def dng(folder):
    return write_dng(folder / "a.dng", camera(0).photograph(flat_scene(SIDE, SIDE, 1))).read_bytes()


MOVING = {"save_all": True, "append_images": [Image.new("RGB", (SIDE, SIDE))]}
BLANK = (90, 90, 90)
ALIKE = "similarity 0.00"

# Kind, how it is made, what is said of it as a copy and as an original.
UNUSABLE = [
    ("moving GIF", lambda _: saved(picture(0), "GIF", **MOVING), "is not a photo grainseal"),
    ("moving WebP", lambda _: saved(picture(0), "WEBP", **MOVING), "is animated"),
    ("moving PNG", lambda _: saved(picture(0), "PNG", **MOVING), "is animated"),
    (
        "16 bits",
        lambda _: png(SIDE, 16, zlib.compress(bytes(SIDE * (1 + 6 * SIDE)))),
        "has 16 bits",
    ),
    ("CMYK", lambda _: saved(picture(0).convert("CMYK"), "JPEG"), "is in print colours"),
    ("corrupt", lambda _: without_tables(jpeg(picture(0))), "is damaged"),
    ("truncated", lambda _: jpeg(picture(0))[:-300], "is damaged"),
    ("bomb", lambda _: black(32_768), "has more than 80 megapixels"),
    ("RAW", dng, "is RAW"),
    ("no picture", lambda _: b"<svg/>", "is not a photo grainseal"),
]
# Photos, but not of use; the messages differ.
USELESS = [
    ("tiny", lambda: jpeg(picture(0).crop((0, 0, 64, 64))), "below 0.25", "is 64x64, the enrolled"),
    ("flat", lambda: jpeg(Image.new("RGB", (SIDE, SIDE), BLANK)), "no sensor noise", ALIKE),
    ("burnt", lambda: saved(Image.new("RGB", (SIDE, SIDE), "white"), "PNG"), "no sensor", ALIKE),
]


def test_the_bomb_is_a_true_picture():
    """The same maker's small one, so that nothing but its size can be what is refused."""
    with Image.open(io.BytesIO(black(256))) as image:
        assert image.convert("RGB").getextrema() == ((0, 0),) * 3
    assert len(black(32_768)) < 4 << 20


@pytest.mark.parametrize("role", ["copy", "original"])
def test_unusable_files_are_refused_by_name_and_use_nothing_up(world, ann, tmp_path, role):
    good = jpeg(picture(0))
    kinds = [(kind, make(tmp_path), f"the {role} {said}") for kind, make, said in UNUSABLE]
    kinds += [
        (kind, make(), as_copy if role == "copy" else as_original)
        for kind, make, as_copy, as_original in USELESS
    ]
    ann.register(good)
    token, before = ann.claim_token(), told(world, ann)
    for kind, file, message in kinds:
        wanted = Copy(file) if role == "copy" else Copy(good, file)
        session = ann.begin_claim(token)
        ann.upload_all(session, wanted.copy + wanted.original)
        error = refused("PHOTO_REFUSED", ann.submit_claim, ann.claim_request(session, wanted))
        assert message in error.details(), kind
        assert state_of(world, session) == "begun", kind
        forget_uploads(world)
    assert told(world, ann) == before
    # The token is as good as new, and the service has taken no harm.
    session, sums = ann.submitted_claim(Copy(good), token)
    said = certified(world, ann.finish_claim(ann.claim_opening(session, sums)))
    assert said.verdict == "proven"


def keep(world, session, data):
    """As if it had been uploaded."""
    with world.server.service.store.transaction() as tx:
        tx.uploads.add(session.session_id, 0, data)


def test_a_photo_has_64_mib_at_most(world, ann):
    token, much = ann.claim_token(), bytes(MAX_PHOTO + 1)
    claiming, registering = ann.begin_claim(token), ann.begin_registration(VERIFIED)
    keep(world, claiming, much)
    request = ann.claim_request(claiming, Copy(much))
    error = refused("MALFORMED", ann.submit_claim, request)
    assert f"a photo has 1 to {MAX_PHOTO} bytes" in error.details()
    keep(world, registering, much[1:])
    error = refused("MALFORMED", ann.upload, registering, MAX_PHOTO, b"x")
    assert f"takes an upload of {MAX_PHOTO} bytes at most" in error.details()
    assert state_of(world, claiming) == state_of(world, registering) == "begun"
    forget_uploads(world)
    assert ann.begin_claim(token).purpose == "claim"
