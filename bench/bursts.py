"""Does a burst come from one camera: how often good photos are refused, and strays are found.

Scores of one photo against five others, of its own camera and of another one of the model.
"""

import time
from collections.abc import Callable, Sequence
from itertools import combinations, permutations
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.accuracy import photos_folder
from bench.table import Row
from grainseal.models.bootstrap import share_interval
from grainseal.models.burst import Scores, own_score, pair_scores, score, strays_by
from grainseal.models.codes import code_for
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.photo import read_photo
from grainseal.models.quality import inspect, problems
from grainseal.models.simulator import VirtualCamera, take_burst

CAMERAS, BURST, SIDE = range(400, 410), 6, 512
ISOS = (100, 200, 400, 800, 1600)
SIBLINGS = ("Nikon_D70_0", "Nikon_D70_1")
_AUTH = code_for("AUTH_JPEG_V1")


def rows(quick: bool = False) -> list[Row]:
    """All tables; those of real photos are left out when there are none."""
    table = []
    for iso in ISOS[:2] if quick else ISOS:
        with TemporaryDirectory() as made:
            seeds = CAMERAS[: 3 if quick else 10]
            files = [_simulated(Path(made), seed, iso) for seed in seeds]
            table += _rows(f"{len(files)} simulated cameras, ISO {iso}", files)
    folder = photos_folder()
    if folder is None:
        return [*table, Row("bursts", "real photos", "none: set GRAINSEAL_PHOTOS")]
    real = [sorted((folder / "nikon/flat" / name).iterdir()) for name in SIBLINGS]
    return [*table, *_rows("two Nikon D70", real), _cost_row(real[0][:BURST])]


def _simulated(folder: Path, seed: int, iso: int) -> list[Path]:
    return take_burst(VirtualCamera(seed, SIDE, SIDE), BURST, folder / f"{seed}", iso=iso)


def _rows(name: str, cameras: Sequence[Sequence[Path]]) -> list[Row]:
    """Of each camera every six photos, and five with one of each other camera among them."""
    owner = np.repeat(range(len(cameras)), [len(files) for files in cameras])
    scores = pair_scores([inspect(read_photo(f)).noise for files in cameras for f in files])
    photos = [np.flatnonzero(owner == camera).tolist() for camera in range(len(cameras))]
    good = [list(six) for own in photos for six in combinations(own, BURST)]
    mixed = [
        [*five, stray]
        for own, other in permutations(photos, 2)
        for five in _fives(own)
        for stray in other
    ]
    own_scores = [own_score(scores, six) for six in good]
    other_scores = [score(scores, six[-1], six[:-1]) for six in mixed]
    refused = sum(bool(_found(scores, six)) for six in good)
    found = [_found(scores, six) for six in mixed]
    named = sum(each == [BURST - 1] for each in found)
    wrong = sum(bool(set(each) - {BURST - 1}) for each in found)
    section = f"bursts: {name}"
    return [
        Row(
            section,
            "own, one against five: median",
            f"{min(own_scores):.1f} to {max(own_scores):.1f}",
        ),
        Row(section, "another camera's against five", f"at most {max(other_scores):.1f}"),
        Row(section, "good bursts refused", _rate(refused, len(good)), "none", refused == 0),
        Row(section, "stray of six found", _rate(named, len(mixed))),
        Row(section, "another one named", _rate(wrong, len(mixed)), "none", wrong == 0),
    ]


def _fives(own: Sequence[int]) -> list[list[int]]:
    """Some of a camera's photos, five each: all photos are in one of them."""
    return [list(np.roll(own, -shift)[: BURST - 1]) for shift in range(0, len(own), BURST - 1)]


def _found(scores: Scores, photos: Sequence[int]) -> list[int]:
    return strays_by(scores[np.ix_(photos, photos)])


def _cost_row(files: Sequence[Path]) -> Row:
    """What the check adds to an enrolment: to the look at the photos, and their reading."""

    def seconds(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    before = seconds(lambda: problems(map(read_photo, files), _AUTH))
    after = seconds(lambda: problems(map(read_photo, files), _AUTH, one_camera=True))
    reading = seconds(lambda: estimate(map(read_photo, files), get_extractor(_AUTH.extractor)))
    ratio = (after + reading) / (before + reading)
    value = f"{before + reading:.2f} s without, {after + reading:.2f} s with the check: {ratio:.2f}"
    return Row("bursts: cost", "six Nikon flats, CPU time", value, "1.3", ratio <= 1.3)


def _rate(count: int, trials: int) -> str:
    """Exact 95 % interval; bursts that share photos are not independent."""
    low, high = share_interval(count, trials)
    return f"{count}/{trials}, 95 %: {low:.2g} to {high:.2g}"
