"""Reading: pixels as stored, and every unsuitable file refused in plain words."""

import hashlib
import io
import struct
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from grainseal.models.photo import PhotoError, read_photo
from grainseal.models.simulator import VirtualCamera, flat_scene, write_dng

ORIENTATION = 0x0112


def picture(height=48, width=64):
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_lossless_files_give_their_pixels(kind):
    photo = read_photo(saved(Image.fromarray(picture()), kind))
    np.testing.assert_array_equal(photo.pixels, picture())
    assert (photo.kind, photo.shape, photo.height, photo.width) == ("developed", (48, 64), 48, 64)


def test_rotation_is_never_applied_and_tags_are_kept(tmp_path):
    exif = Image.Exif()
    exif[ORIENTATION], exif[0x010F], exif[0x0110] = 6, "Maker ", "Model\0"
    exif.get_ifd(0x8769)[0x8827] = 200
    path = tmp_path / "turned.jpg"
    Image.fromarray(picture()).save(path, exif=exif)
    photo = read_photo(path)
    assert photo.shape == (48, 64)
    assert (photo.make, photo.model, photo.iso) == ("Maker", "Model", 200)
    assert photo.name == "turned.jpg"
    assert photo.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_heic_is_read():
    pillow_heif = pytest.importorskip("pillow_heif")
    buffer = io.BytesIO()
    smooth = np.full((64, 96, 3), (200, 120, 60), np.uint8)
    pillow_heif.from_pillow(Image.fromarray(smooth)).save(buffer, quality=90)
    photo = read_photo(buffer.getvalue())
    assert photo.shape == (64, 96)
    assert np.abs(photo.pixels.astype(int) - smooth).max() < 8


def test_heic_without_its_extra_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"pip install grainseal\[heif\]"):
        read_photo(b"\0\0\0\x18ftypheic" + bytes(100))


def test_planes_are_one_float_plane_each():
    photo = read_photo(saved(Image.fromarray(picture()), "PNG"))
    planes = list(photo.planes())
    assert [plane.dtype for plane in planes] == [np.float32] * 3
    np.testing.assert_allclose(np.stack(planes, 2), picture() / 255, atol=1e-6)
    with pytest.raises(PhotoError, match="no plane 3"):
        photo.plane(3)


@pytest.fixture
def frame():
    camera = VirtualCamera(1, 96, 64, make="Maker", model="Raw One")
    return camera.photograph(flat_scene(64, 96, 1), 400, 1)


def test_dng_gives_the_bayer_plane_and_its_levels(frame, tmp_path):
    photo = read_photo(write_dng(tmp_path / "a.dng", frame))
    np.testing.assert_array_equal(photo.pixels, frame.pixels)
    assert (photo.kind, photo.make, photo.model, photo.iso) == ("raw", "Maker", "Raw One", 400)
    assert photo.levels is not None
    assert (photo.levels.cfa, photo.levels.white) == ("RGGB", frame.white)
    assert photo.levels.black == (frame.black,) * 4
    expected = (frame.pixels.astype(float) - frame.black) / (frame.white - frame.black)
    np.testing.assert_allclose(photo.plane(0), np.clip(expected, 0, 1), atol=1e-6)


def test_a_dng_is_known_by_its_content(frame, tmp_path):
    path = write_dng(tmp_path / "a.dng", frame)
    assert read_photo(path.read_bytes()).kind == "raw"
    assert read_photo(path.rename(tmp_path / "a.tif")).kind == "raw"


def test_crop_is_centred_on_even_offsets():
    photo = read_photo(saved(Image.fromarray(picture(50, 70)), "PNG"))
    np.testing.assert_array_equal(photo.cropped(20).pixels, picture(50, 70)[14:34, 24:44])
    for size, message in ((64, "smaller than the crop"), (7, "even"), (0, "positive")):
        with pytest.raises(PhotoError, match=message):
            photo.cropped(size)


def test_description_without_pixels_keeps_the_shape():
    photo = read_photo(saved(Image.fromarray(picture()), "PNG"))
    assert photo.without_pixels().shape == photo.shape
    assert photo.without_pixels().sha256 == photo.sha256


def sixteen_bit_png():
    """8x8 RGB with 16 bits a sample, which Pillow would quietly cut to 8."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    rows = b"".join(b"\0" + bytes(8 * 6) for _ in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    chunks = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunks


def sixteen_bit_tiff():
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, np.zeros((16, 16, 3), np.uint16), photometric="rgb")
    return buffer.getvalue()


def linear_dng():
    buffer = io.BytesIO()
    tags = [(50706, 1, 4, bytes((1, 4, 0, 0)), True), (50708, 2, 0, "Linear", True)]
    pixels = np.full((64, 64, 3), 1000, np.uint16)
    tifffile.imwrite(buffer, pixels, photometric=34892, extratags=tags, planarconfig="contig")
    return buffer.getvalue()


def png_of_size(width, height):
    """A tiny file that claims to be huge."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"IHDR" + header
    start = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + start + struct.pack(">I", 0) + b"IDAT" + bytes(4)


def animated():
    frames = [Image.fromarray(picture()), Image.fromarray(255 - picture())]
    return saved(frames[0], "PNG", save_all=True, append_images=frames[1:])


IMAGE = Image.fromarray(picture())
UNSUITABLE = {
    "empty": (b"", "empty"),
    "text": (b"hello, this is no photo", "not a photo"),
    "gif": (saved(IMAGE, "GIF"), "not a photo grainseal can read"),
    "truncated jpeg": (saved(IMAGE, "JPEG")[:900], "damaged"),
    "truncated png": (saved(IMAGE, "PNG")[:-2000], "damaged"),
    "grey": (saved(IMAGE.convert("L"), "JPEG"), "grey"),
    "alpha": (saved(IMAGE.convert("RGBA"), "PNG"), "transparency"),
    "palette": (saved(IMAGE.convert("P"), "PNG"), "palette"),
    "cmyk": (saved(IMAGE.convert("CMYK"), "JPEG"), "CMYK"),
    "16-bit png": (sixteen_bit_png(), "16 bits"),
    "16-bit tiff": (sixteen_bit_tiff(), "16 bits"),
    "animated": (animated(), "animated"),
    "pages": (saved(IMAGE, "TIFF", save_all=True, append_images=[IMAGE]), "pages"),
    "bomb": (png_of_size(100_000, 100_000), "megapixels"),
    "small bomb": (png_of_size(9_000, 9_500), "megapixels"),
    "linear dng": (linear_dng(), "damaged|demosaiced"),
    "dng header only": (b"II*\0\x08\0\0\0", "damaged|not a"),
    "fake cr3": (b"\0\0\0\x18ftypcrx " + bytes(50), "damaged"),
}


@pytest.mark.parametrize("defect", UNSUITABLE)
def test_unsuitable_files_are_refused(defect):
    data, message = UNSUITABLE[defect]
    with pytest.raises(PhotoError, match=message):
        read_photo(data)


def test_paths_that_are_no_file_are_refused(tmp_path):
    with pytest.raises(PhotoError, match="is a folder"):
        read_photo(tmp_path)
    with pytest.raises(PhotoError, match="cannot read"):
        read_photo(tmp_path / "none.jpg")
    (tmp_path / "text.dng").write_text("no RAW file")
    with pytest.raises(PhotoError, match=r"text\.dng"):
        read_photo(tmp_path / "text.dng")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_flipped_bytes_never_escape_as_another_error(kind):
    original = saved(Image.fromarray(picture()), kind)
    rng = np.random.default_rng(1)
    for _ in range(60):
        data = bytearray(original)
        for place in rng.integers(0, min(len(data), 600), 3):
            data[place] = int(rng.integers(256))
        try:
            assert read_photo(bytes(data)).pixels.dtype == np.uint8
        except PhotoError as error:
            assert str(error)  # noqa: PT017 - either outcome is right, any other error is not


def test_real_photos_keep_their_grid(photos_root):
    photo = read_photo(next((photos_root / "nikon/flat/Nikon_D70_0").iterdir()))
    assert photo.shape == (2000, 3008)
    assert (photo.make, photo.model) == ("NIKON CORPORATION", "NIKON D70")
