"""What one training of a reference system is: read from a JSON file, checked, kept with the run."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final

from grainseal.models import wavelet
from grainseal.models.simulator.series import CAMERAS_PER_SEED, SEEDS
from grainseal.models.training.config import ConfigError, Stage

# What numbers are at least, where that is not 1, and at most.
_LEAST: Final = {"seed": 0, "validation_cameras": 0, "flats": 0}
_MOST: Final = {
    "seed": SEEDS - 1,
    "cameras": CAMERAS_PER_SEED,
    "validation_cameras": CAMERAS_PER_SEED,
}
# With less a system has nothing to tell apart, no pairs of both sorts, or nothing left of a photo.
_LEAST_OF: Final[dict[str, dict[str, int]]] = {
    "csi-cnn": {"cameras": 2, "flats": 1, "side": wavelet.min_side(wavelet.LEVELS), "batch": 2},
    "dncnn": {"side": 50, "crop": 2},
    "siamese": {"cameras": 2, "validation_photos": 2, "batch": 2},
    "patch-classifier": {"cameras": 2},
    "signature-similarity": {"cameras": 2, "validation_photos": 2, "crop": 116, "batch": 8},
}
_COMPARING: Final = ("csi-cnn", "siamese", "signature-similarity")  # one camera with another


@dataclass(frozen=True)
class SystemConfig:
    """Everything that determines the weights, but for the photos that are given and the machine.

    Photos are per camera, of side x side pixels. `flats`: even ones for a camera's fingerprint.
    `validation_cameras` are others than the `cameras`; with 0 the validation photos are other
    photos of the same cameras. `crop`: side of what the network sees of a photo. `batch`: what it
    sees at once, pairs or pictures.
    """

    system: str
    seed: int
    cameras: int
    validation_cameras: int
    photos: int
    validation_photos: int
    flats: int
    side: int
    crop: int
    batch: int
    stages: tuple[Stage, ...]

    def to_json(self) -> str:
        """The configuration file's text."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read_system_config(path: Path, system: str) -> SystemConfig:
    """The configuration in a file; ConfigError says what is wrong with it."""
    try:
        entries = json.loads(path.read_text())
        entries["stages"] = tuple(Stage(**stage) for stage in entries["stages"])
        config = SystemConfig(**entries)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError) as error:
        known = ", ".join(f.name for f in fields(SystemConfig))
        raise ConfigError(f"{path} is no system's configuration ({known}): {error}") from error
    _check(config, path, system)
    return config


def _check(config: SystemConfig, path: Path, system: str) -> None:
    if config.system != system:
        raise ConfigError(f"{path} is the configuration of {config.system}, not of {system}")
    for name, value in vars(config).items():
        if name not in ("system", "stages"):
            _check_number(name, value, path, system)
    if config.side % 2:
        raise ConfigError(f"{path}: side must be even, not {config.side}")
    if config.validation_cameras == 1 and system in _COMPARING:
        raise ConfigError(f"{path}: validation_cameras must be 0, or 2 or more to compare, not 1")
    if not config.stages or not all(map(_is_stage, config.stages)):
        raise ConfigError(
            f"{path}: stages are a list, each of a name, a whole number of steps, 1 or more, and "
            "a learning_rate above 0"
        )
    if config.crop > config.side:
        raise ConfigError(f"{path}: crop {config.crop} is larger than side {config.side}")


def _check_number(name: str, value: object, path: Path, system: str) -> None:
    least, most = (_LEAST | _LEAST_OF.get(system, {})).get(name, 1), _MOST.get(name)
    if type(value) is not int or value < least or (most is not None and value > most):
        limits = f"{least} or more" if most is None else f"from {least} to {most}"
        raise ConfigError(f"{path}: {name} must be a whole number, {limits}, not {value!r}")


def _is_stage(stage: Stage) -> bool:
    rate = stage.learning_rate
    return (
        isinstance(stage.name, str)
        and type(stage.steps) is int
        and stage.steps >= 1
        and type(rate) in (int, float)
        and 0 < rate < float("inf")
    )
