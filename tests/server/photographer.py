"""Virtual cameras in the hands of test devices: photos, copies, registrations and claims."""

import hashlib
import io
import itertools
import os
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from PIL import Image
from tests.server.claims import ClaimMaterial
from tests.server.device import TIMEOUT, TestDevice, context_of, new_key, noisy
from tests.server.world import World

from grainseal.crypto.certificate import ClaimStatement, verify_certificate
from grainseal.crypto.entries import Grade, RegistrationStatement
from grainseal.crypto.masking import MaskedSum
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import CLAIM_TESTING
from grainseal.crypto.tokens import keys_of_jwks
from grainseal.crypto.transcript import claim_transcript, registration_transcript
from grainseal.models.alignment import Placement, copy_features
from grainseal.models.claim_code import claim_for
from grainseal.models.claims import enrol_claim
from grainseal.models.codes import keyed_mask
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Fingerprint, estimate
from grainseal.models.identity import identity_of
from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, develop, flat_scene
from grainseal.proto.v1 import grainseal_pb2 as pb

SIDE = 512
SPEC = claim_for("CLAIM_TESTING")
GRADES = {
    Grade.DEVICE_ASSERTED: pb.GRADE_DEVICE_ASSERTED,
    Grade.CAMERA_VERIFIED: pb.GRADE_CAMERA_VERIFIED,
}
_SCENES = itertools.count()


@cache
def camera(seed: int) -> VirtualCamera:
    return VirtualCamera(seed, SIDE, SIDE)


@cache
def flats(seed: int) -> list[bytes]:
    """What a camera's template is made from."""
    shots = [camera(seed).photograph(flat_scene(SIDE, SIDE, i), 100, i) for i in range(6)]
    return [jpeg(Image.fromarray(develop(shot))) for shot in shots]


@cache
def fingerprint(seed: int) -> Fingerprint:
    return estimate(map(read_photo, flats(seed)), get_extractor(SPEC.extractor))


def jpeg(image: Image.Image, quality: int = 92) -> bytes:
    data = io.BytesIO()
    image.save(data, "JPEG", quality=quality)
    return data.getvalue()


def picture(seed: int = 0, scene: int | None = None) -> Image.Image:
    """A photo of a camera, of a scene that no other photo shows unless it is named."""
    scene = next(_SCENES) if scene is None else 1000 + scene
    rng = np.random.default_rng([7, scene])
    small = Image.fromarray(rng.integers(90, 200, (32, 32, 3)).astype(np.uint8))
    wide = np.asarray(small.resize((SIDE, SIDE), Image.Resampling.BICUBIC))
    shot = camera(seed).photograph((wide / 255).astype(np.float32), 100, 10_000 + scene)
    return Image.fromarray(develop(shot))


def material(seed: int) -> ClaimMaterial:
    """A claim template of a camera, under a key and a mask of its own."""
    mask = os.urandom(32)
    enrolled = enrol_claim(fingerprint(seed), SPEC, mask)
    return ClaimMaterial(
        CLAIM_TESTING,
        (SIDE, SIDE),
        mask,
        enrolled.signs,
        enrolled.positions,
        HomomorphicKey(CLAIM_TESTING),
    )


@dataclass
class Copy:
    """What a claim is about."""

    copy: bytes
    original: bytes = b""
    registration_id: str = ""
    seen_at: int = 0
    match_map: bool = False
    changes: dict = field(default_factory=dict)


class Photographer(TestDevice):
    """A device with a virtual camera, enrolled for claims."""

    def code_of(self, photo: bytes) -> np.ndarray:
        """A registered photo's code, as the device cuts it."""
        whole = Placement((1.0, 1.0))
        values = copy_features(read_photo(photo), whole, self.claims.shape, SPEC)
        signs = np.where(values[self.claims.positions] < 0, -1, 1).astype(np.int8)
        return signs * keyed_mask(SPEC, self.claims.seed)

    # Registration ------------------------------------------------------------------------------

    def begin_registration(self, grade=Grade.DEVICE_ASSERTED, key=b"", **changes) -> pb.Session:
        request = pb.BeginRegistrationRequest(
            **{
                "enrollment_id": self.enrollment_id,
                "grade": GRADES[grade],
                "idempotency_key": key or new_key(),
                **changes,
            }
        )
        return self.connection.copyright.BeginRegistration(request, timeout=TIMEOUT)

    def statement(self, session: pb.Session, photo: bytes, **changes) -> RegistrationStatement:
        said = {
            **vars(identity_of(read_photo(photo))),
            "title": "Boats",
            "creator": "Ann",
            "licence": "CC-BY-4.0",
            "captured_at": "",
            "camera": "",
            **changes,
        }
        return RegistrationStatement(
            service_key=session.service_key,
            enrollment_id=session.enrollment_id,
            device_key=self.signing.public,
            **said,
        )

    def registration_request(
        self, session, statement, upload, grade=Grade.DEVICE_ASSERTED, key=b"", **changes
    ) -> pb.SubmitRegistrationRequest:
        signature = self.sign(statement.encoded)
        digest = hashlib.sha256(upload).digest()
        transcript = registration_transcript(
            context_of(session), grade.value, statement.encoded, signature, digest
        )
        fields = [each.name for each in pb.Statement.DESCRIPTOR.fields]
        return pb.SubmitRegistrationRequest(
            **{
                "session_id": session.session_id,
                "statement": pb.Statement(**{name: getattr(statement, name) for name in fields}),
                "statement_signature": signature,
                "signature": self.sign(transcript),
                "idempotency_key": key or new_key(),
                **changes,
            }
        )

    def submit_registration(self, request) -> list[MaskedSum]:
        return sums_of(self.connection.copyright.SubmitRegistration(request, timeout=TIMEOUT))

    def finish_registration(self, request) -> pb.Registration:
        return self.connection.copyright.FinishRegistration(request, timeout=TIMEOUT)

    def submitted_registration(self, photo: bytes, grade=Grade.DEVICE_ASSERTED, **changes):
        """Session and sums of a registration that awaits its end."""
        session = self.begin_registration(grade)
        upload = photo
        if grade is Grade.DEVICE_ASSERTED:
            upload = self.claims.homomorphic.encrypt(self.code_of(photo))
        self.upload_all(session, upload)
        statement = self.statement(session, photo, **changes)
        request = self.registration_request(session, statement, upload, grade)
        return session, self.submit_registration(request)

    def register(self, photo: bytes, grade=Grade.DEVICE_ASSERTED, **changes) -> pb.Registration:
        session, sums = self.submitted_registration(photo, grade, **changes)
        return self.finish_registration(self.claim_opening(session, sums))

    def claim_opening(self, session, sums, opened=None, key=b"") -> pb.Opening:
        opened = self.open_claims(sums) if opened is None else opened
        return self.opening(session, sums, opened, key)

    # Claims ------------------------------------------------------------------------------------

    def claim_token(self) -> str:
        probe = noisy(self.code, np.random.default_rng())
        return self.authenticate(probe, "grainseal", "claim").token

    def begin_claim(self, token="", key=b"") -> pb.Session:
        request = pb.BeginClaimRequest(
            claim_token=token or self.claim_token(), idempotency_key=key or new_key()
        )
        return self.connection.copyright.BeginClaim(request, timeout=TIMEOUT)

    def claim_request(self, session, wanted: Copy, key=b"") -> pb.SubmitClaimRequest:
        original = hashlib.sha256(wanted.original).digest() if wanted.original else b""
        transcript = claim_transcript(
            context_of(session),
            hashlib.sha256(wanted.copy).digest(),
            original,
            wanted.registration_id,
            max(0, wanted.seen_at),
            wanted.match_map,
        )
        return pb.SubmitClaimRequest(
            **{
                "session_id": session.session_id,
                "copy_size": len(wanted.copy),
                "registration_id": wanted.registration_id,
                "seen_at": wanted.seen_at,
                "match_map": wanted.match_map,
                "signature": self.sign(transcript),
                "idempotency_key": key or new_key(),
                **wanted.changes,
            }
        )

    def submit_claim(self, request) -> list[MaskedSum]:
        return sums_of(self.connection.copyright.SubmitClaim(request, timeout=TIMEOUT))

    def finish_claim(self, request) -> pb.Claim:
        return self.connection.copyright.FinishClaim(request, timeout=TIMEOUT)

    def submitted_claim(self, wanted: Copy, token=""):
        """Session and sums of a claim that awaits its end."""
        session = self.begin_claim(token)
        self.upload_all(session, wanted.copy + wanted.original)
        return session, self.submit_claim(self.claim_request(session, wanted))

    def claim(self, wanted: Copy) -> pb.Claim:
        session, sums = self.submitted_claim(wanted)
        return self.finish_claim(self.claim_opening(session, sums))


def photographer(world: World, seed: int = 0) -> Photographer:
    """A new device, enrolled with the template of a camera."""
    device = world.device(cls=Photographer)
    device.claims = material(seed)
    device.enroll(world.ticket())
    return device


def certified(world: World, claim: pb.Claim) -> ClaimStatement:
    """What a claim's certificate says, once its signature was checked."""
    jwks = world.connection.authentication.GetKeys(pb.GetKeysRequest()).jwks
    return verify_certificate(claim.certificate, keys_of_jwks(jwks))


def codes_of(statement: ClaimStatement) -> list[str]:
    return [reason.code for reason in statement.reasons]


def sums_of(message: pb.MaskedSums) -> list[MaskedSum]:
    return [MaskedSum(each.c1, each.c0) for each in message.sums]
