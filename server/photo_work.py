"""What worker processes do with photos: decode them, lay them onto the enrolled frame, cut probes.

Plain bytes in, plain dataclasses out. A photo that cannot be used is `PhotoUnusable`, with what to
do; one that crashes its codec costs the worker and nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from grainseal.models.alignment import (
    AlignmentError,
    Placement,
    copy_features,
    uncropped,
)
from grainseal.models.claim_code import ClaimSpec, claim_for, positions_from
from grainseal.models.claims import Probe, claim_probe
from grainseal.models.codes import CodeError, Features, Positions
from grainseal.models.identity import PhotoIdentity, identity_of
from grainseal.models.perceptual import hash_orientations
from grainseal.models.photo import Photo, PhotoError, read_photo
from grainseal.models.registration import register

COPY, ORIGINAL = "the copy", "the original"
# Pixels down and to the right: beyond what neighbouring noise or a JPEG block have in common.
CONTROL_SHIFT = 64
WHOLE = Placement((1.0, 1.0))

Orientation = tuple[int, bool]


class PhotoUnusable(Exception):  # noqa: N818 - the name says what happened
    """A photo that cannot be decoded, laid onto the frame or cut; the message is for its owner."""


@dataclass(frozen=True)
class Frame:
    """The public part of a claim template: what it takes to cut a probe.

    `positions`: one bit for each feature of the frame.
    """

    profile: str
    height: int
    width: int
    seed: bytes
    positions: bytes

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.height, self.width

    @property
    def spec(self) -> ClaimSpec:
        """The claim code's definition."""
        return claim_for(self.profile)


@dataclass(frozen=True)
class Look:
    """What identifies the photos of a claim. `orientations`: hashes of the copy's eight."""

    copy: PhotoIdentity
    original: PhotoIdentity | None
    orientations: tuple[bytes, ...]


@dataclass(frozen=True)
class Cut:
    """Probes int8 (N,) of a claim: of the copy in each of its placements, of the original, and of
    the copy in its first placement moved aside.

    `jpeg_quality`: of the copy; None if its format loses nothing, 0 if it does, but is no JPEG.
    """

    placements: tuple[Placement, ...]
    jpeg_quality: int | None
    copies: tuple[Probe, ...]
    original: Probe | None
    control: Probe


def look(copy: bytes, original: bytes | None) -> Look:
    """Y6: decode and identify; `PhotoUnusable` if a photo cannot be used."""
    theirs = None if original is None else _identity(_decoded(original, ORIGINAL))
    photo = _decoded(copy, COPY)
    return Look(_identity(photo), theirs, tuple(hash_orientations(photo)))


def orientation_of(look: Look, registered: bytes) -> Orientation:
    """Quarter turns and mirroring that bring the copy nearest to a registered hash."""
    wanted = int.from_bytes(registered, "big")
    apart = [(int.from_bytes(each, "big") ^ wanted).bit_count() for each in look.orientations]
    mirrored, turns = divmod(apart.index(min(apart)), 4)
    return turns, bool(mirrored)


def cut_claim(
    frame: Frame, copy: bytes, original: bytes | None, orientation: Orientation | None
) -> Cut:
    """Y7: lay the photos onto the frame and cut the probes.

    `orientation`: of a copy that looks like a registration. `PhotoUnusable` if there is no place.
    """
    photo, theirs = _decoded(copy, COPY), None
    positions = _positions(frame)
    with _translated():
        if original is None:
            placements = _placed_by_size(photo, frame, orientation)
        else:
            whole = _full_size(_decoded(original, ORIGINAL), frame)
            placements = (register(photo, whole),)
            theirs = _probe(copy_features(whole, WHOLE, frame.shape, frame.spec), positions, frame)
            del whole
        found = [copy_features(photo, each, frame.shape, frame.spec) for each in placements]
        return Cut(
            placements,
            _quality(photo),
            tuple(_probe(each, positions, frame) for each in found),
            theirs,
            _probe(moved_aside(found[0], frame), positions, frame),
        )


def cut_registered(frame: Frame, data: bytes) -> tuple[PhotoIdentity, Probe]:
    """X9, X11: identity and probe of a photo of the enrolled size; else `PhotoUnusable`."""
    photo = _decoded(data, "the photo")
    with _translated():
        _full_size(photo, frame)
        values = copy_features(photo, WHOLE, frame.shape, frame.spec)
        return _identity(photo), _probe(values, _positions(frame), frame)


def moved_aside(values: Features, frame: Frame) -> Features:
    """Features of the same plane moved by CONTROL_SHIFT down and to the right, 0 where unknown.

    The shift is a whole number of features, so moving them is moving the pixels.
    """
    rows, columns = (length // frame.spec.step for length in frame.shape)
    shift, grid = CONTROL_SHIFT // frame.spec.step, values.reshape(rows, columns)
    moved = np.zeros_like(grid)
    moved[shift:, shift:] = grid[: rows - shift, : columns - shift]
    return moved.ravel()


def _decoded(data: bytes, what: str) -> Photo:
    """The developed photo of a file; `what` names it in messages."""
    try:
        photo = replace(read_photo(data), name=what)
    except PhotoError as error:
        said = str(error)  # of bytes without a name it begins with "photo is", or "photo has"
        named = said.startswith("photo ")
        message = said.replace("photo", what, 1) if named else f"{what}: {said}"
        raise PhotoUnusable(message) from None
    if photo.kind != "developed":
        raise PhotoUnusable(f"{what} is RAW: give the JPEG that was made from it")
    return photo


def _quality(photo: Photo) -> int | None:
    return 0 if photo.lossy and photo.jpeg_quality is None else photo.jpeg_quality


def _identity(photo: Photo) -> PhotoIdentity:
    with _translated():
        return identity_of(photo)


def _full_size(photo: Photo, frame: Frame) -> Photo:
    if photo.shape != frame.shape:
        raise PhotoUnusable(
            f"{photo.name} is {photo.width}x{photo.height}, the enrolled frame is "
            f"{frame.width}x{frame.height}: give the file as it left the camera"
        )
    return photo


def _placed_by_size(
    copy: Photo, frame: Frame, orientation: Orientation | None
) -> tuple[Placement, ...]:
    placements = uncropped(copy.shape, frame.shape)
    if orientation is None:
        return placements
    turns, mirrored = orientation
    fitting = tuple(replace(each, mirrored=mirrored) for each in placements if each.turns == turns)
    if not fitting:
        raise AlignmentError(f"{copy.name} was cropped after it was turned: give the original too")
    return fitting


def _positions(frame: Frame) -> Positions:
    bits = np.unpackbits(np.frombuffer(frame.positions, np.uint8)).view(np.bool_)
    features = frame.spec.feature_count(frame.shape)
    return positions_from(bits[:features], frame.shape, frame.spec)


def _probe(values: Features, positions: Positions, frame: Frame) -> Probe:
    return claim_probe(values, positions, frame.spec, frame.seed)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (PhotoError, AlignmentError, CodeError) as error:
        raise PhotoUnusable(str(error)) from None
