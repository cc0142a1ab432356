"""What one part of a split RAW photo says of the other (models/reference/photonecf_splitting.py).

Simulated cameras, no two of a model, single photos on either side, the wavelet's fingerprint of
each part. The pattern is independent from pixel to pixel, so what the parts have in common is the
scene, and what extraction and cleaning make of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from bench.camera_photos import conditions
from bench.cores import on_every_core
from bench.extractors import WAVELET
from bench.figures import AUC, EER, Figures, figures
from bench.table import Row
from grainseal.client.plane_store import PlaneStore
from grainseal.models.evaluation import (
    Comparisons,
    Indices,
    Ranking,
    Scores,
    across,
    among,
    auc,
)
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Plane, estimate
from grainseal.models.photo import Photo
from grainseal.models.reference.photonecf_splitting import split
from grainseal.models.simulator.conditions import body, draw_shot, expose

SEED: Final = 90_000_000  # of bodies and shots: nothing else has them


@dataclass(frozen=True)
class Plan:
    """How much is simulated, side x side pixels each: the parts have half the width."""

    cameras: int = 24
    photos: int = 4
    side: int = 768


QUICK: Final = Plan(cameras=4, photos=2)


def rows(quick: bool = False) -> list[Row]:
    """The table; `quick` has four cameras."""
    return measured(QUICK if quick else Plan())


def measured(plan: Plan) -> list[Row]:
    """The table of a plan."""
    section = (
        f"splitting: {plan.cameras} simulated cameras, {plan.photos} RAW photos each, "
        f"{plan.side}x{plan.side}"
    )
    owners = np.repeat(np.arange(plan.cameras), plan.photos)
    odd, even, crossed = _scores(plan)
    within = {"odd": among(odd, owners), "even": among(even, owners)}
    other = among(crossed, owners)
    genuine = int(other.genuine.sum())
    table = [Row(section, "genuine, impostor pairs", f"{genuine}, {other.scores.size - genuine}")]
    for name, pairs in within.items():
        table.append(Row(section, f"{name} against {name}", _rates(figures(pairs))))
    leaks = (("other photos", other), ("of one photo", of_one_photo(crossed, owners)))
    for name, pairs in leaks:
        table.append(Row(section, f"odd against even, {name}; AUC .5 is none", _area(pairs)))
    told = told_apart((odd, even), crossed, owners)
    value = f"AUC {np.mean(told):.4f}, sd {np.std(told, ddof=1):.4f}"
    return [*table, Row(section, "of a camera: one part or two, mean of cameras", value)]


def _scores(plan: Plan) -> tuple[Scores, Scores, Scores]:
    """NCC of every photo with every other: odd parts, even parts, odd (rows) with even ones."""
    numbers = [(camera, shot) for camera in range(plan.cameras) for shot in range(plan.photos)]
    extractor = get_extractor(WAVELET)

    def parts(number: tuple[int, int]) -> list[Plane]:
        photo = _photo(plan, *number)
        return [estimate([part], extractor).values for part in split(photo)]

    with PlaneStore() as store:
        kept: list[list[int]] = [[], []]
        for planes in on_every_core(parts, numbers, "splitting"):
            for part, plane in zip(kept, planes, strict=True):
                number = store.add(plane)
                if number is None:
                    raise ValueError("a part without any noise")
                part.append(number)
        odd, even = kept
        size = plan.side * (plan.side // 4 * 2)
        return (
            store.nccs(odd, odd, size),
            store.nccs(even, even, size),
            store.nccs(odd, even, size),
        )


def _photo(plan: Plan, camera: int, shot: int) -> Photo:
    """One scene by camera number `camera`, the only one of its model."""
    settings = conditions(camera)
    individual = body(settings, SEED + camera, plan.side, plan.side)
    seed = SEED + camera * 100 + shot
    frame = expose(individual, settings, draw_shot(seed, shot, flat=False), seed)
    return frame.photo(f"camera {camera}, shot {shot}")


def of_one_photo(crossed: Scores, owners: Indices) -> Comparisons:
    """Genuine: the two parts of a photo, `crossed` (N, N). Impostors: of two cameras' photos."""
    pairs = across(crossed, owners, owners)
    same = pairs.references == pairs.probes - len(owners)
    chosen = same | ~pairs.genuine
    return replace(
        pairs,
        scores=pairs.scores[chosen],
        references=pairs.references[chosen],
        probes=pairs.probes[chosen],
    )


def told_apart(within: Sequence[Scores], crossed: Scores, owners: Indices) -> list[float]:
    """Of each camera: AUC of pairs of photos in one part, against pairs across the parts.

    `within` and `crossed` are (N, N). 1 where the parts of a camera say nothing of each other.
    """
    found = []
    for camera in np.unique(owners):
        own = np.flatnonzero(owners == camera)
        first, second = (own[index] for index in np.triu_indices(own.size, 1))
        same = np.concatenate([scores[first, second] for scores in within])
        other = np.concatenate([crossed[first, second], crossed[second, first]])
        genuine = np.repeat([True, False], [same.size, other.size])
        curve = Ranking(np.concatenate((same, other)), genuine).curve()
        if curve is None:
            raise ValueError("a camera with one photo has no pairs")
        found.append(auc(curve))
    return found


def _rates(found: Figures) -> str:
    return f"AUC {found[AUC]:.4f}, EER {found[EER]:.4f}"


def _area(pairs: Comparisons) -> str:
    return f"AUC {figures(pairs)[AUC]:.4f}"
