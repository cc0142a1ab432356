"""Read photos as the sensor grid sees them.

PRNU lives on the sensor's pixel grid, so pixels are returned exactly as stored: the EXIF rotation
is never applied and nothing is resampled. Anything that would break the grid or the noise (grey,
palette, alpha, CMYK, 16-bit, animated or already demosaiced RAW) is refused with an error that
says what to do. This is the only file that imports image codecs for reading.
"""

import hashlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import rawpy
import tifffile
from PIL import Image, UnidentifiedImageError

from grainseal.models import metadata

# tifffile logs what is wrong with a damaged file; without a handler that would go to the terminal.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

PhotoKind = Literal["developed", "raw"]
Plane = npt.NDArray[np.float32]
Indices = npt.NDArray[np.intp]

# Enough for today's 61-Mpx sensors; more would not fit the memory promised for enrolment.
MAX_PIXELS: Final = 80_000_000
# A RAW file of MAX_PIXELS at 16 bits, with previews beside it.
MAX_FILE_BYTES: Final = 256 * 2**20
DEVELOPED_FORMATS: Final = ("JPEG", "PNG", "TIFF", "WEBP")
_LOSSLESS_FORMATS: Final = ("PNG", "TIFF")  # TIFF and WebP may be either: taken for the usual
RAW_SUFFIXES: Final = frozenset((
    ".3fr", ".arw", ".cr2", ".cr3", ".dng", ".erf", ".iiq", ".kdc", ".mrw", ".nef", ".nrw", ".orf",
    ".pef", ".raf", ".raw", ".rw2", ".srw",
))  # fmt: skip
HEIF_BRANDS: Final = frozenset((b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"heif"))

_MAKE, _MODEL, _EXIF_IFD, _ISO = 0x010F, 0x0110, 0x8769, 0x8827
_TAKEN, _TAKEN_OFFSET = 0x9003, 0x9011  # DateTimeOriginal, OffsetTimeOriginal
_DNG_VERSION, _SUB_IFDS = 0xC612, 0x014A


class PhotoError(ValueError):
    """A file that cannot serve as a photo; the message says why and what to do."""


@dataclass(frozen=True)
class RawLevels:
    """What is needed to read a Bayer plane: levels in DN, colours by position in the 2x2 cell."""

    black: tuple[float, float, float, float]  # row-major over the 2x2 cell
    white: float
    cfa: str  # "RGGB", "BGGR", "GRBG" or "GBRG"


@dataclass(frozen=True)
class Photo:
    """One photo on its sensor grid.

    `pixels` is uint8 (H, W, 3), RGB, when developed, and the uint16 (H, W) Bayer plane in DN with
    the black level still in, when RAW. `sha256` is the hex digest of the file's bytes.
    `jpeg_quality`: 1..100, estimated from the tables of a JPEG file, None for others.
    `lossy`: whether its file format loses something, as JPEG, WebP and HEIC do.
    `captured_at`: ISO 8601 as the file says it, or "".
    """

    pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16] = field(repr=False)
    kind: PhotoKind
    name: str
    sha256: str
    make: str | None = None
    model: str | None = None
    iso: int | None = None
    levels: RawLevels | None = None
    jpeg_quality: int | None = None
    lossy: bool = False
    captured_at: str = ""

    @property
    def height(self) -> int:
        """Rows of the sensor grid."""
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        """Columns of the sensor grid."""
        return int(self.pixels.shape[1])

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width)."""
        return self.height, self.width

    @property
    def plane_count(self) -> int:
        """3 when developed (R, G, B), 1 when RAW."""
        return 3 if self.kind == "developed" else 1

    def plane(self, index: int) -> Plane:
        """Plane `index` as a new float32 (H, W) in [0, 1]; RAW has its black level subtracted."""
        if not 0 <= index < self.plane_count:
            raise PhotoError(f"{self.name}: no plane {index}, there are {self.plane_count}")
        if self.levels is None:
            return np.multiply(self.pixels[:, :, index], np.float32(1 / 255), dtype=np.float32)
        plane = self.pixels.astype(np.float32)
        for phase, black in enumerate(self.levels.black):
            cell = plane[phase // 2 :: 2, phase % 2 :: 2]
            cell -= np.float32(black)
            cell *= np.float32(1 / (self.levels.white - black))
        return np.clip(plane, 0, 1, out=plane)

    def planes(self) -> Iterator[Plane]:
        """Every plane in turn; only one exists at a time if the caller keeps none."""
        return (self.plane(index) for index in range(self.plane_count))

    def without_pixels(self) -> "Photo":
        """The same photo all black and without memory, for callers that want its description."""
        black: Any = np.broadcast_to(self.pixels.dtype.type(0), self.pixels.shape)
        return replace(self, pixels=black)

    def cropped(self, size: int) -> "Photo":
        """The centre size x size window, on even offsets so that the CFA phase stays.

        Raises PhotoError when the photo is smaller than that.
        """
        if size <= 0 or size % 2:
            raise PhotoError(f"crop must be a positive even number of pixels, not {size}")
        if min(self.shape) < size:
            raise PhotoError(
                f"{self.name} is {self.width}x{self.height}, smaller than the crop of {size}: "
                "choose a smaller crop"
            )
        top, left = (centre_start(length, size) for length in self.shape)
        return replace(self, pixels=self.pixels[top : top + size, left : left + size])

    def window(self, rows: Indices, columns: Indices) -> "Photo":
        """The pixels at these rows and columns. Parities must alternate as in the photo itself."""
        return replace(self, pixels=self.pixels[np.ix_(rows, columns)])


def centre_start(length: int, size: int) -> int:
    """Where the middle `size` of `length` pixels begin: even, so that the CFA phase stays."""
    return (length - size) // 4 * 2


def require_developed(photo: Photo, least: int) -> None:
    """PhotoError for a photo that is RAW or has fewer than `least` pixels on a side."""
    if photo.kind != "developed":
        raise PhotoError(f"{photo.name} is RAW: give the JPEG made of it")
    if min(photo.shape) < least:
        raise PhotoError(
            f"{photo.name} is {photo.width}x{photo.height}: "
            f"at least {least} pixels a side are needed"
        )


def read_photo(path: Path | bytes) -> Photo:
    """Read a JPEG, PNG, TIFF, WebP, HEIC, DNG or other RAW file, or its bytes.

    Raises PhotoError when the file is missing, is no photo or cannot serve as one.
    """
    data, name, suffix = _load(path)
    digest = hashlib.sha256(data).hexdigest()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd tags; what matters is raised
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            read = _read_raw if _is_raw(data, suffix) else _read_developed
            return read(data, name, digest)
    except PhotoError:
        raise
    except Exception as error:
        # Decoders raise anything on hostile bytes: OSError, SyntaxError, struct.error, ...
        raise PhotoError(_damaged(name)) from error


def _load(path: Path | bytes) -> tuple[bytes, str, str]:
    if isinstance(path, bytes):
        data, name, suffix = path, "photo", ""
    else:
        path = Path(path)
        name, suffix = path.name, path.suffix.lower()
        if path.is_dir():
            raise PhotoError(f"{path} is a folder: name the photos in it")
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise PhotoError(f"{name} is larger than {MAX_FILE_BYTES >> 20} MiB")
            data = path.read_bytes()
        except OSError as error:
            raise PhotoError(f"cannot read {path}: {error.strerror or error}") from error
    if not data:
        raise PhotoError(f"{name} is empty")
    return data, name, suffix


def _is_raw(data: bytes, suffix: str) -> bool:
    """RAW by its name, by its own magic, or a TIFF that is really a DNG or hides sub-images."""
    if suffix in RAW_SUFFIXES:
        return True
    if data.startswith((b"FUJIFILMCCD-RAW", b"IIRO", b"IIU\0")) or data[4:12] == b"ftypcrx ":
        return True
    if not data.startswith((b"II*\0", b"MM\0*")):
        return False
    with tifffile.TiffFile(io.BytesIO(data)) as tiff:
        tags = tiff.pages[0].tags  # type: ignore[union-attr]
        return _DNG_VERSION in tags or _SUB_IFDS in tags


def _read_developed(data: bytes, name: str, digest: str) -> Photo:
    with _open_image(data, name) as image:
        _refuse_unsuitable(image, name)
        exif = image.getexif()
        details = exif.get_ifd(_EXIF_IFD)
        quality, lossy = _jpeg_quality(image), image.format not in _LOSSLESS_FORMATS
        pixels = np.array(image, dtype=np.uint8)
    return Photo(
        pixels=pixels,
        kind="developed",
        name=name,
        sha256=digest,
        make=_text(exif.get(_MAKE)),
        model=_text(exif.get(_MODEL)),
        iso=_number(details.get(_ISO)),
        jpeg_quality=quality,
        lossy=lossy,
        captured_at=metadata.captured_at(details.get(_TAKEN), details.get(_TAKEN_OFFSET)),
    )


def _jpeg_quality(image: Image.Image) -> int | None:
    """Of the table that the first component, luminance, is quantised with."""
    if image.format not in ("JPEG", "MPO"):
        return None
    tables, layers = getattr(image, "quantization", {}), getattr(image, "layer", [])
    number = layers[0][3] if layers else 0
    return metadata.jpeg_quality(tables.get(number, ()))


def _open_image(data: bytes, name: str) -> Image.Image:
    if data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS:
        return _open_heif(data, name)
    try:
        return Image.open(io.BytesIO(data), formats=DEVELOPED_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise PhotoError(_too_large(name)) from error
    except UnidentifiedImageError as error:
        raise PhotoError(
            f"{name} is not a photo grainseal can read: "
            "give JPEG, PNG, TIFF, WebP, HEIC, DNG or RAW"
        ) from error


def _open_heif(data: bytes, name: str) -> Image.Image:
    # Licences: pillow-heif's own code is BSD-3-Clause, but its wheels bundle libheif and libde265
    # (LGPL-3) and the encoder x265 (GPL-2), and call themselves GPL-2 as a whole. So it may be an
    # optional extra, which users fetch and combine themselves, and never a base dependency or part
    # of an image or installer that we hand out under Apache-2.0. Only the decoder is called here.
    try:
        import pillow_heif
    except ImportError as error:
        raise PhotoError(
            f"{name} is HEIC: run `pip install grainseal[heif]`, or give a JPEG or DNG"
        ) from error
    file = pillow_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    if file.info.get("bit_depth", 8) != 8:
        raise PhotoError(f"{name} has more than 8 bits per channel: export it with 8 bits")
    if file.size[0] * file.size[1] > MAX_PIXELS:
        raise PhotoError(_too_large(name))
    image: Image.Image = file.to_pillow()
    return image


def _refuse_unsuitable(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise PhotoError(_too_large(name))
    # A phone's MPO is a JPEG with a second view or a gain map behind it: the first one counts.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise PhotoError(f"{name} is animated or has several pages: give a single photo")
    depths = str(getattr(image, "tile", ()))
    if ";16" in depths or image.mode.startswith(("I", "F")):
        raise PhotoError(f"{name} has 16 bits per channel: give the camera's own JPEG or RAW file")
    if image.mode != "RGB":
        reason = _MODE_NAMES.get(image.mode, f"of colour mode {image.mode}")
        raise PhotoError(f"{name} is {reason}: give the camera's own colour photo")


_MODE_NAMES: Final = {
    "L": "grey",
    "1": "black and white",
    "LA": "grey with transparency",
    "P": "reduced to a palette",
    "PA": "reduced to a palette",
    "RGBA": "a picture with transparency",
    "CMYK": "in print colours (CMYK)",
}


def _damaged(name: str) -> str:
    return f"{name} is damaged or not a photo: copy it from the camera again"


def _too_large(name: str) -> str:
    return f"{name} has more than {MAX_PIXELS // 10**6} megapixels, the most that is accepted"


def _read_raw(data: bytes, name: str, digest: str) -> Photo:
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            if raw.sizes.raw_height * raw.sizes.raw_width > MAX_PIXELS:
                raise PhotoError(_too_large(name))
            levels = _raw_levels(raw, name)
            pixels = np.array(raw.raw_image_visible, dtype=np.uint16)
    except rawpy.LibRawError as error:
        raise PhotoError(_damaged(name)) from error
    make, model, iso, taken = _raw_tags(data)
    return Photo(pixels, "raw", name, digest, make, model, iso, levels, captured_at=taken)


def _raw_levels(raw: Any, name: str) -> RawLevels:
    if raw.raw_type != rawpy.RawType.Flat or raw.raw_pattern is None:
        raise PhotoError(f"{name} is already demosaiced (linear RAW): give its JPEG or a Bayer RAW")
    cell = np.asarray(raw.raw_colors_visible[:2, :2]).ravel()
    letters = raw.color_desc.decode("ascii", "replace")
    cfa = "".join(letters[index] for index in cell)
    if raw.raw_pattern.shape != (2, 2) or sorted(cfa) != ["B", "G", "G", "R"]:
        raise PhotoError(f"{name} has no 2x2 Bayer pattern: give its JPEG")
    a, b, c, d = (float(raw.black_level_per_channel[index]) for index in cell)
    white = float(raw.white_level)
    if white <= max(a, b, c, d):
        raise PhotoError(f"{name} states a white level below its black level")
    return RawLevels((a, b, c, d), white, cfa)


def _raw_tags(data: bytes) -> tuple[str | None, str | None, int | None, str]:
    """Make, model, ISO and time of a TIFF-based RAW; None or "" where the file does not say."""
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tiff:
            tags = tiff.pages[0].tags  # type: ignore[union-attr]
            exif = tags.valueof(_EXIF_IFD)
            values = exif if isinstance(exif, dict) else {}
            iso = values.get("ISOSpeedRatings", tags.valueof(_ISO))
            make, model = _text(tags.valueof(_MAKE)), _text(tags.valueof(_MODEL))
            when, offset = values.get("DateTimeOriginal"), values.get("OffsetTimeOriginal")
            return make, model, _number(iso), metadata.captured_at(when, offset)
    except Exception:  # the tags are a courtesy: a RAW that is no TIFF has none we can read
        return None, None, None, ""


def _text(value: object) -> str | None:
    """Without what a terminal would obey."""
    if not isinstance(value, str):
        return None
    return "".join(filter(str.isprintable, value)).strip() or None


def _number(value: object) -> int | None:
    first = value[0] if isinstance(value, tuple) and value else value
    return int(first) if isinstance(first, int) and first > 0 else None
