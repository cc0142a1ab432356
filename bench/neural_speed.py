"""How fast and in how much memory the neural extractors work, in child processes.

A child takes the cores it is given before it loads anything, so that no thread has others. One core
and two take turns, and so do children that only count: what these gain from a second core is what
the machine has to give just then.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench.extractors import BEST, NEURAL, WAVELET
from bench.table import Row
from grainseal.models.cores import usable_cores

SECTION: Final = "neural: speed"
SECONDS_LIMITS: Final = {NEURAL: 2.5, BEST: 15.0}
GAIN_LIMIT: Final = 1.6
_COUNTED: Final = 30_000_000

# Seconds of one photo of 2048x2048; a small one before it warms up.
_OBSERVE = """
import os, sys, time
os.sched_setaffinity(0, map(int, sys.argv[2].split(",")))
import numpy as np
from grainseal.models.extractor import get_extractor
from grainseal.models.photo import Photo
extractor = get_extractor(sys.argv[1])
pixels = np.random.default_rng(0).integers(0, 256, (2048, 2048, 3), np.uint8)
for side in (512, 2048):
    photo = Photo(pixels[:side, :side], "developed", "noise", "")
    began = time.perf_counter()
    for _ in extractor.observe(photo):
        pass
print(time.perf_counter() - began)
"""
_COUNT = """
import os, sys, time
os.sched_setaffinity(0, map(int, sys.argv[1].split(",")))
began = time.perf_counter()
sum(range(int(sys.argv[2])))
print(time.perf_counter() - began)
"""
# Peak memory of this program alone; ru_maxrss would count the parent's before it was replaced.
_REMEMBER = """
import sys
from pathlib import Path
import numpy as np
from grainseal.models.extractor import get_extractor
from grainseal.models.fingerprint import estimate
from grainseal.models.photo import Photo
pixels = np.random.default_rng(0).integers(0, 256, (4000, 6000, 3), np.uint8)
estimate([Photo(pixels, "developed", "noise", "")], get_extractor(sys.argv[1]))
status = Path("/proc/self/status").read_text().splitlines()
print(next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM")))
"""


def rows(names: Sequence[str], quick: bool) -> list[Row]:
    """Of those of the neural extractors that are among `names`; the wavelet's speed beside them."""
    seconds = _printed(_OBSERVE, WAVELET, str(min(os.sched_getaffinity(0))))
    table = [Row(SECTION, f"{WAVELET}: 4 megapixels on one core", f"{seconds:.2f} s")]
    for name in SECONDS_LIMITS:
        if name in names:
            table += _speed_rows(name, repetitions=1 if quick else 3)
            if not quick:
                peak = _printed(_REMEMBER, name)
                what = f"{name}: peak memory, 24 megapixels, {usable_cores()} core(s)"
                table.append(Row(SECTION, what, f"{peak / 1e9:.2f} GB"))
    return table


@dataclass(frozen=True)
class _Turn:
    """Seconds of one photo on one core and on two; how much two counting children gain."""

    one: float
    two: float
    machine: float


def _speed_rows(name: str, repetitions: int) -> list[Row]:
    allowed = sorted(os.sched_getaffinity(0))
    limit = SECONDS_LIMITS[name]
    what = f"{name}: 4 megapixels on one core, fastest of {repetitions}"
    if len(allowed) < 2:
        one = min(_printed(_OBSERVE, name, str(allowed[0])) for _ in range(repetitions))
        return [
            Row(SECTION, what, f"{one:.2f} s", f"<= {limit} s", one <= limit),
            Row(SECTION, f"{name}: two cores against one", "left out: there is one core"),
        ]
    turns = [_turn(name, allowed[:2]) for _ in range(repetitions)]
    one = min(turn.one for turn in turns)
    gain = statistics.median(turn.one / turn.two for turn in turns)
    machine = statistics.median(turn.machine for turn in turns)
    return [
        Row(SECTION, what, f"{one:.2f} s", f"<= {limit} s", one <= limit),
        Row(
            SECTION,
            f"{name}: two cores against one, median of {repetitions}",
            f"{gain:.2f} times as fast",
            f"at least {GAIN_LIMIT}",
            gain >= GAIN_LIMIT,
        ),
        # Where this is less than 2, others use the machine, and the row above cannot hold.
        Row(SECTION, f"{name}: two processes that only count against one", f"{machine:.2f} times"),
    ]


def _turn(name: str, cores: Sequence[int]) -> _Turn:
    one = _printed(_OBSERVE, name, str(cores[0]))
    two = _printed(_OBSERVE, name, _listed(cores))
    count = [sys.executable, "-c", _COUNT]
    alone = _printed(_COUNT, str(cores[0]), str(_COUNTED))
    both = [
        subprocess.Popen([*count, _listed(cores), str(_COUNTED)], stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    together = max(float(json.loads(child.communicate()[0])) for child in both)
    return _Turn(one, two, 2 * alone / together)


def _printed(program: str, *arguments: str) -> float:
    """The number that a child prints."""
    command = [sys.executable, "-c", program, *arguments]
    return float(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def _listed(cores: Sequence[int]) -> str:
    return ",".join(map(str, cores))
