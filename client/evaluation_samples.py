"""From an evaluation's photos to their templates, each made once.

What cannot be used is counted and named, never dropped in silence: ISO/IEC 19795-1 calls photos
that give no template failures to acquire, and error rates mean little without their number.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grainseal.models.cores import usable_cores
from grainseal.models.matching import DEFAULT_MATCHER
from grainseal.models.photo import Photo, PhotoError, PhotoKind, read_photo

from .errors import ClientError
from .evaluation_methods import Method, Template
from .evaluation_plan import Plan, Sample

Progress = Callable[[str, int, int], None]

# Crops need little memory beside the decoded photo; whole frames up to a GB for each at work.
_MOST_THREADS: Final = 8
_MOST_THREADS_OF_WHOLE_FRAMES: Final = 2


@dataclass(frozen=True)
class Settings:
    """What is varied between evaluations; `crop` in pixels a side, `transform` of the probes.

    `matcher`: one of evaluation_methods.MATCHER_NAMES, what scores a pair. `extractor`: None for a
    matcher that takes photos, and for the default one.
    """

    extractor: str | None = None
    crop: int | None = None
    transform: str = "none"
    matcher: str = DEFAULT_MATCHER


@dataclass(frozen=True)
class Unit:
    """A sample that has a template of `shape` (height, width).

    `frames` and `digests`: sizes and SHA-256 of the photos in it; `kept`: its template's number.
    """

    sample: Sample
    kind: PhotoKind
    shape: tuple[int, int]
    frames: frozenset[tuple[int, int]]
    digests: frozenset[str]
    kept: int


class Extraction:
    """Makes every template once, photos in parallel, in the order of the plan.

    `photos` counts them, `seconds` is the time they took together; `left_out` has the reasons.
    """

    def __init__(self, plan: Plan, settings: Settings, method: Method, progress: Progress) -> None:
        self._plan, self._settings = plan, settings
        self._method, self._progress = method, progress
        self.photos = 0
        self.seconds = 0.0
        self.left_out: dict[Path, str] = {}

    def run(self) -> tuple[list[Unit], list[Unit]]:
        """References and probes that have a template; the same list when nothing differs.

        `ClientError` when there are none.
        """
        start = time.perf_counter()
        transform = self._settings.transform
        probes = self._units(self._plan.probes, transform, probe=True)
        alike = transform == "none" and not self._method.sided
        if self._plan.paired_among_themselves and alike:
            references = probes
        else:
            references = self._units(self._plan.references, "none", probe=False)
        self.seconds = time.perf_counter() - start
        for units, what in ((references, "reference"), (probes, "probe")):
            if not units:
                reason = "".join(f": {each}" for each in list(self.left_out.values())[-1:])
                raise ClientError(f"no photo can be used as a {what}{reason}")
        return references, probes

    def _units(self, samples: Sequence[Sample], transform: str, *, probe: bool) -> list[Unit]:
        stage = "Reading probes" if probe else "Reading references"
        total = sum(len(sample.paths) for sample in samples)
        done = 0
        units: list[Unit] = []
        most = _MOST_THREADS if self._settings.crop else _MOST_THREADS_OF_WHOLE_FRAMES
        with ThreadPoolExecutor(min(usable_cores(), most)) as pool:
            try:
                made = pool.map(
                    lambda sample: _made(sample, self._method, transform, probe), samples
                )
                for sample, outcome in zip(samples, made, strict=True):
                    done += len(sample.paths)
                    self._progress(stage, done, total)
                    units += self._kept(sample, outcome, probe)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self.photos += total
        return units

    def _kept(self, sample: Sample, outcome: "_Outcome", probe: bool) -> Iterator[Unit]:
        """The unit, if there is one; what was left out is remembered."""
        self.left_out |= {
            path: f"{sample.camera}: left out: {reason}" for path, reason in outcome.left_out
        }
        if outcome.template is None:
            return
        number = self._method.keep(outcome.template, probe)
        if number is None:
            reason = f"{sample.camera}: left out: no sensor noise at all, black or white: "
            self.left_out |= {path: reason + path.name for path in sample.paths}
        else:
            yield _unit(sample, outcome.template, outcome.used, number)


@dataclass(frozen=True)
class _Outcome:
    """`used` are the photos in the template, without their pixels."""

    template: Template | None
    used: tuple[Photo, ...]
    left_out: tuple[tuple[Path, str], ...]


def _unit(sample: Sample, made: Template, used: tuple[Photo, ...], kept: int) -> Unit:
    frames = frozenset(photo.shape for photo in used)
    digests = frozenset(photo.sha256 for photo in used)
    return Unit(sample, made.kind, made.shape, frames, digests, kept)


def _made(sample: Sample, method: Method, transform: str, probe: bool) -> _Outcome:
    """One template of all the photos, or their copies, that can be used together."""
    collector = method.collector(sample.camera, probe, transform)
    used, left_out = [], []
    for path in sample.paths:
        try:
            photo = read_photo(path)
            collector.add(photo)
        except PhotoError as error:
            left_out.append((path, str(error)))
        else:
            used.append(photo.without_pixels())
    return _Outcome(collector.finish() if used else None, tuple(used), tuple(left_out))
