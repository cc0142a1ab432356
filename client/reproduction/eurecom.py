"""Tables 1 and 2 of Skrabec and Ghosh, EURECOM 2021, and the closed set of its section 3."""

from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.evaluation import Comparisons, across
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Plane
from grainseal.models.reference.espn import enhanced
from grainseal.models.reference.published import eurecom as published
from grainseal.models.reference.published.eurecom import LI, LUKAS, SKRABEC, Method
from grainseal.models.reference.rspn import AveragingEstimator, plain_residual
from grainseal.models.reference.siamese import SiameseMatcher, residual_crops

from ..errors import ClientError
from ..plane_store import PlaneStore
from .layout import Cell, Line, Reproduction
from .photos import Camera, PhotoSet, Wanted, photo_set
from .unseen import require_unseen
from .work import Rates, Settings, keep, numbered, on_every_core, owners, rates, trained

Array = npt.NDArray[np.float32]
_Side = tuple[int, list[int]]  # a camera's place and those of some of its scenes

_CAMERAS: Final = 10
_SCENES: Final = 12  # of each camera; a set of either side and a few more
_SEED: Final = 2021
_DIFFERS: Final = (
    "The paper's photos are SOCRatES, of 103 phones that their owners used as they liked, whole; "
    "ours are those named in the first line, and only the part of them that it names.",
    "A reference has as many background (even) photos as there are, 50 at most; the paper asks "
    "for 50 or more.",
    "The residual is that of the luminance, for probes and references.",
    "In both rows of the paper's Table 1 the AUC is 1 - EER; ours is the area under the curve.",
)


def table_1(settings: Settings) -> Reproduction:
    """EER, AUC and recognition rate of Lukas et al. and of Li."""
    photos = _photos(settings)
    found = classical(photos, settings)
    lines = [
        Line(
            (method.name,),
            (
                *_error_cells(method, ours),
                Cell(method.recognition_rate, ours.rank1, ours.rank1_interval),
            ),
        )
        for method, ours in zip((LUKAS, LI), found, strict=True)
    ]
    return Reproduction(
        "eurecom-1",
        photos.described,
        f"{published.PAPER}, {published.TABLE_1_AT}; {published.PHOTOS}",
        ("", "EER", "AUC", "RR"),
        tuple(lines),
        (f"{found[0].pairs}; intervals of 95 % over cameras.",),
        _DIFFERS,
    )


def table_2(settings: Settings) -> Reproduction:
    """EER and AUC of these and of the siamese network, with the photos that one inference takes."""
    matcher = trained(SiameseMatcher)
    photos = _photos(settings)
    require_unseen(settings.data, photos.cameras, matcher.name, matcher.config)
    found = (*classical(photos, settings), rates(_pairs_of_sets(matcher, photos, settings)))
    lines = [
        Line((method.name,), (*_error_cells(method, ours), method.images))
        for method, ours in zip((LUKAS, LI, SKRABEC), found, strict=True)
    ]
    return Reproduction(
        "eurecom-2",
        photos.described,
        f"{published.PAPER}, {published.TABLE_2_AT}; {published.PHOTOS}",
        ("", "EER", "AUC", "Im. Req. Inf."),
        tuple(lines),
        (
            f"{LUKAS.name} and {LI.name}: {found[0].pairs} of a reference and one scene.",
            f"{SKRABEC.name}: {found[2].pairs} of {published.SET} scenes against {published.SET}, "
            "drawn at random, as in section 2.3.",
        ),
        (
            *_DIFFERS,
            "The siamese network was trained here, on simulated cameras unless its owner gave "
            "photos (docs/EVALUATION.md, Training them).",
            "It compares as many places of 256x256 as the photos have, 40 at most; the paper 40.",
        ),
    )


def closed(settings: Settings) -> Reproduction:
    """Accuracy of the patch classifier on other photos of its own cameras."""
    from .closed_set import accuracies

    measured = accuracies(settings)
    figure = published.CLOSED_ACCURACY
    return Reproduction(
        "eurecom-closed",
        measured.described,
        f"{published.PAPER}, {published.CLOSED_AT}; {published.PHOTOS}, "
        f"{published.CLOSED_CAMERAS} of them",
        ("", "accuracy"),
        (
            Line(("photos",), (Cell(figure, measured.of_photos, measured.photos_interval, 3),)),
            Line(("patches",), (Cell(figure, measured.of_patches, measured.patches_interval, 3),)),
        ),
        (
            f"{measured.photos} photos of {measured.cameras} cameras; chance is "
            f"{1 / measured.known:.3f}. Intervals of 95 % over cameras.",
        ),
        (
            "The paper does not say whether its figure counts photos or patches of 32x32; ours "
            "has both, a photo being the mean of its patches.",
            f"The paper does not name the models of its {published.CLOSED_CAMERAS} phones"
            f"{'; the simulated cameras are two of each model' if measured.simulated else ''}.",
            "Its photos are brought to 640x640; ours are "
            f"{'simulated at' if measured.simulated else 'the centre of'} "
            f"{measured.side}x{measured.side}.",
            "The classifier was trained here (docs/EVALUATION.md, Training them).",
        ),
    )


def classical(photos: PhotoSet, settings: Settings) -> tuple[Rates, Rates]:
    """RSPN and ESPN: every camera's average residual with that of every scene."""
    extractor = get_extractor("wavelet")

    def reference(camera: Camera) -> Plane:
        average = AveragingEstimator(extractor)
        for shot in camera.flats:
            average.add(shot.photo())
        return average.finish().values

    scenes = numbered(photos.cameras)
    residuals = on_every_core(
        lambda each: plain_residual(each[1].photo(), extractor),
        scenes,
        "Residuals of scenes",
        settings.progress,
    )
    with PlaneStore() as store:
        references = [
            keep(store, plane, camera.name)
            for camera, plane in zip(
                photos.cameras,
                on_every_core(reference, photos.cameras, "References", settings.progress),
                strict=True,
            )
        ]
        plain, enhancing = [], []
        for (at, _), plane in zip(scenes, residuals, strict=True):
            plain.append(keep(store, plane, photos.cameras[at].name))
            enhancing.append(keep(store, enhanced(plane), photos.cameras[at].name))
        size = plane.size
        lukas, li = (store.nccs(references, probes, size) for probes in (plain, enhancing))
    own, theirs = np.arange(len(references)), owners(scenes)
    return rates(across(lukas, own, theirs)), rates(across(li, own, theirs))


def _pairs_of_sets(matcher: SiameseMatcher, photos: PhotoSet, settings: Settings) -> Comparisons:
    """As many pairs as the paper drew, half of them of one camera."""
    least = 2 * published.SET
    cameras = tuple(camera for camera in photos.cameras if len(camera.scenes) >= least)
    if len(cameras) < 2:
        raise ClientError(
            f"two sets of {published.SET} photos take {least}, of two cameras or more: add photos"
        )
    rng = np.random.default_rng(_SEED)
    drawn = [_drawn(rng, cameras, number % 2 == 0) for number in range(published.PAIRS)]
    sides = [pair[side] for side in (0, 1) for pair in drawn]
    crops = _crops(cameras, settings)

    def features(side: _Side) -> Array:
        at, chosen = side
        mean: Array = np.mean([crops[at][each] for each in chosen], axis=0, dtype=np.float32)
        return matcher.features(mean)

    seen = list(on_every_core(features, sides, "Sets of photos", settings.progress))
    count = len(drawn)
    scores = np.array([matcher.score(seen[at], seen[at + count]) for at in range(count)])
    places = np.array([at for at, _ in sides])
    pools = np.repeat([1, 0], count)
    return Comparisons(scores, np.arange(count), np.arange(count) + count, places, pools)


def _drawn(
    rng: np.random.Generator, cameras: tuple[Camera, ...], same: bool
) -> tuple[_Side, _Side]:
    """Two sets of which no photo is on both sides."""
    one = int(rng.integers(len(cameras)))
    other = one if same else (one + 1 + int(rng.integers(len(cameras) - 1))) % len(cameras)
    size = published.SET
    first = rng.permutation(len(cameras[one].scenes)).tolist()
    second = first[size:] if same else rng.permutation(len(cameras[other].scenes)).tolist()
    return (one, first[:size]), (other, second[:size])


def _crops(cameras: tuple[Camera, ...], settings: Settings) -> list[list[npt.NDArray[np.float16]]]:
    """What the network sees of every scene, by camera; half precision, as in its training."""
    kept: list[list[npt.NDArray[np.float16]]] = [[] for _ in cameras]
    scenes = numbered(cameras)
    crops = on_every_core(
        lambda each: residual_crops(each[1].photo()).astype(np.float16),
        scenes,
        "Patches of scenes",
        settings.progress,
    )
    for (at, _), found in zip(scenes, crops, strict=True):
        kept[at].append(found)
    return kept


def _photos(settings: Settings) -> PhotoSet:
    wanted = Wanted(settings.cameras or _CAMERAS, _SCENES, published.BACKGROUNDS)
    return photo_set(settings.data, wanted, settings.side)


def _error_cells(method: Method, ours: Rates) -> tuple[Cell, Cell]:
    return (
        Cell(method.eer, ours.eer, ours.eer_interval),
        Cell(method.auc, ours.auc, ours.auc_interval),
    )
