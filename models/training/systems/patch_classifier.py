"""Patch classifier: Ghosh, "Source camera identification using convolutional neural network"
(Skrabec and Ghosh, EURECOM, 2021, section 3), after Freire-Obregon, Narducci, Barra,
Castrillon-Santana, "Deep learning for source camera identification on mobile devices", Pattern
Recognition Letters 126, 2019, pages 86-91, doi 10.1016/j.patrec.2018.01.005.

Which of the cameras it was trained on took a patch of 32x32? Convolutions of 8x8 and 3x3, a maximum
over 2x2, dense layers of 256 and 512 and one neuron per camera (3.4); 10 % of the inputs and 20 %
of what is between the convolutions are dropped in training (3.5). Categorical cross-entropy.

Our choices

- 32 filters in each convolution, rectified; convolutions do not pad. The paper has neither number.
- Patches are taken from the photo at full size; the authors first bring photos to 640x640, which
  moves the sensor's pattern off its grid.
- Every plane of a patch loses its mean, and the patch is divided by its deviation: colour is the
  scene's, and what is left of an even patch is the camera's.
- The first filters begin blind to shading (`high_pass`).
- What is dropped are whole planes and whole filters. Single pixels would be noise, louder than what
  is looked for, that is there in training and not in use.
- A photo's probabilities are the mean of its patches'; the paper has patches alone.
- Adam with a rate that falls along a cosine.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from grainseal.models.reference.patch_classifier import NAME, PATCH, patches_of
from grainseal.models.training.config import ConfigError
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.systems.high_pass import blind_to_shading
from grainseal.models.training.systems.photos import CameraPhotos
from grainseal.models.training.systems.task import Part, Task, as_planes, phases_of

_FILTERS: Final = 32
_FIRST, _SECOND, _POOL = 8, 3, 2
_DENSE: Final = (256, 512)
_INPUT_DROPPED, _HIDDEN_DROPPED = 0.1, 0.2
_LEAST_DEVIATION: Final = 1 / 255


class PatchClassifier(nn.Module):
    """Patches in, a logit for each camera out."""

    def __init__(self, cameras: int) -> None:
        super().__init__()
        side = (PATCH - (_FIRST - 1) - (_SECOND - 1)) // _POOL
        first = nn.Conv2d(3, _FILTERS, _FIRST)
        blind_to_shading(first)
        self.layers = nn.Sequential(
            nn.Dropout2d(_INPUT_DROPPED),
            first,
            nn.ReLU(),
            nn.Dropout2d(_HIDDEN_DROPPED),
            nn.Conv2d(_FILTERS, _FILTERS, _SECOND),
            nn.ReLU(),
            nn.MaxPool2d(_POOL),
            nn.Flatten(),
            nn.Linear(_FILTERS * side**2, _DENSE[0]),
            nn.ReLU(),
            nn.Linear(_DENSE[0], _DENSE[1]),
            nn.ReLU(),
            nn.Linear(_DENSE[1], cameras),
        )

    def forward(self, patches: Tensor) -> Tensor:
        """(N, 3, 32, 32) in [0, 1] -> (N, cameras)."""
        rest = patches - patches.mean(dim=(2, 3), keepdim=True)
        deviation = rest.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        logits: Tensor = self.layers(rest / (deviation + _LEAST_DEVIATION))
        return logits


class Probabilities(nn.Module):
    """The same with a softmax behind it, as it is used."""

    def __init__(self, classifier: PatchClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, patches: Tensor) -> Tensor:
        """(N, 3, 32, 32) in [0, 1] -> (N, cameras), rows of sum 1."""
        return self.classifier(patches).softmax(dim=1)


class Patches(NamedTuple):
    """Patches and the number of the camera that took each."""

    planes: Tensor  # (N, 3, 32, 32)
    camera: Tensor  # (N,)


def task(
    config: SystemConfig,
    training: CameraPhotos,
    validation: CameraPhotos,
    threads: int,  # noqa: ARG001 - every task has it
) -> Task:
    """Patches of a closed set of cameras; validation is on other photos of the same."""
    if config.validation_cameras or config.crop != PATCH:
        raise ConfigError(f"{NAME} knows its cameras: validation_cameras 0, and a crop of {PATCH}")
    network = PatchClassifier(len(training.names))
    return Task(
        module=network,
        phases=phases_of(config, {"classes": _loss}),
        batches=partial(_batches, config, training),
        validate=partial(_validate, validation),
        parts=(
            Part(
                stem=NAME,
                module=Probabilities(network),
                inputs={"patches": torch.rand(2, 3, PATCH, PATCH)},
                output="probabilities",
                contract=(
                    "patches: float32 (N, 3, 32, 32), R, G and B as stored, divided by 255. "
                    "probabilities: float32 (N, cameras), by camera_names"
                ),
                known={"camera_names": list(training.names)},
            ),
        ),
    )


def _loss(network: nn.Module, batch: Patches) -> Tensor:
    return functional.cross_entropy(network(batch.planes), batch.camera)


def _batches(
    config: SystemConfig, photos: CameraPhotos, first: int, count: int
) -> Iterator[Patches]:
    cameras, scenes, side = photos.scenes.shape[:3]
    for number in range(first, first + count):
        rng = np.random.default_rng([config.seed, number, 45])
        camera, scene = (rng.integers(0, limit, config.batch) for limit in (cameras, scenes))
        corners = PATCH * rng.integers(0, side // PATCH, (config.batch, 2))
        patches = [
            photos.scenes[c, s, top : top + PATCH, left : left + PATCH]
            for c, s, (top, left) in zip(camera, scene, corners, strict=True)
        ]
        yield Patches(as_planes(np.stack(patches)), torch.from_numpy(camera))


def _validate(photos: CameraPhotos, network: nn.Module) -> dict[str, float]:
    """Shares of patches, and of photos, whose most probable camera is their own."""
    patches, whole = [], []
    with torch.no_grad():
        for camera, scenes in enumerate(photos.scenes):
            for scene in scenes:
                found = network(torch.from_numpy(patches_of(scene))).softmax(dim=1)
                patches.append(float((found.argmax(dim=1) == camera).float().mean()))
                whole.append(float(found.mean(dim=0).argmax() == camera))
    return {"patch_accuracy": float(np.mean(patches)), "photo_accuracy": float(np.mean(whole))}
