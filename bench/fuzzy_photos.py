"""Photos for the fuzzy extractor's benchmark, reduced to features: real ones and simulated ones."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from grainseal.crypto.profiles import FUZZY_MAX_V1, FUZZY_V1
from grainseal.models.codes import Features, code_for, features
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator
from grainseal.models.photo import read_photo
from grainseal.models.simulator import VirtualCamera, take_burst

ENROLLED, FRESH = 6, 4
# Photos that simulated cameras are enrolled with, too; of ten real ones no four would be left.
ENROLLED_ALSO = (4, 10)
PROFILES = (FUZZY_V1, FUZZY_MAX_V1)
# Just enough for the code of the larger blocks.
WIDTH, HEIGHT = 2304, 1856


@dataclass(frozen=True)
class Reading:
    """Features of one fingerprint, by profile."""

    frame: tuple[int, int]
    features: dict[str, Features]


@dataclass(frozen=True)
class Camera:
    """`enrolled`: by number of photos. `bursts`: of each, its first 1, 2, 3 and 4 photos."""

    name: str
    enrolled: dict[int, Reading]
    bursts: list[list[Reading]]


def real_cameras(folder: Path, split: int) -> list[Camera]:
    """Each camera's ten flats: six enrolled and four fresh ones, in the order of a split."""
    order = np.arange(10) if split == 0 else np.random.default_rng(split).permutation(10)
    cameras = []
    for each in sorted((folder / "flat").iterdir()):
        files = [sorted(each.iterdir())[i] for i in order]
        burst = _growing(files[ENROLLED:])
        cameras.append(Camera(each.name, {ENROLLED: _growing(files[:ENROLLED])[-1]}, [burst]))
    return cameras


def simulated_camera(seed: int, iso: int, bursts: int) -> Camera:
    """One of the siblings of a model, at one ISO, with so many bursts of four fresh photos."""
    camera = VirtualCamera(seed, WIDTH, HEIGHT)
    counts = sorted((ENROLLED, *ENROLLED_ALSO))
    taken = []
    for number in range(bursts + 1):
        with tempfile.TemporaryDirectory() as folder:
            count = FRESH if number else counts[-1]
            taken.append(_growing(take_burst(camera, count, Path(folder), seed=number, iso=iso)))
    return Camera(f"{seed}", {each: taken[0][each - 1] for each in counts}, taken[1:])


def _growing(files: Sequence[Path]) -> list[Reading]:
    """Readings of the first photo, the first two, and so on."""
    estimator = FingerprintEstimator(get_extractor(code_for(FUZZY_V1.name).extractor))
    readings = []
    for path in files:
        estimator.add(read_photo(path))
        readings.append(_reading(estimator.finish()))
    return readings


def _reading(fingerprint: Fingerprint) -> Reading:
    found = {p.name: features(fingerprint, code_for(p.name)) for p in PROFILES}
    return Reading(fingerprint.shape, found)
