"""What identifies a photo: its file, its pixels, and what it looks like.

The file's hash is exact and dies with the first rewrite of a tag. The pixels' hash survives that,
but decoders differ by a bit here and there. The perceptual hash survives copies and tells only
that two photos look the same.
"""

import hashlib
import struct
from dataclasses import dataclass

import numpy as np

from grainseal.models.perceptual import perceptual_hash
from grainseal.models.photo import Photo, PhotoError


@dataclass(frozen=True)
class PhotoIdentity:
    """SHA-256 of the file and of the pixels, the perceptual hash (32 bytes each), and the size."""

    file_sha256: bytes
    pixels_sha256: bytes
    perceptual_hash: bytes
    height: int
    width: int


def identity_of(photo: Photo) -> PhotoIdentity:
    """The identity of a developed photo as stored, not rotated; `PhotoError` for RAW."""
    if photo.kind != "developed":
        raise PhotoError(f"{photo.name} is RAW: give the JPEG that was made from it")
    return PhotoIdentity(
        bytes.fromhex(photo.sha256),
        pixels_sha256(photo),
        perceptual_hash(photo),
        photo.height,
        photo.width,
    )


def pixels_sha256(photo: Photo) -> bytes:
    """SHA-256 of height and width (8 bytes big-endian each), then the samples row by row."""
    hashed = hashlib.sha256(struct.pack(">QQ", photo.height, photo.width))
    hashed.update(np.ascontiguousarray(photo.pixels).data)
    return hashed.digest()
