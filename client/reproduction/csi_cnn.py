"""Tables 2 and 3 of Wang et al. 2021: three denoisers against fingerprints by the wavelet."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from grainseal.models.alignment import AlignmentError, to_frame, uncropped
from grainseal.models.bootstrap import share_interval_over_cameras
from grainseal.models.copies import platform_copy
from grainseal.models.evaluation import Scores, across, identified
from grainseal.models.extractor import Extractor, get_extractor
from grainseal.models.fingerprint import Plane, estimate
from grainseal.models.photo import Photo, PhotoError
from grainseal.models.reference.published import csi_cnn as published
from grainseal.models.reference.published.csi_cnn import Accuracy
from grainseal.models.reference.rspn import plain_residual

from ..errors import ClientError
from ..photos import extractor_named
from ..plane_store import PlaneStore
from .layout import Cell, Line, Reproduction, ends
from .photos import Camera, PhotoSet, Shot, Wanted, photo_set, shots_by_camera
from .work import Settings, keep, numbered, on_every_core, owners

CSI_CNN, WAVELET, DNCNN = "csi-cnn", "wavelet", "dncnn"
_FLATS: Final = 20
_TABLE_2_SCENES: Final = 20  # of each camera; the paper takes 200
_TABLE_3_SCENES: Final = 4
_TABLE_3_CAMERAS: Final = 10
_DIFFERS: Final = (
    "The paper's photos are of real phones; ours are those named in the first line.",
    "Fingerprints are the maximum-likelihood estimate of even photos by the wavelet, of which the "
    "paper does not tell the number.",
    "The networks were trained here, on simulated cameras unless their owner gave photos, and for "
    "minutes (docs/EVALUATION.md, Training them); simulated ones of the same simulator.",
    "A score is the normalised correlation of one photo's residual with the fingerprint, at one "
    "place; of three planes the residual is that of the luminance.",
)


@dataclass(frozen=True)
class Platform:
    """What our simulation of one does: `scale` of the sides, JPEG `quality`; and in VISION's names
    the folder that its own copies are in.
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


def table_2(settings: Settings) -> Reproduction:
    """Mean correlation of each camera's photos with every camera's fingerprint."""
    count = len(published.CAMERAS)
    if settings.cameras not in (None, count):
        raise ClientError(f"the paper's table has {count} cameras: leave out --cameras")
    network, wavelet = extractor_named(CSI_CNN), get_extractor(WAVELET)
    wanted = Wanted(count, _TABLE_2_SCENES, _FLATS, siblings=False)
    photos = photo_set(settings.data, wanted, settings.side)
    prints = _fingerprints(photos, settings)
    means = _means(_scores(network, photos, prints, settings), photos)
    own = np.diagonal(_means(_scores(wavelet, photos, prints, settings), photos))
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
        (f"Means of {_TABLE_2_SCENES} photos of a camera, 200 in the paper.",),
        (
            *_DIFFERS,
            f"Our cameras stand in the place of the paper's, in the order of their names: "
            f"{', '.join(names)}.",
        ),
    )


def _cell(figure: float, ours: float) -> Cell:
    return Cell(figure, None if np.isnan(ours) else ours)


def table_3(settings: Settings) -> Reproduction:
    """Share of photos, as platforms hand them out, whose highest correlation is their camera's."""
    extractors = [extractor_named(name) for name in (CSI_CNN, WAVELET, DNCNN)]
    wanted = Wanted(settings.cameras or _TABLE_3_CAMERAS, _TABLE_3_SCENES, _FLATS)
    photos = photo_set(settings.data, wanted, settings.side)
    prints = _fingerprints(photos, settings)
    own = {name: _own_copies(settings, photos, name) for name in published.PLATFORMS}
    ours = {
        name: [_accuracy(each, own[name], name, photos, prints, settings) for each in extractors]
        for name in published.PLATFORMS
    }
    chosen = "; ".join(
        f"{name} {SIMULATED[name].scale:g}, {SIMULATED[name].quality}"
        for name in published.PLATFORMS
        if own[name] is None
    )
    return Reproduction(
        "csi-cnn-3",
        photos.described,
        f"{published.PAPER}, {published.TABLE_3_AT}; each data set after five platforms",
        ("Dataset", "Platform", "CSI-CNN", "Wavelet", "DnCNN"),
        tuple(_accuracy_line(row, ours[row.platform]) for row in published.TABLE_3),
        (
            f"{len(numbered(photos.cameras))} photos on each platform; chance is "
            f"{1 / len(photos.cameras):.3f}. Ours is one set of photos, so its figures of a "
            "platform stand in every data set's row.",
            *(
                f"{name}, intervals of 95 % over cameras: "
                + ", ".join(f"{each.name} {_between(cell)}" for each, cell in _named(extractors, r))
                for name, r in ours.items()
            ),
        ),
        (
            *_DIFFERS,
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


def _fingerprints(photos: PhotoSet, settings: Settings) -> list[Plane]:
    wavelet = get_extractor(WAVELET)

    def made(camera: Camera) -> Plane:
        return estimate((shot.photo() for shot in camera.flats), wavelet).values

    return list(on_every_core(made, photos.cameras, "Fingerprints", settings.progress))


def _scores(
    extractor: Extractor,
    photos: PhotoSet,
    prints: list[Plane],
    settings: Settings,
    platform: str | None = None,
    own: list[tuple[int, Shot]] | None = None,
) -> Scores:
    """NCC of every fingerprint (rows) with every scene, or its copy; `own`: a platform's copies."""

    def residual(each: tuple[int, Shot]) -> Plane:
        at, shot = each
        if own is not None:
            return _on_frame(shot.whole(), photos.cameras[at].flats[0], extractor, settings.side)
        return _of_copy(shot.photo(), platform, extractor)

    scenes = own if own is not None else numbered(photos.cameras)
    stage = f"{platform or 'Photos'}: {extractor.name}"
    with PlaneStore() as store:
        rows = [
            keep(store, plane, camera.name)
            for plane, camera in zip(prints, photos.cameras, strict=True)
        ]
        columns = [
            keep(store, plane, photos.cameras[at].name)
            for (at, _), plane in zip(
                scenes, on_every_core(residual, scenes, stage, settings.progress), strict=True
            )
        ]
        return store.nccs(rows, columns, prints[0].size)


def _of_copy(photo: Photo, platform: str | None, extractor: Extractor) -> Plane:
    """Of the photo itself, or of what the platform makes of it, on the photo's grid."""
    if platform is None:
        return plain_residual(photo, extractor)
    made = SIMULATED[platform]
    copy = platform_copy(photo, made.scale, made.quality)
    return _placed(plain_residual(copy, extractor), photo.shape, photo.name)


def _on_frame(copy: Photo, flat: Shot, extractor: Extractor, side: int) -> Plane:
    """Of a whole copy, laid onto the camera's whole frame; then the centre."""
    frame = flat.whole().shape
    placed = _placed(plain_residual(copy, extractor), frame, copy.name)
    top, left = ((length - side) // 4 * 2 for length in frame)  # where Photo.cropped starts
    return np.ascontiguousarray(placed[top : top + side, left : left + side])


def _placed(residual: Plane, frame: tuple[int, int], name: str) -> Plane:
    if residual.shape == frame:
        return residual
    try:
        return to_frame(residual, uncropped(residual.shape, frame)[0], frame)
    except AlignmentError as error:
        raise PhotoError(f"{name}: {error}") from None


def _accuracy(
    extractor: Extractor,
    own: list[tuple[int, Shot]] | None,
    platform: str,
    photos: PhotoSet,
    prints: list[Plane],
    settings: Settings,
) -> _Share:
    scores = _scores(extractor, photos, prints, settings, platform, own)
    theirs = owners(own if own is not None else numbered(photos.cameras))
    hits, whose = identified(across(scores, np.arange(len(prints)), theirs))
    return _Share(float(hits.mean()), ends(share_interval_over_cameras(hits, whose)))


def _means(scores: Scores, photos: PhotoSet) -> Scores:
    """Mean of each camera's photos (rows) with each fingerprint."""
    theirs = owners(numbered(photos.cameras))
    means = [scores[:, theirs == at].mean(axis=1) for at in range(len(photos.cameras))]
    return np.stack(means)


def _own_copies(
    settings: Settings, photos: PhotoSet, platform: str
) -> list[tuple[int, Shot]] | None:
    """The platform's own copies where DATA has a folder of them, None where it has not."""
    folder = SIMULATED[platform].folder
    if settings.data is None or not Path(settings.data / folder).is_dir():
        return None
    shots = shots_by_camera(settings.data, (folder,), settings.side)
    copies = [
        (at, shot)
        for at, camera in enumerate(photos.cameras)
        for shot in shots.get(camera.name, ())[:_TABLE_3_SCENES]
    ]
    return copies or None
