"""From a trained network to the file that is shipped: ONNX, its manifest, and a parity check."""

import io
import platform
import subprocess
import sys
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from grainseal.models.manifest import Manifest, write_weights
from grainseal.models.neural import session
from grainseal.models.training.config import TrainingConfig
from grainseal.models.training.network import GRID, ResidualNetwork
from grainseal.models.training.run import Trained

_OPSET: Final = 17
# Largest difference between torch and onnxruntime, of residuals of about .01.
PARITY: Final = 1e-6


class ExportError(RuntimeError):
    """A network that onnxruntime computes differently from torch."""


def export(
    trained: Trained, config: TrainingConfig, folder: Path, command: str, threads: int
) -> Manifest:
    """Write `folder`/name-domain.onnx and .json; ExportError if onnxruntime disagrees."""
    network = trained.network
    weights = onnx_bytes(network, config.planes)
    difference = parity(network, weights, config)
    if difference > PARITY:
        raise ExportError(f"onnxruntime differs from torch by {difference:.2g}: nothing written")
    known = {
        "domain": config.domain,
        "planes": config.planes,
        "margin": network.margin,
        "contract": contract(config, network.margin),
        "parameters": sum(p.numel() for p in network.parameters()),
        "config": asdict(config),
        "command": command,
        "hardware": hardware(threads),
        "seconds": round(trained.seconds, 1),
        "commit": commit(),
        "scores": {name: round(value, 5) for name, value in trained.metrics.items()},
    }
    return write_weights(folder, f"{config.name}-{config.domain}", weights, known)


def contract(config: TrainingConfig, margin: int) -> str:
    """Inputs and output in words."""
    kind = (
        "R, G and B as stored, divided by 255"
        if config.domain == "developed"
        else "the RGGB (or flipped) Bayer plane, black level subtracted, white level 1"
    )
    return (
        f"planes: float32 (N, {config.planes}, H, W), {kind}; H and W multiples of {GRID}, the "
        "first pixel on an even row and column. level: float32 (N,), models/noise_level.py. "
        f"residual: float32 (N, {config.planes}, H - {2 * margin}, W - {2 * margin}), an estimate "
        "of I*K"
    )


def onnx_bytes(network: ResidualNetwork, planes: int) -> bytes:
    """The network as an ONNX model with free batch size, height and width."""
    side = 2 * network.margin + 2 * GRID
    axes = {0: "n", 2: "height", 3: "width"}
    return to_onnx(
        network.cpu().to(memory_format=torch.contiguous_format),  # type: ignore[call-overload]
        (torch.zeros(1, planes, side, side), torch.zeros(1)),
        ["planes", "level"],
        "residual",
        {"planes": axes, "level": {0: "n"}, "residual": axes},
    )


def to_onnx(
    network: nn.Module,
    examples: tuple[Tensor, ...],
    inputs: list[str],
    output: str,
    axes: dict[str, dict[int, str]],
) -> bytes:
    """A module as an ONNX model with one output; `axes` names the free ones."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        torch.onnx.export(
            network,
            examples,
            buffer,  # type: ignore[arg-type]  # files are accepted, the stub says names
            input_names=inputs,
            output_names=[output],
            dynamic_axes=axes,
            opset_version=_OPSET,
            dynamo=False,
        )
    return buffer.getvalue()


def parity(network: ResidualNetwork, weights: bytes, config: TrainingConfig) -> float:
    """Largest difference between torch and onnxruntime on pictures of noise."""
    rng = np.random.default_rng(config.seed)
    side = 2 * network.margin + 64
    planes = rng.random((2, config.planes, side, side + 32), dtype=np.float32)
    level = np.array([0.0, 0.01], np.float32)
    (found,) = session(weights, "the exported network").run(
        ["residual"], {"planes": planes, "level": level}
    )
    with torch.no_grad():
        expected = network(torch.from_numpy(planes), torch.from_numpy(level)).numpy()
    return float(np.abs(found - expected).max())


def hardware(threads: int) -> str:
    """What trained, in words."""
    return (
        f"CPU {platform.machine()}, {threads} threads, torch {torch.__version__}, "
        f"Python {sys.version_info.major}.{sys.version_info.minor}"
    )


def commit() -> str:
    """The checkout's commit, "+" behind it where files differ from it."""
    git = ["git", "-C", str(Path(__file__).resolve().parent)]
    try:
        commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True)
        status = subprocess.run(
            [*git, "status", "--porcelain", "-uno"], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.decode().strip() + ("+" if status.stdout.strip() else "")
