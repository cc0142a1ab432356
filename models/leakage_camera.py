"""One virtual camera's part in measuring what its published photos give away.

Only a virtual camera has a RAW file of every shot and a hundred published photos from one seed. It
is enrolled with a guided burst, its owner takes another, and an attacker is given its photos.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from grainseal.models.codes import CodeSpec, code_for, features, select_positions
from grainseal.models.extractor import Extractor, get_extractor
from grainseal.models.fingerprint import Fingerprint, estimate
from grainseal.models.leakage_attacker import PublishedPhotos
from grainseal.models.photo import Photo
from grainseal.models.simulator.camera import RawFrame
from grainseal.models.simulator.conditions import body, draw_camera, draw_shot, expose
from grainseal.models.simulator.dataset import reduced
from grainseal.models.simulator.demosaicing import DEMOSAICING
from grainseal.models.simulator.develop import Picture, develop
from grainseal.models.simulator.writers import compressed

Signs = npt.NDArray[np.int8]
Source = Literal["owner", "full", "platform"]

CODE_NAMES: Final = ("AUTH_RAW_V1", "AUTH_JPEG_V1")
ENROLLED: Final = 6  # photos of the guided burst
FRESH: Final = 4  # photos of the owner's own, later burst; the first alone is tried as well
SIBLINGS: Final = 2  # cameras of one model
PLATFORM_SCALE: Final = 2  # to 1 in length: 12 megapixels to a longest side of 2000
PLATFORM_QUALITY: Final = 85
_CHOSEN: Final = 7 / 8  # of a frame's features at most, so that some choice of positions is left
_CAMERAS_PER_SEED, _SHOTS_PER_CAMERA = 10**5, 10**5


@dataclass(frozen=True)
class LeakageSpec:
    """What is simulated: `photos` are the numbers of published photos that are tried, rising.

    `shape`: (height, width) of the sensor, even. `flat`: the published photos show even scenes.
    `quality`: of the camera's own JPEGs, 1..100. `extractor`: the attacker's.
    """

    cameras: int
    photos: tuple[int, ...]
    shape: tuple[int, int]
    flat: bool = False
    quality: int = 92
    extractor: str = "wavelet"
    seed: int = 0

    @property
    def shots_per_camera(self) -> int:
        """Photos that each camera takes."""
        return ENROLLED + FRESH + max(self.photos)


@dataclass(frozen=True)
class Enrolled:
    """The true code: positions uint32 (N,) and the features' signs there, int8 (N,) of +-1."""

    positions: npt.NDArray[np.uint32] = field(repr=False)
    signs: Signs = field(repr=False)


@dataclass(frozen=True)
class Probe:
    """What somebody offers in one code: by the way it was made, the signs of all features."""

    code: str
    source: Source
    photos: int
    ways: dict[str, Signs] = field(repr=False)


@dataclass(frozen=True)
class CameraTrial:
    """One camera's true codes by name, and what its owner and its attackers have."""

    enrolled: dict[str, Enrolled]
    probes: tuple[Probe, ...]


def measured_code(name: str, shape: tuple[int, int]) -> CodeSpec:
    """The code of that name, shortened where the frame has too few features to choose from."""
    spec = code_for(name)
    most = int(spec.feature_count(shape) * _CHOSEN) // 2 * 2
    return replace(spec, length=min(spec.length, most))


def try_camera(spec: LeakageSpec, index: int, taken: Callable[[], None]) -> CameraTrial:
    """Camera number `index`; `taken` is called after each photo.

    PhotoError when the frame is too small for an extractor, ValueError for an unknown one.
    """
    codes = [measured_code(name, spec.shape) for name in CODE_NAMES]
    camera = _Camera(spec, index, taken)
    enrolment = camera.take(range(ENROLLED), flat=True)
    fresh = camera.take(range(ENROLLED, ENROLLED + FRESH), flat=True)
    own = [(count, _Burst(fresh.frames[:count], fresh.develop)) for count in (1, FRESH)]
    enrolled = {code.name: _enrolled(enrolment.fingerprint(code), code) for code in codes}
    probes = [
        Probe(code.name, "owner", count, {"own burst": _signs(burst.fingerprint(code), code)})
        for code in codes
        for count, burst in own
    ]
    return CameraTrial(enrolled, (*probes, *_attacks(camera, spec, codes)))


def _attacks(camera: "_Camera", spec: LeakageSpec, codes: Sequence[CodeSpec]) -> Iterator[Probe]:
    """What the first photos of one and the same series yield, at every number asked for."""
    denoisers = (get_extractor(spec.extractor), get_extractor(code_for("AUTH_RAW_V1").extractor))
    collections: dict[Source, PublishedPhotos] = {
        "full": PublishedPhotos(spec.shape, *denoisers),
        "platform": PublishedPhotos(spec.shape, *denoisers),
    }
    first = ENROLLED + FRESH
    for count in range(1, max(spec.photos) + 1):
        picture = camera.picture(camera.frame(first + count - 1, spec.flat))
        small = reduced(picture, max(spec.shape) // PLATFORM_SCALE)
        collections["full"].add(_developed(picture))
        collections["platform"].add(_developed(compressed(small, PLATFORM_QUALITY)))
        if count not in spec.photos:
            continue
        for source, collected in collections.items():
            for code in codes:
                ways = {way: _signs(made, code) for way, made in collected.ways(code.kind)}
                yield Probe(code.name, source, count, ways)


@dataclass(frozen=True)
class _Burst:
    """Frames, and how their camera develops them."""

    frames: Sequence[RawFrame]
    develop: Callable[[RawFrame], Picture]

    def fingerprint(self, code: CodeSpec) -> Fingerprint:
        extractor: Extractor = get_extractor(code.extractor)
        photos: Iterable[Photo]
        if code.kind == "raw":
            photos = map(_raw, self.frames)
        else:
            photos = (_developed(self.develop(frame)) for frame in self.frames)
        return estimate(photos, extractor)


class _Camera:
    """A body, its model's settings and the shots that its seed gives."""

    def __init__(self, spec: LeakageSpec, index: int, taken: Callable[[], None]) -> None:
        model = index // SIBLINGS
        first = spec.seed * _CAMERAS_PER_SEED
        self._conditions = draw_camera(first + model, f"Virtual {model + 1}", spec.quality)
        self._body = body(self._conditions, first + index, spec.shape[1], spec.shape[0])
        self._taken = taken

    def frame(self, shot: int, flat: bool) -> RawFrame:
        number = self._body.seed * _SHOTS_PER_CAMERA + shot
        conditions = draw_shot(self._body.seed, number, flat)
        frame = expose(self._body, self._conditions, conditions, number)
        self._taken()
        return frame

    def take(self, shots: Iterable[int], flat: bool) -> _Burst:
        return _Burst([self.frame(shot, flat) for shot in shots], self.picture)

    def picture(self, frame: RawFrame) -> Picture:
        """The camera's own JPEG of a frame, decoded."""
        demosaicing = DEMOSAICING[self._conditions.demosaicing]
        developed = develop(frame, self._conditions.development, demosaicing)
        return compressed(developed, self._conditions.quality)


def _enrolled(fingerprint: Fingerprint, code: CodeSpec) -> Enrolled:
    found = features(fingerprint, code)
    positions = select_positions(found, code)
    return Enrolled(positions, _sign(found[positions]))


def _signs(fingerprint: Fingerprint, code: CodeSpec) -> Signs:
    return _sign(features(fingerprint, code))


def _sign(values: npt.NDArray[np.float32]) -> Signs:
    signs: Signs = np.where(values < 0, -1, 1).astype(np.int8)
    return signs


def _raw(frame: RawFrame) -> Photo:
    return frame.photo("a simulated RAW photo")


def _developed(picture: Picture) -> Photo:
    return Photo(picture, "developed", "a simulated photo", "")
