"""The figures of a leakage measurement: as one object for JSON, and in words for people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from grainseal.crypto.profiles import profile_named
from grainseal.models.bootstrap import share_interval
from grainseal.models.codes import code_for
from grainseal.models.leakage import LeakagePoint, area, median_interval
from grainseal.models.leakage_camera import (
    CODE_NAMES,
    FRESH,
    PLATFORM_QUALITY,
    PLATFORM_SCALE,
    SIBLINGS,
    LeakageSpec,
    Source,
    measured_code,
)

from .evaluation_plan import FEW_CAMERAS

Ends = tuple[float, float]
SOURCES: Final[dict[Source, str]] = {
    "owner": "owner's burst",
    "full": "full size",
    "platform": f"1/{PLATFORM_SCALE} size",
}


@dataclass(frozen=True)
class PointFigures:
    """One code, one source, one number of photos. Scores are in sigma, sqrt(N).

    `source`: "owner" is the control, the genuine owner's fresh burst; its `impostors_*` are an
    unrelated camera's. `accepted`: attackers (or owners) whose score the service accepts, of
    `cameras`; `impostors_accepted` is the same for what came from another camera, of
    `impostor_pairs`. `sigma_by_way`: median of each way alone; the other figures take the best.
    `sigmas`: every camera's score.
    """

    source: Source
    photos: int
    auc: float
    auc_ci: Ends
    sigma_median: float
    sigma_ci: Ends
    sigma_min: float
    sigma_max: float
    accepted: int
    accepted_share: float
    accepted_share_ci: Ends
    impostor_pairs: int
    impostors_sigma_mean: float
    impostors_sigma_max: float
    impostors_accepted: int
    sigma_by_way: dict[str, float]
    sigmas: tuple[float, ...]

    @property
    def best_way(self) -> str:
        """The way with the highest median."""
        return max(self.sigma_by_way, key=lambda way: self.sigma_by_way[way])


@dataclass(frozen=True)
class CodeFigures:
    """One code: `length` N of `full_length`, chosen among `features`; accepted from `threshold`."""

    code: str
    length: int
    full_length: int
    features: int
    threshold: float
    points: tuple[PointFigures, ...]

    def of(self, source: Source) -> list[PointFigures]:
        """Its points of one source, by number of photos."""
        return [point for point in self.points if point.source == source]


@dataclass(frozen=True)
class Figures:
    """What --json writes, in this order."""

    cameras: int
    siblings: int
    photos: tuple[int, ...]
    size: str
    scenes: str
    quality: int
    platform_scale: int
    platform_quality: int
    extractor: str
    seed: int
    seconds: float
    codes: tuple[CodeFigures, ...]
    notes: tuple[str, ...]


def figures_of(spec: LeakageSpec, points: Sequence[LeakagePoint], seconds: float) -> Figures:
    """The figures of one measurement."""
    return Figures(
        cameras=spec.cameras,
        siblings=SIBLINGS,
        photos=spec.photos,
        size=f"{spec.shape[1]}x{spec.shape[0]}",
        scenes="flat" if spec.flat else "natural",
        quality=spec.quality,
        platform_scale=PLATFORM_SCALE,
        platform_quality=PLATFORM_QUALITY,
        extractor=spec.extractor,
        seed=spec.seed,
        seconds=round(seconds, 1),
        codes=tuple(_code_figures(name, spec, points) for name in CODE_NAMES),
        notes=tuple(_notes(spec)),
    )


def verdict(code: CodeFigures, cameras: int) -> str:
    """In one sentence, what the measurement says of a code."""
    owner = code.of("owner")[-1]
    attacks = [*code.of("full"), *code.of("platform")]
    worst = max(attacks, key=lambda point: (point.accepted, point.auc, point.sigma_median))
    photos = "1 photo" if worst.photos == 1 else f"{worst.photos} photos"
    who = f"{photos}, {SOURCES[worst.source]}"
    low, high = worst.auc_ci
    curve = f"AUC {worst.auc:.2f} ({low:.2f} to {high:.2f})"
    passing = f"{worst.accepted} of {cameras}" if worst.accepted else "no"
    owners = f"{owner.accepted} of {cameras} owners pass"
    if owner.accepted < cameras:
        owners += "; a larger --size is needed to say much"
    return f"{code.code}: {passing} attackers pass, {curve}, at worst ({who}); {owners}"


def _code_figures(name: str, spec: LeakageSpec, points: Sequence[LeakagePoint]) -> CodeFigures:
    code, full = measured_code(name, spec.shape), code_for(name)
    profile = profile_named(name)
    # A shortened code keeps the chance of a false match at the lower end, so the same multiple of
    # sigma, and at the upper end the same share of symbols that agree.
    low = profile.score_low / profile.length**0.5
    high = profile.score_high / profile.length * code.length**0.5
    return CodeFigures(
        code=name,
        length=code.length,
        full_length=full.length,
        features=full.feature_count(spec.shape),
        threshold=low,
        points=tuple(_point_figures(each, low, high) for each in points if each.code == name),
    )


def _point_figures(point: LeakagePoint, low: float, high: float) -> PointFigures:
    genuine, impostor = point.genuine, point.impostor
    value, interval = area(point)
    spread = median_interval(genuine)
    accepted = int(np.sum((genuine >= low) & (genuine <= high)))
    return PointFigures(
        source=point.source,
        photos=point.photos,
        auc=value,
        auc_ci=(interval.low, interval.high),
        sigma_median=float(np.median(genuine)),
        sigma_ci=(spread.low, spread.high),
        sigma_min=float(genuine.min()),
        sigma_max=float(genuine.max()),
        accepted=accepted,
        accepted_share=accepted / genuine.size,
        accepted_share_ci=share_interval(accepted, genuine.size),
        impostor_pairs=impostor.size,
        impostors_sigma_mean=float(impostor.mean()),
        impostors_sigma_max=float(impostor.max()),
        impostors_accepted=int(np.sum((impostor >= low) & (impostor <= high))),
        sigma_by_way={
            way: float(np.median(np.diag(scores))) for way, scores in point.by_way.items()
        },
        sigmas=tuple(genuine.tolist()),
    )


def _notes(spec: LeakageSpec) -> Iterator[str]:
    """What the figures cannot say."""
    yield (
        f"virtual cameras only; every {SIBLINGS} are siblings of one model with one pipeline, "
        "so they share what a model shares"
    )
    yield (
        "the attacker has the vault's keys and positions, and offers every way he knows; "
        "the best score counts, for impostors too, so their mean is above 0"
    )
    yield "where no score was out of place the AUC's interval is a point, which says little"
    for name in CODE_NAMES:
        code, full = measured_code(name, spec.shape), code_for(name)
        if code.length < full.length:
            yield (
                f"{name} is shortened to {code.length} of {full.length} symbols, for the frame has "
                f"only {full.feature_count(spec.shape)} features: all scores, the attackers' too, "
                "are lower than the profile's own"
            )
    if spec.cameras < FEW_CAMERAS:
        yield f"only {spec.cameras} cameras: the intervals are wide (use {FEW_CAMERAS} or more)"
    yield (
        "not tried: a filter or network trained on the attacker's own cameras of the model, "
        f"other denoisers for RAW, more photos, or a burst; the owner's burst has {FRESH} photos"
    )
