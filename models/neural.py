"""The neural extractor: a small network says which part of each plane the sensor added.

A developed photo's three planes go through one network together, a Bayer plane through another.
Networks have no padding, so the tiles of a photo need its surroundings: `margin` pixels, reflected
at the photo's border. With that context a tile's residual is what the whole photo would give, and
tiles meet without a seam. Even reflection and even offsets keep the phases of the CFA cell.

The residual is in units of I*K, as models/fingerprint.py wants it: the networks were trained
through that estimate, its noise weights included. This is the only file that imports onnxruntime.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import onnxruntime

from grainseal.models.extractor import Observation
from grainseal.models.manifest import WEIGHTS, WeightsError, read_weights
from grainseal.models.noise_level import photo_noise_level
from grainseal.models.photo import Photo, PhotoError

Plane = npt.NDArray[np.float32]
Planes = npt.NDArray[np.float32]

# Pixels a side of a tile's residual: activations of a tile take some 20 MB.
TILE: Final = 384
# Smallest photo: the noise level needs blocks, the border something to reflect.
MIN_SIDE: Final = 64


class NeuralExtractor:
    """Named networks, one for each kind of photo."""

    def __init__(self, name: str, folder: Path = WEIGHTS, tile: int = TILE) -> None:
        """`folder` holds `name`-developed.onnx, perhaps `name`-raw.onnx, and their manifests.

        `tile`: side of the tiles in pixels, even. Raises WeightsError for weights that are not
        what their manifests say.
        """
        if tile <= 0 or tile % 2:
            raise ValueError(f"tiles have an even, positive side, not {tile}")
        self.name = name
        self._tile = tile
        self._networks = {"developed": _Network(folder, f"{name}-developed")}
        if (folder / f"{name}-raw.json").exists():
            self._networks["raw"] = _Network(folder, f"{name}-raw")

    def observe(self, photo: Photo) -> Iterator[Observation]:
        """One observation for each of R, G and B, or one for a whole Bayer plane."""
        network = self._networks.get(photo.kind)
        if network is None:
            raise PhotoError(
                f"{photo.name} is {photo.kind}, for which {self.name} has no network: "
                "choose the extractor wavelet"
            )
        if min(photo.shape) < MIN_SIDE:
            raise PhotoError(
                f"{photo.name} is {photo.width}x{photo.height}: "
                f"at least {MIN_SIDE} pixels a side are needed"
            )
        residual = self._residual(photo, network)
        for index in range(photo.plane_count):
            yield Observation(photo.plane(index), residual[index])

    def _residual(self, photo: Photo, network: "_Network") -> Planes:
        """Float32 (planes, H, W), tile by tile on every core."""
        level = photo_noise_level(photo)
        residual = np.empty((photo.plane_count, *photo.shape), np.float32)

        def work(corner: tuple[int, int]) -> None:
            top, left = corner
            tile = network.run(_window(photo, top, left, self._tile, network.margin), level)
            place = np.s_[:, top : top + self._tile, left : left + self._tile]
            _, height, width = residual[place].shape
            residual[place] = tile[:, :height, :width]

        corners = [
            (top, left)
            for top in range(0, photo.height, self._tile)
            for left in range(0, photo.width, self._tile)
        ]
        with ThreadPoolExecutor(_cores()) as pool:
            list(pool.map(work, corners))
        return residual


class _Network:
    """One ONNX file that its manifest vouches for."""

    def __init__(self, folder: Path, stem: str) -> None:
        self.manifest, weights = read_weights(folder, stem)
        self._session = session(weights, self.manifest.file)

    @property
    def margin(self) -> int:
        """Pixels of context on each side."""
        return self.manifest.margin

    def run(self, planes: Planes, level: float) -> Planes:
        """(P, H, W) in [0, 1] -> (P, H - 2m, W - 2m)."""
        fed = {"planes": planes[None], "level": np.array([level], np.float32)}
        residual: Planes = self._session.run(["residual"], fed)[0][0]
        return residual


def session(weights: bytes, name: str) -> Any:
    """An onnxruntime session on one thread; WeightsError if there is no such network in it."""
    # One thread a tile and many tiles at once: cores share no tile, so none waits for another.
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has an exception for every occasion
        raise WeightsError(f"{name} does not load: install grainseal again") from error


def _window(photo: Photo, top: int, left: int, side: int, margin: int) -> Planes:
    """A tile and its margin as float32 (P, H, W) in [0, 1]; the border of the photo reflects."""
    height, width = (
        min(side, length + length % 2 - first)
        for length, first in zip(photo.shape, (top, left), strict=True)
    )
    rows = _mirrored(top - margin, top + height + margin, photo.height)
    columns = _mirrored(left - margin, left + width + margin, photo.width)
    part = photo.window(rows, columns)
    return np.ascontiguousarray(np.stack(list(part.planes())))


def _mirrored(start: int, stop: int, length: int) -> npt.NDArray[np.intp]:
    """Indices start..stop reflected at 0 and length - 1, without repeating these."""
    period = 2 * (length - 1)
    index = np.arange(start, stop) % period
    return np.minimum(index, period - index)


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity is not None else os.cpu_count() or 1
