"""`grainseal systems iso`: the ISO that photos look like, beside the one that they state."""

from pathlib import Path

import click

from grainseal.models.manifest import WeightsError
from grainseal.models.photo import PhotoError, read_photo
from grainseal.models.reference.interfaces import IsoEstimator

from .errors import ClientError
from .photos import photo_files
from .terminal import json_option, show


@click.command(name="iso")
@click.argument("photos", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@json_option
def estimate_iso(photos: tuple[Path, ...], as_json: bool) -> None:
    """Estimate the ISO speed of PHOTO... by the system isonet, on this machine."""
    from grainseal.models.reference.isonet import IsoNet  # loads onnxruntime

    try:
        estimator: IsoEstimator = IsoNet()
        found = [
            {"photo": each.name, "stated": each.iso, "estimated": round(estimator.iso(each), 1)}
            for each in map(read_photo, photo_files(photos))
        ]
    except (WeightsError, PhotoError) as error:
        raise ClientError(str(error)) from None
    lines = [
        f"{each['photo']}: {each['estimated']}, stated {each['stated'] or 'nothing'}"
        for each in found
    ]
    show(as_json, {"photos": found}, "\n".join(lines))
