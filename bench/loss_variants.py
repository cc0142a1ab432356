"""The recipes that the ablation compares: the shipped one, less or plus one part each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from torch import Tensor, nn

from bench.loss_pairs import Pairs, triplets
from bench.loss_terms import ring_correlations
from grainseal.models.training import data, run
from grainseal.models.training.config import TrainingConfig
from grainseal.models.training.losses import PatternParts

SHIPPED: Final = "as shipped"
DENOISING_SHARE: Final = 1 / 3  # of the steps, in the variant that begins with it
# Chosen once, from what they weigh: rings about as much as every plane's own correlation (.2 of the
# correlation's weight, which is about 15), triplets a tenth of the fingerprint's, by their slope.
_RINGS_WEIGHT: Final = 3.0
_TRIPLETS_WEIGHT: Final = 10.0


@dataclass(frozen=True)
class Step:
    """What one step is trained on; the pairs are drawn by its number."""

    number: int
    batch: data.Batch
    pairs: Pairs


Loss = Callable[[nn.Module, Step], Tensor]


@dataclass(frozen=True)
class Variant:
    """One recipe; `denoising` is the share of its steps that come before `loss`."""

    name: str
    loss: Loss
    twins: bool = True
    denoising: float = 0.0


def _recipe(**parts: float) -> Loss:
    loss = run.by_residual(partial(run.pattern, parts=PatternParts(**parts)))
    return lambda network, step: loss(network, step.batch)


def _with_triplets(network: nn.Module, step: Step) -> Tensor:
    crop = step.batch.pattern.shape[-1]
    found = triplets(network, step.pairs, crop, step.number)
    return _recipe()(network, step) + _TRIPLETS_WEIGHT * found


def _with_rings(network: nn.Module, step: Step) -> Tensor:
    batch = step.batch
    residual = run.residual_of(network, batch)
    shown = batch.intensity.chunk(2)[0] * batch.pattern[:, None]
    rings = ring_correlations(residual.flatten(0, 1), shown.flatten(0, 1))
    return run.pattern(batch, residual) - _RINGS_WEIGHT * rings.mean()


def denoising(network: nn.Module, step: Step) -> Tensor:
    """The loss of the stage `denoise`."""
    return run.by_residual(run.denoise)(network, step.batch)


VARIANTS: Final = (
    Variant(SHIPPED, _recipe()),
    Variant("without twins", _recipe(twins=False), twins=False),
    Variant("without the penalty on what is common", _recipe(common=0)),
    Variant("without each plane's own correlation", _recipe(own_plane=0)),
    Variant("all photos count alike", _recipe(even=True)),
    Variant("a third of the steps as a denoiser", _recipe(), denoising=DENOISING_SHARE),
    Variant("with triplets", _with_triplets),
    Variant("with rings of frequency", _with_rings),
)


def steps(
    variant: Variant, shots: data.Shots, pairs: Pairs, config: TrainingConfig, first: int, n: int
) -> Iterator[Step]:
    """Steps number `first` and the next. Without twins there are twice as many photos instead."""
    drawn = config if variant.twins else replace(config, batch=2 * config.batch)
    for number, batch in enumerate(data.batches(shots, drawn, first, n), first):
        yield Step(number, batch if variant.twins else without_twins(batch), pairs)


def without_twins(batch: data.Batch) -> data.Batch:
    """The patches alone."""
    count = len(batch.pattern)
    return data.Batch(
        batch.planes[:count],
        batch.level[:count],
        batch.intensity[:count],
        batch.noise[:count],
        batch.pattern,
    )
