"""Published collections of photos, by the names that they are published under.

    Dresden    .../Nikon_D70_0_19123.JPG: make, model, device, number. Even photos lie below a
               folder whose name begins with "flat", dark frames below one that begins with "dark".
    VISION     D01_Samsung_GalaxyS3Mini/images/flat|nat|natFBH|natFBL|natWA/...
    SOCRatES   .../Eurecom_103_picBG_007.jpg: a participant, who has one phone; background (BG) or
               foreground (FG).
    Daxing     .../1101/90/...: a phone, and the angle at which it was held, 0, 90 or 180 degrees.
    Kaggle     .../iPhone-4s/(iP4s)1.jpg: a model, of which one device took all training photos.
    PhotoNecf  data/infos/test_single.csv, columns img_path and device_id; paths begin where `data`
               lies.
    others     a CSV file with the columns path and camera, and kind if there are several

Two devices of one model are two cameras. Videos, dark frames and photos without a known camera are
left out.

Sources

- Dresden: Gloe and Bohme, ACM SAC 2010, pages 1584-1590, doi 10.1145/1774088.1774427.
- VISION: Shullani, Fontani, Iuliani, Al Shaya, Piva, EURASIP Journal on Information Security 2017,
  article 15, doi 10.1186/s13635-017-0067-2.
- SOCRatES: Galdi, Hartung, Dugelay, ICPRAM 2019, pages 648-655. Names as read by
  https://github.com/bernatGene/SiamSCI (generate_strips.ipynb).
- Daxing: Tian et al., IEEE Access 7, 2019, pages 101046-101053,
  doi 10.1109/ACCESS.2019.2928356. Folders as read by
  https://github.com/g25ait1091-droid/e-inv-camera-provenance
  (notebooks/13_daxing_smartphone.ipynb).
- Kaggle: Stamm and Bestagini, "IEEE Signal Processing Cup 2018 Database - Forensic Camera Model
  Identification", IEEE DataPort. Names as shown by https://github.com/yell/kaggle-camera
  (README.md).
- PhotoNecf: Qian et al., WWW 2023. Table as read by https://github.com/PhotoNecf/PhotoNecf
  (data/dataset.py).
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
# Some files begin with a small letter.
_SOCRATES_NAME: Final = re.compile(r"eurecom_(?P<participant>\d+)_pic(?P<scene>BG|FG)_.+", re.I)
_SOCRATES_KINDS: Final = {"BG": "background", "FG": "foreground"}
_DAXING_DEVICE: Final = re.compile(r"\d{4}")
_DAXING_ANGLES: Final = ("0", "90", "180")
_KAGGLE_NAME: Final = re.compile(r"\([^()]+\)\d+")
_COLUMNS: Final = ("path", "camera")
_PHOTONECF_COLUMNS: Final = ("img_path", "device_id")
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


def socrates(root: Path) -> list[DatasetPhoto]:
    """Photos anywhere below `root`, kinds `background` and `foreground`."""
    found = []
    for path in _photos_below(root):
        named = _SOCRATES_NAME.fullmatch(path.stem)
        if named is not None:
            kind = _SOCRATES_KINDS[named["scene"].upper()]
            found.append(DatasetPhoto(path, f"Eurecom_{named['participant']}", kind))
    return _some(found, root, "Eurecom_103_picBG_007.jpg")


def daxing(root: Path) -> list[DatasetPhoto]:
    """Photos anywhere below `root`; kinds are the folders of angles, `0`, `90` and `180`."""
    found = []
    for path in _photos_below(root):
        device, angle = path.parent.parent.name, path.parent.name
        if _DAXING_DEVICE.fullmatch(device) and angle in _DAXING_ANGLES:
            found.append(DatasetPhoto(path, device, angle))
    return _some(found, root, "image/1101-1104/1101/90/photo.jpg")


def kaggle(root: Path) -> list[DatasetPhoto]:
    """Training photos anywhere below `root`, kind `natural`; the test's have no known camera."""
    found = [
        DatasetPhoto(path, path.parent.name, NATURAL)
        for path in _photos_below(root)
        if _KAGGLE_NAME.fullmatch(path.stem)
    ]
    return _some(found, root, "train/iPhone-4s/(iP4s)1.jpg")


def photonecf(table: Path) -> list[DatasetPhoto]:
    """Photos of one of the tables in `data/infos`, kind `natural`; the cameras are numbers."""
    base = table.resolve().parent.parent.parent
    found = [
        _named(table, number, base, row["img_path"], row["device_id"], NATURAL)
        for number, row in _rows(table, _PHOTONECF_COLUMNS)
    ]
    return _some(found, table, "img_path,device_id,sample_id")


def listed(table: Path) -> list[DatasetPhoto]:
    """Photos of a CSV file with a header; paths are relative to its folder, kinds optional."""
    found = [
        _named(table, number, table.parent, row["path"], row["camera"], row.get("kind") or NATURAL)
        for number, row in _rows(table, _COLUMNS)
    ]
    return _some(found, table, "path,camera,kind")


DATASETS: Final[dict[str, Callable[[Path], list[DatasetPhoto]]]] = {
    "dresden": dresden,
    "vision": vision,
    "socrates": socrates,
    "daxing": daxing,
    "kaggle": kaggle,
    "photonecf": photonecf,
    "csv": listed,
}


def _rows(table: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    """Rows with their line numbers; the first line must name the columns."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, restval="")
            missing = [name for name in columns if name not in (rows.fieldnames or ())]
            if missing:
                raise DatasetError(f"{table} has no column {missing[0]}: its first line names them")
            return list(enumerate(rows, start=2))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"cannot read {table} as CSV: {error}") from error


def _named(table: Path, number: int, base: Path, path: str, camera: str, kind: str) -> DatasetPhoto:
    """The photo that a line of a table names; DatasetError for one that is not there."""
    for name, value in (("camera", camera), ("kind", kind)):
        if not _NAME.fullmatch(value) or value in (".", ".."):
            raise DatasetError(f"{table}, line {number}: {name} {value!r} cannot name a folder")
    whole = base / path
    if not path or not _is_file(whole):
        raise DatasetError(f"{table}, line {number}: there is no file {path!r} in {base}")
    return DatasetPhoto(whole, camera, kind)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # names that no file can have, folders that may not be read
        return False


def _photos_below(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file():
            yield path


def _some(found: list[DatasetPhoto], root: Path, expected: str) -> list[DatasetPhoto]:
    """Each once, though a table may name it twice."""
    if not found:
        raise DatasetError(f"{root} has no photo that is named as expected: {expected}")
    return list(dict.fromkeys(found))
