"""`grainseal dataset`: published collections of photos as folders that the other commands take."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final, Literal

import click

from grainseal.models.dataset_split import DEVICE, IMAGE, TEST_SHARE, Split, divided
from grainseal.models.datasets import DATASETS, DatasetError, DatasetPhoto

from .errors import ClientError
from .terminal import FiniteRange, json_option, options, show

SPLIT_FILE: Final = "split.json"


@click.command()
@click.argument("convention", type=click.Choice(tuple(DATASETS)))
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@options(
    click.option(
        "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="New folder."
    ),
    click.option(
        "--split",
        "by",
        type=click.Choice((DEVICE, IMAGE)),
        help="Divide into OUT/train and OUT/test: other cameras, or other photos of each.",
    ),
    click.option(
        "--test-share",
        type=FiniteRange(0, 1, min_open=True, max_open=True),
        default=TEST_SHARE,
        show_default=True,
        help="With --split: share of cameras or photos in OUT/test.",
    ),
    click.option("--seed", default=0, show_default=True, help="With --split: another draw."),
)
@json_option
def dataset(
    convention: str,
    source: Path,
    out: Path,
    by: Literal["device", "image"] | None,
    test_share: float,
    seed: int,
    as_json: bool,
) -> None:
    """Sort the photos in SOURCE by kind and camera: OUT/<kind>/<camera>/, as links.

    SOURCE is the folder of a collection that was unpacked, PhotoNecf's table, or a CSV file with
    the columns path, camera and kind. OUT/<kind> is what `evaluate` takes as --references or
    --probes and `train` as --photos. docs/EVALUATION.md has the conventions.
    """
    split = None if by is None else Split(by, test_share, seed)
    try:
        parts = _parts(DATASETS[convention](source), split)
    except DatasetError as error:
        raise ClientError(str(error)) from None
    _write(parts, split, out)
    found = {
        f"{part}{kind}": _counted(photos, kind, out / part)
        for part, photos in parts.items()
        for kind in sorted({photo.kind for photo in photos})
    }
    lines = [
        f"{each['folder']}: {each['photos']} photos of {each['cameras']} cameras"
        for each in found.values()
    ]
    told = None if split is None else asdict(split)
    show(as_json, {"kinds": found, "split": told}, "\n".join(lines))


def _parts(photos: list[DatasetPhoto], split: Split | None) -> dict[str, list[DatasetPhoto]]:
    """Photos by the folder that they are linked from, "" for the whole collection's."""
    if split is None:
        return {"": photos}
    train, test = divided(photos, split)
    return {"train/": train, "test/": test}


def _counted(photos: Sequence[DatasetPhoto], kind: str, folder: Path) -> dict[str, int | str]:
    cameras = Counter(photo.camera for photo in photos if photo.kind == kind)
    return {"photos": cameras.total(), "cameras": len(cameras), "folder": str(folder / kind)}


def _write(parts: dict[str, list[DatasetPhoto]], split: Split | None, out: Path) -> None:
    try:
        if out.exists() and any(out.iterdir()):
            raise ClientError(f"{out} is not empty: name a new folder")
        for part, photos in parts.items():
            for photo in photos:
                _link(photo, out / part)
        if split is not None:
            (out / SPLIT_FILE).write_text(json.dumps(asdict(split)) + "\n", encoding="utf-8")
    except OSError as error:
        raise ClientError(f"cannot write {out}: {error.strerror or error}") from None


def _link(photo: DatasetPhoto, out: Path) -> None:
    folder = out / photo.kind / photo.camera
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / photo.path.name
    number = 1
    while link.is_symlink():  # two photos of one name, from different folders
        number += 1
        link = folder / f"{photo.path.stem}_{number}{photo.path.suffix}"
    link.symlink_to(photo.path.resolve())
