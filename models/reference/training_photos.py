"""Which photos a network was trained on, as the configuration in its manifest says."""

from collections.abc import Mapping
from typing import Any, Final

from grainseal.models.manifest import WeightsError
from grainseal.models.reference.weights import remedy

SIMULATED: Final = "simulated"  # `source` of networks that saw the built-in simulation alone
PHOTOS: Final = "photos_sha256"  # the entry that names all others' photos


def on_simulated(config: Mapping[str, Any]) -> bool:
    """Whether no photos were given: all cameras were the built-in simulation's."""
    return PHOTOS not in config and config.get("source") == SIMULATED


def seen_photos(config: Mapping[str, Any], system: str) -> frozenset[str]:
    """Hex SHA-256 of every given file that training, validation or fingerprints took.

    WeightsError, which says what to do, for a manifest that does not name them.
    """
    if on_simulated(config):
        return frozenset()
    if PHOTOS not in config:
        raise WeightsError(
            f"the manifest of {system} does not name the photos that it was trained on: "
            f"{remedy(system)}"
        )
    return frozenset(config[PHOTOS])
