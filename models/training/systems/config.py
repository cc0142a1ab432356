"""What one training of a reference system is: read from a JSON file, checked, kept with the run."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from grainseal.models.training.config import ConfigError, Stage

# Numbers that may be nothing: a seed, cameras of their own for validation, even photos.
_MAY_BE_ZERO = ("seed", "validation_cameras", "flats")


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
    for field in fields(SystemConfig):
        value = getattr(config, field.name)
        least = 0 if field.name in _MAY_BE_ZERO else 1
        if isinstance(value, int) and value < least:
            raise ConfigError(f"{path}: {field.name} must be {least} or more, not {value}")
    if not config.stages or any(stage.steps < 1 for stage in config.stages):
        raise ConfigError(f"{path}: stages are a list, each of at least one step")
    if config.crop > config.side:
        raise ConfigError(f"{path}: crop {config.crop} is larger than side {config.side}")
