"""The figures of an evaluation: as one object for JSON, and with their names for people."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from grainseal.models.bootstrap import Interval
from grainseal.models.evaluation import auc, eer, fnmr_at_targets, rank1

from .evaluating import Evaluation

_TARGETS: Final = ("1e-2", "1e-3", "1e-4")  # models.evaluation.FMR_TARGETS as JSON keys


@dataclass(frozen=True)
class Figures:
    """What --json writes, in this order; None where the pairs do not allow a figure.

    Every `ncc` is the score of `matcher`: with "ncc", that of the fingerprints themselves.
    `extractor`: None where the matcher needs none. `reference_photos`: photos in one reference,
    None for all of a camera's; `probe_photos`: in one probe. `auc_ci` and `eer_ci`: (low, high) at
    95 %. `fnmr_at_fmr` is keyed by the FMR. `seconds_per_photo`: wall time from file to fingerprint
    over the number of photos, with as many at work as there are cores.
    """

    extractor: str | None
    matcher: str
    crop: int | None
    reference_photos: int | None
    probe_photos: int
    transform: str
    genuine_pairs: int
    impostor_pairs: int
    genuine_ncc_median: float | None
    impostor_ncc_mean: float | None
    impostor_ncc_sd: float | None
    auc: float | None
    auc_ci: tuple[float, float] | None
    eer: float | None
    eer_ci: tuple[float, float] | None
    rank1: float | None
    fnmr_at_fmr: dict[str, float | None]
    seconds_per_photo: float
    cameras: int
    references: int
    probes: int
    photos_left_out: int
    pairs_of_unlike_frames: int
    pairs_with_a_common_photo: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Row:
    """One figure for people: what it is called, its value, what it means."""

    name: str
    value: str
    meaning: str


def figures_of(found: Evaluation) -> Figures:
    """The figures of one evaluation."""
    genuine, impostor, curve = found.genuine_scores, found.impostor_scores, found.curve
    fnmrs = fnmr_at_targets(curve, impostor.size) if curve else (None,) * len(_TARGETS)
    return Figures(
        extractor=found.settings.extractor,
        matcher=found.settings.matcher,
        crop=found.settings.crop,
        reference_photos=found.plan.reference_photos,
        probe_photos=found.plan.probe_photos,
        transform=found.settings.transform,
        genuine_pairs=genuine.size,
        impostor_pairs=impostor.size,
        genuine_ncc_median=float(np.median(genuine)) if genuine.size else None,
        impostor_ncc_mean=float(np.mean(impostor)) if impostor.size else None,
        impostor_ncc_sd=float(np.std(impostor, ddof=1)) if impostor.size > 1 else None,
        auc=auc(curve) if curve else None,
        auc_ci=_ends(found.auc_interval),
        eer=eer(curve) if curve else None,
        eer_ci=_ends(found.eer_interval),
        rank1=rank1(found.pairs),
        fnmr_at_fmr=dict(zip(_TARGETS, fnmrs, strict=True)),
        seconds_per_photo=round(found.seconds_per_photo, 4),
        cameras=len({each.sample.camera for each in found.units}),
        references=found.references,
        probes=found.probes,
        photos_left_out=found.photos_left_out,
        pairs_of_unlike_frames=found.pairs_of_unlike_frames,
        pairs_with_a_common_photo=found.pairs_with_a_common_photo,
        notes=found.notes,
    )


def rows_for_people(figures: Figures) -> list[Row]:
    """The figures in the order in which they are read."""
    return [
        Row("genuine pairs", _pairs(figures.genuine_pairs), "one camera took both sides"),
        Row("impostor pairs", _pairs(figures.impostor_pairs), "two cameras took them"),
        Row("genuine NCC, median", _ncc(figures.genuine_ncc_median), "how alike they are"),
        Row(
            "impostor NCC, mean ± sd",
            f"{_ncc(figures.impostor_ncc_mean)} ± {_ncc(figures.impostor_ncc_sd)}",
            "0 on average when cameras share nothing",
        ),
        Row(
            "AUC",
            _with_interval(figures.auc, figures.auc_ci, ".4f"),
            "chance that a genuine pair scores above an impostor pair; .5 is guessing",
        ),
        Row(
            "EER",
            _with_interval(figures.eer, figures.eer_ci, ".2%"),
            "error rate at the threshold where both kinds of error are equally common",
        ),
        *(
            Row(
                f"FNMR at FMR {target}",
                "too few impostor pairs" if value is None else _rate(value),
                "genuine pairs missed when no more than that share of impostors matches",
            )
            for target, value in figures.fnmr_at_fmr.items()
        ),
        Row("rank 1", _rate(figures.rank1), "probes whose best score is with their own camera"),
        Row("seconds per photo", f"{figures.seconds_per_photo:.2f}", "from file to fingerprint"),
    ]


def _ends(interval: Interval | None) -> tuple[float, float] | None:
    return (interval.low, interval.high) if interval else None


def _pairs(count: int) -> str:
    return f"{count:,}"


def _rate(value: float | None) -> str:
    return "none" if value is None else f"{value:.2%}"


def _ncc(value: float | None) -> str:
    return "none" if value is None else f"{value:.5f}"


def _with_interval(value: float | None, ends: tuple[float, float] | None, form: str) -> str:
    if value is None:
        return "none"
    interval = f" (95 %: {ends[0]:{form}} to {ends[1]:{form}})" if ends else ""
    return f"{value:{form}}{interval}"
