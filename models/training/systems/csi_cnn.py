"""CSI-CNN: Wang, Sun, Rong, Li, Xu, "Image source identification using convolutional neural
networks in IoT environment", Wireless Communications and Mobile Computing, 2021, article 5804665,
doi 10.1155/2021/5804665 (section 3.2, Table 1, equations 6-8).

A photo's three planes go through two halves. The first finds a picture that is subtracted from
them, the second makes one plane of noise of the difference; each has a bottleneck (128 channels to
32 and back) with a shortcut around it. The network is trained so that this plane points where the
camera's fingerprint does (cosine loss), in patches of 64x64, 64 pairs at a time, half of them with
another camera's fingerprint.

Table 1 counts 47,628 weights. Where text and table differ the table governs: shortcuts are followed
by normalisation in the first half only, by no rectifier in either.

Our choices

- What is subtracted from what (Table 1, "sub"): the first half's output from the input.
- The shortcut (Table 1, "ADD") goes from before the bottleneck to behind it.
- Convolutions of 3x3 pad with zeros, as photos keep their size; in use, photos are tiled with
  reflected surroundings that are cut off again.
- phi of equations 6 and 7 is not given: .5, so that of two unrelated pairs the one with a negative
  correlation costs half as much. It must be in [0, 1), or negative correlations would cost nothing.
- The loss of a batch is the mean of its pairs'.
- A fingerprint is models/fingerprint.py's, by the wavelet: weighted by the local variance of the
  residual and cleaned, which equation 5 is not. It is of even photos of a simulated camera, of the
  first ones by name of a given one; the authors set a tenth of its photos apart (3.2.2).
- Cameras are the simulator's unless photos are given, and those for validation are others.
- Adam with a rate that falls along a cosine from .001, where the authors multiply .001 by .2 every
  30 of 100 epochs (4.3).
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from grainseal.models.matching import ncc
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.systems.photos import CameraPhotos
from grainseal.models.training.systems.task import (
    Part,
    Task,
    Trimmed,
    as_planes,
    phases_of,
    separation,
)

PHI: Final = 0.5
_CHANNELS: Final = 128
_NARROW: Final = 32


class CsiCnn(nn.Module):
    """A photo's planes in, one plane of noise out (Table 1)."""

    # Six convolutions of 3x3 in a row see 6 pixels; a multiple of the tiles' grid.
    margin: Final = 8

    def __init__(self) -> None:
        super().__init__()
        self.before = _opening()
        self.bottleneck = _bottleneck()
        self.picture = nn.Sequential(
            nn.BatchNorm2d(_CHANNELS),
            nn.Conv2d(_CHANNELS, 3, 3, padding=1),
            nn.BatchNorm2d(3),
            nn.ReLU(),
        )
        self.after = _opening()
        self.second_bottleneck = _bottleneck()
        self.noise = nn.Sequential(nn.Conv2d(_CHANNELS, 1, 3, padding=1), nn.BatchNorm2d(1))

    def forward(self, planes: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 1, H, W)."""
        seen = self.before(planes)
        picture = self.picture(seen + self.bottleneck(seen))
        rest = self.after(torch.relu(planes - picture))
        noise: Tensor = self.noise(rest + self.second_bottleneck(rest))
        return noise


def cosine_loss(residual: Tensor, fingerprint: Tensor, label: Tensor, phi: float = PHI) -> Tensor:
    """Equation 6, the mean over N pairs of (N, ...) arrays; `label` (N,) is 1 for one camera's.

        l max(1 - rho, 0) + (1 - l) (min(rho, 0) phi + |rho|),   rho = x y / (|x| |y|)

    Raises ValueError unless 0 <= phi < 1.
    """
    if not 0 <= phi < 1:
        raise ValueError(f"phi must be at least 0 and below 1, not {phi}")
    rho = nn.functional.cosine_similarity(residual.flatten(1), fingerprint.flatten(1))
    same = (1 - rho).clamp(min=0)  # equation 8
    other = rho.clamp(max=0) * phi + rho.abs()  # equation 7
    return (label * same + (1 - label) * other).mean()


def _opening() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, _CHANNELS, 3, padding=1), nn.BatchNorm2d(_CHANNELS), nn.ReLU()
    )


def _bottleneck() -> nn.Sequential:
    """128 -> 32 -> 32 -> 128 channels, without biases; normalised between, not behind."""
    widths: Sequence[tuple[int, int, int]] = ((_CHANNELS, _NARROW, 1), (_NARROW, _NARROW, 3))
    layers: list[nn.Module] = []
    for before, after, side in widths:
        layers += [
            nn.Conv2d(before, after, side, padding="same", bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers, nn.Conv2d(_NARROW, _CHANNELS, 1, bias=False))


class Pairs(NamedTuple):
    """Patches, fingerprints at the same place, and whether both are one camera's."""

    planes: Tensor  # (N, 3, C, C)
    fingerprint: Tensor  # (N, 1, C, C)
    label: Tensor  # (N,)


def task(
    config: SystemConfig, training: CameraPhotos, validation: CameraPhotos, threads: int
) -> Task:
    """Pairs of patches and fingerprints (3.2.2); validation correlates whole photos."""
    network = CsiCnn()
    known, unseen = (photos.fingerprints(threads) for photos in (training, validation))
    return Task(
        module=network,
        phases=phases_of(config, {"cosine": _loss}),
        batches=partial(_batches, config, training, known),
        validate=partial(_validate, validation, unseen),
        parts=(
            Part(
                stem="csi-cnn",
                module=Trimmed(network, network.margin),
                inputs={"planes": torch.rand(2, 3, 40, 48)},
                output="residual",
                contract=(
                    "planes: float32 (N, 3, H, W), R, G and B as stored, divided by 255. residual: "
                    "float32 (N, 1, H - 16, W - 16), of any scale"
                ),
                free={2: "height", 3: "width"},
                margin=network.margin,
            ),
        ),
    )


def _loss(network: nn.Module, batch: Pairs) -> Tensor:
    return cosine_loss(network(batch.planes), batch.fingerprint, batch.label)


def _batches(
    config: SystemConfig,
    photos: CameraPhotos,
    fingerprints: npt.NDArray[np.float32],
    first: int,
    count: int,
) -> Iterator[Pairs]:
    for number in range(first, first + count):
        yield _pairs(np.random.default_rng([config.seed, number, 41]), config, photos, fingerprints)


def _pairs(
    rng: np.random.Generator,
    config: SystemConfig,
    photos: CameraPhotos,
    fingerprints: npt.NDArray[np.float32],
) -> Pairs:
    cameras, scenes, side = photos.scenes.shape[:3]
    label = np.arange(config.batch) % 2
    patches, patterns = [], []
    for same in label:
        camera = int(rng.integers(cameras))
        other = (camera + 1 + int(rng.integers(cameras - 1))) % cameras
        top, left = rng.integers(0, side - config.crop + 1, 2)
        place = np.s_[top : top + config.crop, left : left + config.crop]
        patches.append(photos.scenes[camera, int(rng.integers(scenes))][place])
        patterns.append(fingerprints[camera if same else other][place])
    return Pairs(
        as_planes(np.stack(patches)),
        torch.from_numpy(np.stack(patterns))[:, None],
        torch.from_numpy(label).float(),
    )


def _validate(
    photos: CameraPhotos, fingerprints: npt.NDArray[np.float32], network: nn.Module
) -> dict[str, float]:
    """Correlation of each photo's residual with each camera's fingerprint."""
    inside: Any = np.s_[CsiCnn.margin : -CsiCnn.margin, CsiCnn.margin : -CsiCnn.margin]
    scores, genuine = [], []
    with torch.no_grad():
        for camera, scenes in enumerate(photos.scenes):
            for scene in scenes:
                residual = network(as_planes(scene[None]))[0, 0].numpy()[inside]
                scores += [ncc(residual, pattern[inside]) for pattern in fingerprints]
                genuine += [camera == other for other in range(len(fingerprints))]
    return separation(np.array(scores), np.array(genuine))
