"""How PhotoNecf's authors read a photo's brightness: by 8 bits, RAW with its black level in."""

from dataclasses import replace

import numpy as np

from grainseal.models.photo import Photo, RawLevels


def with_8_bits(photo: Photo) -> Photo:
    """The photo with levels of 0 to 255: RAW by its upper 8 bits, a developed one as it is."""
    if photo.levels is None:
        return photo
    dropped = max(0, int(photo.levels.white).bit_length() - 8)
    levels = RawLevels((0, 0, 0, 0), 255, photo.levels.cfa)
    pixels = np.right_shift(photo.pixels, dropped).astype(np.uint16)
    return replace(photo, pixels=pixels, levels=levels)
