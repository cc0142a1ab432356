"""What claim codes reach on real photos, what a planted template gains, and the picture search.

Scores are z = <t, p> / sqrt(sum p^2): unrelated cameras are close to N(0, 1).
"""

import io
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import scipy.fft
from PIL import Image
from threadpoolctl import threadpool_limits

from bench.extractors import with_extractor
from bench.table import Row
from grainseal.models.alignment import to_frame, uncropped
from grainseal.models.claim_code import ClaimSpec, claim_for, claim_positions
from grainseal.models.claims import ClaimTemplate, claim_probe, claim_score
from grainseal.models.codes import Features, code_for, features, keyed_mask, select_positions
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.perceptual import HashIndex, distance, perceptual_hash
from grainseal.models.photo import Photo, read_photo
from grainseal.models.registration import register

EXTRACTORS = ("wavelet", "wavelet5", "neural")
CAMERAS = ("Nikon_D200_0", "Nikon_D70_0", "Nikon_D70_1")
ENROLLED = 6
SEED = bytes(32)
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
SEARCH_SECONDS = 0.05

Paths = Sequence[Path]
Shape = tuple[int, int]


def rows(quick: bool = False) -> list[Row]:
    """All tables; those of real photos are left out when there are none."""
    folder = _photos()
    if folder is None:
        return [Row("claims", "real photos", "none: set GRAINSEAL_PHOTOS"), _search_row()]
    nikon = folder / "nikon"
    table: list[Row] = []
    names = ("CLAIM_V1",) if quick else ("CLAIM_V1", "CLAIM_MAX_V1")
    for extractor in EXTRACTORS[: 1 if quick else None]:
        table += _nikon_rows(nikon, extractor, names, quick)
    if not quick:
        table += _scene_rows(folder / "canon")
        table += _claim_share_rows(nikon) + _login_share_rows(nikon)
    return [*table, *_picture_rows(nikon), _search_row()]


def _photos() -> Path | None:
    named = os.environ.get("GRAINSEAL_PHOTOS")
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(named) if named else beside
    return folder if (folder / "nikon").is_dir() else None


def _flats(folder: Path, camera: str) -> Paths:
    return sorted((folder / "flat" / camera).iterdir())


def _scenes(folder: Path, camera: str) -> Paths:
    return sorted((folder / "natural" / camera).iterdir())


def _pattern(paths: Paths, spec: ClaimSpec) -> tuple[Features, Shape]:
    whole = estimate(map(read_photo, paths), get_extractor(spec.extractor))
    return features(whole, spec), whole.shape


def _template(values: Features, shape: Shape, spec: ClaimSpec) -> ClaimTemplate:
    positions = claim_positions(values, shape, spec)
    signs = np.where(values[positions] < 0, -1, 1).astype(np.int8)
    return ClaimTemplate(positions, signs * keyed_mask(spec, SEED))


def _z(template: ClaimTemplate, values: Features, spec: ClaimSpec) -> float:
    probe = claim_probe(values, template.positions, spec, SEED)
    product = int(template.signs.astype(np.int64) @ probe.astype(np.int64))
    return claim_score(product, probe, spec).z


def _copy(path: Path, scale: float, quality: int | None) -> Photo:
    if quality is None:
        return read_photo(path)
    data = io.BytesIO()
    with Image.open(path) as image:
        size = (round(image.width * scale), round(image.height * scale))
        image.resize(size, Image.Resampling.LANCZOS).save(data, "JPEG", quality=quality)
    return read_photo(data.getvalue())


def _summary(scores: Sequence[float]) -> str:
    listed = " ".join(f"{value:.1f}" for value in sorted(scores))
    return listed if len(scores) < 9 else _spread(scores)


def _spread(scores: Sequence[float]) -> str:
    return f"mean {np.mean(scores):.2f}, sd {np.std(scores):.2f}, max {max(scores):.2f}"


# Copy, its scale, its JPEG quality, and whether a limit is promised.
COPIES = (
    ("originals", 1.0, None, True),
    ("JPEG 90", 1.0, 90, True),
    ("JPEG 75", 1.0, 75, False),
    ("0.5x, JPEG 90", 0.5, 90, False),
    ("0.5x, JPEG 75", 0.5, 75, False),
    ("0.25x, JPEG 90", 0.25, 90, False),
)


def _nikon_rows(folder: Path, extractor: str, names: Sequence[str], quick: bool) -> list[Row]:
    specs = [with_extractor(claim_for(name), extractor) for name in names]
    patterns = {c: _pattern(_flats(folder, c)[:ENROLLED], specs[0]) for c in CAMERAS}
    scenes = [(camera, path) for camera in CAMERAS for path in _scenes(folder, camera)]
    copies = COPIES[: 2 if quick else None]
    values = [
        [
            _on_every_frame(_copy(path, scale, quality), path, patterns, specs[0])
            for _, path in scenes
        ]
        for _, scale, quality, _ in copies
    ]
    table = []
    for spec in specs:
        section = f"{spec.name}, {extractor}: 7 scenes, 6 flats enrolled, accepted from {spec.low}"
        templates = {c: _template(*patterns[c], spec) for c in CAMERAS}
        for (name, _, quality, promised), photos in zip(copies, values, strict=True):
            scores = [{c: _z(templates[c], photo[c], spec) for c in CAMERAS} for photo in photos]
            if quality is None:
                for (_, path), row in zip(scenes, scores, strict=True):
                    listed = ", ".join(f"{c} {z:.1f}" for c, z in row.items())
                    table.append(Row(section, path.stem, listed))
            own = [row.pop(mine) for (mine, _), row in zip(scenes, scores, strict=True)]
            others = [z for row in scores for z in row.values()]
            table.append(_accepted_row(section, name, own, others, spec, promised))
        if not quick:
            table.append(_null_row(section, patterns, templates, values[0][-1], spec))
    return table


def _on_every_frame(
    photo: Photo, path: Path, patterns: dict[str, tuple[Features, Shape]], spec: ClaimSpec
) -> dict[str, Features]:
    """On the grid of the photo's own original; another camera's frame shares only a part of it."""
    with Image.open(path) as image:
        placed = uncropped(photo.shape, image.size[::-1])[0]
    single = estimate([photo], get_extractor(spec.extractor))
    return {
        camera: features(replace(single, values=to_frame(single.values, placed, frame)), spec)
        for camera, (_, frame) in patterns.items()
    }


def _accepted_row(
    section: str,
    name: str,
    own: Sequence[float],
    others: Sequence[float],
    spec: ClaimSpec,
    promised: bool,
) -> Row:
    accepted = sum(spec.low <= z < spec.high for z in own)
    wrong = sum(z >= spec.low for z in others)
    value = f"{accepted} of 7 own ({_summary(own)}); {wrong} of 14 others ({_spread(others)})"
    ok = accepted >= 6 and wrong == 0 if promised else None
    return Row(section, name, value, ">= 6 and 0" if promised else "", ok)


def _null_row(
    section: str,
    patterns: dict[str, tuple[Features, Shape]],
    templates: dict[str, ClaimTemplate],
    photo: dict[str, Features],
    spec: ClaimSpec,
) -> Row:
    """The null by millions: one probe at every shift against each template."""
    spreads, tails = [], []
    for camera in CAMERAS:
        template, frame = templates[camera], patterns[camera][1]
        values = photo[camera]
        grid = (frame[0] // spec.step, frame[1] // spec.step)
        signs = np.zeros(grid, np.float32)
        signs.ravel()[template.positions] = template.signs * keyed_mask(spec, SEED)
        clipped = np.clip(np.rint(values * 3 / np.std(values)), -7, 7).reshape(grid)
        correlation = scipy.fft.rfft2(clipped.astype(np.float32)) * np.conj(scipy.fft.rfft2(signs))
        scores = scipy.fft.irfft2(correlation, s=grid)[50:-50, 50:-50]  # far from the own shift
        scores /= np.sqrt(np.mean(np.square(clipped)) * spec.length)
        spreads.append(float(scores.std()))
        tails.append(float(np.quantile(scores, 1 - 1e-4)))
    value = f"sd {min(spreads):.3f} to {max(spreads):.3f}, 1e-4 quantile up to {max(tails):.2f}"
    return Row(
        section, "null: one probe at every shift", value, f"< {spec.low}", max(tails) < spec.low
    )


def _scene_rows(folder: Path) -> list[Row]:
    """Enrolment from scenes only: six of a camera's eight, the other two probe, both ways round."""
    spec = claim_for("CLAIM_V1")
    cameras = sorted(folder.iterdir())
    paths = {camera: sorted(camera.iterdir()) for camera in cameras}
    alone = {path: _pattern([path], spec)[0] for camera in cameras for path in paths[camera]}
    table = []
    for camera in cameras:
        own, very, others = [], [], []
        for enrolled, held in (
            (paths[camera][:6], paths[camera][6:]),
            (paths[camera][2:], paths[camera][:2]),
        ):
            template = _template(*_pattern(enrolled, spec), spec)
            own += [_z(template, alone[path], spec) for path in held]
            very += [_z(template, alone[path], spec) for path in enrolled]
            strangers = [p for c in cameras if c != camera for p in paths[c]]
            others += [_z(template, alone[path], spec) for path in strangers]
        section = "CLAIM_V1, six scenes enrolled"
        held_ok = spec.low <= min(own) and max(own) < spec.high
        table += [
            Row(section, f"{camera.name}: other scenes", _summary(own), f">= {spec.low}", held_ok),
            Row(
                section,
                f"{camera.name}: another camera's",
                _spread(others),
                f"< {spec.low}",
                max(others) < spec.low,
            ),
            Row(
                section,
                f"{camera.name}: a photo of its own template",
                f"from {min(very):.0f}",
                f">= {spec.high}",
                min(very) >= spec.high,
            ),
        ]
    return table


def _mixed(victim: Features, own: Features, share: float) -> Features:
    """A template's features with `share` of the victim's pattern, both at unit power."""
    mixed: Features = (share * victim / np.std(victim) + (1 - share) * own / np.std(own)).astype(
        np.float32
    )
    return mixed


def _claim_share_rows(folder: Path) -> list[Row]:
    """A camera of the victim's model plants a template with part of the victim's pattern in it."""
    spec = claim_for("CLAIM_V1")
    attacker, victim = CAMERAS[1:]
    own, shape = _pattern(_flats(folder, attacker)[:ENROLLED], spec)
    fresh = _pattern(_flats(folder, attacker)[7:8], spec)[0]
    scenes = _scenes(folder, victim)
    probes = [_pattern([path], spec)[0] for path in scenes]
    sources = (
        ("1 scene", scenes[:1], 1),
        ("3 scenes", scenes[:3], 3),
        ("6 flats", _flats(folder, victim)[:6], 0),
    )
    table = []
    for name, published, first in sources:
        theirs = _pattern(published, spec)[0]
        for share in SHARES:
            template = _template(_mixed(theirs, own, share), shape, spec)
            next_ones = _summary([_z(template, probe, spec) for probe in probes[first:]])
            value = (
                f"victim's next {next_ones}; attacker's own flat {_z(template, fresh, spec):.1f}"
            )
            if first:
                value += f"; a photo it was made from {_z(template, probes[0], spec):.0f}"
            table.append(
                Row("planted claim template by share of the victim", f"{name}, {share}", value)
            )
    return table


def _login_share_rows(folder: Path) -> list[Row]:
    """The same mixture as an authentication code: which burst does it still accept?"""
    spec = code_for("AUTH_JPEG_V1")
    extractor = get_extractor(spec.extractor)

    def code_features(paths: Paths) -> Features:
        return features(estimate(map(read_photo, paths), extractor), spec)

    attacker, victim = (_flats(folder, camera) for camera in CAMERAS[1:])
    own, fresh = code_features(attacker[:6]), code_features(attacker[6:])
    theirs, theirs_fresh = code_features(victim[:6]), code_features(victim[6:])
    table = []
    for share in SHARES:
        mixed = _mixed(theirs, own, share)
        chosen = select_positions(mixed, spec)
        scores = [
            float(np.sign(mixed[chosen]) @ np.sign(probe[chosen])) / spec.length**0.5
            for probe in (fresh, theirs_fresh)
        ]
        value = "attacker's burst {:.1f}, victim's burst {:.1f}".format(*scores)
        table.append(
            Row("AUTH_JPEG_V1 template by share of the victim", f"6 flats, {share}", value)
        )
    return table


def _picture_rows(folder: Path) -> list[Row]:
    """What happens to the perceptual hash, and how long the alignment takes."""
    paths = [path for camera in CAMERAS for path in _scenes(folder, camera)]
    stored = [perceptual_hash(read_photo(path)) for path in paths]
    table = []
    edits: tuple[tuple[str, Callable[[Path], Photo]], ...] = (
        ("0.5x, JPEG 75", lambda path: _copy(path, 0.5, 75)),
        ("0.25x, JPEG 60", lambda path: _copy(path, 0.25, 60)),
        ("2 % cut off every side", lambda path: _cropped(path, 0.02)),
        ("10 % cut off every side", lambda path: _cropped(path, 0.1)),
    )
    for name, edit in edits:
        bits = [
            distance(a, perceptual_hash(edit(path))) for a, path in zip(stored, paths, strict=True)
        ]
        table.append(Row("perceptual hash, bits from the original", name, f"up to {max(bits)}"))
    apart = [distance(a, b) for i, a in enumerate(stored) for b in stored[:i]]
    table.append(
        Row("perceptual hash, bits from the original", "other photos", f"from {min(apart)}")
    )
    copy, original = _cropped(paths[-1], 0.1), read_photo(paths[-1])
    start = time.perf_counter()
    placed = register(copy, original)
    value = f"{time.perf_counter() - start:.1f} s, scale {placed.scale}, origin {placed.origin}"
    return [*table, Row("alignment", "10 % cut off every side of 6 megapixels, 0.5x", value)]


def _cropped(path: Path, share: float) -> Photo:
    data = io.BytesIO()
    with Image.open(path) as image:
        width, height = image.size
        x, y = round(share * width), round(share * height)
        part = image.crop((x, y, width - x, height - y))
        half = part.resize((part.width // 2, part.height // 2), Image.Resampling.LANCZOS)
        half.save(data, "JPEG", quality=75)
    return read_photo(data.getvalue())


def _search_row() -> Row:
    data = np.random.default_rng(0).bytes(32 * 1_000_000)
    index = HashIndex(data[start : start + 32] for start in range(0, len(data), 32))
    seconds = []
    with threadpool_limits(limits=1):
        for _ in range(10):
            start = time.process_time()
            index.search(data[:32])
            seconds.append(time.process_time() - start)
    middle = float(np.median(seconds[1:]))
    return Row(
        "perceptual search",
        "exact, a million hashes, one core, CPU seconds",
        f"{middle:.4f}",
        f"<= {SEARCH_SECONDS}",
        middle <= SEARCH_SECONDS,
    )
