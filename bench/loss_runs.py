"""One run of the ablation of losses: a small network is trained and judged."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.eight_bits import TiledExtractor
from bench.figures import Figures, among, figures, standard_errors
from bench.loss_pairs import Pairs, take_pairs
from bench.loss_variants import Variant, denoising, steps
from bench.neural import MODELS, pattern_of, products, simulated
from grainseal.models.extractor import Extractor
from grainseal.models.photo import Photo
from grainseal.models.training import data, losses, run
from grainseal.models.training.config import TrainingConfig
from grainseal.models.training.network import ResidualNetwork
from grainseal.models.training.trainer import Phase, Schedule, Trainer

_NEVER: Final = 10**9  # steps between validations: there is one, at the end


@dataclass(frozen=True)
class Material:
    """What all variants are trained on, and what they are judged by."""

    training: data.Shots = field(repr=False)
    validation: data.Shots = field(repr=False)
    pairs: Pairs = field(repr=False)
    cameras: Sequence[Sequence[Photo]] = field(repr=False)  # photos of each, siblings together


@dataclass(frozen=True)
class Outcome:
    """`reached`: correlation with the truth on each validation shot, (V,).

    `common`: energy share of what their residuals have in common (losses.common_share), nan where
    there are none. `photos`: figures of photo against photo, and `strangers`, the mean NCC of
    cameras of different models in standard errors; None and nan where they are not asked for.
    `seconds` of one thread's processor time, of training alone.
    """

    reached: npt.NDArray[np.float64]
    common: float
    photos: Figures | None = None
    strangers: float = float("nan")
    seconds: float = float("nan")


def take_material(config: TrainingConfig, models: int, bodies: int, folder: Path) -> Material:
    """Simulated once. `models` of the triplets' cameras, `bodies` of each judging model."""
    training, validation = (
        data.load_shots(folder, config, judged, workers=1) for judged in (False, True)
    )
    # As large as the training's shots, twice: photo against photo says little on fewer pixels.
    side = 2 * config.side
    cameras = [list(simulated(model, body, side)) for model in MODELS for body in range(bodies)]
    return Material(training, validation, take_pairs(models, config.side), cameras)


def trained(variant: Variant, material: Material, config: TrainingConfig, folder: Path) -> Outcome:
    """Train by one recipe from the configuration's seed, then judge."""
    torch.manual_seed(config.seed)
    torch.set_num_threads(1)
    network = ResidualNetwork(config.planes, config.channels, config.wide, config.depth)
    network.to(memory_format=torch.channels_last)
    schedule = Schedule(
        _phases(variant, config),
        partial(steps, variant, material.training, material.pairs, config),
        lambda _: {},
        every=_NEVER,
    )
    folder.mkdir(parents=True)
    begun = time.thread_time()
    Trainer(network, schedule, folder).run()
    seconds = time.thread_time() - begun
    return _judged(network.eval(), material, seconds)


def ideal(material: Material) -> Outcome:
    """Of the photo less what a sensor without noise would have given: the ceiling."""
    reached, common = _on_validation(material.validation, lambda batch: batch.noise)
    return Outcome(reached, common)


def wavelet(material: Material) -> Outcome:
    """Of the classical extractor."""
    from grainseal.models.extractor import get_extractor

    photos, strangers = _between_photos(get_extractor("wavelet"), material.cameras)
    reached = np.asarray(material.validation.baseline, np.float64)
    return Outcome(reached, float("nan"), photos, strangers)


def _phases(variant: Variant, config: TrainingConfig) -> tuple[Phase, ...]:
    (stage,) = config.stages
    before = round(stage.steps * variant.denoising)
    phases = (
        Phase("denoise", before, stage.learning_rate, denoising),
        Phase("pattern", stage.steps - before, stage.learning_rate, variant.loss),
    )
    return tuple(phase for phase in phases if phase.steps)


def _judged(network: ResidualNetwork, material: Material, seconds: float) -> Outcome:
    def residual(planes: npt.NDArray[np.float32], level: float) -> npt.NDArray[np.float32]:
        with torch.no_grad():
            found = network(torch.from_numpy(planes[None]), torch.tensor([level]))
        return found[0].numpy()

    reached, common = _on_validation(
        material.validation, lambda batch: run.residual_of(network, batch)
    )
    extractor = TiledExtractor(residual, network.margin)
    photos, strangers = _between_photos(extractor, material.cameras)
    return Outcome(reached, common, photos, strangers, seconds)


def _on_validation(
    shots: data.Shots, residual_of: Callable[[data.Batch], Tensor]
) -> tuple[npt.NDArray[np.float64], float]:
    reached, residuals = [], []
    with torch.no_grad():
        for index in range(len(shots)):
            batch = data.whole(shots, index)
            residual = residual_of(batch)
            reached.append(run.reached(batch, residual))
            residuals.append(residual[:1])  # without the twin
        return np.array(reached), float(losses.common_share(torch.cat(residuals)))


def _between_photos(
    extractor: Extractor, cameras: Sequence[Sequence[Photo]]
) -> tuple[Figures, float]:
    patterns = [pattern_of([photo], extractor) for photos in cameras for photo in photos]
    owner = np.repeat(np.arange(len(cameras)), [len(photos) for photos in cameras])
    pairs = among(products(patterns, patterns), owner)
    model = pairs.cameras // (len(cameras) // len(MODELS))
    strangers = pairs.scores[model[pairs.references] != model[pairs.probes]]
    return figures(pairs), standard_errors(strangers)
