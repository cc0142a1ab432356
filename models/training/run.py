"""One training run from a configuration: network, losses and data put together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from grainseal.models.training import data, losses
from grainseal.models.training.config import TRIM, TrainingConfig
from grainseal.models.training.network import ResidualNetwork
from grainseal.models.training.trainer import Phase, Schedule, Trainer, TrainingError

_CONFIG: Final = "config.json"
_ANCHOR: Final = 0.1
_ALL_PARTS: Final = losses.PatternParts()


@dataclass(frozen=True)
class Trained:
    """A finished run."""

    network: ResidualNetwork
    metrics: dict[str, float]
    seconds: float


def train(
    config: TrainingConfig,
    folder: Path,
    threads: int,
    simulated: Callable[[], None] | None = None,
    stepped: Callable[[int, float], None] | None = None,
) -> Trained:
    """Train into `folder`, going on where an earlier run of the same configuration stopped.

    Raises TrainingError when the folder holds a run of another configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _require_same(config, folder / _CONFIG)
    training, validation = (
        data.load_shots(folder / "shots", config, flag, threads, simulated)
        for flag in (False, True)
    )
    torch.manual_seed(config.seed)
    torch.set_num_threads(threads)
    network = ResidualNetwork(config.planes, config.channels, config.wide, config.depth)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    trainer = Trainer(network, _schedule(config, training, validation), folder)
    trainer.resume()
    metrics = trainer.run(stepped)
    return Trained(network.eval(), metrics, trainer.seconds)


def _schedule(
    config: TrainingConfig, training: data.Shots, validation: data.Shots
) -> Schedule[data.Batch]:
    return Schedule(
        phases=tuple(
            Phase(stage.name, stage.steps, stage.learning_rate, by_residual(_LOSSES[stage.name]))
            for stage in config.stages
        ),
        batches=partial(data.batches, training, config),
        validate=partial(validate, validation),
        seed=config.seed,
    )


def residual_of(network: nn.Module, batch: data.Batch) -> Tensor:
    """(2N, P, C, C) as the network sees it, of patches and their twins."""
    residual: Tensor = network(batch.planes, batch.level, TRIM)
    return residual


def by_residual(
    loss: Callable[[data.Batch, Tensor], Tensor],
) -> Callable[[nn.Module, data.Batch], Tensor]:
    """The loss of a network, from a loss of a batch and its residuals."""
    return lambda network, batch: loss(batch, residual_of(network, batch))


def denoise(batch: data.Batch, residual: Tensor) -> Tensor:
    """The loss of the stage `denoise`."""
    return losses.denoising_loss(residual, batch.noise)


def pattern(batch: data.Batch, residual: Tensor, parts: losses.PatternParts = _ALL_PARTS) -> Tensor:
    """The loss of the stage `pattern`."""
    found = losses.pattern_loss(batch.intensity, residual, batch.pattern, parts)
    # Correlation does not see the residual's scale, which would drift: noise has the right one.
    return found + _ANCHOR * losses.denoising_loss(residual, batch.noise)


_LOSSES: Final = {"denoise": denoise, "pattern": pattern}


def reached(batch: data.Batch, residual: Tensor) -> float:
    """Correlation of the fingerprint of a batch's first photo with the truth."""
    found = losses.single_photo_fingerprint(batch.intensity, residual)[:1]
    return float(losses.correlation(found, batch.pattern))


def validate(shots: data.Shots, network: nn.Module) -> dict[str, float]:
    """Correlation with the truth on shots that were never trained on.

    Beside the network's there are the wavelet's and the ideal one: of the photo less what a sensor
    without noise would have given. No residual that leaves the noise as it is can have more.
    """
    own: list[float] = []
    ideal: list[float] = []
    noise = 0.0
    with torch.no_grad():
        for index in range(len(shots)):
            batch = data.whole(shots, index)
            residual = residual_of(network, batch)
            own.append(reached(batch, residual))
            ideal.append(reached(batch, batch.noise))
            noise += float(losses.denoising_loss(residual, batch.noise)) / len(shots)
    values, best, wavelet = (
        torch.tensor(own),
        torch.tensor(ideal),
        torch.from_numpy(np.array(shots.baseline)),
    )
    return {
        "ncc": float(values.mean()),
        "ncc_median": float(values.median()),
        "ideal_ncc": float(best.mean()),
        "ideal_ncc_median": float(best.median()),
        "wavelet_ncc": float(wavelet.mean()),
        "wavelet_ncc_median": float(wavelet.median()),
        "median_gain": float((values / wavelet.clamp(min=1e-3)).median()),
        "denoising_loss": noise,
    }


def _require_same(config: TrainingConfig, path: Path) -> None:
    text = config.to_json()
    if path.exists() and path.read_text() != text:
        raise TrainingError(f"{path.parent} holds a run of another configuration: use another one")
    path.write_text(text)
