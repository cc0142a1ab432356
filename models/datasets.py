"""Published collections of photos, by the names that they are published under.

    Dresden  .../Nikon_D70_0_19123.JPG: make, model, device, number. Even photos lie below a folder
             whose name begins with "flat", dark frames below one that begins with "dark".
    VISION   D01_Samsung_GalaxyS3Mini/images/flat|nat|natFBH|natFBL|natWA/...
    others   a CSV file with the columns path and camera, and kind if there are several

(Gloe and Bohme, SAC 2010; Shullani et al., EURASIP Journal on Information Security 2017.) Two
devices of one model are two cameras. Videos and dark frames are left out.
"""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SUFFIXES: Final = frozenset((".jpg", ".jpeg", ".png", ".tif", ".tiff", ".nef", ".dng", ".heic"))
NATURAL, FLAT = "natural", "flat"
_VISION_KINDS: Final = ("flat", "nat", "natFBH", "natFBL", "natWA")
_DRESDEN_NAME: Final = re.compile(r"(?P<camera>.+_.+_\d+)_(?P<number>\d+)")
_VISION_DEVICE: Final = re.compile(r"D\d\d_.+")
_COLUMNS: Final = ("path", "camera")
_NAME: Final = re.compile(r"[^/\\\0]+")


class DatasetError(ValueError):
    """A folder or file that is not what it is taken for; the message says what is expected."""


@dataclass(frozen=True)
class DatasetPhoto:
    """One file: the camera that took it, and what kind of photo it is."""

    path: Path
    camera: str
    kind: str


def dresden(root: Path) -> list[DatasetPhoto]:
    """Photos anywhere below `root`, kinds `natural` and `flat`."""
    found = []
    for path in _photos_below(root):
        named = _DRESDEN_NAME.fullmatch(path.stem)
        folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
        if named is None or any(part.startswith("dark") for part in folders):
            continue
        flat = any(part.startswith("flat") for part in folders)
        found.append(DatasetPhoto(path, named["camera"], FLAT if flat else NATURAL))
    return _some(found, root, "Make_Model_Device_Number.JPG, as in Nikon_D70_0_19123.JPG")


def vision(root: Path) -> list[DatasetPhoto]:
    """Photos of the devices in `root`; kinds are those of the folders in `images`."""
    found = []
    for path in _photos_below(root):
        parts = path.relative_to(root).parts
        if len(parts) != 4 or not _VISION_DEVICE.fullmatch(parts[0]) or parts[1] != "images":
            continue
        if parts[2] in _VISION_KINDS:
            found.append(DatasetPhoto(path, parts[0], parts[2]))
    return _some(found, root, "D01_Make_Model/images/nat/photo.jpg")


def listed(table: Path) -> list[DatasetPhoto]:
    """Photos of a CSV file with a header; paths are relative to its folder, kinds optional."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            missing = [name for name in _COLUMNS if name not in (rows.fieldnames or ())]
            if missing:
                raise DatasetError(f"{table} has no column {missing[0]}: its first line names them")
            found = [_of_row(table, number, row) for number, row in enumerate(rows, start=2)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"cannot read {table} as CSV: {error}") from error
    return _some(found, table, "path,camera,kind")


DATASETS: Final[dict[str, Callable[[Path], list[DatasetPhoto]]]] = {
    "dresden": dresden,
    "vision": vision,
    "csv": listed,
}


def _of_row(table: Path, number: int, row: dict[str, str | None]) -> DatasetPhoto:
    path, camera = (row.get(name) or "" for name in _COLUMNS)
    kind = row.get("kind") or NATURAL
    for name, value in (("camera", camera), ("kind", kind)):
        if not _NAME.fullmatch(value) or value in (".", ".."):
            raise DatasetError(f"{table}, line {number}: {name} {value!r} cannot name a folder")
    whole = table.parent / path
    if not path or not whole.is_file():
        raise DatasetError(f"{table}, line {number}: there is no file {path!r}")
    return DatasetPhoto(whole, camera, kind)


def _photos_below(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield path


def _some(found: list[DatasetPhoto], root: Path, expected: str) -> list[DatasetPhoto]:
    if not found:
        raise DatasetError(f"{root} has no photo that is named as expected: {expected}")
    return found
