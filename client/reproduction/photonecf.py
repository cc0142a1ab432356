"""Single photo registration of Qian et al., WWW 2023: one photo with every other."""

from typing import Final

from grainseal.models.evaluation import among
from grainseal.models.fingerprint import Plane, estimate
from grainseal.models.reference.photonecf import NAME
from grainseal.models.reference.published import photonecf as published
from grainseal.models.reference.published.photonecf import SINGLE_PHOTO

from ..photos import extractor_named
from ..plane_store import PlaneStore
from .layout import Cell, Line, Reproduction
from .photos import Shot, Wanted, photo_set
from .work import Settings, keep, numbered, on_every_core, owners, rates

_CAMERAS: Final = 20
_SCENES: Final = 3


def single(settings: Settings) -> Reproduction:
    """AUC and EER of pairs of single photos, by the authors' network."""
    extractor = extractor_named(NAME)
    wanted = Wanted(settings.cameras or _CAMERAS, _SCENES, raw=True)
    photos = photo_set(settings.data, wanted, settings.side)
    scenes = numbered(photos.cameras)

    def fingerprint(each: tuple[int, Shot]) -> Plane:
        return estimate([each[1].photo()], extractor).values

    planes = on_every_core(fingerprint, scenes, "Fingerprints", settings.progress)
    with PlaneStore() as store:
        kept, size = [], 0
        for (at, _), plane in zip(scenes, planes, strict=True):
            kept.append(keep(store, plane, photos.cameras[at].name))
            size = plane.size
        ours = rates(among(store.nccs(kept, kept, size), owners(scenes)))
    cells = (
        Cell(SINGLE_PHOTO.auc, ours.auc, ours.auc_interval),
        Cell(SINGLE_PHOTO.eer, ours.eer, ours.eer_interval),
    )
    return Reproduction(
        "photonecf-single",
        photos.described,
        f"{published.PAPER}, {published.SINGLE_PHOTO_AT}; {published.PHOTOS}",
        ("", "AUC", "EER"),
        (Line(("PhotoNecf",), cells),),
        (f"{ours.pairs}; intervals of 95 % over cameras.",),
        (
            "The network is the authors', with the weights that they published.",
            "The paper's photos are real and RAW, 2048x2048; ours are those named in the first "
            "line. Fewer pixels tell less; in simulated photos the scene alone hides the noise.",
            "Tiles, the residual's size and the estimate of one photo's fingerprint are ours "
            "(docs/EVALUATION.md, PhotoNecf).",
            "Their masks, brightness weights and signs are not used.",
        ),
    )
