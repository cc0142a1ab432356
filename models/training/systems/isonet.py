"""ISONet: "ISO setting estimation based on convolutional neural network and its application in
image forensics", IWDW 2020, LNCS 12617, doi 10.1007/978-3-030-69449-4_17, and its authors' code,
https://github.com/zengh5/ISONet.

At which ISO was a patch of 64x64 taken? What is predicted is log2(ISO / 100) (equation 1), by the
squared error, from 128 patches at a time, flipped and turned at random.

Our choices

- Layers. The authors' are seven convolutions of 3x3 and three dense ones, fed with pixels; task and
  metric are theirs, these layers are not. Ours begin where noise is: the cosine transform in
  squares of 4x4 of brightness and two colours, without the mean; then the logarithm of its energy
  in blocks of 10x10, for noise adds in energy. A small stack reads these beside the block's colour,
  on which noise depends, and beside its neighbours', and says an ISO and how much it can be
  trusted. The patch's is the trusted mean.
- Photos are simulated JPEGs of the simulator's ISO speeds, 100 to 1600, or given ones whose EXIF
  says the ISO; the authors train one network on TIFF and one on JPEG.
- Validation is on photos of other cameras.
- Adam with a rate that falls along a cosine from .01, where the authors divide .001 by 10 after 10
  and 30 of 50 epochs.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor, nn
from torch.nn import functional

from grainseal.models.iso_map import PATCH, iso_metric
from grainseal.models.reference.isonet import NAME
from grainseal.models.reference.patch_classifier import patches_of
from grainseal.models.training.config import ConfigError
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.systems.photos import CameraPhotos
from grainseal.models.training.systems.task import Part, Task, as_planes, phases_of
from grainseal.models.training.trainer import TrainingError

_FILTER_SIDE, _WIDTH = 4, 64
_BLOCK: Final = 10  # pixels a side, of which 61 behind the filters hold six
_BRIGHTEST: Final = 255.0
_LEAST_ENERGY: Final = 0.02  # of grey levels squared: that of rounding is .08
# Brightness and two colours of R, G and B, as JPEG has them (ITU-T T.871).
_COLOURS: Final = (
    (0.299, 0.587, 0.114),
    (-0.169, -0.331, 0.5),
    (0.5, -0.419, -0.081),
)


class IsoNetwork(nn.Module):
    """Patches in, their ISO metrics out."""

    details: Tensor  # (F, 3, 4, 4)

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("details", _filters())
        self.blocks = nn.Sequential(
            nn.BatchNorm2d(len(self.details) + 3),
            nn.Conv2d(len(self.details) + 3, _WIDTH, 1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(_WIDTH, 2, 1),
        )

    def forward(self, patches: Tensor) -> Tensor:
        """(N, 3, 64, 64) in [0, 1] -> (N,)."""
        details = functional.conv2d(patches * _BRIGHTEST, self.details)
        energy = functional.avg_pool2d(details.square(), _BLOCK)  # (N, F, 6, 6)
        colour = functional.avg_pool2d(patches[:, :, 1:-2, 1:-2], _BLOCK)
        known = torch.cat((torch.log(energy + _LEAST_ENERGY), colour), dim=1)
        found = self.blocks(known).flatten(2)  # (N, 2, 36)
        metric: Tensor = (found[:, 0] * found[:, 1].softmax(dim=1)).sum(dim=1)
        return metric


def _filters() -> Tensor:
    """The cosine transform's of each colour but for the means: (45, 3, 4, 4)."""
    waves = dct(np.eye(_FILTER_SIDE), axis=0, norm="ortho")
    squares = np.einsum("ur,vc->uvrc", waves, waves).reshape(-1, _FILTER_SIDE, _FILTER_SIDE)[1:]
    filters = np.einsum("kp,frc->kfprc", np.array(_COLOURS), squares)
    return torch.from_numpy(filters.reshape(-1, 3, _FILTER_SIDE, _FILTER_SIDE).astype(np.float32))


class Patches(NamedTuple):
    """Patches and the ISO metric of the photo that each is of."""

    planes: Tensor  # (N, 3, 64, 64)
    metric: Tensor  # (N,)


def task(
    config: SystemConfig,
    training: CameraPhotos,
    validation: CameraPhotos,
    threads: int,  # noqa: ARG001 - every task has it
) -> Task:
    """Patches of photos of known ISO; validation says how far photos' medians are off."""
    if config.crop != PATCH:
        raise ConfigError(f"{NAME} takes a crop of {PATCH}")
    for photos in (training, validation):
        if not photos.isos.all():
            camera = photos.names[int(np.argwhere(photos.isos == 0)[0, 0])]
            raise TrainingError(f"a photo of {camera} does not say its ISO: leave it out")
    network = IsoNetwork()
    return Task(
        module=network,
        phases=phases_of(config, {"metric": _loss}),
        batches=partial(_batches, config, training),
        validate=partial(_validate, validation),
        parts=(
            Part(
                stem=NAME,
                module=network,
                inputs={"patches": torch.rand(2, 3, PATCH, PATCH)},
                output="metric",
                contract=(
                    "patches: float32 (N, 3, 64, 64), R, G and B as stored, divided by 255. "
                    "metric: float32 (N,), log2(ISO / 100)"
                ),
            ),
        ),
    )


def _loss(network: nn.Module, batch: Patches) -> Tensor:
    return functional.mse_loss(network(batch.planes), batch.metric)


def _batches(
    config: SystemConfig, photos: CameraPhotos, first: int, count: int
) -> Iterator[Patches]:
    cameras, scenes, side = photos.scenes.shape[:3]
    for number in range(first, first + count):
        rng = np.random.default_rng([config.seed, number, 47])
        camera, scene = (rng.integers(0, limit, config.batch) for limit in (cameras, scenes))
        corners = PATCH * rng.integers(0, side // PATCH, (config.batch, 2))
        patches = [
            np.rot90(
                photos.scenes[c, s, top : top + PATCH, left : left + PATCH][:: 1 - 2 * flipped],
                turns,
            )
            for c, s, (top, left), flipped, turns in zip(
                camera,
                scene,
                corners,
                rng.integers(0, 2, config.batch),
                rng.integers(0, 4, config.batch),
                strict=True,
            )
        ]
        metric = iso_metric(photos.isos[camera, scene])
        yield Patches(as_planes(np.stack(patches)), torch.from_numpy(metric))


def _validate(photos: CameraPhotos, network: nn.Module) -> dict[str, float]:
    """Root mean square error in stops, and that of who always says the mean."""
    metrics = iso_metric(np.asarray(photos.isos))
    found = np.zeros_like(metrics)
    with torch.no_grad():
        for place in np.ndindex(*metrics.shape):
            patches = torch.from_numpy(patches_of(photos.scenes[place], PATCH))
            found[place] = np.median(network(patches).numpy())
    return {
        "stops_off": float(np.sqrt(np.mean((found - metrics) ** 2))),
        "stops_off_of_the_mean": float(np.std(metrics)),
    }
