"""The PhotoNecf network as published, and how its checkpoint becomes what onnxruntime runs.

FFDNet's shape (Zhang, Zuo, Zhang, IEEE TIP 27(9), 2018) for one plane, with the weights
that Qian et al. published ("Web Photo Source Identification based on Neural Enhanced Camera
Fingerprint", WWW 2023, arXiv 2302.09228). models/reference/photonecf.py runs what is written here.
"""

import hashlib
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grainseal.models.manifest import Manifest, write_weights
from grainseal.models.neural import session
from grainseal.models.reference.photonecf import LEVEL, NAME
from grainseal.models.training.export import ExportError, onnx_bytes

# Largest difference between torch and onnxruntime, of denoised values of up to 1.
PARITY: Final = 5e-6
_CONVOLUTIONS: Final = 15
_CHANNELS: Final = 64
_PREFIX: Final = "module."  # the published weights were saved from a parallel wrapper


class CheckpointError(ValueError):
    """A file that is not the published checkpoint; the message says why."""


class PhotoNecf(nn.Module):
    """One plane and a noise level in, its residual out."""

    # Zeros beside the photo reach 15 cells, 30 pixels, into it: these and a little more go.
    margin: Final = 32

    def __init__(self) -> None:
        """Randomly initialised; `load_checkpoint` has the published weights."""
        super().__init__()
        widths = [5, *[_CHANNELS] * (_CONVOLUTIONS - 1), 4]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
        self.model = nn.Sequential(*layers[:-1])

    def forward(self, planes: Tensor, level: Tensor) -> Tensor:
        """(N, 1, H, W) in [0, 1] and (N,) standard deviations -> (N, 1, H - 64, W - 64).

        H and W are even and above 64.
        """
        cells = functional.pixel_unshuffle(planes, 2)
        noise = level[:, None, None, None].expand(-1, 1, cells.shape[2], cells.shape[3])
        denoised = functional.pixel_shuffle(self.model(torch.cat((cells, noise), dim=1)), 2)
        inside = slice(self.margin, -self.margin)
        return (planes - denoised)[:, :, inside, inside]


def import_checkpoint(path: Path, folder: Path, command: str) -> Manifest:
    """Write `folder`/photonecf.onnx and .json. `command`: the command line, for the manifest.

    Raises CheckpointError for any other file, ExportError if onnxruntime computes something else
    than torch; nothing is written then.
    """
    network = load_checkpoint(path)
    weights = onnx_bytes(network, 1)  # type: ignore[arg-type]  # any network with a margin
    difference = parity(network, weights)
    if not difference <= PARITY:
        raise ExportError(f"onnxruntime differs from torch by {difference:.2g}: nothing written")
    return write_weights(folder, NAME, weights, _known(network, path, difference, command))


def load_checkpoint(path: Path) -> PhotoNecf:
    """The network with the weights of a published checkpoint; CheckpointError for other files."""
    network = PhotoNecf()
    wanted = {_PREFIX + name: tuple(value.shape) for name, value in network.state_dict().items()}
    found = _tensors(path)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            raise CheckpointError(f"{path} is no PhotoNecf checkpoint: it has no {name}")
        if name not in wanted:
            raise CheckpointError(f"{path} is no PhotoNecf checkpoint: it has {name} besides")
        shape = tuple(found[name].shape)
        if shape != wanted[name]:
            raise CheckpointError(
                f"{path} is no PhotoNecf checkpoint: {name} is {shape}, not {wanted[name]}"
            )
        if not bool(torch.isfinite(found[name]).all()):
            raise CheckpointError(f"{path} is damaged: {name} has values that are not finite")
    network.load_state_dict({name.removeprefix(_PREFIX): value for name, value in found.items()})
    return network.eval()


def parity(network: PhotoNecf, weights: bytes) -> float:
    """Largest difference between torch and onnxruntime on pictures of noise."""
    rng = np.random.default_rng(0)
    side = 2 * network.margin + 64
    planes = rng.random((2, 1, side, side + 32), dtype=np.float32)
    level = np.array([0.0, LEVEL], np.float32)
    fed = {"planes": planes, "level": level}
    (found,) = session(weights, "the imported network").run(["residual"], fed)
    with torch.no_grad():
        expected = network(torch.from_numpy(planes), torch.from_numpy(level)).numpy()
    return float(np.abs(found - expected).max())


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises anything on files it does not like
        raise CheckpointError(
            f"{path} is no PhotoNecf checkpoint: torch cannot read plain weights from it"
        ) from error
    if not isinstance(found, dict) or not all(isinstance(t, Tensor) for t in found.values()):
        raise CheckpointError(f"{path} is no PhotoNecf checkpoint: it is not a table of weights")
    return {str(name): value for name, value in found.items()}


def _known(network: PhotoNecf, path: Path, difference: float, command: str) -> dict[str, Any]:
    elsewhere = "not trained here"
    return {
        "domain": "any",
        "planes": 1,
        "margin": network.margin,
        "contract": (
            "planes: float32 (N, 1, H, W), 8-bit levels divided by 255; H and W even. level: "
            "float32 (N,), 5/255 as published. residual: float32 "
            f"(N, 1, H - {2 * network.margin}, W - {2 * network.margin}), input - denoised"
        ),
        "parameters": sum(p.numel() for p in network.parameters()),
        "config": {
            "source": "https://github.com/PhotoNecf/PhotoNecf, WWW 2023, arXiv 2302.09228",
            "licence": "MIT",
            "checkpoint": path.name,
            "checkpoint_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "parity": difference,
        },
        "command": command,
        "hardware": elsewhere,
        "seconds": 0.0,
        "commit": elsewhere,
        "scores": {},
    }
