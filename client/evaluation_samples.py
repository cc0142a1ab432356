"""From an evaluation's photos to their fingerprints, each made once.

What cannot be used is counted and named, never dropped in silence: ISO/IEC 19795-1 calls photos
that give no fingerprint failures to acquire, and error rates mean little without their number.
"""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grainseal.models.copies import copy_fingerprint
from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import Fingerprint, FingerprintEstimator
from grainseal.models.matching import DEFAULT_MATCHER, prepared
from grainseal.models.photo import Photo, PhotoError, PhotoKind, read_photo

from .errors import ClientError
from .evaluation_plan import Plan, Sample
from .photos import extractor_named
from .plane_store import PlaneStore

Progress = Callable[[str, int, int], None]

# Crops need little memory beside the decoded photo; whole frames up to a GB for each at work.
_MOST_THREADS: Final = 8
_MOST_THREADS_OF_WHOLE_FRAMES: Final = 2


@dataclass(frozen=True)
class Settings:
    """What is varied between evaluations; `crop` in pixels a side, `transform` of the probes.

    `matcher`: one of models.matching.MATCHERS, the statistic that scores a pair.
    """

    extractor: str
    crop: int | None = None
    transform: str = "none"
    matcher: str = DEFAULT_MATCHER


@dataclass(frozen=True)
class Unit:
    """A sample that has a fingerprint of `shape` (height, width).

    `frames` and `digests`: sizes and SHA-256 of the photos in it; `plane`: its number in the store.
    """

    sample: Sample
    kind: PhotoKind
    shape: tuple[int, int]
    frames: frozenset[tuple[int, int]]
    digests: frozenset[str]
    plane: int


class Extraction:
    """Makes every fingerprint once, photos in parallel, in the order of the plan.

    `photos` counts them, `seconds` is the time they took together; `left_out` has the reasons.
    """

    def __init__(
        self, plan: Plan, settings: Settings, store: PlaneStore, progress: Progress
    ) -> None:
        self._plan, self._settings = plan, settings
        self._store, self._progress = store, progress
        self._extractor = extractor_named(settings.extractor)
        self.photos = 0
        self.seconds = 0.0
        self.left_out: dict[Path, str] = {}

    def run(self) -> tuple[list[Unit], list[Unit]]:
        """References and probes that have a fingerprint; the same list when nothing differs.

        `ClientError` when there are none.
        """
        start = time.perf_counter()
        probes = self._units(self._plan.probes, self._settings.transform, "Reading probes")
        if self._plan.paired_among_themselves and self._settings.transform == "none":
            references = probes
        else:
            references = self._units(self._plan.references, "none", "Reading references")
        self.seconds = time.perf_counter() - start
        for units, what in ((references, "reference"), (probes, "probe")):
            if not units:
                reason = "".join(f": {each}" for each in list(self.left_out.values())[-1:])
                raise ClientError(f"no photo can be used as a {what}{reason}")
        return references, probes

    def _units(self, samples: Sequence[Sample], transform: str, stage: str) -> list[Unit]:
        total = sum(len(sample.paths) for sample in samples)
        done = 0
        units: list[Unit] = []
        most = _MOST_THREADS if self._settings.crop else _MOST_THREADS_OF_WHOLE_FRAMES
        with ThreadPoolExecutor(min(os.cpu_count() or 1, most)) as pool:
            try:
                made = pool.map(lambda sample: self._made(sample, transform), samples)
                for sample, outcome in zip(samples, made, strict=True):
                    done += len(sample.paths)
                    self._progress(stage, done, total)
                    units += self._kept(sample, outcome)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        self.photos += total
        return units

    def _made(self, sample: Sample, transform: str) -> "_Outcome":
        if transform != "none":
            return _of_copy(sample, transform, self._extractor, self._settings.crop)
        return _of_photos(sample, self._extractor, self._settings.crop)

    def _kept(self, sample: Sample, outcome: "_Outcome") -> Iterator[Unit]:
        """The unit, if there is one; what was left out is remembered."""
        self.left_out |= {
            path: f"{sample.camera}: left out: {reason}" for path, reason in outcome.left_out
        }
        if outcome.fingerprint is None:
            return
        number = self._store.add(prepared(outcome.fingerprint, self._settings.matcher))
        if number is None:
            reason = f"{sample.camera}: left out: no sensor noise at all, black or white: "
            self.left_out |= {path: reason + path.name for path in sample.paths}
        else:
            yield _unit(sample, outcome.fingerprint, outcome.used, number)


@dataclass(frozen=True)
class _Outcome:
    """`used` are the photos in the fingerprint, without their pixels."""

    fingerprint: Fingerprint | None
    used: tuple[Photo, ...]
    left_out: tuple[tuple[Path, str], ...]


def _unit(sample: Sample, made: Fingerprint, used: tuple[Photo, ...], plane: int) -> Unit:
    frames = frozenset(photo.shape for photo in used)
    digests = frozenset(photo.sha256 for photo in used)
    return Unit(sample, made.kind, made.shape, frames, digests, plane)


def _of_photos(sample: Sample, extractor: Extractor, crop: int | None) -> _Outcome:
    """One fingerprint of all the photos that can be used together."""
    estimator = FingerprintEstimator(extractor, crop)
    used, left_out = [], []
    for path in sample.paths:
        try:
            photo = read_photo(path)
            estimator.add(photo)
        except PhotoError as error:
            left_out.append((path, str(error)))
        else:
            used.append(photo.without_pixels())
    return _Outcome(estimator.finish() if used else None, tuple(used), tuple(left_out))


def _of_copy(sample: Sample, transform: str, extractor: Extractor, crop: int | None) -> _Outcome:
    (path,) = sample.paths
    try:
        photo = read_photo(path)
        made = copy_fingerprint(photo, transform, extractor, crop)
    except PhotoError as error:
        return _Outcome(None, (), ((path, str(error)),))
    return _Outcome(made, (photo.without_pixels(),), ())
