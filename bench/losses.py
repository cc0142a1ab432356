"""What does each part of the recipe add that the neural extractor is trained by?

A small network is trained by the shipped recipe, and less or plus one part each, from the same
seed, on the same simulated shots, for as many steps. Every variant is judged by what training
itself looks at, the correlation of one photo's fingerprint with the true pattern on shots of
other cameras; and by what their residuals have in common, which would make strangers match. More
seeds of the shipped recipe say how much of a difference is chance.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from rich.console import Console

from bench.figures import Estimate
from bench.table import Row
from grainseal.models.bootstrap import REPLICATES, SEED, percentiles

if TYPE_CHECKING:
    from bench.loss_runs import Outcome
    from grainseal.models.training.config import TrainingConfig

SECTION: Final = "losses of the neural extractor, a small network briefly trained"


@dataclass(frozen=True)
class Plan:
    """Sizes of an ablation. Every seed trains the shipped recipe, the first one all others too."""

    shots: int = 300
    validation_shots: int = 128
    side: int = 256
    crop: int = 96
    batch: int = 6
    steps: int = 200
    learning_rate: float = 1e-3
    channels: int = 16
    wide: int = 24
    depth: int = 2
    models: int = 8  # of the cameras that triplets are made of
    seeds: tuple[int, ...] = (1, 2)


QUICK: Final = Plan(shots=60, validation_shots=16, steps=30, models=3, seeds=(1, 2))


def rows(quick: bool = False) -> list[Row]:
    """One row for each variant and each further seed; differences are to the shipped recipe."""
    return list(measured(QUICK if quick else Plan()))


def measured(plan: Plan) -> Iterator[Row]:
    """The rows, each told on stderr as soon as it is known: a run takes minutes."""
    if find_spec("torch") is None:
        yield Row(SECTION, "all", "left out: it takes pip install 'grainseal[train]'")
        return
    told = Console(stderr=True)
    with tempfile.TemporaryDirectory() as folder:
        for row in _rows(plan, Path(folder)):
            told.log(f"{row.name}: {row.value}")
            yield row


def _rows(plan: Plan, folder: Path) -> Iterator[Row]:
    from bench.loss_runs import ideal, take_material, trained, wavelet
    from bench.loss_variants import SHIPPED, VARIANTS

    config = _config(plan)
    material = take_material(config, plan.models, folder / "shots")
    classical = wavelet(material)
    yield Row(SECTION, "wavelet", _value(classical, classical))
    yield Row(SECTION, "ideal", _value(ideal(material), classical))
    first, *others = VARIANTS
    shipped = trained(first, material, config, folder / SHIPPED)
    yield Row(SECTION, SHIPPED, _value(shipped, classical))
    for seed in plan.seeds[1:]:
        name = f"{SHIPPED}, seed {seed}"
        again = trained(first, material, replace(config, seed=seed), folder / name)
        yield Row(SECTION, name, _value(again, classical, shipped))
    for variant in others:
        outcome = trained(variant, material, config, folder / variant.name)
        yield Row(SECTION, variant.name, _value(outcome, classical, shipped))


def _config(plan: Plan) -> "TrainingConfig":
    from grainseal.models.training.config import Stage, TrainingConfig

    return TrainingConfig(
        name="ablation",
        domain="developed",
        seed=plan.seeds[0],
        channels=plan.channels,
        wide=plan.wide,
        depth=plan.depth,
        shots=plan.shots,
        validation_shots=plan.validation_shots,
        side=plan.side,
        crop=plan.crop,
        batch=plan.batch,
        stages=(Stage("pattern", plan.steps, plan.learning_rate),),
    )


def _value(outcome: "Outcome", wavelet: "Outcome", shipped: "Outcome | None" = None) -> str:
    ratio = outcome.reached.mean() / wavelet.reached.mean()
    parts = [
        f"mean {outcome.reached.mean():.4f}, median {np.median(outcome.reached):.4f}, "
        f"{ratio:.2f} of the wavelet's mean"
    ]
    if shipped is not None:
        parts.append(f"difference {paired(outcome.reached, shipped.reached):+.4f}")
    if np.isfinite(outcome.common):
        parts.append(f"in common {outcome.common:.1e}")
        parts.append(f"strangers' mean {outcome.strangers:+.1f} standard errors")
    if np.isfinite(outcome.seconds):
        parts.append(f"{outcome.seconds:.0f} s")
    return "; ".join(parts)


def paired(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> Estimate:
    """Mean difference on the same shots (V,), its interval by drawing shots with replacement."""
    more = one - other
    drawn = np.random.default_rng(SEED).integers(len(more), size=(REPLICATES, len(more)))
    return Estimate(float(more.mean()), percentiles(more[drawn].mean(axis=1)))
