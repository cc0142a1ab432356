"""Where the networks of reference systems lie: trained by the user, else shipped."""

import os
from pathlib import Path
from typing import Final

from grainseal.models.manifest import WEIGHTS, MissingWeightsError, WeightsError, read_weights

# Names the folder that `grainseal train SYSTEM --out` wrote; it goes before what is shipped.
VARIABLE: Final = "GRAINSEAL_WEIGHTS"


def remedy(system: str) -> str:
    """What to do where the system's weights are missing or damaged."""
    return f"run `grainseal train {system} --out DIR` and set {VARIABLE} to DIR"


def folder_of(system: str, stems: tuple[str, ...]) -> Path:
    """The folder that has every `stem`.onnx with its manifest: the user's, else the shipped one.

    Raises MissingWeightsError, which says how to train the system, when there is none.
    """
    named = os.environ.get(VARIABLE)
    folders = [Path(named).expanduser()] if named else []
    for folder in (*folders, WEIGHTS):
        if all((folder / f"{stem}.json").exists() for stem in stems):
            return folder
    raise MissingWeightsError(f"{system} is not trained here: {remedy(system)}")


def missing(system: str, stems: tuple[str, ...]) -> str | None:
    """Why the system's networks cannot be used, None when they can."""
    try:
        folder = folder_of(system, stems)
        for stem in stems:
            read_weights(folder, stem, remedy(system))
    except WeightsError as error:
        return str(error)
    return None
