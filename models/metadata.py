"""What a photo's file says beside its pixels: how hard it was compressed, and when it was taken.

Both are claims of whoever wrote the file. The quality tells whether noise can be expected to have
survived; the time is repeated as the owner's word.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

# The luminance quantisation table of the JPEG standard (ITU-T T.81, table K.1), quality 50.
STANDARD_LUMINANCE: Final = (
    16, 11, 10, 16, 24, 40, 51, 61,
    12, 12, 14, 19, 26, 58, 60, 55,
    14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62,
    18, 22, 37, 56, 68, 109, 103, 77,
    24, 35, 55, 64, 81, 104, 113, 92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
_TEXT_OF_EXIF: Final = "%Y:%m:%d %H:%M:%S"
_OFFSET: Final = re.compile(r"[+-](0[0-9]|1[0-4]):[0-5][0-9]")


def jpeg_quality(luminance: Sequence[int]) -> int | None:
    """The quality, 1..100, whose standard table is as coarse in sum; None without 64 values.

    Exact for tables scaled as libjpeg does it, whatever order the values are in; for a camera's own
    table it is the standard quality that comes nearest, the better one of two.
    """
    if len(luminance) != len(STANDARD_LUMINANCE):
        return None
    wanted = sum(luminance)
    return min(range(100, 0, -1), key=lambda quality: abs(_table_sum(quality) - wanted))


def captured_at(when: object, offset: object = None) -> str:
    """ISO 8601 of EXIF's DateTimeOriginal, with OffsetTimeOriginal where that is one; or ""."""
    try:
        moment = datetime.strptime(_clean(when), _TEXT_OF_EXIF)
    except ValueError:
        return ""
    zone = _clean(offset)
    return moment.isoformat() + (zone if _OFFSET.fullmatch(zone) else "")


def _table_sum(quality: int) -> int:
    # libjpeg's jpeg_quality_scaling and jpeg_add_quant_table, 8-bit tables
    scale = 5000 // quality if quality < 50 else 200 - 2 * quality
    return sum(min(max((value * scale + 50) // 100, 1), 255) for value in STANDARD_LUMINANCE)


def _clean(value: object) -> str:
    return value.strip("\0 ") if isinstance(value, str) else ""
