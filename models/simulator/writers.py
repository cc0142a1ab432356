"""Write what virtual cameras take: JPEG with EXIF, and DNG that RAW readers accept."""

import io
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from grainseal.models.simulator.camera import RawFrame
from grainseal.models.simulator.develop import Picture

_EXIF_IFD, _MAKE, _MODEL, _ISO = 0x8769, 0x010F, 0x0110, 0x8827
_CFA_CODES: Final = {"R": 0, "G": 1, "B": 2}
_PHOTOMETRIC_CFA: Final = 32803
# Camera space taken to be sRGB: the DNG reader needs some matrix (XYZ D65 to linear sRGB).
_COLOR_MATRIX: Final = (3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.204, 1.057)
_MATRIX_SCALE: Final = 10_000
_D65: Final = 21

_BICUBIC: Final = Image.Resampling.BICUBIC

# TIFF field types.
_BYTE, _ASCII, _SHORT, _LONG, _RATIONAL, _SRATIONAL = 1, 2, 3, 4, 5, 10


def write_jpeg(
    path: Path, picture: Picture, make: str, model: str, iso: int, quality: int = 92
) -> Path:
    """Save a uint8 (H, W, 3) picture with make, model and ISO in its EXIF; returns `path`."""
    exif = Image.Exif()
    exif[_MAKE], exif[_MODEL] = make, model
    exif.get_ifd(_EXIF_IFD)[_ISO] = iso
    Image.fromarray(picture).save(path, "JPEG", quality=quality, subsampling=2, exif=exif)
    return path


def compressed(picture: Picture, quality: int, subsampling: int = 2) -> Picture:
    """A uint8 (H, W, 3) picture after JPEG; `subsampling` 0 is 4:4:4, 1 4:2:2 and 2 4:2:0."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=subsampling)
    return np.array(Image.open(buffer))


def halved(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """A float32 (H, W) plane at half size, antialiased by a bicubic kernel."""
    height, width = values.shape
    return np.array(Image.fromarray(values).resize((width // 2, height // 2), _BICUBIC))


def write_dng(path: Path, frame: RawFrame) -> Path:
    """Save a frame as an uncompressed DNG 1.4 (Adobe DNG specification); returns `path`."""
    matrix = tuple(part for value in _COLOR_MATRIX for part in _fraction(value))
    cfa = bytes(_CFA_CODES[colour] for colour in frame.cfa)
    tags = (
        (33421, _SHORT, 2, (2, 2), True),  # CFARepeatPatternDim
        (33422, _BYTE, 4, cfa, True),  # CFAPattern
        (_ISO, _SHORT, 1, frame.iso, True),
        (50706, _BYTE, 4, bytes((1, 4, 0, 0)), True),  # DNGVersion
        (50707, _BYTE, 4, bytes((1, 1, 0, 0)), True),  # DNGBackwardVersion
        (50708, _ASCII, 0, f"{frame.make} {frame.model}", True),  # UniqueCameraModel
        (50713, _SHORT, 2, (1, 1), True),  # BlackLevelRepeatDim
        (50714, _LONG, 1, int(frame.black), True),  # BlackLevel
        (50717, _LONG, 1, int(frame.white), True),  # WhiteLevel
        (50721, _SRATIONAL, 9, matrix, True),  # ColorMatrix1
        (50728, _RATIONAL, 3, (1, 1) * 3, True),  # AsShotNeutral
        (50778, _SHORT, 1, _D65, True),  # CalibrationIlluminant1
        (_MAKE, _ASCII, 0, frame.make, True),
        (_MODEL, _ASCII, 0, frame.model, True),
    )
    tifffile.imwrite(
        path,
        np.ascontiguousarray(frame.pixels),
        photometric=_PHOTOMETRIC_CFA,
        metadata=None,
        software=False,
        extratags=tags,
    )
    return path


def _fraction(value: float) -> tuple[int, int]:
    return round(value * _MATRIX_SCALE), _MATRIX_SCALE
