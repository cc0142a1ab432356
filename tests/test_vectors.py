"""The client's test vectors: this client reproduces them, and so does plain arithmetic."""

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from grainseal.crypto.canonical import canonical
from grainseal.crypto.profiles import TESTING
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.transcript import SessionContext
from grainseal.models.codes import CODES, encode, select_positions
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.photo import Photo
from grainseal.models.wavelet import residual
from grainseal.proto.v1 import grainseal_pb2 as pb

FOLDER = Path(__file__).parent / "vectors" / "client"
# What docs/PROTOCOL.md allows an implementation: float32 filters in another order of operations.
RESIDUAL_TOLERANCE = 2e-6
FINGERPRINT_TOLERANCE = 2e-5

_spec = importlib.util.spec_from_file_location("generate", FOLDER.parent / "generate.py")
assert _spec is not None
assert _spec.loader is not None
generate = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(generate)


@pytest.fixture(scope="module")
def ceremony():
    return json.loads((FOLDER / "ceremony.json").read_text())


@pytest.fixture(scope="module")
def arrays():
    return np.load(FOLDER / "ceremony.npz")


def test_photo_to_residual_to_fingerprint():
    stored = np.load(FOLDER / "photo.npz")
    pixels = generate.formula_pixels(176, 192)
    assert (stored["pixels"] == pixels).all()
    photo = Photo(pixels=pixels, kind="developed", name="vector", sha256="")
    got = residual(photo.plane(1))
    assert np.abs(got - stored["residual_green"]).max() <= RESIDUAL_TOLERANCE
    values = estimate([photo], get_extractor("wavelet")).values
    assert np.abs(values - stored["fingerprint"]).max() <= FINGERPRINT_TOLERANCE


def test_features_to_code():
    vector, spec = json.loads((FOLDER / "code.json").read_text()), CODES["TESTING"]
    features = generate.formula_features(vector["features"])
    positions = select_positions(features, spec)
    assert (
        hashlib.sha256(positions.astype("<u4").tobytes()).hexdigest() == vector["positions_sha256"]
    )
    for each in vector["codes"]:
        code = encode(features, positions, spec, bytes.fromhex(each["code_key"]))
        assert np.packbits(code < 0).tobytes().hex() == each["code"]


def test_transcripts_by_hand(ceremony, arrays):
    """Every transcript from the stored parts, field by field as docs/PROTOCOL.md lists them."""
    c = ceremony["context"]
    fields = [
        bytes.fromhex(c["nonce"]),
        bytes.fromhex(c["service_key"]),
        *(c[name] for name in ("audience", "enrollment_id", "subject", "purpose", "profile")),
        c["expires_at"],
    ]
    wire_hash = hashlib.sha256(arrays["ciphertext"].tobytes()).digest()
    sums = b"".join(
        c1.astype("<u8").tobytes() + int(c0).to_bytes(8, "little")
        for c1, c0 in zip(arrays["c1"], arrays["c0"], strict=True)
    )
    keys = [bytes.fromhex(ceremony[f"{k}_key_sha256"]) for k in ("relin", "zero")]
    further = {
        "template": [wire_hash, *keys],
        "probe": [wire_hash],
        "opening": [hashlib.sha256(sums).digest(), *(int(y) for y in arrays["opened"])],
        "request": [],
    }
    device = SigningKey(bytes.fromhex(ceremony["device_seed"]))
    assert device.public.hex() == ceremony["device_key"]
    for tag, more in further.items():
        transcript = canonical(tag, [*fields, *more])
        assert transcript.hex() == ceremony["transcripts"][tag]
        assert device.sign(transcript).hex() == ceremony["signatures"][tag]
    assert len(fields) == len(SessionContext.__dataclass_fields__)


def test_opening_request_bytes(ceremony, arrays):
    message = pb.Opening.FromString(bytes.fromhex(ceremony["opening_request"]))
    assert list(message.opened) == arrays["opened"].tolist()
    assert message.signature.hex() == ceremony["signatures"]["opening"]


def test_answers_open_by_schoolbook_arithmetic(arrays):
    """x = c0 + (c1·s)'s constant coefficient mod q0; the opening is round(t·x/q0) mod t."""
    q0, t = TESTING.ring.last_prime, TESTING.ring.plain_modulus
    secret = arrays["secret"].astype(int)
    assert set(secret.tolist()) <= {-1, 0, 1}
    # X^n = -1: the constant coefficient of c1·s is c1[0]·s[0] - sum of c1[i]·s[n-i]
    turned = np.concatenate([secret[:1], -secret[:0:-1]])
    for c1, c0, y in zip(arrays["c1"], arrays["c0"], arrays["opened"], strict=True):
        x = (int(c0) + sum(int(a) * int(s) for a, s in zip(c1, turned, strict=True))) % q0
        assert (2 * t * x + q0) // (2 * q0) % t == int(y)


def test_ciphertext_decrypts_by_definition(arrays):
    """SEAL expands the seed to c1 as a client must: c0 + c1·s is the code, scaled, plus noise."""
    from grainseal.crypto.masking import load_code
    from grainseal.crypto.seal import ring_for
    from grainseal.crypto.streams import saved_stream

    ring = ring_for(TESTING.ring)
    p = TESTING.ring
    loaded = load_code(TESTING, arrays["ciphertext"].tobytes())[0]
    words = np.frombuffer(saved_stream(loaded)[-32 * p.degree :], "<u8").reshape(2, 2, p.degree)
    assert (words[0].tobytes()) == arrays["ciphertext"][: 16 * p.degree].tobytes()
    q0, secret = p.last_prime, arrays["secret"].astype(int)
    turned = np.concatenate([secret[:1], -secret[:0:-1]])
    x = (
        int(words[0, 0, 0]) + sum(int(a) * int(s) for a, s in zip(words[1, 0], turned, strict=True))
    ) % q0
    # the constant coefficient of the plaintext is the mean of the slots
    mean = (
        int(arrays["code"].astype(int).sum()) * pow(p.degree, -1, p.plain_modulus) % p.plain_modulus
    )
    q = p.data_primes[0] * p.data_primes[1]
    expected = (q * mean + p.plain_modulus // 2) // p.plain_modulus % q0
    noise = (x - expected) % q0
    assert min(noise, q0 - noise) < 200
    assert ring.parameters == p
