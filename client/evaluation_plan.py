"""What an evaluation compares: which photos make a reference, which are probes.

Folders are DIR/<camera>/photos. A reference is made of K photos of a camera in the order of their
names; a folder with more gives one reference for every K, without overlap, and what is left over is
said. So is a probe, of its own K, which is 1 where nothing is said. When references and probes are
the same groups of photos, every pair of groups is compared once, whichever comes first.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .errors import ClientError
from .photos import photos_in

# Below this a bootstrap over cameras has little to draw from.
FEW_CAMERAS: Final = 10


@dataclass(frozen=True)
class Sample:
    """Photos of one camera that make one fingerprint."""

    camera: str
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """For people: the camera's folder and the first photo."""
        more = f" and {len(self.paths) - 1} more" if len(self.paths) > 1 else ""
        return f"{self.camera}/{self.paths[0].name}{more}"


@dataclass
class Plan:
    """`paired_among_themselves`: the probes are the references, and each pair counts once.

    `reference_photos` and `probe_photos`: K of either side, None for all of a camera's. `notes`
    says what is not compared.
    """

    references: list[Sample] = field(default_factory=list)
    probes: list[Sample] = field(default_factory=list)
    paired_among_themselves: bool = False
    reference_photos: int | None = None
    probe_photos: int = 1
    notes: list[str] = field(default_factory=list)


def plan_evaluation(
    references: Path, probes: Path, reference_photos: int | None, probe_photos: int = 1
) -> Plan:
    """Samples of both folders. `ClientError` for folders without cameras or photos.

    `reference_photos`: None means all of a camera's, or `probe_photos` when both folders are the
    same.
    """
    same = _same(references, probes)
    if same and reference_photos is None:
        reference_photos = probe_photos
    plan = Plan(reference_photos=reference_photos, probe_photos=probe_photos)
    plan.paired_among_themselves = same and reference_photos == probe_photos
    probing = _cameras(probes, plan.notes)
    plan.probes = _samples(probing, probe_photos, "probe", plan.notes)
    if plan.paired_among_themselves:
        plan.references = plan.probes
    else:
        referred = probing if same else _cameras(references, plan.notes)
        plan.references = _samples(referred, reference_photos, "reference", plan.notes)
    return plan


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # for `_cameras` to say which cannot be read
        return False


def _cameras(root: Path, notes: list[str]) -> dict[str, list[Path]]:
    try:
        folders = sorted(
            path for path in root.iterdir() if path.is_dir() and not path.name.startswith(".")
        )
        found = {folder.name: photos_in(folder) for folder in folders}
    except OSError as error:
        raise ClientError(f"cannot read {root}: {error.strerror or error}") from None
    if not found:
        raise ClientError(f"no folders in {root}: put each camera's photos in a folder of its own")
    notes += [f"{name}: no photos in this folder" for name, paths in found.items() if not paths]
    cameras = {name: paths for name, paths in found.items() if paths}
    if not cameras:
        raise ClientError(f"no photos in the folders of {root}")
    return cameras


def _samples(
    cameras: dict[str, list[Path]], size: int | None, what: str, notes: list[str]
) -> list[Sample]:
    return [
        Sample(camera, group)
        for camera, paths in cameras.items()
        for group in _grouped(camera, paths, size, what, notes)
    ]


def _grouped(
    camera: str, paths: list[Path], size: int | None, what: str, notes: list[str]
) -> list[tuple[Path, ...]]:
    """Groups of `size` photos; all of them when there are no more than that."""
    if size is None or len(paths) <= size:
        if size is not None and len(paths) < size:
            notes.append(f"{camera}: a {what} of {len(paths)} photos only, not {size}")
        return [tuple(paths)]
    whole = len(paths) // size * size
    if whole < len(paths):
        notes.append(f"{camera}: {len(paths) - whole} photos left over after groups of {size}")
    return [tuple(paths[i : i + size]) for i in range(0, whole, size)]
