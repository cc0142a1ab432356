"""The neural extractor: a small network says which part of each plane the sensor added.

A developed photo's three planes go through one network together, a Bayer plane through another.
Networks have no padding: what they lose on each side, models/tiling.py gives beforehand.

The residual is in units of I*K, as models/fingerprint.py wants it: the networks were trained
through that estimate, its noise weights included. This is the only file that imports onnxruntime.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from grainseal.models.extractor import Observation, source_of
from grainseal.models.manifest import REINSTALL, WEIGHTS, WeightsError, read_weights
from grainseal.models.noise_level import photo_noise_level
from grainseal.models.photo import Photo, PhotoError, PhotoKind
from grainseal.models.tiling import in_tiles, require_size

Planes = npt.NDArray[np.float32]

# Pixels a side of a tile's residual: a tile at work takes some 150 MB, its margins a quarter more.
TILE: Final = 1024


class NeuralExtractor:
    """Named networks, one for each kind of photo."""

    def __init__(self, name: str, folder: Path = WEIGHTS, tile: int = TILE) -> None:
        """`folder` holds `name`-developed.onnx, perhaps `name`-raw.onnx, and their manifests.

        `tile`: side of the tiles in pixels, a multiple of tiling.GRID. Raises WeightsError for
        weights that are not what their manifests say.
        """
        self.name = name
        self._tile = tile
        self._networks = {"developed": Network(folder, f"{name}-developed")}
        if (folder / f"{name}-raw.json").exists():
            self._networks["raw"] = Network(folder, f"{name}-raw")

    def source(self, kind: PhotoKind, /) -> str:
        """Its name with the SHA-256 of the kind's weights."""
        network = self._networks.get(kind)
        return source_of(self.name, network.manifest.sha256 if network is not None else "")

    def observe(self, photo: Photo) -> Iterator[Observation]:
        """One observation for each of R, G and B, or one for a whole Bayer plane."""
        network = self._networks.get(photo.kind)
        if network is None:
            raise PhotoError(
                f"{photo.name} is {photo.kind}, for which {self.name} has no network: "
                "choose the extractor wavelet"
            )
        require_size(photo)
        level = photo_noise_level(photo)
        residual = in_tiles(
            photo, self._tile, network.margin, lambda planes: network.run(planes, level)
        )
        for index in range(photo.plane_count):
            yield Observation(photo.plane(index), residual[index])


class Network:
    """One ONNX file that its manifest vouches for."""

    def __init__(self, folder: Path, stem: str, remedy: str = REINSTALL) -> None:
        """`remedy`: what the messages of WeightsError tell the user to do."""
        self.manifest, weights = read_weights(folder, stem, remedy)
        self._session = session(weights, self.manifest.file, remedy)

    @property
    def margin(self) -> int:
        """Pixels of context on each side."""
        return self.manifest.margin

    def run(self, planes: Planes, level: float) -> Planes:
        """(P, H, W) in [0, 1] -> (P, H - 2m, W - 2m)."""
        fed = {"planes": planes[None], "level": np.array([level], np.float32)}
        residual: Planes = self._session.run(["residual"], fed)[0][0]
        return residual


def session(weights: bytes, name: str, remedy: str = REINSTALL) -> Any:
    """An onnxruntime session on one thread; WeightsError if there is no such network in it."""
    # One thread a tile and many tiles at once: cores share no tile, so none waits for another.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception for every occasion
        raise WeightsError(f"{name} does not load: {remedy}") from error
