"""One run of the ablation of losses: a small network is trained and judged."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.figures import standard_errors
from bench.loss_pairs import Pairs, take_pairs
from bench.loss_variants import Variant, denoising, steps, without_twins
from grainseal.models.simulator.variety import draw_conditions
from grainseal.models.training import data, losses, run
from grainseal.models.training.config import TrainingConfig
from grainseal.models.training.network import ResidualNetwork
from grainseal.models.training.trainer import Phase, Schedule, Trainer

_NEVER: Final = 10**9  # steps between validations: there is one, at the end


@dataclass(frozen=True)
class Material:
    """What all variants are trained on, and the shots of other cameras they are judged by."""

    training: data.Shots = field(repr=False)
    validation: data.Shots = field(repr=False)
    pairs: Pairs = field(repr=False)
    families: npt.NDArray[np.intp] = field(repr=False)  # (V,): the validation cameras' models


@dataclass(frozen=True)
class Outcome:
    """`reached`: correlation with the truth on each validation shot, (V,).

    `common`: energy share of what the shots' residuals have in common (losses.common_share);
    `strangers`: mean NCC of fingerprints of different models' cameras, in standard errors;
    `seconds` of one thread's processor time, of training alone. nan where there is none.
    """

    reached: npt.NDArray[np.float64]
    common: float = float("nan")
    strangers: float = float("nan")
    seconds: float = float("nan")


def take_material(config: TrainingConfig, models: int, folder: Path) -> Material:
    """Simulated once; `models` of the triplets' cameras."""
    training, validation = (
        data.load_shots(folder, config, judged, workers=1) for judged in (False, True)
    )
    seeds = range(data.VALIDATION_SEED, data.VALIDATION_SEED + len(validation))
    drawn = [draw_conditions(np.random.default_rng([n, 4]), config.domain) for n in seeds]
    families = np.array([conditions.family for conditions in drawn])
    return Material(training, validation, take_pairs(models, config.side), families)


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
    network.eval()
    return judged(material, lambda batch: run.residual_of(network, batch), seconds)


def ideal(material: Material) -> Outcome:
    """Of the photo less what a sensor without noise would have given: the ceiling."""
    return judged(material, lambda batch: batch.noise)


def wavelet(material: Material) -> Outcome:
    """Of the classical extractor, as the validation shots have it beside them."""
    return Outcome(np.asarray(material.validation.baseline, np.float64))


def _phases(variant: Variant, config: TrainingConfig) -> tuple[Phase, ...]:
    (stage,) = config.stages
    before = round(stage.steps * variant.denoising)
    phases = (
        Phase("denoise", before, stage.learning_rate, denoising),
        Phase("pattern", stage.steps - before, stage.learning_rate, variant.loss),
    )
    return tuple(phase for phase in phases if phase.steps)


def judged(
    material: Material, residual_of: Callable[[data.Batch], Tensor], seconds: float = float("nan")
) -> Outcome:
    """What residuals (1, P, S, S) of the validation shots are worth."""
    reached, residuals, fingerprints = [], [], []
    with torch.no_grad():
        for index in range(len(material.validation)):
            shot = without_twins(data.whole(material.validation, index))
            residual = residual_of(shot)
            reached.append(run.reached(shot, residual))
            residuals.append(residual)
            fingerprints.append(losses.single_photo_fingerprint(shot.intensity, residual))
        common = float(losses.common_share(torch.cat(residuals)))
    strangers = _strangers(torch.cat(fingerprints).numpy(), material.families)
    return Outcome(np.array(reached), common, strangers, seconds)


def _strangers(fingerprints: npt.NDArray[np.float32], families: npt.NDArray[np.intp]) -> float:
    """Siblings are left out: before clean-up they have rows and columns in common."""
    rows = fingerprints.reshape(len(fingerprints), -1)
    rows = rows - rows.mean(axis=1, keepdims=True)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    one, other = np.triu_indices(len(rows), 1)
    strange = families[one] != families[other]
    return standard_errors((rows @ rows.T)[one, other][strange])
