"""Make the client's test vectors anew: `python tests/vectors/generate.py`.

Run it when the protocol changes, never to make a failing test pass. What is random (keys, noise) is
drawn afresh and stored with its result; everything else is a formula of docs/PROTOCOL.md.
"""

import hashlib
import json
from pathlib import Path

import numpy as np

from grainseal.crypto.checkpoint import Checkpoint, NoteSigner, sign_checkpoint
from grainseal.crypto.entries import EnrollmentEntry
from grainseal.crypto.leaves import Kind, LogProof, Opening, commit
from grainseal.crypto.masking import LoadedKeys, load_code, mask_comparison, unmask_score
from grainseal.crypto.merkle import leaf_hash, node_hash
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import TESTING
from grainseal.crypto.receipts import Receipt
from grainseal.crypto.seal import ring_for
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import (
    SessionContext,
    opening_transcript,
    probe_transcript,
    request_transcript,
    template_transcript,
)
from grainseal.models.codes import CODES, encode, select_positions
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.photo import Photo
from grainseal.models.wavelet import residual
from grainseal.proto.v1 import grainseal_pb2 as pb

FOLDER = Path(__file__).parent / "client"
LOG_FOLDER = Path(__file__).parent / "log"
SPEC = CODES["TESTING"]


def formula_pixels(height: int, width: int) -> np.ndarray:
    """A smooth picture with hashed noise, uint8 (H, W, 3): the vectors' photo."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    hashed = (y * 73856093 ^ x * 19349663 ^ c * 83492791) * 2654435761 % 2**32
    return (96 + (x + 2 * y) // 8 + c * 16 + (hashed >> 28)).astype(np.uint8)


def formula_features(count: int) -> np.ndarray:
    """Hashed numbers in [-1, 1), float32 (M,): the vectors' features."""
    hashed = np.arange(count, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    return (hashed.astype(np.float64) / 2**31 - 1).astype(np.float32)


def ternary_key(key: HomomorphicKey) -> np.ndarray:
    """Coefficients of the secret key, int8 (n,) in {-1, 0, 1}: what Delta·X^0 as c1 decrypts to."""
    ring, ring_parameters = ring_for(TESTING.ring), TESTING.ring
    words = np.zeros((2, ring_parameters.degree), np.uint64)
    words[1, 0] = ring_parameters.last_prime // ring_parameters.plain_modulus
    import tenseal.sealapi as sealapi

    plain = sealapi.Plaintext()
    key._secret_ring._decryptor.decrypt(ring.last_level_ciphertext(words), plain)
    values = np.array([plain.data(i) for i in range(plain.coeff_count())], np.int64)
    values[values == ring_parameters.plain_modulus - 1] = -1
    return np.pad(values, (0, ring_parameters.degree - values.size)).astype(np.int8)


def write_photo_vectors() -> None:
    """Pixels to residual to fingerprint."""
    pixels = formula_pixels(176, 192)
    photo = Photo(pixels=pixels, kind="developed", name="vector", sha256="")
    np.savez_compressed(
        FOLDER / "photo.npz",
        pixels=pixels,
        residual_green=residual(photo.plane(1)),
        fingerprint=estimate([photo], get_extractor("wavelet")).values,
    )


def write_code_vectors() -> None:
    """Features to positions to code."""
    features = formula_features(9216)
    positions = select_positions(features, SPEC)
    vectors = []
    for key in (bytes(range(32)), hashlib.sha256(b"grainseal").digest()):
        code = encode(features, positions, SPEC, key)
        vectors.append({"code_key": key.hex(), "code": np.packbits(code < 0).tobytes().hex()})
    _write(
        "code",
        {
            "profile": SPEC.name,
            "features": 9216,
            "positions_sha256": _sha(positions.astype("<u4").tobytes()),
            "codes": vectors,
        },
    )


def write_ceremony_vectors() -> None:
    """Code to ciphertext to answer to opening, with transcripts, signatures and requests."""
    key, device = HomomorphicKey(TESTING), SigningKey(bytes(range(32)))
    public = key.public_keys()
    features = formula_features(9216)
    code = encode(features, select_positions(features, SPEC), SPEC, bytes(range(32)))
    wire = key.encrypt(code)
    keys = LoadedKeys.from_wire(TESTING, public)
    sums, masks = mask_comparison(TESTING, keys, load_code(TESTING, wire), load_code(TESTING, wire))
    opened = key.open(sums)
    if unmask_score(TESTING, masks, opened) != TESTING.length:
        raise SystemExit("the vectors' own comparison failed")
    np.savez_compressed(
        FOLDER / "ceremony.npz",
        secret=ternary_key(key),
        code=code,
        ciphertext=np.frombuffer(wire, np.uint8),
        c1=np.array([np.frombuffer(s.c1, "<u8") for s in sums]),
        c0=np.array([s.c0 for s in sums], np.uint64),
        opened=np.array(opened),
    )
    context = SessionContext(
        bytes(range(32)),
        bytes(range(32, 64)),
        "shop",
        "enrolment-1",
        "ann",
        "authenticate",
        "TESTING",
        1_800_000_000,
    )
    transcripts = {
        "template": template_transcript(context, wire, public),
        "probe": probe_transcript(context, wire),
        "opening": opening_transcript(context, sums, opened),
        "request": request_transcript(context),
    }
    opening = pb.Opening(
        session_id="session-1",
        opened=opened,
        signature=device.sign(transcripts["opening"]),
        idempotency_key=b"k" * 16,
    )
    _write(
        "ceremony",
        {
            "context": {
                **context.__dict__,
                "nonce": context.nonce.hex(),
                "service_key": context.service_key.hex(),
            },
            "device_seed": device.seed.hex(),
            "device_key": device.public.hex(),
            "relin_key_sha256": _sha(public.relin_key),
            "zero_key_sha256": _sha(public.zero_key),
            "transcripts": {tag: t.hex() for tag, t in transcripts.items()},
            "signatures": {tag: device.sign(t).hex() for tag, t in transcripts.items()},
            "opening_request": opening.SerializeToString(deterministic=True).hex(),
        },
    )


def write_receipt_vector() -> None:
    """An enrolment's receipt, leaf 3 of a log of six, and the key that verifies it."""
    signer = NoteSigner("grainseal/log", SigningKey(bytes(range(32))))
    hashes = [hashlib.sha256(name.encode()).digest() for name in ("template", "relin", "zero")]
    device = SigningKey(bytes(range(32, 64))).public
    entry = EnrollmentEntry(
        "enrolment-1", "Ann Ö", "shop", "AUTH_JPEG_V1", device, *hashes, b"", 1_800_000_000
    )
    salt = bytes(range(64, 96))
    leaf = commit(Kind.ENROLLMENT, Opening(salt, entry.encoded))
    path = leaf_hash(b"leaf 2"), leaf_hash(b"left pair"), leaf_hash(b"right pair")
    root = node_hash(node_hash(path[1], node_hash(path[0], leaf.hash)), path[2])
    note = sign_checkpoint(Checkpoint(signer.name, 6, root), [signer])
    receipt = Receipt(entry, salt, leaf.commitment, LogProof(3, path, note))
    (LOG_FOLDER / "receipt.json").write_text(receipt.to_json())
    (LOG_FOLDER / "receipt.vkey").write_text(f"{signer.verifier}\n")


def _write(name: str, content: dict[str, object]) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n")


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_photo_vectors()
    write_code_vectors()
    write_ceremony_vectors()
    write_receipt_vector()
