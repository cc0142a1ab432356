"""The patch classifier on other photos of the cameras that it was trained on."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from grainseal.models.bootstrap import share_interval_over_cameras
from grainseal.models.reference.patch_classifier import PatchClassifier
from grainseal.models.reference.training_photos import on_simulated
from grainseal.models.simulator.series import training_camera

from ..errors import ClientError
from .layout import ends
from .photos import SCENES, Camera, Wanted, series, shots_by_camera
from .unseen import other_photos
from .work import Settings, numbered, on_every_core, trained

_PHOTOS: Final = 8  # of each camera


@dataclass(frozen=True)
class Accuracies:
    """Shares of photos and of patches whose most probable camera is their own.

    `side` of what is seen of a photo, in pixels; `simulated`: whether the photos are.
    """

    described: str
    side: int
    simulated: bool
    known: int
    cameras: int
    photos: int
    of_photos: float
    of_patches: float
    photos_interval: tuple[float, float] | None
    patches_interval: tuple[float, float] | None


def accuracies(settings: Settings) -> Accuracies:
    """Of photos that neither training nor validation took.

    `ClientError` without weights, or for photos of other cameras than the classifier knows.
    """
    classifier = trained(PatchClassifier)
    config = classifier.config
    simulated = on_simulated(config)
    if settings.data is not None:
        cameras = _given(settings.data, classifier, simulated)
        described = (
            f"{settings.data}, photos that neither training nor validation took, "
            f"centre {config['side']}x{config['side']}"
        )
    elif simulated:
        cameras = _simulated(classifier)
        described = (
            "simulated photos: fresh ones of the cameras that the classifier was trained on, "
            f"JPEG of {config['side']}x{config['side']}"
        )
    else:
        raise ClientError(
            f"patch-classifier was trained on {config['source']}: give --data DIR with "
            f"more of these cameras in DIR/{SCENES[0]}"
        )
    return _measured(described, cameras[: settings.cameras], classifier, settings)


def _simulated(classifier: PatchClassifier) -> tuple[Camera, ...]:
    config = classifier.config
    start = config["photos"] + config["validation_photos"]
    return tuple(
        series(
            name,
            training_camera(config["seed"], at),
            config["side"],
            Wanted(len(classifier.cameras), _PHOTOS),
            start,
        )
        for at, name in enumerate(classifier.cameras)
    )


def _given(data: Path, classifier: PatchClassifier, simulated: bool) -> tuple[Camera, ...]:
    config = classifier.config
    if simulated:
        raise ClientError(
            "patch-classifier was trained on simulated cameras and knows no others: run "
            f"`grainseal train {classifier.name} --photos {data / SCENES[0]}`, or leave out --data"
        )
    found = shots_by_camera(data, SCENES, config["side"])
    known = {name: found[name] for name in classifier.cameras if name in found}
    shots = other_photos(known, classifier.name, config)
    cameras = tuple(Camera(name, (), tuple(own)) for name, own in shots.items())
    if not cameras:
        raise ClientError(
            f"{data} has no photos of cameras that patch-classifier knows but those that its "
            "training took: add some"
        )
    return cameras


def _measured(
    described: str, cameras: tuple[Camera, ...], classifier: PatchClassifier, settings: Settings
) -> Accuracies:
    scenes = numbered(cameras)
    found = on_every_core(
        lambda each: classifier.of_patches(each[1].photo()),
        scenes,
        "Classifying",
        settings.progress,
    )
    whole, patches, whose = [], [], []
    for (at, _), probabilities in zip(scenes, found, strict=True):
        own = classifier.cameras.index(cameras[at].name)
        whole.append(int(np.argmax(probabilities.mean(axis=0, dtype=np.float64))) == own)
        patches.append(probabilities.argmax(axis=1) == own)
        whose.append(np.full(len(probabilities), at))
    owner = np.array([at for at, _ in scenes])
    photo_hits, patch_hits = np.array(whole), np.concatenate(patches)
    return Accuracies(
        described,
        int(classifier.config["side"]),
        settings.data is None,
        len(classifier.cameras),
        len(cameras),
        len(scenes),
        float(photo_hits.mean()),
        float(patch_hits.mean()),
        ends(share_interval_over_cameras(photo_hits, owner)),
        ends(share_interval_over_cameras(patch_hits, np.concatenate(whose))),
    )
