"""What happens to a photo on its way to others: recompression and reduction, done on purpose.

For measuring how much of the sensor's pattern a copy keeps. The copy is made of the whole photo,
as a platform would; only then is the part taken that is compared.
"""

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from grainseal.models.alignment import Placement, to_frame
from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator, MakeEstimator
from grainseal.models.photo import Photo, PhotoError

QUALITY: Final = {"jpeg90": 90, "jpeg75": 75}
TRANSFORMS: Final = ("none", *QUALITY, "half")


def copy_fingerprint(
    photo: Photo,
    transform: str,
    extractor: Extractor,
    crop: int | None,
    estimator: MakeEstimator = FingerprintEstimator,
) -> Fingerprint:
    """Fingerprint of one photo's copy, float32 (H, W) on the photo's own grid or its centre crop.

    `transform`: one of TRANSFORMS. PhotoError for a RAW photo, which nobody recompresses, and
    whatever the extractor refuses.
    """

    def estimated(copy: Photo, side: int | None) -> Fingerprint:
        made = estimator(extractor, side)
        made.add(copy)
        return made.finish()

    if transform == "half":
        return _on_frame(photo, halved(photo), estimated, crop)
    return estimated(recompressed(photo, transform), crop)


def recompressed(photo: Photo, transform: str) -> Photo:
    """The photo after a transform that leaves its size: one of QUALITY, or "none"."""
    return reencoded(photo, QUALITY[transform]) if transform in QUALITY else photo


def reencoded(photo: Photo, quality: int) -> Photo:
    """The photo after one more JPEG compression, chroma halved in both directions (4:2:0)."""
    buffer = io.BytesIO()
    _image(photo).save(buffer, "JPEG", quality=quality, subsampling=2)
    with Image.open(buffer) as image:
        return replace(photo, pixels=np.array(image, dtype=np.uint8))


def halved(photo: Photo) -> Photo:
    """The photo at half its size (odd sides rounded up), Lanczos-filtered, not compressed again."""
    return _resized(photo, ((photo.width + 1) // 2, (photo.height + 1) // 2))


def platform_copy(photo: Photo, scale: float, quality: int) -> Photo:
    """The photo reduced to `scale` in (0, 1] by a Lanczos filter, then compressed anew (4:2:0)."""
    if scale < 1:
        photo = _resized(photo, (round(photo.width * scale), round(photo.height * scale)))
    return reencoded(photo, quality)


def _on_frame(
    photo: Photo,
    small: Photo,
    estimated: Callable[[Photo, int | None], Fingerprint],
    crop: int | None,
) -> Fingerprint:
    """Residual on the copy's own grid, then brought to the photo's by bilinear interpolation."""
    scale = (small.height / photo.height, small.width / photo.width)
    if crop is None:
        single = estimated(small, None)
        frame, origin = photo.shape, (0.0, 0.0)
    else:
        frame = photo.cropped(crop).shape
        side = min(_even(crop * max(scale)) + 2, *(length // 2 * 2 for length in small.shape))
        single = estimated(small, side)
        origin = (
            _start(small.height, side) / scale[0] - _start(photo.height, crop),
            _start(small.width, side) / scale[1] - _start(photo.width, crop),
        )
    placed = to_frame(single.values, Placement(scale, origin), frame)
    return replace(single, values=placed)


def _resized(photo: Photo, size: tuple[int, int]) -> Photo:
    """At (width, height)."""
    small = _image(photo).resize(size, Image.Resampling.LANCZOS)
    return replace(photo, pixels=np.array(small, dtype=np.uint8))


def _start(length: int, size: int) -> int:
    """Where Photo.cropped starts."""
    return (length - size) // 4 * 2


def _even(length: float) -> int:
    return int(np.ceil(length / 2)) * 2


def _image(photo: Photo) -> Image.Image:
    if photo.kind != "developed":
        raise PhotoError(f"{photo.name} is RAW: only developed photos are recompressed or reduced")
    return Image.fromarray(photo.pixels)
