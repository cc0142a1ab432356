"""Photos as social platforms hand them out: their own copies, or what stands in for these."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np

from grainseal.models.alignment import AlignmentError, to_frame, uncropped
from grainseal.models.copies import platform_copy
from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import Plane
from grainseal.models.photo import Photo, PhotoError, centre_start
from grainseal.models.reference.rspn import plain_residual

from .photos import PhotoSet, Shot, shots_by_camera

# A camera's place, and what gives a photo's residual by an extractor, on the frame of fingerprints.
Probe = tuple[int, Callable[[Extractor], Plane]]


@dataclass(frozen=True)
class Platform:
    """What a simulated one does: `scale` of the sides, then JPEG of `quality`.

    `folder`: the kind that its own copies are in, as VISION calls it where that has them.
    """

    scale: float
    quality: int
    folder: str


# The paper does not tell what its platforms did. Steps of our own, from mild to harsh in the order
# of the paper's accuracies, so the order of ours says nothing.
SIMULATED: Final = {
    "Twitter": Platform(1, 85, "twitter"),
    "WeiBo": Platform(1, 75, "weibo"),
    "Facebook": Platform(0.75, 75, "natFBH"),
    "Instagram": Platform(0.5, 80, "instagram"),
    "WeChat": Platform(0.5, 65, "wechat"),
}


def copies(taken: list[tuple[int, Photo]], platform: str) -> list[Probe]:
    """What the simulated platform makes of the photos."""
    return [(at, partial(_of_copy, photo, SIMULATED[platform])) for at, photo in taken]


def own_copies(
    data: Path | None, side: int, photos: PhotoSet, platform: str, most: int
) -> list[Probe]:
    """The platform's own, at most so many of a camera; none where DATA has no folder of them."""
    folder = SIMULATED[platform].folder
    if data is None or not (data / folder).is_dir():
        return []
    shots = shots_by_camera(data, (folder,), side)
    return [
        (at, partial(_on_frame, shot, camera.flats[0], side))
        for at, camera in enumerate(photos.cameras)
        for shot in shots.get(camera.name, ())[:most]
    ]


def _of_copy(photo: Photo, made: Platform, extractor: Extractor) -> Plane:
    """Residual of the copy, on the photo's grid."""
    copy = platform_copy(photo, made.scale, made.quality)
    try:
        residual = plain_residual(copy, extractor)
    except PhotoError as error:
        raise PhotoError(f"{error}: choose a larger --side") from None
    return _placed(residual, photo.shape, photo.name)


def _on_frame(shot: Shot, flat: Shot, side: int, extractor: Extractor) -> Plane:
    """Residual of a whole copy, laid onto the camera's whole frame; then the centre."""
    copy, frame = shot.whole(), flat.whole().shape
    placed = _placed(plain_residual(copy, extractor), frame, copy.name)
    top, left = (centre_start(length, side) for length in frame)
    return np.ascontiguousarray(placed[top : top + side, left : left + side])


def _placed(residual: Plane, frame: tuple[int, int], name: str) -> Plane:
    """On the frame; `PhotoError` where the copy's size says that it was cropped or turned."""
    if residual.shape == frame:
        return residual
    try:
        placement = uncropped(residual.shape, frame)[0]
    except AlignmentError as error:
        raise PhotoError(f"{name}: {error}") from None
    if placement.turns:  # left or right: the size does not tell, and the score must not choose
        raise PhotoError(
            f"{name} is turned by a quarter against the camera's photos of {frame[1]}x{frame[0]}: "
            "turn its pixels back, without loss (jpegtran -rotate), or leave it out"
        )
    return to_frame(residual, placement, frame)
