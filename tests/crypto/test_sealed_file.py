"""Sealed files: they open whole or not at all."""

import io

import numpy as np
import pytest

from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.sealed_file import MAGIC, PIECE_BYTES, key_id_of, open_file, seal_file

KEY, KEY_ID = bytes(range(16)), bytes(range(32))
HEADER = len(MAGIC) + 64
STEP = PIECE_BYTES + 16


def sealed(content: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    seal_file(key, KEY_ID, io.BytesIO(content), target)
    return target.getvalue()


def opened(data: bytes, key: bytes = KEY) -> bytes:
    target = io.BytesIO()
    open_file(key, io.BytesIO(data), target)
    return target.getvalue()


def content(size: int) -> bytes:
    return np.random.default_rng(size).bytes(size)


@pytest.mark.parametrize("size", [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 200_000])
def test_what_was_sealed_opens(size):
    data = sealed(content(size))
    assert len(data) == HEADER + size + 16 * max(1, -(-size // PIECE_BYTES))
    assert opened(data) == content(size)
    assert key_id_of(io.BytesIO(data)) == KEY_ID
    if size > 16:
        assert content(size)[:16] not in data


def test_the_same_file_never_looks_the_same():
    assert sealed(b"twice") != sealed(b"twice")


def test_every_flipped_bit_is_detected():
    data = bytearray(sealed(content(20)))
    for at in range(len(data)):
        for bit in range(8):
            data[at] ^= 1 << bit
            with pytest.raises((MalformedMessage, VerificationFailed)):
                opened(bytes(data))
            data[at] ^= 1 << bit


def test_pieces_are_neither_moved_nor_left_out_nor_cut_off():
    data = sealed(content(3 * PIECE_BYTES))
    header, pieces = data[:HEADER], [data[HEADER + i * STEP :][:STEP] for i in range(3)]
    for order in ([1, 0, 2], [0, 2], [0, 1], [0], [], [0, 1, 2, 2], [0, 0, 1, 2]):
        with pytest.raises(VerificationFailed):
            opened(header + b"".join(pieces[i] for i in order))
    with pytest.raises(VerificationFailed):
        opened(data[:-1])
    with pytest.raises(VerificationFailed):
        opened(data + b"\0")


def test_another_key_or_another_file_s_header_is_refused():
    data, other = sealed(b"mine"), sealed(b"else")
    with pytest.raises(VerificationFailed):
        opened(data, KEY[::-1])
    with pytest.raises(VerificationFailed):
        opened(other[:HEADER] + data[HEADER:])


def test_what_is_no_sealed_file_is_named():
    for data in (b"", b"a letter", sealed(b"x")[: HEADER - 1], b"G" + sealed(b"x")[1:]):
        with pytest.raises(MalformedMessage, match="not a sealed file"):
            opened(data)
    with pytest.raises(MisuseError):
        seal_file(KEY[:8], KEY_ID, io.BytesIO(), io.BytesIO())
    with pytest.raises(MisuseError):
        seal_file(KEY, KEY_ID[:8], io.BytesIO(), io.BytesIO())
