"""What a reference system's file says of its training, for `run` and `export` to carry out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from grainseal.models.evaluation import Ranking, auc
from grainseal.models.training.config import ConfigError
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.trainer import Phase

Losses = dict[str, Callable[[nn.Module, Any], Tensor]]


@dataclass(frozen=True)
class Part:
    """One network that becomes an ONNX file. `inputs`: examples by name, their first axis free.

    `free`: further axes of inputs and output whose length is free. `known`: for the manifest's
    configuration. `margin`: what the output has less on each side.
    """

    stem: str
    module: nn.Module
    inputs: dict[str, Tensor]
    output: str
    contract: str
    free: dict[int, str] = field(default_factory=dict)
    margin: int = 0
    known: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """One system's training: `batches` takes the first step's number and how many."""

    module: nn.Module
    phases: tuple[Phase[Any], ...]
    batches: Callable[[int, int], Iterator[Any]]
    validate: Callable[[nn.Module], dict[str, float]]
    parts: tuple[Part, ...]


class Trimmed(nn.Module):
    """A network from planes to planes without the outermost pixels, which zeros have reached."""

    def __init__(self, network: nn.Module, margin: int) -> None:
        super().__init__()
        self.network = network
        self._inside = slice(margin, -margin)

    def forward(self, planes: Tensor) -> Tensor:
        """(N, P, H, W) -> (N, R, H - 2 margin, W - 2 margin)."""
        trimmed: Tensor = self.network(planes)[:, :, self._inside, self._inside]
        return trimmed


def phases_of(config: SystemConfig, losses: Losses) -> tuple[Phase[Any], ...]:
    """The configuration's stages with their losses; ConfigError for a stage that has none."""
    for stage in config.stages:
        if stage.name not in losses:
            raise ConfigError(f"{config.system} has no stage {stage.name}: {', '.join(losses)}")
    return tuple(
        Phase(stage.name, stage.steps, stage.learning_rate, losses[stage.name])
        for stage in config.stages
    )


def as_planes(pixels: npt.NDArray[np.uint8]) -> Tensor:
    """uint8 (N, H, W, 3) as float32 (N, 3, H, W) in [0, 1]."""
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
    return torch.from_numpy(planes).float() / 255


def separation(scores: npt.NDArray[np.float64], genuine: npt.NDArray[np.bool_]) -> dict[str, float]:
    """How well scores (N,) tell pairs of one camera from others: AUC and both means."""
    curve = Ranking(scores, genuine).curve()
    return {
        "auc": auc(curve) if curve is not None else 0.5,
        "genuine": float(np.mean(scores[genuine])),
        "impostor": float(np.mean(scores[~genuine])),
        "impostor_sd": float(np.std(scores[~genuine])),
    }
