"""The vectors of keys from cameras: this code reproduces them, and so does their text."""

import hashlib
import hmac
import importlib.util
import io
import json
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from grainseal.crypto.camera_key import (
    answer_transcript,
    camera_key_of,
    fetch_transcript,
    helper_hash,
    key_enrollment_transcript,
    proof_transcript,
)
from grainseal.crypto.entries import parse_key_enrollment_entry
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.fuzzy_extractor import reproduce
from grainseal.crypto.helper_data import HelperData
from grainseal.crypto.polar import PolarCode
from grainseal.crypto.profiles import FUZZY_TESTING
from grainseal.crypto.sealed_file import open_file
from grainseal.models.codes import code_for, soft_code

FOLDER = Path(__file__).parent / "vectors" / "keys"
_spec = importlib.util.spec_from_file_location("generate_keys", FOLDER.parent / "generate_keys.py")
assert _spec is not None
assert _spec.loader is not None
generate_keys = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate_keys)

EXTRACTOR = json.loads((FOLDER / "extractor.json").read_text())
SECRET, SEED = (bytes.fromhex(EXTRACTOR[name]) for name in ("device_secret", "seed"))
HELPER = bytes.fromhex(EXTRACTOR["helper"])


def bits(data: str) -> np.ndarray:
    return np.unpackbits(np.frombuffer(bytes.fromhex(data), np.uint8))


def fresh(helper: HelperData) -> np.ndarray:
    positions = np.flatnonzero(np.unpackbits(np.frombuffer(helper.positions, np.uint8)))
    features = generate_keys.formula_fresh(EXTRACTOR["features"])
    key = bytes.fromhex(EXTRACTOR["code_key"])
    spec = code_for(EXTRACTOR["profile"])
    return soft_code(features, positions.astype(np.uint32), spec, key)


@pytest.mark.parametrize("vector", json.loads((FOLDER / "polar.json").read_text()))
def test_polar_codes(vector):
    code = PolarCode(vector["length"], vector["message_bits"])
    assert np.flatnonzero(bits(vector["message_positions"])).tolist() == list(
        code.message_positions
    )
    codeword = code.encode(bits(vector["message"]))
    assert np.packbits(codeword).tobytes().hex() == vector["codeword"]
    found, _ = code.decode((1.0 - 2.0 * codeword)[None] * 0.5, 2)
    assert (found[0, 0] == codeword).all()


def framed(tag: str, *fields: bytes) -> bytes:
    """The canonical form, by hand."""
    parts = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    return b"grainseal/v1/" + tag.encode() + b"\0" + parts


def hkdf(salt: bytes, secret: bytes, tag: str, length: int) -> bytes:
    """RFC 5869, for up to 32 bytes."""
    prk = hmac.digest(salt, secret, "sha256")
    info = framed(tag, EXTRACTOR["profile"].encode())
    return hmac.digest(prk, info + b"\1", "sha256")[:length]


def test_helper_data_by_hand():
    """Keys, box, sketch, tag and key from the stored parts, as docs/PROTOCOL.md has them."""
    name = EXTRACTOR["profile"].encode()
    wrap_key = hkdf(SEED, SECRET, "fuzzy-wrap", 32)
    assert wrap_key.hex() == EXTRACTOR["wrap_key"]
    assert hkdf(SEED, SECRET, "fuzzy-code", 32).hex() == EXTRACTOR["code_key"]
    head = framed("fuzzy-helper", name, SEED)
    assert HELPER.startswith(head)
    plain = AESGCM(wrap_key).decrypt(bytes(12), HELPER[len(head) + 4 :], head)

    height, width = (each.to_bytes(8, "big") for each in EXTRACTOR["frame"])
    features = generate_keys.formula_features(EXTRACTOR["features"])
    strongest = np.argsort(-np.abs(features), kind="stable")[: FUZZY_TESTING.length]
    chosen = np.zeros(features.size, np.uint8)
    chosen[strongest] = 1
    positions = np.packbits(chosen).tobytes()
    assert hashlib.sha256(positions).hexdigest() == EXTRACTOR["positions_sha256"]

    codeword = bits(json.loads((FOLDER / "polar.json").read_text())[1]["codeword"])
    sketch = plain[-36 - 1024 : -36]
    assert hashlib.sha256(sketch).hexdigest() == EXTRACTOR["sketch_sha256"]
    code = np.packbits(bits(sketch.hex()) ^ np.repeat(codeword, 8)).tobytes()
    tagged = framed("fuzzy-sketch", name, SEED, height, width, positions, sketch)
    tag = hmac.digest(hkdf(SEED, SECRET + code, "fuzzy-tag", 32), tagged, "sha256")
    assert tag.hex() == EXTRACTOR["tag"]
    assert plain == framed("fuzzy-sketch", height, width, positions, sketch, tag)
    assert hkdf(SEED, SECRET + code, "fuzzy-key", 16).hex() == EXTRACTOR["key"]


def test_the_key_comes_back():
    helper = HelperData.from_bytes(HELPER, SECRET)
    assert reproduce(helper, fresh(helper), SECRET).hex() == EXTRACTOR["key"]


def test_the_enrolment_is_made_again_to_the_byte():
    key, helper = generate_keys.enrolment()
    assert key.hex() == EXTRACTOR["key"]
    assert helper.to_bytes(SECRET) == HELPER


@pytest.mark.parametrize("name", EXTRACTOR["refused_when_a_bit_is_flipped_at"])
def test_a_changed_file_is_refused(name):
    at = EXTRACTOR["refused_when_a_bit_is_flipped_at"][name]
    changed = HELPER[:at] + bytes([HELPER[at] ^ 1]) + HELPER[at + 1 :]
    with pytest.raises((MalformedMessage, VerificationFailed)):
        HelperData.from_bytes(changed, SECRET)


@pytest.mark.parametrize("length", EXTRACTOR["refused_when_cut_to"])
def test_a_cut_file_is_refused(length):
    with pytest.raises((MalformedMessage, VerificationFailed)):
        HelperData.from_bytes(HELPER[:length], SECRET)


@pytest.mark.parametrize("name", EXTRACTOR["refused_when_sealed_again_with_another"])
def test_what_was_changed_and_sealed_again_gives_no_key(name):
    data = bytes.fromhex(EXTRACTOR["refused_when_sealed_again_with_another"][name])
    helper = HelperData.from_bytes(data, SECRET)
    assert data != HELPER
    soft = fresh(HelperData.from_bytes(HELPER, SECRET))
    with pytest.raises(VerificationFailed):
        reproduce(helper, soft, SECRET)


AUTHENTICATION = json.loads((FOLDER / "authentication.json").read_text())


def authentication_fields(purpose: str, audience: str) -> list[bytes]:
    """A session's eight fields, by hand."""
    said = AUTHENTICATION["session"]
    return [
        bytes.fromhex(said["nonce"]),
        bytes.fromhex(said["service_key"]),
        audience.encode(),
        said["enrollment_id"].encode(),
        said["subject"].encode(),
        purpose.encode(),
        AUTHENTICATION["profile"].encode(),
        said["expires_at"].to_bytes(8, "big"),
    ]


def test_authentication_by_key_by_hand():
    """Camera key, transcripts, signatures and entry, as docs/PROTOCOL.md has them."""
    vector = AUTHENTICATION
    assert vector["key"] == EXTRACTOR["key"]
    seed = hkdf(bytes(32), bytes.fromhex(vector["key"]), "fuzzy-signing", 32)
    assert seed.hex() == vector["camera_key_seed"]
    camera = Ed25519PrivateKey.from_private_bytes(seed)
    device = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(vector["device_key_seed"]))
    assert camera.public_key().public_bytes_raw().hex() == vector["camera_key"]
    assert device.public_key().public_bytes_raw().hex() == vector["device_key"]
    helper = hashlib.sha256(HELPER).digest()
    assert (helper.hex(), len(HELPER)) == (vector["helper_sha256"], vector["helper_bytes"])

    height, width = (each.to_bytes(8, "big") for each in EXTRACTOR["frame"])
    public = bytes.fromhex(vector["camera_key"])
    asking = authentication_fields("authenticate", "shop")
    proof = bytes.fromhex(vector["signatures"]["proof"])
    enrolling = [*authentication_fields("enroll", "grainseal"), height, width, helper, public]
    expected = {
        "enrolment": framed("key-enrollment", *enrolling),
        "fetch": framed("key-fetch", *asking),
        "proof": framed("key-proof", *asking, helper),
        "answer": framed("key-answer", *asking, helper, proof),
        "answer without a key": framed("key-answer", *asking, helper, b""),
    }
    assert {name: each.hex() for name, each in expected.items()} == vector["transcripts"]
    signed = {
        "enrolment by the camera key": camera.sign(expected["enrolment"]),
        "enrolment by the device key": device.sign(expected["enrolment"]),
        "fetch": device.sign(expected["fetch"]),
        "proof": camera.sign(expected["proof"]),
        "answer": device.sign(expected["answer"]),
        "answer without a key": device.sign(expected["answer without a key"]),
    }
    assert {name: each.hex() for name, each in signed.items()} == vector["signatures"]
    entry = framed(
        "key-enrollment-entry",
        vector["session"]["enrollment_id"].encode(),
        b"ann",
        b"shop",
        vector["profile"].encode(),
        bytes.fromhex(vector["device_key"]),
        helper,
        public,
        (1_799_999_700).to_bytes(8, "big"),
    )
    assert entry.hex() == vector["entry"]


def test_authentication_by_key_is_made_again_to_the_byte():
    camera = camera_key_of(FUZZY_TESTING, bytes.fromhex(EXTRACTOR["key"]))
    session = generate_keys.authentication_session("authenticate", "shop")
    proven = proof_transcript(session, helper_hash(HELPER))
    assert proven.hex() == AUTHENTICATION["transcripts"]["proof"]
    assert camera.sign(proven).hex() == AUTHENTICATION["signatures"]["proof"]
    enrolling = generate_keys.authentication_session("enroll", "grainseal")
    frame = tuple(EXTRACTOR["frame"])
    transcript = key_enrollment_transcript(enrolling, frame, HELPER, camera.public)
    assert transcript.hex() == AUTHENTICATION["transcripts"]["enrolment"]
    assert fetch_transcript(session).hex() == AUTHENTICATION["transcripts"]["fetch"]
    for name, proof in (("answer", camera.sign(proven)), ("answer without a key", b"")):
        answer = answer_transcript(session, helper_hash(HELPER), proof)
        assert answer.hex() == AUTHENTICATION["transcripts"][name]
    entry = parse_key_enrollment_entry(bytes.fromhex(AUTHENTICATION["entry"]))
    assert entry.camera_key == camera.public
    assert entry.encoded.hex() == AUTHENTICATION["entry"]


def test_sealed_files():
    vector = json.loads((FOLDER / "sealed.json").read_text())
    key, key_id, salt = (bytes.fromhex(vector[name]) for name in ("key", "key_id", "salt"))
    prk = hmac.digest(salt, key, "sha256")
    cipher = AESGCM(hmac.digest(prk, framed("sealed-file") + b"\1", "sha256"))
    header = b"grainseal-sealed-1\n" + key_id + salt
    for each in vector["files"]:
        content = generate_keys.formula_file(each["size"])
        pieces = [content[at : at + 65536] for at in range(0, max(1, len(content)), 65536)]
        sealed = header + b"".join(
            cipher.encrypt(
                number.to_bytes(11, "big") + bytes([number == len(pieces) - 1]), piece, header
            )
            for number, piece in enumerate(pieces)
        )
        assert hashlib.sha256(sealed).hexdigest() == each["sealed_sha256"]
        assert each.get("sealed", sealed.hex()) == sealed.hex()
        target = io.BytesIO()
        open_file(key, io.BytesIO(sealed), target)
        assert target.getvalue() == content
