"""From trained networks to the files that are run: ONNX and manifest, after a check of parity."""

from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import torch

from grainseal.models.manifest import Manifest, write_weights
from grainseal.models.neural import session
from grainseal.models.reference.training_photos import PHOTOS
from grainseal.models.training.export import ExportError, commit, hardware, to_onnx
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.systems.run import TrainedSystem
from grainseal.models.training.systems.task import Part

# Largest difference between torch and onnxruntime, as a share of the largest output.
PARITY: Final = 1e-4


def export_system(
    trained: TrainedSystem, config: SystemConfig, folder: Path, command: str, threads: int
) -> list[Manifest]:
    """Write an ONNX file and a manifest for every part; ExportError if onnxruntime disagrees."""
    checked = []
    for part in trained.parts:
        weights = part_onnx(part)
        difference = parity(part, weights)
        if not difference <= PARITY:
            raise ExportError(
                f"onnxruntime differs from torch in {part.stem} by {difference:.2g} of its output: "
                "nothing written"
            )
        checked.append((part, weights))
    made = {
        "domain": "developed",
        "planes": 3,
        "command": command,
        "hardware": hardware(threads),
        "seconds": round(trained.seconds, 1),
        "commit": commit(),
        "scores": {name: round(value, 5) for name, value in trained.metrics.items()},
    }
    given = {PHOTOS: list(trained.photos)} if trained.photos else {}
    manifests = []
    for part, weights in checked:
        own = {
            "margin": part.margin,
            "contract": part.contract,
            "parameters": sum(p.numel() for p in part.module.parameters()),
            "config": {**asdict(config), "source": trained.source, **part.known, **given},
        }
        manifests.append(write_weights(folder, part.stem, weights, made | own))
    return manifests


def part_onnx(part: Part) -> bytes:
    """The part as an ONNX model with free batch size."""
    axes = {0: "n", **part.free}
    named = dict.fromkeys((*part.inputs, part.output), axes)
    return to_onnx(part.module, tuple(part.inputs.values()), list(part.inputs), part.output, named)


def parity(part: Part, weights: bytes) -> float:
    """Largest difference between torch and onnxruntime on the examples, over the largest output."""
    fed = {name: example.numpy() for name, example in part.inputs.items()}
    (found,) = session(weights, part.stem).run([part.output], fed)
    with torch.no_grad():
        expected = part.module(*part.inputs.values()).numpy()
    return float(np.abs(found - expected).max() / max(float(np.abs(expected).max()), 1e-9))
