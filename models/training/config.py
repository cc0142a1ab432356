"""What one training run is: read from a JSON file, checked, and written into the manifest."""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal

Domain = Literal["developed", "raw"]
STAGES: Final = ("denoise", "pattern")
# Pixels that a patch has more on each side than what is judged of its residual: out there the
# network knows too little. Less than its margin, which the last per mille of its reach needs.
TRIM: Final = 16


class ConfigError(ValueError):
    """A configuration that cannot be trained; the message says which entry and why."""


@dataclass(frozen=True)
class Stage:
    """One part of the schedule; `name` says which loss."""

    name: str
    steps: int
    learning_rate: float


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that determines the weights, but for the machine."""

    name: str
    domain: Domain
    seed: int
    channels: int  # of the network's finest scale
    wide: int  # channels of its coarser scales
    depth: int  # layers of its middle scale
    shots: int
    validation_shots: int
    side: int  # of a shot in pixels
    crop: int  # of a patch's residual in pixels
    batch: int
    stages: tuple[Stage, ...]

    @property
    def planes(self) -> int:
        """Colour planes that the network sees at once."""
        return 3 if self.domain == "developed" else 1

    def to_json(self) -> str:
        """The configuration file's text."""
        return json.dumps(asdict(self), indent=2) + "\n"


def read_config(path: Path) -> TrainingConfig:
    """The configuration in a file; ConfigError says what is wrong with it."""
    try:
        entries = json.loads(path.read_text())
        entries["stages"] = tuple(Stage(**stage) for stage in entries["stages"])
        config = TrainingConfig(**entries)
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError) as error:
        known = ", ".join(f.name for f in fields(TrainingConfig))
        raise ConfigError(f"{path} is no training configuration ({known}): {error}") from error
    _check(config, path)
    return config


def _check(config: TrainingConfig, path: Path) -> None:
    numbers: dict[str, Any] = {k: v for k, v in asdict(config).items() if isinstance(v, int)}
    for name, value in numbers.items():
        if value < (0 if name == "seed" else 1):
            raise ConfigError(f"{path}: {name} must be positive, not {value}")
    if config.domain not in ("developed", "raw"):
        raise ConfigError(f"{path}: domain is developed or raw, not {config.domain}")
    if not config.stages or any(stage.name not in STAGES for stage in config.stages):
        raise ConfigError(f"{path}: stages are a list of {' and '.join(STAGES)}")
    if config.crop % 8 or config.side % 8:
        raise ConfigError(f"{path}: crop and side are multiples of 8")
    if config.crop + 2 * TRIM + 8 > config.side:
        raise ConfigError(f"{path}: crop and its context do not fit into side {config.side}")
