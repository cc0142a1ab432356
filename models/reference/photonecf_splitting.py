"""A RAW photo as two that share no pixel: one to publish, one to be recognised by.

Spatial splitting, of Qian et al., "Web Photo Source Identification based on Neural Enhanced Camera
Fingerprint", WWW 2023 (arXiv 2302.09228): a sensor's pixels are an odd and an even part, each with
a fingerprint of its own. What is published of one part is meant to say nothing of the other.

Our choice, for the sources at hand do not say which pixels are odd: columns of 2x2 colour cells
take turns, so that each part is a Bayer plane of half the width with the same colour filter.
"""

from dataclasses import replace
from typing import Final

from grainseal.models.photo import Photo, PhotoError

_CELL: Final = 2  # pixels a side of the colour filter's cell


def split(photo: Photo) -> tuple[Photo, Photo]:
    """The odd cell columns, the first one's, and the even ones: uint16 (H, W // 4 * 2) each.

    What is left of the width beyond whole pairs of columns is dropped. PhotoError for a developed
    photo, in which demosaicing has mixed the two, and for one of less than 4 columns.
    """
    if photo.kind != "raw":
        raise PhotoError(
            f"{photo.name} is developed: its pixels are already mixed with their neighbours, "
            "so give the RAW file"
        )
    pairs = photo.width // (2 * _CELL)
    if pairs == 0:
        raise PhotoError(f"{photo.name} is {photo.width} pixels wide: two cells take 4")
    cells = photo.pixels[:, : pairs * 2 * _CELL].reshape(photo.height, pairs, 2, _CELL)
    odd, even = (cells[:, :, part].reshape(photo.height, pairs * _CELL) for part in range(2))
    return (
        replace(photo, pixels=odd, name=f"{photo.name}, odd part"),
        replace(photo, pixels=even, name=f"{photo.name}, even part"),
    )
