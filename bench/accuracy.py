"""How well codes tell cameras apart: real Nikons, simulated siblings, replays, leakage.

Scores are S = <template, probe> in units of sqrt(N); unrelated cameras are close to N(0, 1).
"""

import math
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from bench.table import Row
from grainseal.crypto.profiles import PROFILES
from grainseal.models.bootstrap import share_interval
from grainseal.models.codes import CodeSpec, code_for, features, select_positions
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Fingerprint, estimate
from grainseal.models.matching import compare
from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, take_burst

# The scores that each profile accepts, in units of sqrt(N).
WINDOWS = {
    profile.name: (
        profile.score_low / math.sqrt(profile.length),
        profile.score_high / math.sqrt(profile.length),
    )
    for profile in PROFILES.values()
}
PCE_GENUINE, PCE_IMPOSTOR = 15.0, 12.0
ENROLLED = 6
PUBLISHED_QUALITY = 92

Paths = Sequence[Path]


def rows(quick: bool = False) -> list[Row]:
    """All tables; the real photos' are left out when there are none."""
    folder = photos_folder()
    table: list[Row] = []
    if folder is not None:
        table += _nikon_rows(folder / "nikon", splits=1 if quick else 4)
        table += _compare_rows(folder / "nikon")
    else:
        table.append(Row("accuracy", "real photos", "none: set GRAINSEAL_PHOTOS"))
    return table + _simulated_rows(2 if quick else 4) + _leakage_rows(2 if quick else 6)


def photos_folder() -> Path | None:
    """Folder of real photos, None if there is none."""
    named = os.environ.get("GRAINSEAL_PHOTOS")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(named) if named else beside
    return folder if (folder / "nikon").is_dir() else None


def _fingerprint(paths: Paths, spec: CodeSpec) -> Fingerprint:
    return estimate(map(read_photo, paths), get_extractor(spec.extractor))


def _score(enrolled: Fingerprint, probe: Fingerprint, spec: CodeSpec) -> float:
    """Score over the frame that both have; the code key cancels out of it, so none is needed."""
    height, width = np.minimum(enrolled.shape, probe.shape)
    ours, theirs = (
        features(replace(f, values=f.values[:height, :width]), spec) for f in (enrolled, probe)
    )
    positions = select_positions(ours, spec)
    agreeing = int(np.sum((ours[positions] < 0) == (theirs[positions] < 0)))
    return float((2 * agreeing - spec.length) / np.sqrt(spec.length))


def _summary(scores: Sequence[float]) -> str:
    return (
        f"{len(scores)}: mean {np.mean(scores):.2f}, sd {np.std(scores):.2f}, "
        f"min {min(scores):.2f}, max {max(scores):.2f}"
    )


def _row(section: str, name: str, scores: Sequence[float], spec: CodeSpec, genuine: bool) -> Row:
    low, high = WINDOWS[spec.name]
    accepted = sum(low <= score <= high for score in scores)
    errors = len(scores) - accepted if genuine else accepted
    limit = f"all in [{low:.1f}, {high:.1f}]" if genuine else f"all < {low:.1f}"
    ok = errors == 0 if genuine else max(scores) < low
    rate = "FNMR" if genuine else "FMR"
    value = f"{_summary(scores)}; {rate} {errors}/{len(scores)}, {_interval(errors, len(scores))}"
    return Row(section, name, value, limit, ok)


def _interval(errors: int, trials: int) -> str:
    """Exact 95 % interval of an error rate (Clopper and Pearson 1934).

    Pairs that share a photo or a camera are not independent, so the true interval is wider.
    """
    low, high = share_interval(errors, trials)
    return f"95 %: {low:.3f} to {high:.3f}"


@dataclass
class _Scores:
    """Scores by probe; the index is whether the probe came from the enrolled camera."""

    four: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    one: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    scene: tuple[list[float], list[float]] = field(default_factory=lambda: ([], []))
    siblings: list[float] = field(default_factory=list)


def _nikon_rows(folder: Path, splits: int) -> list[Row]:
    spec = code_for("AUTH_JPEG_V1")
    flats = {c.name: sorted(c.iterdir()) for c in sorted((folder / "flat").iterdir())}
    scenes = {c: sorted((folder / "natural" / c).iterdir()) for c in flats}
    alone = {
        path: _fingerprint([path], spec)
        for paths in (*flats.values(), *scenes.values())
        for path in paths
    }
    scores = _Scores()
    rng = np.random.default_rng(0)
    for split in range(splits):
        order = range(10) if split == 0 else rng.permutation(10)
        bursts = {c: [flats[c][i] for i in order] for c in flats}
        _score_split(bursts, scenes, alone, spec, scores)
    section = f"AUTH_JPEG_V1 on 3 Nikons, 6 flats enrolled, {splits} split(s)"
    return [
        _row(section, "4 flats, own camera", scores.four[True], spec, True),
        _row(section, "1 flat, own camera", scores.one[True], spec, True),
        _row(section, "4 flats, other camera", scores.four[False], spec, False),
        _row(section, "1 flat, other camera", scores.one[False], spec, False),
        _row(section, "both, other camera of the same model", scores.siblings, spec, False),
        _row(section, "1 scene, other camera", scores.scene[False], spec, False),
        Row(section, "1 scene, own camera: no promise", _summary(scores.scene[True])),
        *_replay_rows(section, flats, spec),
    ]


def _score_split(
    bursts: dict[str, list[Path]],
    scenes: dict[str, list[Path]],
    alone: dict[Path, Fingerprint],
    spec: CodeSpec,
    scores: _Scores,
) -> None:
    """Add the scores of every enrolled camera against every probing one."""
    probes = {c: _fingerprint(bursts[c][ENROLLED:], spec) for c in bursts}
    for mine in bursts:
        enrolled = _fingerprint(bursts[mine][:ENROLLED], spec)
        for other in bursts:
            same = mine == other
            four = _score(enrolled, probes[other], spec)
            one = [_score(enrolled, alone[path], spec) for path in bursts[other][ENROLLED:]]
            scores.four[same].append(four)
            scores.one[same].extend(one)
            scores.scene[same].extend(_score(enrolled, alone[p], spec) for p in scenes[other])
            if not same and enrolled.shape == probes[other].shape:
                scores.siblings += [four, *one]


def _replay_rows(section: str, flats: dict[str, list[Path]], spec: CodeSpec) -> list[Row]:
    """Probes that contain `count` of the enrolment's own photos, filled up to four."""
    enrolled = {c: _fingerprint(paths[:ENROLLED], spec) for c, paths in flats.items()}
    table = []
    for count in range(1, ENROLLED + 1):
        fresh = max(0, 4 - count)
        reached = [
            _score(enrolled[c], _fingerprint([*p[:count], *p[ENROLLED:][:fresh]], spec), spec)
            for c, p in flats.items()
        ]
        high = WINDOWS[spec.name][1]
        refused = min(reached) >= high if count >= ENROLLED - 1 else None
        limit = f">= {high:.1f}" if refused is not None else ""
        name = f"replay of {count} enrolment photos with {fresh} fresh ones"
        table.append(Row(section, name, _summary(reached), limit, refused))
    return table


def _compare_rows(folder: Path) -> list[Row]:
    wavelet = get_extractor("wavelet")
    cameras = sorted(c.name for c in (folder / "flat").iterdir())

    def centre(paths: Paths) -> Fingerprint:
        return estimate(map(read_photo, paths), wavelet, crop=1024)

    references = {c: centre(sorted((folder / "flat" / c).iterdir())) for c in cameras}
    genuine: list[float] = []
    impostors: list[float] = []
    first = 0
    for mine in cameras:
        for path in sorted((folder / "natural" / mine).iterdir()):
            probe = centre([path])
            ratios = {c: compare(probe, references[c]).pce for c in cameras}
            first += max(ratios, key=lambda c: ratios[c]) == mine
            genuine.append(ratios.pop(mine))
            impostors += ratios.values()
    section = "compare: 10 flats against each scene, centre 1024x1024"
    low, high = min(genuine), max(impostors)
    return [
        Row(
            section, "own camera first", f"{first} of {len(genuine)}", "all", first == len(genuine)
        ),
        Row(section, "PCE own", _summary(genuine), f">= {PCE_GENUINE}", low >= PCE_GENUINE),
        Row(section, "PCE other", _summary(impostors), f"< {PCE_IMPOSTOR}", high < PCE_IMPOSTOR),
    ]


def _simulated_rows(cameras: int) -> list[Row]:
    table = []
    for name, (width, height) in (
        ("AUTH_JPEG_V1", (2560, 1920)),
        ("AUTH_RAW_V1", (1536, 1024)),
        ("TESTING", (512, 512)),
    ):
        spec = code_for(name)
        four, one, others = _siblings(spec, cameras, width, height)
        section = f"{name} on {cameras} simulated siblings of {width}x{height}, ISO 100"
        table += [
            _row(section, "4 flats, own camera", four, spec, True),
            _row(section, "1 flat, own camera", one, spec, True),
            _row(section, "1 or 4 flats, sibling", others, spec, False),
        ]
    return table


def _siblings(
    spec: CodeSpec, count: int, width: int, height: int
) -> tuple[list[float], list[float], list[float]]:
    raw = spec.kind == "raw"
    enrolled, fours, ones = [], [], []
    for seed in range(count):
        with tempfile.TemporaryDirectory() as folder:
            camera = VirtualCamera(seed, width, height)
            shots = take_burst(camera, ENROLLED, Path(folder), raw=raw, seed=1)
            fresh = take_burst(camera, 4, Path(folder), raw=raw, seed=2)
            enrolled.append(_fingerprint(shots, spec))
            fours.append(_fingerprint(fresh, spec))
            ones.append(_fingerprint(fresh[:1], spec))
    pairs = [(i, j) for i in range(count) for j in range(count)]
    others = [
        _score(enrolled[i], probes[j], spec) for probes in (fours, ones) for i, j in pairs if i != j
    ]
    four, one = ([_score(enrolled[i], p[i], spec) for i in range(count)] for p in (fours, ones))
    return four, one, others


def _leakage_rows(count: int) -> list[Row]:
    """How far full-size JPEGs that a person published go towards the RAW code."""
    section = f"AUTH_RAW_V1 from 10 published full-size JPEGs, {count} simulated cameras"
    spec = code_for("AUTH_RAW_V1")
    cameras = [VirtualCamera(seed, 1536, 1024) for seed in range(count)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        enrolled = [
            _fingerprint(take_burst(c, ENROLLED, folder / f"{c.seed}", raw=True, seed=1), spec)
            for c in cameras
        ]
        return [
            _leakage_row(section, spec, enrolled, cameras, folder, flat, quality)
            for flat, quality in ((False, 92), (False, 75), (True, 92), (True, 98))
        ]


def _leakage_row(
    section: str,
    spec: CodeSpec,
    enrolled: list[Fingerprint],
    cameras: list[VirtualCamera],
    folder: Path,
    flat: bool,
    quality: int,
) -> Row:
    published = []
    for camera in cameras:
        jpegs = folder / f"{camera.seed}-{flat}-{quality}"
        paths = take_burst(camera, 10, jpegs, flat=flat, quality=quality, seed=2)
        published.append(_native_samples(paths, spec))
    every = [[_score(e, p, spec) for p in published] for e in enrolled]
    own = [row[i] for i, row in enumerate(every)]
    others = [value for i, row in enumerate(every) for j, value in enumerate(row) if i != j]
    wins = [float(a > b) + 0.5 * (a == b) for a in own for b in others]
    # Nearly uncompressed flats do carry the band; nobody publishes those, so no limit there.
    limited = quality <= PUBLISHED_QUALITY
    low = WINDOWS[spec.name][0]
    return Row(
        section,
        f"{'flats' if flat else 'scenes'}, JPEG quality {quality}",
        f"AUC {np.mean(wins):.2f}; own {_summary(own)}",
        f"< {low:.1f}" if limited else "",
        max(own) < low if limited else None,
    )


def _native_samples(jpegs: Paths, spec: CodeSpec) -> Fingerprint:
    """The best an attacker can do: from each developed plane only the pixels of its own colour."""
    extractor = get_extractor(spec.extractor)
    total: np.ndarray | None = None
    for path in jpegs:
        planes = [o.residual * o.intensity for o in extractor.observe(read_photo(path))]
        mosaic = np.empty_like(planes[1])
        for phase, channel in enumerate((0, 1, 1, 2)):  # RGGB
            pixels = np.s_[phase // 2 :: 2, phase % 2 :: 2]
            mosaic[pixels] = planes[channel][pixels]
        total = mosaic if total is None else total + mosaic
    if total is None:
        raise ValueError("no photos")
    return Fingerprint(total, "raw", len(jpegs))
