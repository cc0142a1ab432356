"""A decided claim with its receipts in a small log, without a service, for tests of evidence."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from grainseal.client.claiming import ClaimOutcome
from grainseal.crypto.certificate import (
    Claimant,
    ClaimStatement,
    CompetingRegistration,
    Findings,
    OwnRegistration,
    PhotoFacts,
    Placed,
    Reason,
    sign_certificate,
)
from grainseal.crypto.checkpoint import Checkpoint, NoteSigner, sign_checkpoint
from grainseal.crypto.entries import (
    EnrollmentEntry,
    Entry,
    RegistrationEntry,
    RegistrationStatement,
)
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit
from grainseal.crypto.merkle import leaf_hash, node_hash
from grainseal.crypto.receipts import Receipt
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.tokens import jwks, keys_of_jwks
from grainseal.models.identity import identity_of
from grainseal.models.photo import read_photo

LOG = NoteSigner("grainseal/log", SigningKey(b"\x05" * 32))
SERVICE, DEVICE = SigningKey(b"\x01" * 32), SigningKey(b"\x07" * 32)
KEY_SET = jwks([SERVICE.public])
KEYS = keys_of_jwks(KEY_SET)
ENROLLED = EnrollmentEntry(
    *("e1", "Ann", "shop", "AUTH_JPEG_V1", DEVICE.public, b"t" * 32, b"r" * 32, b"z" * 32),
    *(b"c" * 32, 1_772_000_000),
)
HALF = Placed(("0.5000", "0.5000"), ("0.00", "0.00"), 0, False, "0.98")
SIDE = 64


def picture(path: Path, seed: int = 0, side: int = SIDE, **options: object) -> Path:
    """A photo of coloured noise on a slope."""
    rng = np.random.default_rng(seed)
    slope = np.linspace(40, 200, side)[None, :, None]
    pixels = (slope + rng.integers(-30, 30, (side, side, 3))).clip(0, 255).astype(np.uint8)
    Image.fromarray(pixels).save(path, **options)
    return path


def half_of(original: Path, path: Path) -> Path:
    """The copy somebody made: half the size, compressed."""
    with Image.open(original) as image:
        image.reduce(2).save(path, quality=90)
    return path


def facts(path: Path) -> PhotoFacts:
    found = identity_of(read_photo(path))
    return PhotoFacts(
        found.file_sha256, found.pixels_sha256, found.perceptual_hash, found.height, found.width
    )


def receipt_of(entry: Entry, signer: NoteSigner = LOG) -> Receipt:
    """Of leaf 1 of three, made by hand."""
    kind = Kind.ENROLLMENT if isinstance(entry, EnrollmentEntry) else Kind.REGISTRATION
    leaf = commit(kind, Opening(b"s" * 32, entry.encoded))
    first, last = leaf_hash(b"first"), leaf_hash(b"last")
    root = node_hash(node_hash(first, leaf.hash), last)
    checkpoint = sign_checkpoint(Checkpoint(signer.name, 3, root), [signer])
    return Receipt(entry, b"s" * 32, leaf.commitment, LogProof(1, (first, last), checkpoint))


def registered(original: Path, registration_id: str = "r1", title: str = "Dunes"):
    """The receipt of the photo's registration."""
    photo = facts(original)
    said = RegistrationStatement(
        *(SERVICE.public, "e1", DEVICE.public, photo.file_sha256, photo.pixels_sha256),
        *(photo.perceptual_hash, photo.height, photo.width, title, "Ann", "CC-BY-4.0", "", ""),
    )
    values = [getattr(said, name) for name in said.__dataclass_fields__]
    entry = RegistrationEntry(
        *(registration_id, "Ann", "shop", "camera-verified", *values),
        *(DEVICE.sign(said.encoded), "", 1_772_100_000),
    )
    return receipt_of(entry)


def decided(copy: Path, original: Path | None, **changes: object) -> ClaimStatement:
    """A claim that is proven unless `changes` say otherwise."""
    said = ClaimStatement(
        claim_id="c1",
        service_key=SERVICE.public,
        decided_at=1_772_300_000,
        verdict="proven",
        reasons=(
            Reason("match", "The copy carries the pattern of the claimant's camera."),
            Reason("registered", "The claimant registered this photo, nobody before that."),
        ),
        false_match_probability="1e-9",
        claimant=Claimant("e1", "Ann", "shop", DEVICE.public, "CLAIM_V1", ENROLLED.created_at),
        registration=OwnRegistration("r1", "camera-verified", 1_772_100_000),
        competing=(CompetingRegistration("r9", "device-asserted", 1_772_200_000, 12),),
        copy=facts(copy),
        original=None if original is None else facts(original),
        placement=HALF,
        findings=Findings("match", None if original is None else "match", "no match"),
        seen_at=1_772_250_000,
        match_map=(0, 1, 2, 3) * 4,
    )
    return replace(said, **changes)


@dataclass(frozen=True)
class Case:
    """A claim of `copy` with `original`, both files."""

    outcome: ClaimOutcome
    copy: Path
    original: Path | None


def outcome_of(said: ClaimStatement, registration: Receipt | None) -> ClaimOutcome:
    return ClaimOutcome(said, sign_certificate(SERVICE, said), receipt_of(ENROLLED), registration)


def full_case(folder: Path) -> Case:
    """A registered photo, half of it found elsewhere."""
    original = picture(folder / "dunes.jpg", quality=95)
    copy = half_of(original, folder / "found.jpeg")
    return Case(outcome_of(decided(copy, original), registered(original)), copy, original)


def bare_case(folder: Path) -> Case:
    """A copy of a photo that is not registered, without the original."""
    copy = picture(folder / "found.png", 1)
    said = decided(copy, None, registration=None, verdict="supported", competing=())
    said = replace(said, seen_at=None, match_map=None, placement=None)
    return Case(outcome_of(said, None), copy, None)
