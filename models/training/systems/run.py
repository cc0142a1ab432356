"""One training of a reference system, from its configuration to its finished networks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from grainseal.models.reference.training_photos import SIMULATED
from grainseal.models.training.systems import (
    csi_cnn,
    dncnn,
    isonet,
    patch_classifier,
    siamese,
    signature_similarity,
)
from grainseal.models.training.systems.config import SystemConfig
from grainseal.models.training.systems.photos import CameraPhotos, load_photos
from grainseal.models.training.systems.task import Part, Task
from grainseal.models.training.trainer import Schedule, Trainer, TrainingError

MakeTask = Callable[[SystemConfig, CameraPhotos, CameraPhotos, int], Task]

TASKS: Final[dict[str, MakeTask]] = {
    "csi-cnn": csi_cnn.task,
    "dncnn": dncnn.task,
    "siamese": siamese.task,
    "patch-classifier": patch_classifier.task,
    "signature-similarity": signature_similarity.task,
    "isonet": isonet.task,
}
_CLEAN: Final = ("dncnn",)
_CONFIG: Final = "config.json"


@dataclass(frozen=True)
class TrainedSystem:
    """A finished run; `source` says what photos these were: SIMULATED, or in which folder.

    `photos`: hex SHA-256 of the files that were given.
    """

    parts: tuple[Part, ...]
    metrics: dict[str, float]
    seconds: float
    source: str
    photos: tuple[str, ...] = ()


def train_system(
    config: SystemConfig,
    folder: Path,
    source: Path | None,
    threads: int,
    taken: Callable[[], None] | None = None,
    stepped: Callable[[int, float], None] | None = None,
) -> TrainedSystem:
    """Train into `folder`, going on where an earlier run of the same configuration stopped.

    `source`: folder of photos by camera, None for simulated ones. Raises TrainingError for photos
    that do not do, or a folder with a run of another configuration or other photos.
    """
    named = SIMULATED if source is None else f"photos in {source.resolve()}"
    folder.mkdir(parents=True, exist_ok=True)
    _require_same(config.to_json() + named + "\n", folder / _CONFIG)
    clean = config.system in _CLEAN
    training, validation = (
        load_photos(folder / name, config, name == "validation", source, clean, threads, taken)
        for name in ("training", "validation")
    )
    torch.manual_seed(config.seed)
    torch.set_num_threads(threads)
    task = TASKS[config.system](config, training, validation, threads)
    schedule = Schedule(task.phases, task.batches, task.validate, config.seed)
    trainer = Trainer(task.module, schedule, folder)
    trainer.resume()
    metrics = trainer.run(stepped)
    for part in task.parts:
        part.module.eval()
    whose = SIMULATED if source is None else f"photos in {source.resolve().name}"
    files = tuple(sorted({*training.digests, *validation.digests}))
    return TrainedSystem(task.parts, metrics, trainer.seconds, whose, files)


def _require_same(text: str, path: Path) -> None:
    if path.exists() and path.read_text() != text:
        raise TrainingError(
            f"{path.parent} holds a run of another configuration or of other photos: "
            "use another folder"
        )
    path.write_text(text)
