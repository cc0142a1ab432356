"""Tables 2 and 3 of Wang et al. 2021: three denoisers against fingerprints by the wavelet."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from grainseal.models.bootstrap import share_interval_over_cameras
from grainseal.models.evaluation import Indices, Scores, across, identified
from grainseal.models.extractor import Extractor, get_extractor
from grainseal.models.fingerprint import Plane, estimate
from grainseal.models.photo import Photo
from grainseal.models.reference.published import csi_cnn as published
from grainseal.models.reference.published.csi_cnn import Accuracy
from grainseal.models.reference.residual_networks import NetworkExtractor
from grainseal.models.reference.rspn import plain_residual

from ..errors import ClientError
from ..photos import extractor_named
from ..plane_store import PlaneStore
from .layout import Cell, Line, Reproduction, ends
from .photos import Camera, PhotoSet, Wanted, photo_set
from .platforms import SIMULATED, Probe, copies, own_copies
from .unseen import require_unseen
from .work import Settings, keep, numbered, on_every_core

CSI_CNN, WAVELET, DNCNN = "csi-cnn", "wavelet", "dncnn"
_FLATS: Final = 20
_TABLE_2_SCENES: Final = 20  # of each camera; the paper takes 200
_TABLE_3_SCENES: Final = 4
_TABLE_3_CAMERAS: Final = 10


def table_2(settings: Settings) -> Reproduction:
    """Mean correlation of each camera's photos with every camera's fingerprint."""
    count = len(published.CAMERAS)
    if settings.cameras not in (None, count):
        raise ClientError(f"the paper's table has {count} cameras: leave out --cameras")
    network, wavelet = extractor_named(CSI_CNN), get_extractor(WAVELET)
    wanted = Wanted(count, _TABLE_2_SCENES, _FLATS, siblings=False)
    photos = _photos(wanted, [network], settings)
    prints = _fingerprints(photos, settings)
    probes = _originals(_taken(photos, settings))
    means = _means(_scores(network, probes, prints, "Photos", settings), probes)
    own = np.diagonal(_means(_scores(wavelet, probes, prints, "Photos", settings), probes))
    names = [camera.name for camera in photos.cameras]
    ours = np.full((count, count + 1), np.nan)  # a folder may have fewer cameras than the paper
    ours[: len(names), : len(names)], ours[: len(names), count] = means, own
    figures = zip(published.CORRELATIONS, published.WAVELET, strict=True)
    lines = [
        Line((camera,), tuple(map(_cell, (*row, last), values.tolist())))
        for camera, (row, last), values in zip(published.CAMERAS, figures, ours, strict=True)
    ]
    return Reproduction(
        "csi-cnn-2",
        photos.described,
        f"{published.PAPER}, {published.TABLE_2_AT}; the authors' own photos",
        ("image", *published.CAMERAS, "Wavelet"),
        tuple(lines),
        (f"Means of {_each([len(c.scenes) for c in photos.cameras])}, 200 in the paper.",),
        (
            *_differs(photos),
            f"Our cameras stand in the place of the paper's, in the order of their names: "
            f"{', '.join(names)}.",
        ),
    )


def _differs(photos: PhotoSet) -> tuple[str, ...]:
    return (
        "The paper's photos are of real phones; ours are those named in the first line.",
        "Fingerprints are the maximum-likelihood estimate by the wavelet of "
        f"{_each([len(camera.flats) for camera in photos.cameras])}, all even; the paper sets a "
        "tenth of its photos apart for them, about 100 of each of the authors' phones, and does "
        "not say that they are even.",
        "The networks were trained here, on simulated cameras unless their owner gave photos "
        "(docs/EVALUATION.md, Training them); simulated ones of the same simulator.",
        "A score is the normalised correlation of one photo's residual with the fingerprint, at "
        "one place; of three planes the residual is that of the luminance.",
    )


def _each(counts: Sequence[int]) -> str:
    """How many photos the cameras have, for people."""
    least, most = min(counts), max(counts)
    return f"{least if least == most else f'{least} to {most}'} photos of each camera"


def _cell(figure: float, ours: float) -> Cell:
    return Cell(figure, None if np.isnan(ours) else ours)


def table_3(settings: Settings) -> Reproduction:
    """Share of photos, as platforms hand them out, whose highest correlation is their camera's."""
    extractors = [extractor_named(name) for name in (CSI_CNN, WAVELET, DNCNN)]
    wanted = Wanted(settings.cameras or _TABLE_3_CAMERAS, _TABLE_3_SCENES, _FLATS)
    photos = _photos(wanted, extractors, settings)
    prints = _fingerprints(photos, settings)
    taken = _taken(photos, settings)
    own = {
        name: own_copies(settings.data, settings.side, photos, name, _TABLE_3_SCENES)
        for name in published.PLATFORMS
    }
    probes = {name: own[name] or copies(taken, name) for name in published.PLATFORMS}
    ours = {
        name: [_accuracy(each, probes[name], prints, name, settings) for each in extractors]
        for name in published.PLATFORMS
    }
    chosen = "; ".join(
        f"{name} {SIMULATED[name].scale:g}, {SIMULATED[name].quality}"
        for name in published.PLATFORMS
        if not own[name]
    )
    return Reproduction(
        "csi-cnn-3",
        photos.described,
        f"{published.PAPER}, {published.TABLE_3_AT}; each data set after five platforms",
        ("Dataset", "Platform", "CSI-CNN", "Wavelet", "DnCNN"),
        tuple(_accuracy_line(row, ours[row.platform]) for row in published.TABLE_3),
        (
            f"Photos: {', '.join(f'{name} {len(each)}' for name, each in probes.items())}; chance "
            f"is {1 / len(photos.cameras):.3f}. A platform's figures of ours are of one set of "
            "photos and stand in every data set's row.",
            *(
                f"{name}, intervals of 95 % over cameras: "
                + ", ".join(f"{each.name} {_between(cell)}" for each, cell in _named(extractors, r))
                for name, r in ours.items()
            ),
        ),
        (
            *_differs(photos),
            *(
                [
                    "The copies are simulated: sides multiplied by the first number, then JPEG of "
                    f"the second ({chosen}). The paper does not tell what its platforms did; these "
                    "are steps of ours, so the order of platforms says nothing. A copy is made of "
                    "the part that is compared."
                ]
                if chosen
                else []
            ),
            *(
                [
                    "Platforms' own copies are taken to lie as the camera saved the photos: one "
                    "that was turned in a way that its size does not show is a miss."
                ]
                if any(own.values())
                else []
            ),
            "A reduced copy's residual is interpolated to the photo's size.",
        ),
    )


@dataclass(frozen=True)
class _Share:
    value: float
    interval: tuple[float, float] | None


def _accuracy_line(row: Accuracy, ours: list[_Share]) -> Line:
    figures = zip((row.csi_cnn, row.wavelet, row.dncnn), ours, strict=True)
    cells = tuple(Cell(figure, share.value, digits=3) for figure, share in figures)
    return Line((row.dataset, row.platform), cells)


def _between(share: _Share) -> str:
    return "-" if share.interval is None else f"{share.interval[0]:.2f} to {share.interval[1]:.2f}"


def _named(extractors: list[Extractor], shares: list[_Share]) -> list[tuple[Extractor, _Share]]:
    return list(zip(extractors, shares, strict=True))


def _photos(wanted: Wanted, extractors: Iterable[Extractor], settings: Settings) -> PhotoSet:
    """`ClientError` where one of the networks was trained on these cameras."""
    photos = photo_set(settings.data, wanted, settings.side)
    for each in extractors:
        if isinstance(each, NetworkExtractor):
            require_unseen(settings.data, photos.cameras, each.name, each.config)
    return photos


def _fingerprints(photos: PhotoSet, settings: Settings) -> list[Plane]:
    wavelet = get_extractor(WAVELET)

    def made(camera: Camera) -> Plane:
        return estimate((shot.photo() for shot in camera.flats), wavelet).values

    return list(on_every_core(made, photos.cameras, "Fingerprints", settings.progress))


def _taken(photos: PhotoSet, settings: Settings) -> list[tuple[int, Photo]]:
    """Every scene with its camera's place."""
    scenes = numbered(photos.cameras)
    read = on_every_core(lambda each: each[1].photo(), scenes, "Scenes", settings.progress)
    return [(at, photo) for (at, _), photo in zip(scenes, read, strict=True)]


def _originals(taken: list[tuple[int, Photo]]) -> list[Probe]:
    return [(at, partial(plain_residual, photo)) for at, photo in taken]


def _scores(
    extractor: Extractor,
    probes: list[Probe],
    prints: list[Plane],
    stage: str,
    settings: Settings,
) -> Scores:
    """NCC of every fingerprint (rows) with every probe."""
    residuals = on_every_core(
        lambda each: each[1](extractor), probes, f"{stage}: {extractor.name}", settings.progress
    )
    with PlaneStore() as store:
        rows = [keep(store, plane, "a fingerprint") for plane in prints]
        columns = [keep(store, plane, "a photo") for plane in residuals]
        return store.nccs(rows, columns, prints[0].size)


def _accuracy(
    extractor: Extractor,
    probes: list[Probe],
    prints: list[Plane],
    platform: str,
    settings: Settings,
) -> _Share:
    scores = _scores(extractor, probes, prints, platform, settings)
    hits, whose = identified(across(scores, np.arange(len(prints)), _places(probes)))
    return _Share(float(hits.mean()), ends(share_interval_over_cameras(hits, whose)))


def _means(scores: Scores, probes: list[Probe]) -> Scores:
    """Mean of each camera's photos (rows) with each fingerprint."""
    places = _places(probes)
    return np.stack([scores[:, places == at].mean(axis=1) for at in range(len(scores))])


def _places(probes: list[Probe]) -> Indices:
    return np.array([at for at, _ in probes], np.intp)
