"""What is known of a file of weights: kept beside it, checked before it is used."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final

WEIGHTS: Final = Path(__file__).resolve().parent / "weights"
REINSTALL: Final = "install grainseal again"


class WeightsError(ValueError):
    """Weights that are missing or not what their manifest says; the message says what to do."""


class MissingWeightsError(WeightsError):
    """Weights that nobody has put there, as of a system that is not trained here."""


@dataclass(frozen=True)
class Manifest:
    """One network: what goes in and out, and how it came about."""

    file: str  # name of the ONNX file beside the manifest
    sha256: str  # hex digest of that file
    domain: str  # "developed", "raw" or "any": the kind of photo
    planes: int  # colour planes in and out
    margin: int  # pixels that the output has less than the input, on each side
    contract: str  # inputs and output in words
    parameters: int
    config: dict[str, Any]  # the training configuration; of imported weights, where from
    command: str
    hardware: str
    seconds: float  # of training; 0 when that was elsewhere
    commit: str
    scores: dict[str, float]  # measured on the validation shots


def write_weights(folder: Path, stem: str, weights: bytes, known: dict[str, Any]) -> Manifest:
    """Write `stem`.onnx and `stem`.json into `folder`; `known` has what only the trainer knows."""
    digest = hashlib.sha256(weights).hexdigest()
    manifest = Manifest(file=f"{stem}.onnx", sha256=digest, **known)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / manifest.file).write_bytes(weights)
    (folder / f"{stem}.json").write_text(json.dumps(asdict(manifest), indent=2) + "\n")
    return manifest


def read_weights(folder: Path, stem: str, remedy: str = REINSTALL) -> tuple[Manifest, bytes]:
    """The manifest and the bytes it vouches for; WeightsError, with `remedy`, if they disagree."""
    path = folder / f"{stem}.json"
    try:
        entries = json.loads(path.read_text())
        manifest = Manifest(**{field.name: entries[field.name] for field in fields(Manifest)})
        weights = (folder / Path(manifest.file).name).read_bytes()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"the weights {stem} are missing or their manifest is damaged ({error}): {remedy}"
        ) from error
    found = hashlib.sha256(weights).hexdigest()
    if found != manifest.sha256:
        raise WeightsError(
            f"{manifest.file} is not the file of its manifest (SHA-256 {found[:16]}... instead of "
            f"{manifest.sha256[:16]}...): {remedy}"
        )
    return manifest, weights
