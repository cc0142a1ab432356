"""The pictures of a claim's report, small enough for a page, as data URLs.

They are the photos that the claim was about, and what the certificate says of where the copy lies.
"""

import base64
import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from grainseal.crypto.certificate import ClaimStatement, Placed
from grainseal.models.alignment import turned
from grainseal.models.photo import Photo

LARGEST: Final = 1600  # pixels of a picture's longer side
_BOARD: Final = 8  # squares along the longer side
_QUALITY: Final = 85
_GREY: Final = (226, 229, 234)  # where the copy shows nothing
_LINE: Final = (255, 255, 255)
_OUTLINE: Final = (26, 127, 90)
_WIDTH: Final = 2  # pixels of a line
_TINT: Final = 0.1  # of the outline's colour, in the copy's squares

Picture = npt.NDArray[np.uint8]
Size = tuple[int, int]


@dataclass(frozen=True)
class Pictures:
    """Data URLs; "" for a picture that there is none of. `share`: of the frame, 0 to 100.

    `overlay`: squares of the copy and of the original by turns. `frame`: the copy on the frame, to
    lay the match map over it.
    """

    copy: str
    original: str
    overlay: str
    frame: str
    share: int


def pictures_of(said: ClaimStatement, copy: Photo, original: Photo | None) -> Pictures:
    """Copy and original as stored; overlay and frame where a placement is told."""
    shown = _url(_small(copy.pixels))
    theirs = "" if original is None else _url(_small(original.pixels))
    if said.placement is None:
        return Pictures(shown, theirs, "", "", 0)
    frame = original.shape if original is not None else _frame(copy, said.placement)
    placed, covered = _placed(copy, said.placement, frame)
    share = round(100 * float(covered.mean()))
    overlay = "" if original is None else _url(_board(placed, covered, original))
    return Pictures(shown, theirs, overlay, _url(Image.fromarray(placed)), share)


def _frame(copy: Photo, placed: Placed) -> Size:
    """Height and width of the frame that a whole copy was made from."""
    height, width = copy.shape if placed.turns % 2 == 0 else copy.shape[::-1]
    rows, columns = (max(0.01, float(each)) for each in placed.scale)
    return max(1, round(height / rows)), max(1, round(width / columns))


def _placed(copy: Photo, where: Placed, frame: Size) -> tuple[Picture, npt.NDArray[np.bool_]]:
    """The copy on the frame, both small: uint8 (h, w, 3), and where it covers it, bool (h, w)."""
    upright = _image(turned(copy.pixels, where.turns, where.mirrored))
    height, width = _shrunk(frame)
    rows, columns = (float(each) for each in where.scale)
    top, left = (float(each) for each in where.origin)
    # Pixels of the copy for each pixel of the picture, and the copy made no finer than that.
    down, across = rows * frame[0] / height, columns * frame[1] / width
    sides = zip(upright.size, (across, down), strict=True)
    small = upright.resize([max(1, round(side / max(1, step))) for side, step in sides])
    fine_across, fine_down = small.width / upright.width, small.height / upright.height
    grid = (
        *(across * fine_across, 0.0, -columns * left * fine_across),
        *(0.0, down * fine_down, -rows * top * fine_down),
    )
    at = Image.Transform.AFFINE
    picture = small.transform((width, height), at, grid, Image.Resampling.BILINEAR, fillcolor=_GREY)
    full = Image.new("L", small.size, 255).transform((width, height), at, grid)
    return np.array(picture), np.array(full) > 0


def _board(placed: Picture, covered: npt.NDArray[np.bool_], original: Photo) -> Image.Image:
    """Squares of the original and, where it shows something, the copy, a little tinted."""
    height, width = covered.shape
    side = max(2, -(-max(height, width) // _BOARD))
    rows, columns = np.indices((height, width)) // side
    theirs = np.array(_image(original.pixels).resize((width, height)))
    ours = placed + _TINT * (np.array(_OUTLINE) - placed)
    board = np.where((((rows + columns) % 2 == 1) & covered)[..., None], ours, theirs)
    for n in range(side, max(height, width), side):
        board[n : n + _WIDTH] = _LINE
        board[:, n : n + _WIDTH] = _LINE
    board[_edge(covered)] = _OUTLINE
    return Image.fromarray(board.astype(np.uint8))


def _edge(covered: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where a part that is covered ends, the picture's own border too."""
    deep = np.pad(covered, _WIDTH)
    for axis in (0, 1):
        deep = np.logical_and.reduce([np.roll(deep, n, axis) for n in range(-_WIDTH, _WIDTH + 1)])
    inner: npt.NDArray[np.bool_] = deep[_WIDTH:-_WIDTH, _WIDTH:-_WIDTH]
    return covered & ~inner


def _small(pixels: npt.NDArray[Any]) -> Image.Image:
    height, width = _shrunk(pixels.shape[:2])
    return _image(pixels).resize((width, height))


def _shrunk(size: tuple[int, ...]) -> Size:
    factor = min(1.0, LARGEST / max(size))
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _image(pixels: npt.NDArray[Any]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(pixels, dtype=np.uint8))


def _url(picture: Image.Image) -> str:
    made = io.BytesIO()
    picture.save(made, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(made.getvalue()).decode()}"
