"""Every system that can be compared, on the same photos of cameras that no training has seen.

A camera's reference is four photos. Its probes are single photos, and, for this is the protocol of
the siamese network's paper (4+4 images), four others together; every system is scored by both. What
a system makes of photos, and its scores, are those of `grainseal evaluate`. The classifier knows a
closed set of cameras, so it has fresh photos of these.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from bench.accuracy import photos_folder
from bench.cores import on_every_core
from bench.extractors import BEST, NEURAL, PHOTONECF, WAVELET, Remembering
from bench.table import Row
from grainseal.client.errors import ClientError
from grainseal.client.evaluation_methods import CorrelationMethod, Method, method_named
from grainseal.client.photos import extractor_named
from grainseal.client.plane_store import PlaneStore
from grainseal.client.reproduction.closed_set import accuracies
from grainseal.client.reproduction.photos import Wanted, simulated
from grainseal.client.reproduction.work import Rates, Settings, rates
from grainseal.models.evaluation import across
from grainseal.models.photo import Photo, PhotoError, read_photo

SET: Final = 4  # photos of a reference, and of a probe that is a set
_CLASSIFIER: Final = "patch-classifier"


@dataclass(frozen=True)
class System:
    """What scores pairs; `extractor` None for a matcher that takes photos themselves."""

    name: str
    matcher: str
    extractor: str | None = None

    def method(self, store: PlaneStore) -> Method:
        """`ClientError`, which says what to do, where it lacks weights."""
        if self.extractor is None:
            return method_named(self.matcher, None, None, store)
        extractor = Remembering(extractor_named(self.extractor))
        return CorrelationMethod(self.matcher, extractor, None, store)


SYSTEMS: Final = (
    System("rspn", "rspn", WAVELET),
    System("espn", "espn", WAVELET),
    System("maximum likelihood by wavelet, NCC", "ncc", WAVELET),
    System("csi-cnn", "ncc", "csi-cnn"),
    System("dncnn", "ncc", "dncnn"),
    System(PHOTONECF, "ncc", PHOTONECF),
    System("siamese", "siamese"),
    System("signature-similarity", "signature-similarity"),
    System(NEURAL, "ncc", NEURAL),
    System(BEST, "ncc", BEST),
)


@dataclass(frozen=True)
class Plan:
    """How much is simulated, and what is compared of every photo: side x side pixels."""

    cameras: int = 16
    side: int = 512


QUICK: Final = Plan(cameras=4, side=256)


@dataclass(frozen=True)
class CameraPhotos:
    """SET photos to enrol, single probes, and SET photos that are one probe; none is in two sides.

    `together` may have photos of `single`.
    """

    reference: tuple[Photo, ...]
    single: tuple[Photo, ...]
    together: tuple[Photo, ...]


def rows(quick: bool = False) -> list[Row]:
    """All tables; the real photos' are left out when there are none."""
    plan = QUICK if quick else Plan()
    return measured(plan, SYSTEMS, photos_folder())


def measured(plan: Plan, systems: Sequence[System], folder: Path | None) -> list[Row]:
    """The tables of these systems; `folder` has real photos."""
    photos = simulated(Wanted(plan.cameras, 2 * SET), plan.side)
    shots = [[shot.photo() for shot in camera.scenes] for camera in photos.cameras]
    cameras = [CameraPhotos(tuple(p[:SET]), tuple(p[SET:]), tuple(p[SET:])) for p in shots]
    found = _tables(photos.described, cameras, systems)
    found += _closed_set()
    if folder is None:
        return [*found, Row("systems", "real photos", "none: set GRAINSEAL_PHOTOS")]
    title = f"real photos of three Nikons and two Canons, centre {plan.side}x{plan.side}"
    return found + _tables(title, list(_real(folder, plan.side)), systems)


def _tables(title: str, cameras: list[CameraPhotos], systems: Sequence[System]) -> list[Row]:
    """One for each protocol."""
    sections = [f"{title}; {SET} photos against {count}" for count in (1, SET)]
    tables: list[list[Row]] = [[], []]
    for system in systems:
        try:
            both, seconds = _scored(system, cameras)
        except (ClientError, PhotoError) as error:
            tables[0].append(Row(sections[0], system.name, f"left out: {error}"))
            continue
        for table, section, ours in zip(tables, sections, both, strict=True):
            if not table or not table[0].name.startswith("pairs"):
                table.insert(0, Row(section, "pairs", ours.pairs))
            table.append(Row(section, system.name, _text(ours, seconds)))
    return [row for table in tables for row in table]


def _scored(system: System, cameras: list[CameraPhotos]) -> tuple[tuple[Rates, Rates], float]:
    """Rates of both protocols, and the seconds of one core that a photo takes."""
    photos = sum(len(c.reference + c.single) for c in cameras)
    name = system.name
    with PlaneStore() as store:
        method = system.method(store)
        began = time.process_time()
        references = _kept(method, [c.reference for c in cameras], False, name)
        single = _kept(method, [(photo,) for c in cameras for photo in c.single], True, name)
        seconds = (time.process_time() - began) / photos
        together = _kept(method, [c.together for c in cameras], True, name)
        size = cameras[0].reference[0].pixels[..., 0].size
        own = np.arange(len(cameras))
        of_single = np.repeat(own, [len(c.single) for c in cameras])
        both = (
            rates(across(method.scores(references, single, size), own, of_single)),
            rates(across(method.scores(references, together, size), own, own)),
        )
    return both, seconds


def _kept(method: Method, sets: Sequence[Sequence[Photo]], probe: bool, label: str) -> list[int]:
    """The numbers of their templates; photos are worked on by all cores, kept in order."""

    def made(photos: Sequence[Photo]) -> object:
        collector = method.collector("", probe, "none")
        for photo in photos:
            collector.add(photo)
        return collector.finish()

    numbers = [method.keep(template, probe) for template in on_every_core(made, sets, label)]
    if None in numbers:
        raise PhotoError("a photo without any noise")
    return [number for number in numbers if number is not None]


def _text(ours: Rates, seconds: float) -> str:
    parts = (
        _figure("AUC", ours.auc, ours.auc_interval),
        _figure("EER", ours.eer, ours.eer_interval),
        _figure("rank 1", ours.rank1, ours.rank1_interval),
    )
    return f"{', '.join(parts)}; {seconds:.2f} s"


def _figure(name: str, value: float | None, interval: tuple[float, float] | None) -> str:
    if value is None or interval is None:
        return f"{name} -"
    return f"{name} {value:.3f} [{interval[0]:.3f}, {interval[1]:.3f}]"


def _closed_set() -> list[Row]:
    """The classifier's accuracy, by the code of `grainseal reproduce eurecom-closed`."""
    try:
        ours = accuracies(Settings(None, None, 0, _untold))
    except ClientError as error:
        return [Row("closed set", _CLASSIFIER, f"left out: {error}")]
    section = f"closed set of {ours.known} cameras: {ours.described}"
    return [
        Row(section, "photos", str(ours.photos)),
        Row(section, _CLASSIFIER, _figure("accuracy", ours.of_photos, ours.photos_interval)),
        Row(section, f"{_CLASSIFIER}, each patch of 32x32", f"{ours.of_patches:.3f}"),
    ]


def _untold(stage: str, done: int, total: int) -> None:
    """Nobody is told of progress."""


def _real(folder: Path, side: int) -> Iterator[CameraPhotos]:
    """Nikons are enrolled by flat photos, Canons, of which there are none, by their first scenes.

    Single probes are the other scenes. A set of four is of flats again for the Nikons, which have
    too few scenes.
    """

    def read(paths: Sequence[Path]) -> tuple[Photo, ...]:
        return tuple(read_photo(path).cropped(side) for path in paths)

    for camera in sorted((folder / "nikon" / "flat").iterdir()):
        flats = read(sorted(camera.iterdir())[: 2 * SET])
        scenes = read(sorted((folder / "nikon" / "natural" / camera.name).iterdir()))
        yield CameraPhotos(flats[:SET], scenes, flats[SET:])
    for camera in sorted((folder / "canon").iterdir()):
        scenes = read(sorted(camera.iterdir()))
        yield CameraPhotos(scenes[:SET], scenes[SET:], scenes[SET : 2 * SET])
