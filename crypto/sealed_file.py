"""Files sealed under a key, piece by piece: none is trusted before it is verified.

    magic (19 bytes) ‖ key id (32) ‖ salt (32) ‖ pieces

STREAM of Hoang, Reyhanitabar, Rogaway and Vizár (CRYPTO 2015) with AES-256-GCM: each piece is
65,536 bytes of the file, the last one 0 to 65,536, and a tag of 16. Its nonce is its number, 11
bytes big-endian, and 1 for the last piece or 0, so that pieces can be neither moved nor cut off.
The key is HKDF's of the sealing key with the salt, which is drawn for each file; what stands before
the pieces is authenticated with every one. docs/PROTOCOL.md, "Sealed files".
"""

import os
from collections.abc import Iterator
from itertools import count
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .canonical import canonical
from .errors import MalformedMessage, MisuseError, VerificationFailed

MAGIC = b"grainseal-sealed-1\n"
PIECE_BYTES = 65_536
KEY_ID_BYTES = SALT_BYTES = 32
_TAG_BYTES = 16
_HEADER_BYTES = len(MAGIC) + KEY_ID_BYTES + SALT_BYTES


def seal_file(
    key: bytes, key_id: bytes, source: BinaryIO, target: BinaryIO, salt: bytes | None = None
) -> None:
    """Write `source`, sealed under a key of 16 bytes or more, to `target`.

    `key_id`: 32 bytes that tell anybody which key it takes. `salt`: 32 bytes, drawn if they are not
    given, as they are by test vectors alone.
    """
    salt = os.urandom(SALT_BYTES) if salt is None else salt
    if len(key_id) != KEY_ID_BYTES or len(salt) != SALT_BYTES:
        raise MisuseError(f"key id and salt have {KEY_ID_BYTES} bytes each")
    header = MAGIC + key_id + salt
    cipher = _cipher(key, salt)
    target.write(header)
    for nonce, piece in _pieces(source, PIECE_BYTES):
        target.write(cipher.encrypt(nonce, piece, header))


def key_id_of(source: BinaryIO) -> bytes:
    """The key id of a sealed file, read from its start; `MalformedMessage` if it is none."""
    header = source.read(_HEADER_BYTES)
    # W1
    if len(header) != _HEADER_BYTES or not header.startswith(MAGIC):
        raise MalformedMessage("not a sealed file, or a newer version made it")
    return header[len(MAGIC) : len(MAGIC) + KEY_ID_BYTES]


def open_file(key: bytes, source: BinaryIO, target: BinaryIO) -> None:
    """Write what was sealed in `source` to `target`, verified piece by piece.

    `MalformedMessage` for what is no sealed file, `VerificationFailed` for another key or a changed
    file: then what `target` got is the beginning of the file, and of no use.
    """
    source.seek(0)
    key_id_of(source)
    source.seek(0)
    header = source.read(_HEADER_BYTES)
    cipher = _cipher(key, header[-SALT_BYTES:])
    for nonce, piece in _pieces(source, PIECE_BYTES + _TAG_BYTES):
        try:
            # W2
            target.write(cipher.decrypt(nonce, piece, header))
        except (InvalidTag, ValueError):
            raise VerificationFailed("sealed under another key, or changed since") from None


def _pieces(source: BinaryIO, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Pieces and their nonces; there is at least one."""
    piece = source.read(size)
    for number in count():
        following = source.read(size) if len(piece) == size else b""
        yield number.to_bytes(11, "big") + bytes([not following]), piece
        if not following:
            return
        piece = following


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    if len(key) < 16:
        raise MisuseError("a sealing key has 16 bytes or more")
    info = canonical("sealed-file", [])
    return AESGCM(HKDF(SHA256(), 32, salt=salt, info=info).derive(key))
