"""Canonical bytes of everything that is signed or committed to (docs/PROTOCOL.md, "Transcripts").

    "grainseal/v1/" ‖ tag ‖ 0x00 ‖ for each field: length (4 bytes, big-endian) ‖ field

The tag says what the bytes are, so that a signature made for one message never fits another;
lengths make the encoding injective. Text is UTF-8, integers are 8 bytes big-endian.
"""

import struct
from collections.abc import Sequence
from typing import TypeAlias

from .errors import MalformedMessage, MisuseError

Field: TypeAlias = bytes | str | int

_LENGTH_BYTES = 4


def canonical(tag: str, fields: Sequence[Field]) -> bytes:
    """Bytes to sign for a tag and its fields in order; integers in [0, 2⁶⁴)."""
    encoded = [_encoded(field) for field in fields]
    framed = b"".join(struct.pack(">I", len(each)) + each for each in encoded)
    return b"grainseal/v1/" + tag.encode() + b"\0" + framed


def fields_of(tag: str, data: bytes) -> list[bytes]:
    """The fields' bytes of what `canonical` made for a tag; `MalformedMessage` if it did not."""
    rest, found = memoryview(data), []
    prefix = canonical(tag, [])
    if bytes(rest[: len(prefix)]) != prefix:
        raise MalformedMessage(f"not the canonical bytes of {tag!r}")
    rest = rest[len(prefix) :]
    while rest:
        length = int.from_bytes(rest[:_LENGTH_BYTES], "big")
        if len(rest) < _LENGTH_BYTES + length:
            raise MalformedMessage(f"the canonical bytes of {tag!r} are cut off")
        found.append(bytes(rest[_LENGTH_BYTES : _LENGTH_BYTES + length]))
        rest = rest[_LENGTH_BYTES + length :]
    return found


def _encoded(field: Field) -> bytes:
    if isinstance(field, bytes):
        return field
    if isinstance(field, str):
        return field.encode()
    if not 0 <= field < 1 << 64:
        raise MisuseError(f"integer {field} does not fit a transcript")
    return struct.pack(">Q", field)
