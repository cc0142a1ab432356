"""Sixty virtual cameras that no extractor has seen: one photo is registered, one is compared.

The conditions of PhotoNecf's published experiment (Qian et al., "Web Photo Source Identification
based on Neural Enhanced Camera Fingerprint", WWW 2023): the Bayer plane, 2048x2048, a single photo
on either side. Simulated noise has no enemies but the scene, so at that size every extractor may be
perfect; the middle of the same fingerprints says more. The same shots as JPEG: the centre alone.
Three cameras are siblings of each model, which share all but K.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.camera_photos import Shot, photographs
from bench.cores import on_every_core
from bench.extractors import BEST, NEURAL, PHOTONECF, WAVELET, available, everyone, left_out
from bench.figures import AUC, EER, SEPARATION, Figures, figures, standard_errors
from bench.table import Row
from grainseal.client.plane_store import PlaneStore
from grainseal.models.evaluation import Comparisons, Indices, among
from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import Plane, estimate
from grainseal.models.photo import Photo, PhotoError
from grainseal.models.reference.published.photonecf import SINGLE_PHOTO

PUBLISHED: Final = (
    f"AUC {SINGLE_PHOTO.auc:.3%}, EER {SINGLE_PHOTO.eer:.3%}, on its authors' own real RAW photos"
)


@dataclass(frozen=True)
class Plan:
    """How much is simulated: cameras of each model, photos of each camera, pixels a side."""

    models: int = 20
    siblings: int = 3
    raw: int = 2
    developed: int = 3
    side: int = 2048
    centre: int = 1024
    windows: tuple[int, ...] = (128, 64)  # of the RAW fingerprints, beside the whole

    @property
    def cameras(self) -> int:
        """Of all models."""
        return self.models * self.siblings


QUICK: Final = Plan(models=3, siblings=2, developed=2)


def rows(quick: bool = False) -> list[Row]:
    """Rows of the bench table; `quick` has six cameras."""
    return measured(QUICK if quick else Plan())


def measured(plan: Plan) -> list[Row]:
    """All tables of a plan: RAW whole and in windows, then JPEG."""
    cameras = _shots(plan)
    numbers = np.arange(plan.cameras)
    raw = [shot.raw for shots in cameras for shot in shots[: plan.raw]]
    table = _tables(plan, "RAW", raw, np.repeat(numbers, plan.raw), (plan.side, *plan.windows))
    developed = [shot.developed for shots in cameras for shot in shots[: plan.developed]]
    owners = np.repeat(numbers, plan.developed)
    return table + _tables(plan, "JPEG", developed, owners, (plan.centre,))


def _shots(plan: Plan) -> list[list[Shot]]:
    """Of each camera, siblings next to each other."""

    def take(camera: int) -> list[Shot]:
        count = max(plan.raw, plan.developed)
        return photographs(camera // plan.siblings, camera, count, plan.side, plan.centre)

    return list(on_every_core(take, range(plan.cameras), "simulating"))


def _tables(
    plan: Plan, kind: str, photos: Sequence[Photo], owners: Indices, windows: tuple[int, ...]
) -> list[Row]:
    """One table for each window, the first of which is the whole."""
    titles = [
        f"{plan.cameras} simulated cameras ({plan.models} models of {plan.siblings}), {kind} "
        + (f"{windows[0]}x{windows[0]}" if number == 0 else f"its middle {window}x{window}")
        for number, window in enumerate(windows)
    ]
    tables: list[list[Row]] = [[] for _ in windows]
    found, missing = available(everyone())
    if kind == "RAW":
        missing[BEST] = f"RAW goes through the network of {NEURAL}"
        found = {name: extractor for name, extractor in found.items() if name not in missing}
    wavelets: list[Figures] = []
    for name, extractor in found.items():
        try:
            pairs, seconds = _compared(extractor, photos, owners, windows, f"{kind}: {name}")
        except PhotoError as error:
            if name == WAVELET:  # which all others are held against
                raise
            missing[name] = str(error)
            continue
        known = [figures(each) for each in pairs]
        wavelets = known if name == WAVELET else wavelets
        for number, title in enumerate(titles):
            if not tables[number]:
                tables[number].append(_pair_counts(title, pairs[number]))
            tables[number] += _rates(title, name, known[number], wavelets[number])
        tables[0] += _impostors(titles[0], name, pairs[0], plan.siblings)
        tables[0].append(Row(titles[0], f"{name}: seconds per photo, all cores", f"{seconds:.2f}"))
    if kind == "RAW":
        tables[0].append(Row(titles[0], f"{PHOTONECF}, as published in 2023", PUBLISHED))
    tables[0] += left_out(titles[0], missing)
    return [row for table in tables for row in table]


def _compared(
    extractor: Extractor,
    photos: Sequence[Photo],
    owners: Indices,
    windows: tuple[int, ...],
    label: str,
) -> tuple[list[Comparisons], float]:
    """For each window, every photo's own fingerprint against that of every later one.

    Also the seconds that a fingerprint took.
    """

    def fingerprint(photo: Photo) -> Plane:
        return estimate([photo], extractor).values

    numbers = range(len(photos))
    with ExitStack() as stack:
        stores = [stack.enter_context(PlaneStore()) for _ in windows]
        began = time.perf_counter()
        for number, plane in enumerate(on_every_core(fingerprint, photos, label)):
            for store, window in zip(stores, windows, strict=True):
                if store.add(_middle(plane, window)) != number:
                    raise ValueError(f"{photos[number].name}: {extractor.name} finds no noise")
        seconds = (time.perf_counter() - began) / len(photos)
        pairs = [
            among(store.nccs(numbers, numbers, window**2), owners)
            for store, window in zip(stores, windows, strict=True)
        ]
    return pairs, seconds


def _middle(plane: Plane, side: int) -> Plane:
    top, left = ((length - side) // 2 for length in plane.shape)
    return np.ascontiguousarray(plane[top : top + side, left : left + side])


def _pair_counts(section: str, pairs: Comparisons) -> Row:
    genuine = int(pairs.genuine.sum())
    return Row(section, "genuine, impostor pairs", f"{genuine}, {pairs.scores.size - genuine}")


def _rates(section: str, name: str, ours: Figures, theirs: Figures) -> Iterator[Row]:
    """AUC, EER and separation; ours are held to be no worse than the wavelet by their interval."""
    for figure in (AUC, EER, SEPARATION):
        value, limit, ok = f"{ours[figure]:.4f}", "", None
        if name != WAVELET:
            more = (ours - theirs)[figure]
            value += f"; less the wavelet's {more:+.4f}"
            if figure != SEPARATION and name != PHOTONECF and more.interval is not None:
                limit = "not behind the wavelet"
                ok = more.interval.low <= 0 if figure == EER else more.interval.high >= 0
        yield Row(section, f"{name}: {figure}", value, limit, ok)


def _impostors(section: str, name: str, pairs: Comparisons, siblings: int) -> Iterator[Row]:
    """How alike two cameras are that share nothing, or their model."""
    models = pairs.cameras // siblings
    related = (models[pairs.references] == models[pairs.probes])[~pairs.genuine]
    scores = pairs.scores[~pairs.genuine]
    strangers = standard_errors(scores[~related])
    limit, ok = ("", None) if name == PHOTONECF else ("within 3", abs(strangers) <= 3)
    for who, chosen in (("strangers", ~related), ("siblings", related)):
        value = f"{standard_errors(scores[chosen]):+.2f} ({scores[chosen].mean():+.1e})"
        yield Row(
            section,
            f"{name}: {who}' mean NCC in standard errors, {int(chosen.sum())} pairs",
            value,
            limit if who == "strangers" else "",
            ok if who == "strangers" else None,
        )
