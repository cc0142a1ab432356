"""`grainseal dataset`: published collections of photos as folders that the other commands take."""

from collections import Counter
from pathlib import Path

import click

from grainseal.models.datasets import DATASETS, DatasetError, DatasetPhoto

from .errors import ClientError
from .terminal import json_option, show


@click.command()
@click.argument("convention", type=click.Choice(tuple(DATASETS)))
@click.argument("source", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(file_okay=False, path_type=Path), help="New folder."
)
@json_option
def dataset(convention: str, source: Path, out: Path, as_json: bool) -> None:
    """Sort the photos in SOURCE by kind and camera: OUT/<kind>/<camera>/, as links.

    SOURCE is the folder of a collection that was unpacked, or a CSV file with the columns path,
    camera and kind. OUT/<kind> is what `evaluate` takes as --references or --probes and `train` as
    --photos. docs/EVALUATION.md has the conventions.
    """
    try:
        photos = DATASETS[convention](source)
    except DatasetError as error:
        raise ClientError(str(error)) from None
    try:
        if out.exists() and any(out.iterdir()):
            raise ClientError(f"{out} is not empty: name a new folder")
        for photo in photos:
            _link(photo, out)
    except OSError as error:
        raise ClientError(f"cannot write {out}: {error.strerror or error}") from None
    counts = Counter(photo.kind for photo in photos)
    cameras = {kind: len({p.camera for p in photos if p.kind == kind}) for kind in counts}
    found = {
        kind: {"photos": counts[kind], "cameras": cameras[kind], "folder": str(out / kind)}
        for kind in sorted(counts)
    }
    lines = [
        f"{each['folder']}: {each['photos']} photos of {each['cameras']} cameras"
        for each in found.values()
    ]
    show(as_json, {"kinds": found}, "\n".join(lines))


def _link(photo: DatasetPhoto, out: Path) -> None:
    folder = out / photo.kind / photo.camera
    folder.mkdir(parents=True, exist_ok=True)
    link = folder / photo.path.name
    number = 1
    while link.is_symlink():  # two photos of one name, from different folders
        number += 1
        link = folder / f"{photo.path.stem}_{number}{photo.path.suffix}"
    link.symlink_to(photo.path.resolve())
