"""Which photos of a folder the demo enrols and probes with.

Folders of real people hold anything: other sizes, copies, damaged files, RAW beside JPEG. What
cannot be used is left out with a note that says why; what may not work well is only warned of,
for in the demo the score decides.
"""

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from multiprocessing import active_children, get_context, parent_process
from multiprocessing.connection import wait
from pathlib import Path
from typing import Final

from grainseal.crypto.profiles import Profile
from grainseal.models.codes import CodeError, code_for, require_frame
from grainseal.models.cores import usable_cores
from grainseal.models.photo import RAW_SUFFIXES, Photo, PhotoError, read_photo
from grainseal.models.quality import Problem, problems

from .errors import ClientError
from .photos import DEFAULT_PROFILES, photos_in

# Looked at beyond what is needed, so that some bad photos do not cost the camera.
_SPARE_FACTOR: Final = 2
# Found by the plan itself, in words that fit a folder.
_PLANNED_FOR: Final = frozenset({"kind", "size", "duplicate"})


@dataclass(frozen=True)
class Found:
    """One photo that can be read. `shape`: (height, width). `scene`: it shows more than a wall."""

    path: Path
    shape: tuple[int, int]
    sha256: str
    scene: bool = False


@dataclass(frozen=True)
class Survey:
    """What one camera's folder holds."""

    name: str
    profile: Profile
    photos: tuple[Found, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class PhotoSet:
    """Photos of one camera and one size that make one fingerprint."""

    camera: str
    profile: Profile
    frame: tuple[int, int]
    paths: tuple[Path, ...]


@dataclass
class Plan:
    """What the demo will do; `notes` says what it will not, and why.

    `later`: by enrolled camera, all usable photos of its frame that are not enrolled.
    """

    enrolled: list[PhotoSet] = field(default_factory=list)
    probes: list[PhotoSet] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    later: dict[str, tuple[Found, ...]] = field(default_factory=dict)
    probe_photos: int = 1


@contextmanager
def worker_pool() -> Iterator[ProcessPoolExecutor]:
    """A process per core. Spawned: a fork would copy threads that gRPC does not survive.

    When the block fails or is interrupted, the work in progress is ended, not waited for.
    """
    others = set(active_children())
    with ProcessPoolExecutor(
        min(usable_cores(), 8), mp_context=get_context("spawn"), initializer=_begin
    ) as pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for worker in set(active_children()) - others:
                worker.terminate()
            raise


def _begin() -> None:
    # The terminal's Ctrl-C goes to the whole group; the demo ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    # The parent's end of this pipe closes however the parent ends, kill -9 included.
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def plan_demo(pool: Executor, photos: Path, probes: Path | None, enroll: int, probe: int) -> Plan:
    """Photo sets from DIR/<camera>/: the first `enroll` photos, and up to `probe` later ones.

    With `probes`, the photos to probe with come from there. `ClientError` for folders that are no
    such thing; a plan without cameras is for `require_cameras` to refuse, after its notes.
    """
    plan = Plan(probe_photos=probe)
    enrolled = _plan_cameras(plan, pool, photos, enroll, probes is None)
    if probes is not None:
        _plan_probes(plan, pool, probes, probe, enrolled)
    if len(plan.enrolled) == 1 and len(plan.probes) == 1:
        plan.notes.append("only one camera: add another camera's folder to see it rejected")
    return plan


def require_cameras(plan: Plan) -> None:
    """`ClientError` unless there is somebody to enrol and something to probe with."""
    if not plan.enrolled:
        raise ClientError(
            "no camera can be enrolled: give each camera a folder of its own with enough photos "
            "of one size, or lower --enroll-photos"
        )
    if not plan.probes:
        raise ClientError("no camera has a usable photo to probe with")


def _plan_cameras(
    plan: Plan, pool: Executor, root: Path, enroll: int, probing: bool
) -> dict[str, frozenset[str]]:
    """Who is enrolled, and probed if `probing`; by camera, the SHA-256 of what was enrolled."""
    enrolled: dict[str, frozenset[str]] = {}
    for survey in _survey_all(pool, root, enroll + plan.probe_photos):
        plan.notes += survey.notes
        usable = _usable(survey, enroll + probing, None, frozenset(), plan.notes)
        if usable:
            plan.enrolled.append(_photo_set(survey, usable[:enroll]))
            plan.later[survey.name] = tuple(usable[enroll:])
            enrolled[survey.name] = frozenset(each.sha256 for each in usable[:enroll])
            if probing:
                probes = usable[enroll : enroll + plan.probe_photos]
                plan.probes.append(_photo_set(survey, probes))
    return enrolled


def _plan_probes(
    plan: Plan, pool: Executor, root: Path, probe: int, enrolled: dict[str, frozenset[str]]
) -> None:
    frames = {each.camera: each.frame for each in plan.enrolled}
    for survey in _survey_all(pool, root, probe):
        plan.notes += survey.notes
        known = enrolled.get(survey.name, frozenset())
        usable = _usable(survey, 1, frames.get(survey.name), known, plan.notes)
        if usable:
            plan.probes.append(_photo_set(survey, usable[:probe]))
            if usable[0].shape == frames.get(survey.name):
                plan.later[survey.name] += tuple(usable)


def _survey_all(pool: Executor, root: Path, wanted: int) -> list[Survey]:
    try:
        folders = sorted(
            path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
    except OSError as error:
        raise ClientError(f"cannot read {root}: {error.strerror or error}") from None
    if not folders:
        raise ClientError(f"no folders in {root}: put each camera's photos in a folder of its own")
    return list(pool.map(_survey, folders, [wanted] * len(folders)))


def _survey(folder: Path, wanted: int) -> Survey:
    """Read as many photos as the demo may need, and judge them on the way."""
    profile, paths = _one_kind(photos_in(folder), wanted)
    found: list[Found] = []
    notes: list[str] = []

    def readable() -> Iterator[Photo]:
        for path in paths[: _SPARE_FACTOR * wanted]:
            try:
                photo = read_photo(path)
            except PhotoError as error:
                notes.append(f"{folder.name}: left out: {error}")
                continue
            found.append(Found(path, photo.shape, photo.sha256))
            yield photo

    advice = problems(readable(), code_for(profile.name))
    scenes = {each.photo for each in advice if each.code == "textured"}
    judged = tuple(replace(each, scene=each.path.name in scenes) for each in found)
    return Survey(folder.name, profile, judged, (*notes, *_advice(folder.name, advice)))


def _one_kind(paths: list[Path], wanted: int) -> tuple[Profile, list[Path]]:
    """RAW where there is enough of it, for it carries the cleaner signal; else developed photos."""
    raw = [path for path in paths if path.suffix.lower() in RAW_SUFFIXES]
    developed = [path for path in paths if path.suffix.lower() not in RAW_SUFFIXES]
    if len(raw) >= wanted or len(raw) > len(developed):
        return DEFAULT_PROFILES["raw"], raw
    return DEFAULT_PROFILES["developed"], developed


def _advice(camera: str, found: Sequence[Problem]) -> list[str]:
    """One line for each kind of problem, however many photos have it."""
    lines, counts = [], Counter(problem.code for problem in found)
    for code, count in counts.items():
        if code not in _PLANNED_FOR:
            first = next(problem for problem in found if problem.code == code)
            more = f" (and {count - 1} more)" if count > 1 else ""
            lines.append(f"{camera}: {first.message}{more}")
    return lines


def _usable(
    survey: Survey,
    least: int,
    frame: tuple[int, int] | None,
    enrolled: frozenset[str],
    notes: list[str],
) -> list[Found]:
    """Distinct photos of one size in the order of their names; none if they are fewer than `least`.

    The size is `frame` if any photo has it, else the commonest one.
    """
    fresh, seen = [], set(enrolled)
    for each in survey.photos:
        if each.sha256 in seen:
            notes.append(f"{survey.name}: left out: {each.path.name} is a copy of another photo")
            continue
        seen.add(each.sha256)
        fresh.append(each)
    sizes = Counter(each.shape for each in fresh)
    if frame is None or frame not in sizes:
        frame = max(sizes, key=lambda size: sizes[size], default=(0, 0))
    usable = [each for each in fresh if each.shape == frame]
    if len(usable) < len(fresh):
        others = ", ".join(each.path.name for each in fresh if each.shape != frame)
        notes.append(
            f"{survey.name}: left out: {others}: not {frame[1]}x{frame[0]} like the others; "
            "give photos as they left the camera, at its full size"
        )
    return usable if _enough(survey, usable, least, frame, notes) else []


def _enough(
    survey: Survey, usable: list[Found], least: int, frame: tuple[int, int], notes: list[str]
) -> bool:
    if len(usable) < least:
        count = f"{len(usable)} usable photo{'s' if len(usable) != 1 else ''}"
        notes.append(
            f"{survey.name}: left out: {count}, at least {least} are needed; "
            "add photos, or ask for fewer with --enroll-photos"
        )
        return False
    try:
        require_frame(frame, code_for(survey.profile.name))
    except CodeError as error:
        notes.append(f"{survey.name}: left out: {error}")
        return False
    return True


def _photo_set(survey: Survey, photos: Sequence[Found]) -> PhotoSet:
    paths = tuple(each.path for each in photos)
    return PhotoSet(survey.name, survey.profile, photos[0].shape, paths)
