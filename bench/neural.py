"""The neural extractors beside the wavelet: real photos, simulated siblings, speed.

Transforms are applied to every photo, those enrolled and those compared: whole photos, then the
centre is cut out. `jpeg75` saves them again, `half` halves their sides, and the centre's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench import neural_speed
from bench.accuracy import photos_folder
from bench.extractors import (
    BEST,
    OURS,
    PHOTONECF,
    WAVELET,
    Remembering,
    available,
    everyone,
    left_out,
)
from bench.figures import AUC, EER, SEPARATION, Figures, figures, standard_errors
from bench.table import Row
from grainseal.models.bootstrap import Bootstrap, CameraBootstrap, UnitBootstrap
from grainseal.models.evaluation import Comparisons, Scores, across, among
from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.matching import effective_samples
from grainseal.models.photo import Photo, read_photo
from grainseal.models.simulator import Development, VirtualCamera, develop
from grainseal.models.simulator.variety import varied_scene
from grainseal.models.simulator.writers import compressed, halved

CROP: Final = 1024

Pattern = npt.NDArray[np.float32]
_Extractors = dict[str, Extractor]
Patterns = dict[str, list[Pattern]]  # by extractor, one a photo or set of photos
Pairs = dict[str, Comparisons]  # by extractor

# Four models whose settings no training shot had in common, five bodies each.
MODELS: Final = {
    "Plain": (Development(), 92, 2),
    "Crisp": (
        Development((1.8, 1.0, 1.5), demosaicing="bilinear", sharpening=0.8, saturation=1.3),
        85,
        1,
    ),
    "Phone": (
        Development((2.0, 1.0, 1.7), contrast=0.8, shrinking=1.2, colour_smoothing=1.5),
        80,
        2,
    ),
    "Soft": (Development((1.5, 1.0, 1.3), denoising=0.6, sharpening=0.6), 75, 0),
}
SCENES_PER_CAMERA: Final = 3


def rows(quick: bool = False) -> list[Row]:
    """All tables; the real photos' are left out when there are none."""
    found, missing = available(everyone())
    table = [
        *left_out("neural", missing),
        *neural_speed.rows([name for name in found if name in OURS], quick),
        *_simulated_rows(found, bodies=2 if quick else 5),
    ]
    folder = photos_folder()
    if folder is None:
        return [*table, Row("neural", "real photos", "none: set GRAINSEAL_PHOTOS")]
    for transform in ("none",) if quick else TRANSFORMS:
        table += _real_rows(found, folder, transform)
    return table


def _jpeg75(photo: Photo) -> Photo:
    return replace(photo, pixels=compressed(photo.pixels.astype(np.uint8), 75))


def _half(photo: Photo) -> Photo:
    planes = [np.rint(halved(plane) * 255).clip(0, 255) for plane in photo.planes()]
    return replace(photo, pixels=np.stack(planes, axis=2).astype(np.uint8))


# What happens to the photo, and to the side of its centre.
TRANSFORMS: Final[dict[str, tuple[Callable[[Photo], Photo], int]]] = {
    "none": (lambda photo: photo, CROP),
    "jpeg75": (_jpeg75, CROP),
    "half": (_half, CROP // 2),
}


def _real_rows(found: _Extractors, folder: Path, transform: str) -> list[Row]:
    change, side = TRANSFORMS[transform]

    def read(paths: Sequence[Path]) -> list[Photo]:
        return [change(read_photo(path)).cropped(side) for path in paths]

    cameras = sorted((folder / "nikon" / "flat").iterdir())
    flats = [read(sorted(camera.iterdir())) for camera in cameras]
    scenes = [
        read(sorted(camera.iterdir()))
        for camera in (
            *sorted((folder / "nikon" / "natural").iterdir()),
            *sorted((folder / "canon").iterdir()),
        )
    ]
    section = f"real photos, centre {side}x{side}, transform {transform}"
    by: _Extractors = {name: Remembering(extractor) for name, extractor in found.items()}
    every = _single(scenes, by)
    owner = np.repeat(np.arange(len(scenes)), [len(group) for group in scenes])
    nikon = owner < len(flats)
    flat_owner = np.repeat(np.arange(len(flats)), [len(group) for group in flats])
    single = _single(flats, by)
    ten: Pairs = {}
    one: Pairs = {}
    each: Pairs = {}
    nulls: list[Row] = []
    for name, extractor in by.items():
        probes = [p for p, own in zip(every[name], nikon, strict=True) if own]
        enrolled = [_pattern(group, extractor) for group in flats]
        ten[name] = across(_products(enrolled, probes), np.arange(len(flats)), owner[nikon])
        one[name] = across(_products(single[name], probes), flat_owner, owner[nikon])
        each[name] = among(_products(every[name], every[name]), owner)
        genuine = [(enrolled[own], probe) for own, probe in zip(owner[nikon], probes, strict=True)]
        nulls.append(_null_row(section, f"10 flats against each scene: {name}", genuine))
    # Five cameras are too few to draw from: photos are drawn.
    return [
        *_rows(section, "10 flats against each scene", ten, (AUC, SEPARATION), UnitBootstrap),
        *nulls,
        *_rows(section, "1 flat against each scene", one, (AUC, EER), UnitBootstrap),
        *_rows(section, "scene against scene", each, (AUC, EER), UnitBootstrap),
    ]


def _null_row(section: str, what: str, genuine: Sequence[tuple[Pattern, Pattern]]) -> Row:
    """Fourteen impostors say little of their spread; every shift of a pair is one more."""
    scores = [float(np.vdot(a, b)) * effective_samples(a, b) ** 0.5 for a, b in genuine]
    value = f"median {np.median(scores):.1f}, least {min(scores):.1f}"
    return Row(section, f"{what}, genuine scores in deviations over all shifts", value)


def _simulated_rows(found: _Extractors, bodies: int) -> list[Row]:
    shots: list[list[Photo]] = []
    for model in MODELS:
        shots += [list(_simulated(model, body)) for body in range(bodies)]
    owner = np.repeat(np.arange(len(shots)), SCENES_PER_CAMERA)
    patterns = _single(shots, found)
    pairs = {name: among(_products(p, p), owner) for name, p in patterns.items()}
    section = (
        f"simulated: {len(MODELS)} models of {bodies} siblings, "
        f"{SCENES_PER_CAMERA} scenes each as JPEG, centre {CROP}x{CROP}"
    )
    table = _rows(section, "scene against scene", pairs, (AUC, EER, SEPARATION), CameraBootstrap)
    for name in pairs:
        if name != WAVELET:
            table.append(_common_pattern_row(section, name, pairs[name], bodies))
    return table


def _common_pattern_row(section: str, name: str, pairs: Comparisons, bodies: int) -> Row:
    """Whether the network prints a pattern of its own on cameras of different models."""
    models = pairs.cameras // bodies
    strangers = pairs.scores[models[pairs.references] != models[pairs.probes]]
    errors = standard_errors(strangers)
    return Row(
        section,
        f"{name}: mean NCC of independent cameras, in standard errors",
        f"{errors:.2f} ({strangers.mean():.1e})",
        "within 3",
        bool(abs(errors) <= 3),
    )


def _simulated(model: str, body: int) -> Iterator[Photo]:
    """Scenes from numbers that no training shot has."""
    settings, quality, subsampling = MODELS[model]
    seed = 20_000_000 + 100 * list(MODELS).index(model) + body
    camera = VirtualCamera(seed, CROP, CROP, model=model)
    for shot in range(SCENES_PER_CAMERA):
        number = seed * 10 + shot
        rng = np.random.default_rng(number)
        light = np.float32(rng.uniform(0.2, 0.7)) / np.array(settings.white_balance, np.float32)
        iso = int(rng.choice([100, 200, 400]))
        frame = camera.photograph(varied_scene(CROP, CROP, number) * light, iso, shot)
        pixels = compressed(develop(frame, settings), quality, subsampling)
        yield Photo(pixels, "developed", f"{model} {body} {shot}", "")


def _pattern(photos: Sequence[Photo], extractor: Extractor) -> Pattern:
    """Fingerprint, centred and of unit energy: products of two are their NCC."""
    values = estimate(photos, extractor).values
    values = values - values.mean()
    pattern: Pattern = values / np.float32(np.linalg.norm(values))
    return pattern


def _single(groups: Sequence[Sequence[Photo]], by: _Extractors) -> Patterns:
    return {n: [_pattern([p], by[n]) for group in groups for p in group] for n in by}


def _products(a: Sequence[Pattern], b: Sequence[Pattern]) -> Scores:
    left, right = (np.stack([p.ravel() for p in patterns]) for patterns in (a, b))
    return (left @ right.T).astype(np.float64)


def _rows(
    section: str,
    name: str,
    pairs: Pairs,
    wanted: Sequence[str],
    resampled_by: Callable[[Comparisons], Bootstrap],
) -> list[Row]:
    """Every wanted figure of every network beside the wavelet's, and of ours beside PhotoNecf's."""
    known = {extractor: figures(each, resampled_by) for extractor, each in pairs.items()}
    genuine = pairs[WAVELET].genuine
    title = f"{name} ({int(genuine.sum())}, {int((~genuine).sum())})"
    compared = [(extractor, WAVELET) for extractor in known if extractor != WAVELET]
    if {BEST, PHOTONECF} <= set(known):
        compared.append((BEST, PHOTONECF))
    return [
        _row(section, f"{title}: {figure}", figure, known, one, other)
        for figure in wanted
        for one, other in compared
    ]


def _row(
    section: str, title: str, figure: str, known: dict[str, Figures], one: str, other: str
) -> Row:
    """`one` is asked not to be behind `other`, unless it is not ours."""
    more = (known[one] - known[other])[figure]
    value = f"{one} {known[one][figure]}; {other} {known[other][figure]}; difference {more}"
    if one not in OURS:
        return Row(section, title, value)
    fine = more.value <= 0 if figure == EER else more.value >= 0
    return Row(section, title, value, f"not behind {other}", fine)
