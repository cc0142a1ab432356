"""DnCNN: Zhang, Zuo, Chen, Meng, Zhang, "Beyond a Gaussian denoiser: residual learning of deep CNN
for image denoising", IEEE TIP 26(7), 2017, pages 3142-3155, doi 10.1109/TIP.2017.2662206, the
denoiser that CSI-CNN's authors compare with (Wang et al., 2021, section 4.2.1).

Seventeen convolutions of 3x3 with 64 channels, the middle fifteen normalised, predict the noise of
a noisy picture; what is trained is the squared error of that (equation 1 of Zhang et al.). Of a
photo as it is, the prediction is its residual.

Our choices, for Wang et al. say no more than the network's name

- Seventeen layers and one known noise level (DnCNN-S) rather than twenty for any level.
- The noise level is 5 of 255, that of the wavelet denoiser beside it.
- Three colour planes at once.
- Clean pictures are the simulator's, of a sensor without noise, unless photos are given: these are
  then taken for clean, as Zhang et al. take theirs. Patches of 40x40, as they have.
- Convolutions between normalisations have no bias, for that would be subtracted again.
- What the last convolution gives is multiplied by the noise level, so that its weights are of the
  size of the others.
- Batches of 8 patches rather than 128, which would leave two cores a few hundred steps.
- Adam with a rate that falls along a cosine.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.systems.photos import CameraPhotos
from grainseal.models.training.systems.task import Part, Task, Trimmed, as_planes, phases_of

LEVEL: Final = 5 / 255
_LAYERS: Final = 17
_CHANNELS: Final = 64


class DnCnn(nn.Module):
    """A noisy picture in, its noise out."""

    # Seventeen convolutions see as many pixels; a multiple of the tiles' grid.
    margin: Final = 24

    def __init__(self, planes: int = 3) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(planes, _CHANNELS, 3, padding=1), nn.ReLU()]
        for _ in range(_LAYERS - 2):
            layers += [
                nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=1, bias=False),
                nn.BatchNorm2d(_CHANNELS),
                nn.ReLU(),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(_CHANNELS, planes, 3, padding=1))
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, planes: Tensor) -> Tensor:
        """(N, 3, H, W) in [0, 1] -> (N, 3, H, W), about +-.05."""
        noise: Tensor = LEVEL * self.layers(planes)
        return noise


def noise_loss(predicted: Tensor, noise: Tensor) -> Tensor:
    """Half the squared distance, the mean over N pictures (Zhang et al., equation 1)."""
    return (predicted - noise).square().flatten(1).sum(dim=1).mean() / 2


class Noisy(NamedTuple):
    """Clean patches with noise added, and that noise."""

    planes: Tensor  # (N, 3, C, C)
    noise: Tensor  # (N, 3, C, C)


def task(
    config: SystemConfig,
    training: CameraPhotos,
    validation: CameraPhotos,
    threads: int,  # noqa: ARG001 - every task has it
) -> Task:
    """Patches with Gaussian noise of LEVEL; validation says how much of it is left."""
    network = DnCnn()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Task(
        module=network,
        phases=phases_of(config, {"noise": _loss}),
        batches=partial(_batches, config, training),
        validate=partial(_validate, validation),
        parts=(
            Part(
                stem="dncnn",
                module=Trimmed(network, network.margin),
                inputs={"planes": torch.rand(2, 3, 72, 80)},
                output="residual",
                contract=(
                    "planes: float32 (N, 3, H, W), R, G and B as stored, divided by 255. residual: "
                    "float32 (N, 3, H - 48, W - 48), the noise of each plane"
                ),
                free={2: "height", 3: "width"},
                margin=network.margin,
            ),
        ),
    )


def _loss(network: nn.Module, batch: Noisy) -> Tensor:
    return noise_loss(network(batch.planes), batch.noise)


def _batches(config: SystemConfig, photos: CameraPhotos, first: int, count: int) -> Iterator[Noisy]:
    cameras, scenes, side = photos.scenes.shape[:3]
    for number in range(first, first + count):
        rng = np.random.default_rng([config.seed, number, 42])
        patches = []
        for _ in range(config.batch):
            top, left = rng.integers(0, side - config.crop + 1, 2)
            scene = photos.scenes[int(rng.integers(cameras)), int(rng.integers(scenes))]
            patches.append(scene[top : top + config.crop, left : left + config.crop])
        yield _with_noise(as_planes(np.stack(patches)), rng)


def _with_noise(clean: Tensor, rng: np.random.Generator) -> Noisy:
    noise = torch.from_numpy(rng.standard_normal(tuple(clean.shape), np.float32)) * LEVEL
    return Noisy(clean + noise, noise)


def _validate(photos: CameraPhotos, network: nn.Module) -> dict[str, float]:
    """Mean square of what is left of the noise, as a share of it: 1 is nothing learnt."""
    left = 0.0
    inside = slice(DnCnn.margin, -DnCnn.margin)
    with torch.no_grad():
        for number, scenes in enumerate(photos.scenes):
            batch = _with_noise(as_planes(scenes), np.random.default_rng([number, 43]))
            rest = (network(batch.planes) - batch.noise)[:, :, inside, inside]
            left += float(rest.square().mean()) / LEVEL**2 / len(photos.scenes)
    return {"noise_left": left}
