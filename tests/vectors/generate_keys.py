"""Make the vectors of keys from cameras anew: `python tests/vectors/generate_keys.py`.

Run it when docs/PROTOCOL.md, "Fuzzy extractor", changes, never to make a failing test pass. Nothing
is drawn: secrets, seeds and messages are formulas, so that every run writes the same bytes.
"""

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from grainseal.crypto.camera_key import (
    answer_transcript,
    camera_key_of,
    fetch_transcript,
    helper_hash,
    key_enrollment_transcript,
    proof_transcript,
)
from grainseal.crypto.entries import KeyEnrollmentEntry
from grainseal.crypto.fuzzy_extractor import generate
from grainseal.crypto.helper_data import HelperData, enrolment_keys
from grainseal.crypto.polar import PolarCode
from grainseal.crypto.profiles import FUZZY_MAX_V1, FUZZY_TESTING, FUZZY_V1
from grainseal.crypto.sealed_file import PIECE_BYTES, seal_file
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.sketch import packed
from grainseal.crypto.transcript import SessionContext
from grainseal.models.codes import code_for, encode, select_positions

FOLDER = Path(__file__).parent / "keys"
PROFILE, FRAME, FEATURES = FUZZY_TESTING, (512, 512), 16_384
SECRET, SEED = bytes(range(32)), bytes(range(32, 64))
DEVICE = bytes(range(96, 128))
FIELD_BYTES = 4  # length before a field of the canonical form


def formula_bits(count: int, name: str) -> np.ndarray:
    """`count` bits of SHA-256(name ‖ block number as 8 bytes big-endian), uint8."""
    blocks = [
        hashlib.sha256(name.encode() + number.to_bytes(8, "big")).digest()
        for number in range(count // 256 + 1)
    ]
    return np.unpackbits(np.frombuffer(b"".join(blocks), np.uint8))[:count]


def formula_features(count: int) -> np.ndarray:
    """Hashed numbers in [-1, 1), float32 (M,), as of the client's vectors."""
    hashed = np.arange(count, dtype=np.uint64) * np.uint64(2654435761) % np.uint64(2**32)
    return (hashed.astype(np.float64) / 2**31 - 1).astype(np.float32)


def formula_fresh(count: int) -> np.ndarray:
    """The features with noise of two: of twelve hashed bits how many are set, less six."""
    noise = formula_bits(12 * count, "noise").reshape(count, 12).sum(axis=1) - 6.0
    return (formula_features(count) + noise).astype(np.float32)


def formula_file(size: int) -> bytes:
    """Byte i is (i·i) >> 3 mod 256."""
    index = np.arange(size, dtype=np.int64)
    return ((index * index >> 3) & 255).astype(np.uint8).tobytes()


def enrolment() -> tuple[bytes, HelperData]:
    """The vectors' key and helper data."""
    spec, strengths = code_for(PROFILE.name), formula_features(FEATURES)
    positions = select_positions(strengths, spec)
    chosen = np.zeros(FEATURES, np.uint8)
    chosen[positions] = 1
    keys = enrolment_keys(PROFILE, SECRET, SEED)
    code = encode(strengths, positions, spec, keys.code_key)
    message = formula_bits(PROFILE.message_bits, "message")
    return generate(PROFILE, code, SECRET, SEED, FRAME, packed(chosen), message)


def write_polar() -> None:
    """Positions, and a message with its codeword, for each outer code and a small one."""
    codes = [PolarCode(16, 8), *(p.outer for p in (FUZZY_TESTING, FUZZY_V1, FUZZY_MAX_V1))]
    vectors = []
    for code in codes:
        message = formula_bits(code.message_bits, "message")
        chosen = np.zeros(code.length, np.uint8)
        chosen[code.message_positions] = 1
        vectors.append(
            {
                "length": code.length,
                "message_bits": code.message_bits,
                "message_positions": packed(chosen).hex(),
                "message": packed(message).hex(),
                "codeword": packed(code.encode(message)).hex(),
            }
        )
    _write("polar", vectors)


def write_extractor() -> None:
    """An enrolment, and helper data that an honest one never made."""
    key, helper = enrolment()
    keys = enrolment_keys(PROFILE, SECRET, SEED)
    data = helper.to_bytes(SECRET)
    changed = {
        "first byte": 0,
        "profile": data.index(PROFILE.name.encode()),
        "seed": data.index(SEED),
        "box": data.index(SEED) + len(SEED) + FIELD_BYTES,
        "last byte of the box's tag": len(data) - 1,
    }
    # Sealed again by somebody who has the device secret.
    sealed_again = {
        "frame": replace(helper, frame=(FRAME[1] // 2, FRAME[0] * 2)),
        "positions": replace(helper, positions=_flipped(helper.positions, 17)),
        "sketch": replace(helper, sketch=_flipped(helper.sketch, 5)),
        "sketch moved by a codeword": replace(helper, sketch=_moved(helper.sketch)),
        "tag": replace(helper, tag=_flipped(helper.tag, 31)),
        "another seed": replace(helper, seed=bytes(32)),
    }
    _write(
        "extractor",
        {
            "profile": PROFILE.name,
            "device_secret": SECRET.hex(),
            "seed": SEED.hex(),
            "frame": FRAME,
            "features": FEATURES,
            "message": packed(formula_bits(PROFILE.message_bits, "message")).hex(),
            "code_key": keys.code_key.hex(),
            "wrap_key": keys.wrap_key.hex(),
            "positions_sha256": hashlib.sha256(helper.positions).hexdigest(),
            "sketch_sha256": hashlib.sha256(helper.sketch).hexdigest(),
            "tag": helper.tag.hex(),
            "key": key.hex(),
            "helper": data.hex(),
            "refused_when_a_bit_is_flipped_at": changed,
            "refused_when_cut_to": [0, 20, len(data) // 2, len(data) - 1],
            "refused_when_sealed_again_with_another": {
                name: each.to_bytes(SECRET).hex() for name, each in sealed_again.items()
            },
        },
    )


def write_sealed() -> None:
    """Sealed files of no, one, one whole and three pieces."""
    key, key_id, salt = bytes(range(16)), bytes(range(100, 132)), bytes(range(200, 232))
    files = []
    for size in (0, 11, PIECE_BYTES, 2 * PIECE_BYTES + 1):
        target = io.BytesIO()
        seal_file(key, key_id, io.BytesIO(formula_file(size)), target, salt)
        sealed = target.getvalue()
        entry = {"size": size, "sealed_sha256": hashlib.sha256(sealed).hexdigest()}
        files.append(entry | ({"sealed": sealed.hex()} if size < 100 else {}))
    _write(
        "sealed",
        {"key": key.hex(), "key_id": key_id.hex(), "salt": salt.hex(), "files": files},
    )


def authentication_session(purpose: str, audience: str) -> SessionContext:
    """A session of the vectors; bytes are formulas too."""
    return SessionContext(
        nonce=bytes(range(32)),
        service_key=SigningKey(bytes(range(64, 96))).public,
        audience=audience,
        enrollment_id="enrolment-1",
        subject="ann",
        purpose=purpose,
        profile=PROFILE.name,
        expires_at=1_800_000_000,
    )


def write_authentication() -> None:
    """The camera key of the enrolment, every transcript that is signed, and its signatures."""
    key, helper = enrolment()
    data, camera, device = helper.to_bytes(SECRET), camera_key_of(PROFILE, key), SigningKey(DEVICE)
    enrolling = authentication_session("enroll", "grainseal")
    asking = authentication_session("authenticate", "shop")
    enrolled = key_enrollment_transcript(enrolling, FRAME, data, camera.public)
    fetch = fetch_transcript(asking)
    proven = proof_transcript(asking, helper_hash(data))
    proof = camera.sign(proven)
    answers = {
        "answer": answer_transcript(asking, helper_hash(data), proof),
        "answer without a key": answer_transcript(asking, helper_hash(data), b""),
    }
    entry = KeyEnrollmentEntry(
        enrollment_id=enrolling.enrollment_id,
        subject=enrolling.subject,
        issuer="shop",
        profile=PROFILE.name,
        device_key=device.public,
        helper_sha256=helper_hash(data),
        camera_key=camera.public,
        created_at=1_799_999_700,
    )
    _write(
        "authentication",
        {
            "profile": PROFILE.name,
            "key": key.hex(),
            "camera_key_seed": camera.seed.hex(),
            "camera_key": camera.public.hex(),
            "device_key_seed": DEVICE.hex(),
            "device_key": device.public.hex(),
            "helper_sha256": helper_hash(data).hex(),
            "helper_bytes": len(data),
            "session": {
                "nonce": asking.nonce.hex(),
                "service_key": asking.service_key.hex(),
                "enrollment_id": asking.enrollment_id,
                "subject": asking.subject,
                "expires_at": asking.expires_at,
            },
            "transcripts": {
                name: each.hex()
                for name, each in {"enrolment": enrolled, "fetch": fetch, "proof": proven}.items()
            }
            | {name: each.hex() for name, each in answers.items()},
            "signatures": {
                "enrolment by the camera key": camera.sign(enrolled).hex(),
                "enrolment by the device key": device.sign(enrolled).hex(),
                "fetch": device.sign(fetch).hex(),
                "proof": proof.hex(),
                **{name: device.sign(each).hex() for name, each in answers.items()},
            },
            "entry": entry.encoded.hex(),
        },
    )


def _flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _moved(sketch: bytes) -> bytes:
    """The sketch of the same code behind another message."""
    other = PROFILE.outer.encode(formula_bits(PROFILE.message_bits, "another message"))
    bits = np.unpackbits(np.frombuffer(sketch, np.uint8))
    return packed(bits ^ np.repeat(other, PROFILE.repetition))


def _write(name: str, content: object) -> None:
    (FOLDER / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_polar()
    write_extractor()
    write_sealed()
    write_authentication()
