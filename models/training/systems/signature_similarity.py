"""Signature and similarity networks: Bennabhaktula, Alegre, Karastoyanova, Azzopardi, "Device-based
image matching with similarity learning by convolutional neural networks that exploit the underlying
camera sensor pattern noise", ICPRAM 2020, pages 578-584, doi 10.5220/0009155505780584 (section 3,
Table 1, Figure 3, equations 1-3), after Mayer and Stamm, "Learned forensic source similarity for
unknown camera models", ICASSP 2018, pages 2012-2016.

Did one camera take two photos? In phase I a network learns to tell the training cameras apart; cut
off at its dense layer of 1024 it gives a photo's signature (Table 1). In phase II a second network
learns from pairs of signatures whether they are one camera's (Figure 3): a dense layer of 2048
looks at each, and one more at both results and the product of the signatures. Categorical, then
binary cross-entropy.

Our choices

- The input is the centre of the photo, crop x crop pixels at full size (128 in the configuration);
  the paper takes the whole photo and does not say at what size. Training takes crop x crop pixels
  from anywhere in the middle side x side, on even offsets, so that the colour filter's phase stays.
- Strides, which Table 1 leaves out: 2 in the first convolution and in every maximum over 3x3; no
  padding. So a crop of 128 ends as one pixel in 128 channels.
- The first filters begin blind to shading (`high_pass`).
- The second dense layer of the similarity network, without a size in the paper, has 64 neurons.
- The similarity network sees its two signatures in an order; in use the score is the mean of both.
- A set of several photos has the mean of their signatures.
- Pairs of phase II are those within a batch, four photos of each camera in it; pairs of two cameras
  are weighted so that they count as much together as pairs of one.
- Adam with a rate that falls along a cosine, where the authors use gradient descent with momentum.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from grainseal.models.photo import centre_start
from grainseal.models.reference.signature_similarity import NAME, SIGNATURE, STEMS
from grainseal.models.training.config import ConfigError
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.systems.high_pass import blind_to_shading
from grainseal.models.training.systems.photos import CameraPhotos
from grainseal.models.training.systems.task import Part, Task, as_planes, phases_of, separation

_WIDE: Final = 2048
_LAST: Final = 64
_DENSE: Final = 200
# Filters, side of a filter, stride (Table 1, layers 1 to 4).
_LAYERS: Final = ((96, 7, 2), (64, 5, 1), (64, 5, 1), (128, 1, 1))
_POOL, _POOL_STRIDE = 3, 2
_PHOTOS: Final = 4  # of each camera in a batch


class Signature(nn.Module):
    """The centre of a photo in, its signature out (Table 1, layers 1 to 5)."""

    def __init__(self, side: int) -> None:
        """`side` of the photos in pixels; ValueError if nothing of them would be left."""
        super().__init__()
        blocks: list[nn.Module] = []
        before = 3
        for filters, reach, stride in _LAYERS:
            blocks += [
                nn.Conv2d(before, filters, reach, stride=stride),
                nn.BatchNorm2d(filters),
                nn.Tanh(),
                nn.MaxPool2d(_POOL, _POOL_STRIDE),
            ]
            before = filters
        blind_to_shading(cast(nn.Conv2d, blocks[0]))
        self.blocks = nn.Sequential(*blocks)
        self.dense = nn.Linear(before * side_at_the_end(side) ** 2, SIGNATURE)

    def forward(self, photos: Tensor) -> Tensor:
        """(N, 3, side, side) in [0, 1] -> (N, 1024) in [-1, 1]."""
        return torch.tanh(self.dense(self.blocks(photos - 0.5).flatten(1)))


class Similarity(nn.Module):
    """Two signatures in, the probability that one camera took both out (Figure 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(SIGNATURE, _WIDE)
        self.second = nn.Linear(2 * _WIDE + SIGNATURE, _LAST)
        self.last = nn.Linear(_LAST, 1)

    def forward(self, one: Tensor, other: Tensor) -> Tensor:
        """(N, 1024) twice -> (N,) in [0, 1]."""
        return torch.sigmoid(self.logit(one, other))

    def logit(self, one: Tensor, other: Tensor) -> Tensor:
        """(N,): what the sigmoid is taken of, for a loss that does not round."""
        looked = [torch.relu(self.first(side)) for side in (one, other)]
        joined = torch.cat((*looked, one * other), dim=1)
        logit: Tensor = self.last(torch.relu(self.second(joined)))
        return logit[:, 0]


class SignatureSimilarity(nn.Module):
    """All that is trained: signature, its classes (phase I) and similarity (phase II)."""

    def __init__(self, side: int, cameras: int) -> None:
        super().__init__()
        self.signature = Signature(side)
        self.classes = nn.Sequential(
            nn.Linear(SIGNATURE, _DENSE), nn.Tanh(), nn.Linear(_DENSE, cameras)
        )
        self.similarity = Similarity()

    def forward(self, photos: Tensor) -> Tensor:
        """(N, 3, side, side) in [0, 1] -> (N, cameras), logits of phase I."""
        logits: Tensor = self.classes(self.signature(photos))
        return logits


def side_at_the_end(side: int) -> int:
    """Side of what the last maximum leaves of a photo; ValueError below one pixel."""
    for _, reach, stride in _LAYERS:
        side = ((side - reach) // stride + 1 - _POOL) // _POOL_STRIDE + 1
        if side < 1:
            raise ValueError("the photo is too small for the signature network: 115 pixels or more")
    return side


class Labelled(NamedTuple):
    """Photos and the number of the camera that took each."""

    planes: Tensor  # (N, 3, side, side)
    camera: Tensor  # (N,)


def task(
    config: SystemConfig,
    training: CameraPhotos,
    validation: CameraPhotos,
    threads: int,  # noqa: ARG001 - every task has it
) -> Task:
    """Both phases; validation scores all pairs of photos of cameras that were not trained on."""
    if config.crop % 2 or config.batch % _PHOTOS or config.photos < _PHOTOS:
        raise ConfigError(
            f"{NAME} takes an even crop, a batch that {_PHOTOS} divides, and as many photos of a "
            "camera or more"
        )
    network = SignatureSimilarity(config.crop, len(training.names))
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    signatures = torch.rand(2, 2, SIGNATURE) * 2 - 1
    return Task(
        module=network,
        phases=phases_of(config, {"signature": _classify, "similarity": _pair_up}),
        batches=partial(_batches, config, training),
        validate=partial(_validate, validation, config.crop),
        parts=(
            Part(
                stem=STEMS[0],
                module=network.signature,
                inputs={"photos": torch.rand(2, 3, config.crop, config.crop)},
                output="signature",
                contract=(
                    f"photos: float32 (N, 3, {config.crop}, {config.crop}), the centre, R, G and B "
                    "as stored, divided by 255. signature: float32 (N, 1024) in [-1, 1]"
                ),
                known={"camera_names": list(training.names)},
            ),
            Part(
                stem=STEMS[1],
                module=network.similarity,
                inputs={"one": signatures[0], "other": signatures[1]},
                output="similarity",
                contract=(
                    "one, other: float32 (N, 1024), signatures. similarity: float32 (N,) in "
                    "[0, 1], 1 for one camera"
                ),
            ),
        ),
    )


def _classify(network: nn.Module, batch: Labelled) -> Tensor:
    """Phase I: which training camera took it?"""
    return functional.cross_entropy(network(batch.planes), batch.camera)


def _pair_up(network: nn.Module, batch: Labelled) -> Tensor:
    """Phase II: did one camera take both? The signature is what phase I made it."""
    both = cast(SignatureSimilarity, network)
    both.signature.eval()
    with torch.no_grad():
        signatures = both.signature(batch.planes)
    one, other = torch.triu_indices(len(signatures), len(signatures), 1)
    label = (batch.camera[one] == batch.camera[other]).float()
    logits = both.similarity.logit(signatures[one], signatures[other])
    losses = functional.binary_cross_entropy_with_logits(logits, label, reduction="none")
    shares = [(losses * each).sum() / each.sum().clamp(min=1) for each in (label, 1 - label)]
    return (shares[0] + shares[1]) / 2


def _batches(
    config: SystemConfig, photos: CameraPhotos, first: int, count: int
) -> Iterator[Labelled]:
    cameras, scenes, side = photos.scenes.shape[:3]
    places = (side - config.crop) // 2 + 1
    for number in range(first, first + count):
        rng = np.random.default_rng([config.seed, number, 46])
        groups = config.batch // _PHOTOS
        chosen = rng.choice(cameras, groups, replace=cameras < groups)
        drawn = []
        for camera in chosen:
            for scene in rng.permutation(scenes)[:_PHOTOS]:
                top, left = 2 * rng.integers(0, places, 2)
                window = np.s_[top : top + config.crop, left : left + config.crop]
                drawn.append(photos.scenes[camera, scene][window])
        yield Labelled(
            as_planes(np.stack(drawn)), torch.from_numpy(np.repeat(chosen, _PHOTOS)).long()
        )


def _centre(scenes: npt.NDArray[np.uint8], crop: int) -> npt.NDArray[np.uint8]:
    """As a photo is cropped in use, models/photo.py."""
    start = centre_start(scenes.shape[1], crop)
    return scenes[:, start : start + crop, start : start + crop]


def _validate(photos: CameraPhotos, crop: int, network: nn.Module) -> dict[str, float]:
    """All pairs of photos, by the network in both orders and by their signatures' cosine.

    The second is what phase I comes to, when the similarity network has learnt nothing yet.
    """
    both = cast(SignatureSimilarity, network)
    count = photos.scenes.shape[1]
    with torch.no_grad():
        seen = (as_planes(_centre(scenes, crop)) for scenes in photos.scenes)
        signatures = torch.cat([both.signature(planes) for planes in seen])
        one, other = torch.triu_indices(len(signatures), len(signatures), 1)
        pairs = ((one, other), (other, one))
        found = [both.similarity(signatures[a], signatures[b]).numpy() for a, b in pairs]
    genuine = (one // count == other // count).numpy()
    cosines = functional.cosine_similarity(signatures[one], signatures[other]).double().numpy()
    return separation(np.mean(found, axis=0, dtype=np.float64), genuine) | {
        "signature_auc": separation(cosines, genuine)["auc"]
    }
