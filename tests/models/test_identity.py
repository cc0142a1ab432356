"""A photo's identity is that of its stored pixels; its quality and time are read from its file."""

import hashlib
import io
import struct

import numpy as np
import pytest
from PIL import Image

from grainseal.models.identity import identity_of
from grainseal.models.metadata import STANDARD_LUMINANCE, captured_at, jpeg_quality
from grainseal.models.perceptual import perceptual_hash
from grainseal.models.photo import PhotoError, read_photo
from grainseal.models.simulator import VirtualCamera, dead_leaves, write_dng

ORIENTATION, EXIF_IFD, TAKEN, OFFSET = 0x0112, 0x8769, 0x9003, 0x9011


def picture(height=48, width=64):
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def saved(kind, pixels=None, **options):
    buffer = io.BytesIO()
    Image.fromarray(picture() if pixels is None else pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_identity_by_hand(kind):
    data = saved(kind)
    found = identity_of(read_photo(data))
    with Image.open(io.BytesIO(data)) as image:
        decoded = image.tobytes()
    assert found.file_sha256 == hashlib.sha256(data).digest()
    assert found.pixels_sha256 == hashlib.sha256(struct.pack(">QQ", 48, 64) + decoded).digest()
    assert found.perceptual_hash == perceptual_hash(read_photo(data))
    assert (found.height, found.width) == (48, 64)


def test_lossless_files_of_one_photo_have_the_same_pixels():
    png, tiff = (identity_of(read_photo(saved(kind))) for kind in ("PNG", "TIFF"))
    assert png.pixels_sha256 == tiff.pixels_sha256
    assert png.file_sha256 != tiff.file_sha256


def test_orientation_is_never_applied():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    plain, turned = (read_photo(saved("JPEG", **o)) for o in ({}, {"exif": exif}))
    assert identity_of(turned).pixels_sha256 == identity_of(plain).pixels_sha256
    assert identity_of(turned).perceptual_hash == identity_of(plain).perceptual_hash
    assert identity_of(turned).file_sha256 != identity_of(plain).file_sha256


def test_the_size_is_part_of_the_pixels():
    """The same bytes in other rows are another picture."""
    tall, wide = (saved("PNG", picture().reshape(*size, 3)) for size in ((64, 48), (48, 64)))
    found = [identity_of(read_photo(data)) for data in (tall, wide)]
    assert found[0].pixels_sha256 != found[1].pixels_sha256


def test_a_crop_is_another_photo():
    photo = read_photo(saved("PNG"))
    assert identity_of(photo.cropped(32)).pixels_sha256 != identity_of(photo).pixels_sha256


def test_raw_has_no_identity(tmp_path):
    frame = VirtualCamera(1, 128, 128).photograph(dead_leaves(128, 128, 1))
    with pytest.raises(PhotoError, match="give the JPEG"):
        identity_of(read_photo(write_dng(tmp_path / "a.dng", frame)))


@pytest.mark.parametrize("quality", [98, 95, 90, 85, 75, 60, 40, 10])
@pytest.mark.parametrize("subsampling", [0, 2])
def test_jpeg_quality_of_standard_tables(quality, subsampling):
    photo = read_photo(saved("JPEG", quality=quality, subsampling=subsampling))
    assert photo.jpeg_quality is not None
    assert abs(photo.jpeg_quality - quality) <= 1


def test_jpeg_quality_of_a_camera_s_own_tables():
    """Flat tables as coarse in sum as those of quality 85."""
    coarse = (sum(STANDARD_LUMINANCE) * 30 // 100) // 64
    luminance, chrominance = [coarse] * 64, [99] * 64
    photo = read_photo(saved("JPEG", qtables=[luminance, chrominance]))
    assert photo.jpeg_quality is not None
    assert abs(photo.jpeg_quality - 85) <= 1


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_other_files_have_no_jpeg_quality(kind):
    assert read_photo(saved(kind)).jpeg_quality is None


def test_a_table_that_is_none():
    assert jpeg_quality([]) is None
    assert jpeg_quality([1] * 63) is None
    assert jpeg_quality([1] * 64) == 100


def with_time(when, offset=None):
    exif = Image.Exif()
    exif.get_ifd(EXIF_IFD)[TAKEN] = when
    if offset is not None:
        exif.get_ifd(EXIF_IFD)[OFFSET] = offset
    return read_photo(saved("JPEG", exif=exif)).captured_at


def test_time_of_capture():
    assert with_time("2026:05:04 03:02:01") == "2026-05-04T03:02:01"
    assert with_time("2026:05:04 03:02:01", "+02:00") == "2026-05-04T03:02:01+02:00"
    assert with_time("2026:05:04 03:02:01", "   :  ") == "2026-05-04T03:02:01"
    assert with_time("0000:00:00 00:00:00") == ""
    assert with_time("yesterday") == ""
    assert read_photo(saved("PNG")).captured_at == ""


@pytest.mark.parametrize("value", [None, b"2026:05:04 03:02:01", 7, "", "2026:13:01 00:00:00"])
def test_what_is_no_time(value):
    assert captured_at(value) == ""
