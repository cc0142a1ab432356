"""Field, curve, generators, transcript: against definitions, published vectors and bad bytes."""

import hashlib

import numpy as np
import pytest
from tests.crypto.proof.cases import P, on_curve_outside_the_group

from grainseal.crypto.proof import field, generators
from grainseal.crypto.proof.curve import Point, decode_point, encode_point, multiexp
from grainseal.crypto.proof.errors import Fault, ProofError
from grainseal.crypto.proof.fiat_shamir import Transcript
from grainseal.crypto.proof.field import ORDER, scalar


def ints(values):
    return [int(each) for each in values]


def test_transform_evaluates_at_roots_of_unity():
    coefficients = field.random_vector(16)
    root = field.root_of_unity(16)
    assert pow(root, 8, ORDER) == ORDER - 1
    expected = [
        sum(c * pow(root, i * j, ORDER) for i, c in enumerate(ints(coefficients))) % ORDER
        for j in range(16)
    ]
    assert ints(field.transform(coefficients, root)) == expected


def test_vectors_of_small_numbers_powers_and_inverses():
    values = np.arange(-128, 128).astype(np.int8)
    assert ints(field.small_vector(values)) == [v % ORDER for v in range(-128, 128)]
    assert ints(field.powers(scalar(3), 11)) == [3**i for i in range(11)]
    assert ints(field.powers(scalar(3), 1)) == [1]
    found = field.random_vector(9)
    assert ints(found * field.inverses(found)) == [1] * 9


def test_a_scalar_has_one_encoding():
    largest = scalar(-1)
    assert field.decode_scalar(field.encode_scalar(largest)) == largest
    for data in (ORDER.to_bytes(32, "big"), b"\xff" * 32, bytes(31), bytes(33)):
        with pytest.raises(ProofError) as refused:
            field.decode_scalar(data)
        assert refused.value.fault is Fault.SCALAR


def test_points_that_are_refused():
    outside = on_curve_outside_the_group()
    assert not Point.from_compressed_bytes_unchecked(outside).is_in_subgroup()
    generator = encode_point(Point())
    uncompressed = bytes([generator[0] & 0x7F]) + generator[1:]
    identity = encode_point(Point.identity())
    also_identity = identity[:-1] + b"\1"
    not_reduced = (0x80 << 376 | P).to_bytes(48, "big")
    bad = (
        outside,
        uncompressed,
        identity,
        also_identity,
        not_reduced,
        generator[:47],
        b"",
        b"x" * 48,
    )
    for data in bad:
        with pytest.raises(ProofError) as refused:
            decode_point(data)
        assert refused.value.fault is Fault.POINT
    assert decode_point(generator) == Point()


def test_multiexp_is_a_sum():
    points = generators.derived(5)
    scalars = field.random_vector(5).tolist()
    total = Point.identity()
    for point, each in zip(points, scalars, strict=True):
        total = total + point * each
    assert multiexp(points, scalars) == total
    with pytest.raises(ValueError, match="one scalar for each point"):
        multiexp(points, scalars[:4])


def test_hash_to_curve_is_rfc_9380():
    """RFC 9380, appendix J.9.1, the empty message."""
    point = Point.hash_to_curve(b"", b"QUUX-V01-CS02-with-BLS12381G1_XMD:SHA-256_SSWU_RO_")
    assert point.to_xy_bytes_be().hex() == (
        "052926add2207b76ca4fa57a8734416c8dc95e24501772c814278700eed6d1e4"
        "e8cf62d9c09db0fac349612b759e79a1"
        "08ba738453bfed09cb546dbb0783dbb3a5f1f566ed67bb6be0e8c67e2e81a4cc"
        "68ee29813bb7994998f3eae0c9c6a265"
    )


def test_generators_by_hand_and_all_different():
    message = b"grainseal/v1/generator\0" + b"\0\0\0\4code" + b"\0\0\0\x08" + (3).to_bytes(8, "big")
    base = generators.generators(8)
    assert base.code[3] == Point.hash_to_curve(message, generators.DOMAIN)
    assert base.code == generators.generators(16).code[:8]
    every = [*base.code, base.value, base.blinding]
    assert len({encode_point(point) for point in every}) == 10
    assert all(point.is_in_subgroup() for point in every)


def test_the_pinned_digest_is_that_of_the_hash(monkeypatch, tmp_path):
    """All 16,384 of them, hashed anew: seconds."""
    monkeypatch.setenv("GRAINSEAL_CACHE", str(tmp_path))
    assert len(generators._all.__wrapped__()) == 2**14
    kept = generators.cache_file().read_bytes()
    assert hashlib.sha256(kept).hexdigest() == generators.DIGEST


@pytest.fixture
def small_cache(monkeypatch, tmp_path):
    """A cache of eight generators; the real one takes seconds to fill."""
    monkeypatch.setenv("GRAINSEAL_CACHE", str(tmp_path / "new"))
    data = b"".join(point.to_xy_bytes_be() for point in generators.derived(8))
    monkeypatch.setattr(generators, "MAX_BLOCK", 8)
    monkeypatch.setattr(generators, "DIGEST", hashlib.sha256(data).hexdigest())
    return data


def test_cached_generators_are_believed_by_their_digest_only(small_cache, monkeypatch):
    fill = generators._all.__wrapped__
    assert fill() == generators.derived(8)
    path = generators.cache_file()
    assert path.read_bytes() == small_cache
    asked = []
    monkeypatch.setattr(generators, "hashed", lambda *key: asked.append(key) or Point())
    assert encode_point(fill()[7]) == encode_point(Point.from_xy_bytes_be(small_cache[-96:]))
    assert asked == []
    path.write_bytes(small_cache[:-96] + small_cache[:96])
    with pytest.raises(RuntimeError, match="pinned"):  # it asks the hash, which is broken here
        fill()
    assert len(asked) == 8


def test_a_cache_that_cannot_be_written_is_no_error(small_cache, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRAINSEAL_CACHE", str(tmp_path / "file" / "below"))
    assert generators._all.__wrapped__() == generators.derived(8)


def test_a_cache_whose_writing_fails_leaves_nothing(small_cache):
    """A folder stands in the file's place: everything is written, and cannot be moved there."""
    path = generators.cache_file()
    path.mkdir(parents=True)
    assert generators._all.__wrapped__() == generators.derived(8)
    assert list(path.parent.iterdir()) == [path]


def framed(tag, *fields):
    return b"grainseal/v1/" + tag + b"\0" + b"".join(len(f).to_bytes(4, "big") + f for f in fields)


def test_transcript_by_hand():
    transcript = Transcript("score", [b"public", 7])
    transcript.absorb("digits", b"sent")
    state = hashlib.sha256(framed(b"proof-start", b"score", b"public", bytes(7) + b"\7")).digest()
    state = hashlib.sha256(framed(b"proof-absorb", state, b"digits", b"sent")).digest()
    for name in (b"x", b"x"):
        digest = hashlib.sha512(framed(b"proof-challenge", state, name)).digest()
        expected = 1 + int.from_bytes(digest, "big") % (ORDER - 1)
        assert int(transcript.challenge("x")) == expected
        state = hashlib.sha256(framed(b"proof-absorb", state, name, b"")).digest()
