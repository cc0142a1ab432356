"""Photos that a network was trained on do not judge it: they are told by their SHA-256."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from grainseal.models.manifest import WeightsError
from grainseal.models.reference.training_photos import seen_photos

from ..errors import ClientError
from ..photos import photos_in
from .photos import Camera, FileShot

Config = Mapping[str, Any]


def other_photos(
    shots: Mapping[str, list[FileShot]], system: str, config: Config
) -> dict[str, list[FileShot]]:
    """Without those that the system's training or validation took; cameras of which any are left.

    `ClientError` for weights that do not tell.
    """
    seen = _seen(system, config)
    if not seen:
        return dict(shots)
    left = {
        name: [shot for shot in own if _digest(shot.path) not in seen]
        for name, own in shots.items()
    }
    return {name: own for name, own in left.items() if own}


def require_unseen(
    data: Path | None, cameras: Iterable[Camera], system: str, config: Config
) -> None:
    """`ClientError` where the system's training took photos of these cameras out of DATA."""
    if data is None:
        return
    seen = _seen(system, config)
    names = [each.name for each in cameras if seen and not seen.isdisjoint(_files(data, each.name))]
    if names:
        raise ClientError(
            f"{system} was trained on photos of {', '.join(names)}, and this table is about "
            "cameras that it has not seen: take them out of --data, or use a network that was "
            "trained without --photos"
        )


def _seen(system: str, config: Config) -> frozenset[str]:
    try:
        return seen_photos(config, system)
    except WeightsError as error:
        raise ClientError(str(error)) from None


def _files(data: Path, name: str) -> Iterable[str]:
    """SHA-256 of a camera's photos of every kind."""
    for kind in data.iterdir():
        if (kind / name).is_dir():
            yield from map(_digest, photos_in(kind / name))


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ClientError(f"cannot read {path}: {error.strerror or error}") from None
