"""Siamese set matcher: Skrabec, "Siamese networks for source digital camera identification"
(Skrabec and Ghosh, EURECOM, 2021, section 2).

Were two sets of photos taken by one camera? Wavelet residuals of patches of 256x256 from one place
of every photo are averaged on either side; one random crop of 128x128, the same on both, goes
through one extractor of features twice; a single neuron weighs the absolute difference of the two
vectors of 1024. Five blocks of convolution (3x3, rectified), maximum over 2x2 and normalisation,
the number of filters rising, then a dense layer (2.2.2). Binary cross-entropy; half the pairs are
one camera's, four photos a side.

In use scores of several places are averaged, "extended inference": 40 in the paper (2.3).

Our choices

- Label and score 1 mean one camera, as the training does in 2.2.2; the same section says elsewhere
  that values near 0 do.
- Filters of the five blocks: 32, 48, 64, 96, 128. Convolutions do not pad, the default of the
  library it was written with; so a crop ends as 2x2.
- Nothing behind the dense layer of 1024.
- Residuals, about .01, are multiplied by 100 before the first layer.
- Four photos a side in training, any number in use.
- Training knows one place of each photo, its middle 256x256, where the paper cuts it into about 120
  (2.2.1). Crops of it move, and are at the same place on both sides, of two cameras too; the paper
  asks for that within a side only.
- Adam with a rate that falls along a cosine.
"""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any, Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from grainseal.models.reference.siamese import CROP, FEATURES, PATCH, STEMS
from grainseal.models.training.config import ConfigError
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.systems.photos import CameraPhotos
from grainseal.models.training.systems.task import Part, Task, phases_of, separation

FILTERS: Final = (32, 48, 64, 96, 128)
_SCALE: Final = 100.0
_PHOTOS: Final = 4  # on a side


class Features(nn.Module):
    """A crop of averaged residuals in, its vector out."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        side = CROP
        for before, after in pairwise((3, *FILTERS)):
            blocks += [
                nn.Conv2d(before, after, 3),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.BatchNorm2d(after),
            ]
            side = (side - 2) // 2
        self.blocks = nn.Sequential(*blocks)
        self.dense = nn.Linear(FILTERS[-1] * side**2, FEATURES)

    def forward(self, residual: Tensor) -> Tensor:
        """(N, 3, 128, 128) -> (N, 1024)."""
        features: Tensor = self.dense(self.blocks(residual * _SCALE).flatten(1))
        return features


class Similarity(nn.Module):
    """Two vectors in, the probability that one camera took both sides out."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(FEATURES, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(N, 1024) twice -> (N,) in [0, 1]."""
        return torch.sigmoid(self.logit(one, other))

    def logit(self, one: Tensor, other: Tensor) -> Tensor:
        """(N,): what the sigmoid is taken of, for a loss that does not round."""
        difference: Tensor = self.dense((one - other).abs())
        return difference[:, 0]


class Siamese(nn.Module):
    """Both networks, as they are trained together."""

    def __init__(self) -> None:
        super().__init__()
        self.features = Features()
        self.similarity = Similarity()

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(N, 3, 128, 128) twice -> (N,), logits."""
        return self.similarity.logit(self.features(one), self.features(other))


class Pairs(NamedTuple):
    """Averaged residuals of two sets, and whether one camera took both."""

    one: Tensor  # (N, 3, 128, 128)
    other: Tensor
    label: Tensor  # (N,)


def task(
    config: SystemConfig, training: CameraPhotos, validation: CameraPhotos, threads: int
) -> Task:
    """Pairs of sets; validation compares the first photos of every camera with the last ones."""
    if (config.side, config.crop) != (PATCH, CROP) or config.photos < 2 * _PHOTOS:
        raise ConfigError(
            f"siamese takes a side of {PATCH}, a crop of {CROP}, {2 * _PHOTOS} photos or more"
        )
    network = Siamese()
    vectors = torch.rand(2, 2, FEATURES) - 0.5
    return Task(
        module=network,
        phases=phases_of(config, {"pairs": _loss}),
        batches=partial(_batches, config, training.residuals(threads)),
        validate=partial(_validate, validation.residuals(threads)),
        parts=(
            Part(
                stem=STEMS[0],
                module=network.features,
                inputs={"residual": (torch.rand(2, 3, CROP, CROP) - 0.5) * 0.04},
                output="features",
                contract=(
                    "residual: float32 (N, 3, 128, 128), the mean wavelet residual of a set's "
                    "photos at one place, of planes in [0, 1]. features: float32 (N, 1024)"
                ),
            ),
            Part(
                stem=STEMS[1],
                module=network.similarity,
                inputs={"one": vectors[0], "other": vectors[1]},
                output="similarity",
                contract=(
                    "one, other: float32 (N, 1024), features of two sets. similarity: float32 "
                    "(N,) in [0, 1], 1 for one camera"
                ),
            ),
        ),
    )


def _loss(network: nn.Module, batch: Pairs) -> Tensor:
    logits = network(batch.one, batch.other)
    return functional.binary_cross_entropy_with_logits(logits, batch.label)


def _batches(
    config: SystemConfig, residuals: npt.NDArray[np.float16], first: int, count: int
) -> Iterator[Pairs]:
    for number in range(first, first + count):
        rng = np.random.default_rng([config.seed, number, 44])
        label = np.arange(config.batch) % 2
        sides = zip(*(_pair(rng, residuals, bool(same)) for same in label), strict=True)
        one, other = (torch.from_numpy(np.stack(side)) for side in sides)
        yield Pairs(one, other, torch.from_numpy(label).float())


def _pair(
    rng: np.random.Generator, residuals: npt.NDArray[np.float16], same: bool
) -> tuple[Any, Any]:
    """Two averages of as many photos, all different, at one place."""
    cameras, photos = residuals.shape[:2]
    camera = int(rng.integers(cameras))
    other = camera if same else (camera + 1 + int(rng.integers(cameras - 1))) % cameras
    drawn = rng.permutation(photos)[: 2 * _PHOTOS]
    top, left = rng.integers(0, PATCH - CROP + 1, 2)
    place = np.s_[..., top : top + CROP, left : left + CROP]
    return (
        _average(residuals[camera], drawn[:_PHOTOS], place),
        _average(residuals[other], drawn[_PHOTOS:], place),
    )


def _average(residuals: npt.NDArray[np.float16], photos: Any, place: Any) -> Any:
    return np.mean([residuals[photo][place] for photo in photos], axis=0, dtype=np.float32)


def _validate(residuals: npt.NDArray[np.float16], network: nn.Module) -> dict[str, float]:
    """Of every camera half its photos, up to four, against half of every camera's others."""
    both = cast(Siamese, network)
    cameras, photos = residuals.shape[:2]
    size = min(_PHOTOS, photos // 2)
    middle = slice((PATCH - CROP) // 2, (PATCH + CROP) // 2)
    place = np.s_[..., middle, middle]
    with torch.no_grad():
        one, other = (
            both.features(
                torch.from_numpy(np.stack([_average(each, chosen, place) for each in residuals]))
            )
            for chosen in (range(size), range(size, 2 * size))
        )
        first, second = np.indices((cameras, cameras)).reshape(2, -1)
        scores = both.similarity(one[first], other[second]).numpy()
    return separation(scores.astype(np.float64), first == second)
