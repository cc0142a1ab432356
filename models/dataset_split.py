"""Photos of a collection for training and for testing, divided by camera or by photo.

Who is to recognise cameras that were never seen (an open set) tests on other devices; who knows all
cameras beforehand (a closed set) tests on other photos of theirs. The draw is a hash of names and
seed: the same on every machine, and of each camera or photo by itself.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, TypeVar

from grainseal.models.datasets import DatasetError, DatasetPhoto

DEVICE, IMAGE = "device", "image"
# What Bennabhaktula et al. (ICPRAM 2020, section 4.2) leave for their tests.
TEST_SHARE: Final = 0.3

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class Split:
    """`by` camera (`device`) or by photo; `test_share` in (0, 1) of them is for testing."""

    by: Literal["device", "image"]
    test_share: float = TEST_SHARE
    seed: int = 0


def divided(
    photos: Sequence[DatasetPhoto], split: Split
) -> tuple[list[DatasetPhoto], list[DatasetPhoto]]:
    """Photos for training and for testing, both in the order that they came in.

    Of two or more cameras, or photos of one camera and kind, at least one is on either side; a
    single photo is for training. DatasetError where there is nothing to divide.
    """
    tested = _cameras_tested(photos, split) if split.by == DEVICE else _photos_tested(photos, split)
    parts = tuple(
        [photo for photo in photos if (photo in tested) == side] for side in (False, True)
    )
    if not all(parts):
        raise DatasetError(f"too few to split by {split.by}: at least two are needed")
    return parts[0], parts[1]


def _cameras_tested(photos: Sequence[DatasetPhoto], split: Split) -> set[DatasetPhoto]:
    cameras = set(_drawn(sorted({photo.camera for photo in photos}), str, split))
    return {photo for photo in photos if photo.camera in cameras}


def _photos_tested(photos: Sequence[DatasetPhoto], split: Split) -> set[DatasetPhoto]:
    groups: dict[tuple[str, str], list[DatasetPhoto]] = defaultdict(list)
    for photo in photos:
        groups[photo.camera, photo.kind].append(photo)
    return {photo for group in groups.values() for photo in _drawn(group, _name, split)}


def _name(photo: DatasetPhoto) -> str:
    return f"{photo.camera}/{photo.kind}/{photo.path.name}"


def _drawn(items: Sequence[_Item], name: Callable[[_Item], str], split: Split) -> list[_Item]:
    """The share of the items whose hashes are lowest."""
    ranked = sorted(items, key=lambda item: sha256(f"{split.seed}/{name(item)}".encode()).digest())
    share = max(1, round(split.test_share * len(items)))
    return ranked[: min(share, len(items) - 1)]
