"""The neural extractor beside the wavelet: real photos, simulated siblings, speed.

Transforms are applied to every photo, those enrolled and those compared: whole photos, then the
centre is cut out. `jpeg75` saves them again, `half` halves their sides, and the centre's.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from bench.accuracy import photos_folder
from bench.pairs import Pairs, auc, difference, eer, estimated, separation
from bench.table import Row
from grainseal.models.extractor import Extractor, Observation, get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.photo import Photo, read_photo
from grainseal.models.simulator import Development, VirtualCamera, develop
from grainseal.models.simulator.variety import varied_scene
from grainseal.models.simulator.writers import compressed, halved

WAVELET, NEURAL = "wavelet", "neural"
NAMES: Final = (WAVELET, NEURAL)
CROP: Final = 1024
SECONDS_LIMIT: Final = 2.5

Pattern = npt.NDArray[np.float32]
_Extractors = dict[str, Extractor]
Patterns = dict[str, list[Pattern]]  # by extractor, one a photo or set of photos

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
    table = [*_speed_rows(), *_simulated_rows(bodies=2 if quick else 5)]
    folder = photos_folder()
    if folder is None:
        return [*table, Row("neural", "real photos", "none: set GRAINSEAL_PHOTOS")]
    for transform in ("none",) if quick else TRANSFORMS:
        table += _real_rows(folder, transform)
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


def _real_rows(folder: Path, transform: str) -> list[Row]:
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
    by: _Extractors = {name: _Remembering(name) for name in NAMES}
    every = _single(scenes, by)
    owner = np.repeat(np.arange(len(scenes)), [len(group) for group in scenes])
    nikon = owner < len(flats)
    probes = {name: [p for p, own in zip(every[name], nikon, strict=True) if own] for name in NAMES}
    enrolled = {name: [_pattern(group, by[name]) for group in flats] for name in NAMES}
    flat_owner = np.repeat(np.arange(len(flats)), [len(group) for group in flats])
    ten = _across(enrolled, probes, np.arange(len(flats)), owner[nikon])
    one = _across(_single(flats, by), probes, flat_owner, owner[nikon])
    among = _among(every, owner, np.arange(len(owner)))
    return [
        _row(section, "10 flats against each scene", ten, "AUC", auc),
        _row(section, "10 flats against each scene", ten, "median / sd", separation),
        _row(section, "1 flat against each scene", one, "AUC", auc),
        _row(section, "1 flat against each scene", one, "EER", eer),
        _row(section, "scene against scene", among, "AUC", auc),
        _row(section, "scene against scene", among, "EER", eer),
    ]


def _simulated_rows(bodies: int) -> list[Row]:
    shots: list[list[Photo]] = []
    for model in MODELS:
        shots += [list(_simulated(model, body)) for body in range(bodies)]
    owner = np.repeat(np.arange(len(shots)), SCENES_PER_CAMERA)
    by = {name: get_extractor(name) for name in NAMES}
    pairs = _among(_single(shots, by), owner, owner)
    section = (
        f"simulated: {len(MODELS)} models of {bodies} siblings, "
        f"{SCENES_PER_CAMERA} scenes each as JPEG, centre {CROP}x{CROP}"
    )
    impostors = pairs.scores[NEURAL][~pairs.genuine]
    own_model = (pairs.first // bodies == pairs.second // bodies)[~pairs.genuine]
    mean = impostors[~own_model].mean()
    error = impostors[~own_model].std() / np.sqrt((~own_model).sum())
    return [
        _row(section, "scene against scene", pairs, "AUC", auc),
        _row(section, "scene against scene", pairs, "EER", eer),
        _row(section, "scene against scene", pairs, "median / sd", separation),
        Row(
            section,
            "mean NCC of independent cameras, in standard errors",
            f"{mean / error:.2f} ({mean:.1e})",
            "within 3",
            bool(abs(mean) <= 3 * error),
        ),
    ]


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
    return values / np.float32(np.linalg.norm(values))


class _Remembering:
    """An extractor that looks at every photo object once: flats serve alone and together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._extractor = get_extractor(name)
        self._seen: dict[int, list[Observation]] = {}

    def observe(self, photo: Photo) -> Iterator[Observation]:
        key = id(photo)
        if key not in self._seen:
            self._seen[key] = list(self._extractor.observe(photo))
        for intensity, residual in self._seen[key]:
            yield Observation(intensity.copy(), residual.copy())


def _single(groups: Sequence[Sequence[Photo]], by: _Extractors) -> Patterns:
    return {n: [_pattern([p], by[n]) for group in groups for p in group] for n in NAMES}


def _across(
    references: Patterns,
    probes: Patterns,
    reference_owner: npt.NDArray[np.intp],
    probe_owner: npt.NDArray[np.intp],
) -> Pairs:
    """Every reference against every probe; both are drawn again."""
    rows, columns = np.indices((len(reference_owner), len(probe_owner))).reshape(2, -1)
    return Pairs(
        {n: _products(references[n], probes[n])[rows, columns] for n in NAMES},
        reference_owner[rows] == probe_owner[columns],
        rows,
        columns + len(reference_owner),
    )


def _among(patterns: Patterns, owner: npt.NDArray[np.intp], drawn: npt.NDArray[np.intp]) -> Pairs:
    """Every photo against every later one; `drawn` says which are drawn again together."""
    rows, columns = np.triu_indices(len(owner), 1)
    return Pairs(
        {n: _products(patterns[n], patterns[n])[rows, columns] for n in NAMES},
        owner[rows] == owner[columns],
        drawn[rows],
        drawn[columns],
    )


def _products(a: Sequence[Pattern], b: Sequence[Pattern]) -> npt.NDArray[np.float64]:
    left, right = (np.stack([p.ravel() for p in patterns]) for patterns in (a, b))
    return (left @ right.T).astype(np.float64)


def _row(
    section: str,
    name: str,
    pairs: Pairs,
    figure: str,
    statistic: Callable[..., float],
) -> Row:
    ours, theirs = (estimated(pairs, n, statistic) for n in (NEURAL, WAVELET))
    more = difference(pairs, NEURAL, WAVELET, statistic)
    count = f"{int(pairs.genuine.sum())}, {int((~pairs.genuine).sum())}"
    ok = more.value <= 0 if statistic is eer else more.value >= 0
    return Row(
        section,
        f"{name} ({count}): {figure}",
        f"neural {ours}; wavelet {theirs}; difference {more}",
        "not behind the wavelet",
        ok,
    )


def _speed_rows() -> list[Row]:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (2048, 2048, 3), np.uint8)
    photo = Photo(pixels, "developed", "4 megapixels", "")
    extractor = get_extractor(NEURAL)
    allowed = sorted(os.sched_getaffinity(0))
    seconds = {}
    for cores in sorted({1, min(2, len(allowed))}):
        os.sched_setaffinity(0, allowed[:cores])
        try:
            seconds[cores] = min(_seconds(extractor, photo) for _ in range(3))
        finally:
            os.sched_setaffinity(0, allowed)
    one = seconds.pop(1)
    table = [
        Row(
            "neural: speed",
            "4 megapixels on one core",
            f"{one:.2f} s",
            f"<= {SECONDS_LIMIT} s",
            one <= SECONDS_LIMIT,
        )
    ]
    return table + [
        Row("neural: speed", f"times as fast on {cores} cores", f"{one / taken:.2f}")
        for cores, taken in seconds.items()
    ]


def _seconds(extractor: Extractor, photo: Photo) -> float:
    start = time.perf_counter()
    for _ in extractor.observe(photo):
        pass
    return time.perf_counter() - start
