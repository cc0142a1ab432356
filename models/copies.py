"""What happens to a photo on its way to others: recompression and reduction, done on purpose.

For measuring how much of the sensor's pattern a copy keeps. The copy is made of the whole photo,
as a platform would; only then is the part taken that is compared.
"""

import io
from dataclasses import replace
from typing import Final

import numpy as np
from PIL import Image

from grainseal.models.alignment import Placement, to_frame
from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import (
    Estimator,
    Fingerprint,
    FingerprintEstimator,
    MakeEstimator,
    require_same_grid,
)
from grainseal.models.photo import Photo, PhotoError, centre_start

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
    made = copy_estimator(transform, extractor, crop, estimator)
    made.add(photo)
    return made.finish()


def copy_estimator(
    transform: str, extractor: Extractor, crop: int | None, estimator: MakeEstimator
) -> Estimator:
    """Makes one pattern of the copies of photos that it is given one by one, on the photos' grid.

    `transform`, `crop` and errors as for `copy_fingerprint`.
    """
    if transform == "half":
        return _Halved(extractor, crop, estimator)
    made = estimator(extractor, crop)
    return _Recompressed(made, transform) if transform in QUALITY else made


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


class _Recompressed:
    """An estimate of photos after one more compression."""

    def __init__(self, made: Estimator, transform: str) -> None:
        self._made, self._transform = made, transform

    def add(self, photo: Photo) -> None:
        self._made.add(recompressed(photo, self._transform))

    def finish(self) -> Fingerprint:
        return self._made.finish()


class _Halved:
    """An estimate on the copies' own grid, brought to the photos' by bilinear interpolation."""

    def __init__(self, extractor: Extractor, crop: int | None, estimator: MakeEstimator) -> None:
        self._extractor, self._crop, self._estimator = extractor, crop, estimator
        self._first: Photo | None = None

    def add(self, photo: Photo) -> None:
        small = halved(photo)
        if self._first is None:
            self._begin(photo, small)
        else:
            require_same_grid(photo, self._first, self._first.shape)
        self._made.add(small)
        # Only now: a photo that is refused says nothing of the next.
        self._first = self._first or photo.without_pixels()

    def finish(self) -> Fingerprint:
        if self._first is None:
            raise PhotoError("no photos: a fingerprint needs at least one")
        estimated = self._made.finish()
        placed = to_frame(estimated.values, self._placement, self._frame)
        return replace(estimated, values=placed)

    def _begin(self, photo: Photo, small: Photo) -> None:
        """Where the copies lie on the photos, which have the first one's size."""
        scale = (small.height / photo.height, small.width / photo.width)
        crop, side, origin = self._crop, None, (0.0, 0.0)
        self._frame = photo.shape if crop is None else photo.cropped(crop).shape
        if crop is not None:
            side = min(_even(crop * max(scale)) + 2, *(length // 2 * 2 for length in small.shape))
            origin = (
                centre_start(small.height, side) / scale[0] - centre_start(photo.height, crop),
                centre_start(small.width, side) / scale[1] - centre_start(photo.width, crop),
            )
        self._placement = Placement(scale, origin)
        self._made = self._estimator(self._extractor, side)


def _resized(photo: Photo, size: tuple[int, int]) -> Photo:
    """At (width, height)."""
    small = _image(photo).resize(size, Image.Resampling.LANCZOS)
    return replace(photo, pixels=np.array(small, dtype=np.uint8))


def _even(length: float) -> int:
    return int(np.ceil(length / 2)) * 2


def _image(photo: Photo) -> Image.Image:
    if photo.kind != "developed":
        raise PhotoError(f"{photo.name} is RAW: only developed photos are recompressed or reduced")
    return Image.fromarray(photo.pixels)
