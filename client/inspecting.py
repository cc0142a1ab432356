"""What a developed photo of unknown origin says of itself: how it was taken, and how well it can
be told whose it is."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from grainseal.models.correlation_features import BLOCK, block_features
from grainseal.models.iso_map import PATCH, noise_map
from grainseal.models.manifest import MissingWeightsError
from grainseal.models.noise_level import noise_level_map, photo_noise_level
from grainseal.models.photo import Photo, require_developed
from grainseal.models.quality import SMALLEST, ProblemCode, Quality, image_problems
from grainseal.models.quality import inspect as measure_quality
from grainseal.models.splicing import Splicing, find_splicing

from .expectation import fit_for

if TYPE_CHECKING:
    from grainseal.models.reference.isonet import IsoNet

NOISE_SIDE: Final = 64  # pixels of a square of the noise level map
# Rounded for readers and files; nothing is known more exactly.
_DIGITS: Final = 4

Progress = Callable[[int, int], None]
Map = npt.NDArray[np.floating]
_REMARKS: Final[dict[ProblemCode, str]] = {
    "dark": "so dark that read noise hides the pattern",
    "saturated": "large parts are pure white and carry no pattern",
    "textured": "shows a scene, whose detail hides part of the pattern",
    "zoomed": "was enlarged: it is not on the sensor's own grid",
    "smoothed": "its fine noise is smoothed away, and with it most of the pattern",
}


@dataclass(frozen=True)
class PhotoMap:
    """Values over a photo: each is of `side` pixels, and `step` pixels from its neighbours."""

    values: Map = field(repr=False)
    side: int
    step: int

    def listed(self) -> list[list[float]]:
        """Row by row, for a file."""
        rows: list[list[float]] = np.round(self.values.astype(np.float64), _DIGITS).tolist()
        return rows


@dataclass(frozen=True)
class Inspection:
    """One photo's findings.

    `iso`: estimated; None where isonet is not trained. `noise_level`: on the 8-bit scale.
    `correlation`: predicted, with a perfect fingerprint of its own camera; None without
    coefficients for the extractor. `splicing`: of the noise's map.
    """

    photo: Photo = field(repr=False)
    iso: float | None
    noise_level: float
    quality: Quality
    remarks: tuple[str, ...]
    correlation: float | None
    splicing: Splicing
    iso_map: PhotoMap | None
    noise_map: PhotoMap
    correlation_map: PhotoMap | None
    suspicion_map: PhotoMap

    @property
    def stops_apart(self) -> float | None:
        """How much higher the estimated ISO is than the stated one; None where none is stated."""
        if self.iso is None or not self.photo.iso:
            return None
        return math.log2(self.iso / self.photo.iso)


def inspect_photo(photo: Photo, extractor: str, progress: Progress | None = None) -> Inspection:
    """Everything; `progress` is told the patches of the ISO map that are done.

    `extractor`: whose correlation is predicted. PhotoError for a photo that is RAW or too small,
    WeightsError for damaged weights.
    """
    require_developed(photo, SMALLEST)
    estimator = _estimator()
    metrics = estimator.metric_map(photo, progress=progress) if estimator is not None else None
    # By noise, for that finds more of what was pasted than the ISO metric (docs/EVALUATION.md).
    split = noise_map(photo)
    quality = measure_quality(photo)
    problems = image_problems(photo, quality, need_flat=False)
    splicing = find_splicing(split)
    predicted = _predicted(photo, extractor)
    return Inspection(
        photo=photo,
        iso=metrics.iso if metrics is not None else None,
        noise_level=255 * photo_noise_level(photo),
        quality=quality,
        remarks=tuple(_REMARKS[each.code] for each in problems),
        correlation=float(predicted.values.mean()) if predicted is not None else None,
        splicing=splicing,
        iso_map=PhotoMap(metrics.values, PATCH, metrics.step) if metrics is not None else None,
        noise_map=PhotoMap(255 * noise_level_map(photo, NOISE_SIDE), NOISE_SIDE, NOISE_SIDE),
        correlation_map=predicted,
        suspicion_map=PhotoMap(splicing.suspicion, PATCH, split.step),
    )


def _estimator() -> "IsoNet | None":
    """None where isonet is not trained."""
    from grainseal.models.reference.isonet import IsoNet  # loads onnxruntime

    try:
        return IsoNet()
    except MissingWeightsError:
        return None


def _predicted(photo: Photo, extractor: str) -> PhotoMap | None:
    fit = fit_for(extractor)
    return PhotoMap(fit.predicted(block_features(photo)), BLOCK, BLOCK) if fit else None


def as_json(found: Inspection, path: Path) -> dict[str, object]:
    """What a machine reads of an inspection."""
    photo, splicing, predicted = found.photo, found.splicing, found.correlation_map
    maps = {
        "iso_metric": found.iso_map,
        "noise_level": found.noise_map,
        "predicted_correlation": predicted,
        "suspicion": found.suspicion_map,
    }
    return {
        "photo": str(path),
        "width": photo.width,
        "height": photo.height,
        "kind": photo.kind,
        "jpeg_quality": photo.jpeg_quality,
        "make": photo.make,
        "model": photo.model,
        "iso": {
            "estimated": _rounded(found.iso),
            "stated": photo.iso,
            "stops_apart": _rounded(found.stops_apart),
        },
        "noise_level": _rounded(found.noise_level),
        "quality": {
            "brightness": _rounded(found.quality.brightness),
            "saturated": _rounded(found.quality.saturated),
            "texture": _rounded(found.quality.texture),
            "noise": _rounded(found.quality.noise_level),
            "high_ratio": _rounded(found.quality.high_ratio),
            "resampling": _rounded(found.quality.resampling),
            "remarks": list(found.remarks),
        },
        "predicted_correlation": _rounded(found.correlation),
        "splicing": {
            "suspicious": splicing.suspicious,
            "gap": _rounded(splicing.gap),
            "separation": _rounded(splicing.separation),
            "coherence": _rounded(splicing.coherence),
            "share": _rounded(splicing.share),
        },
        "maps": {
            name: {"side": each.side, "step": each.step, "values": each.listed()}
            for name, each in maps.items()
            if each is not None
        },
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)
