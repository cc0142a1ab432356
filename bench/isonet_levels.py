"""The noise level that `neural` is given: measured, or looked up by true or by estimated ISO."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.extractor import Observation
from grainseal.models.fingerprint import estimate
from grainseal.models.manifest import WEIGHTS
from grainseal.models.matching import ncc
from grainseal.models.neural import TILE, Network
from grainseal.models.noise_level import photo_noise_level
from grainseal.models.photo import Photo, PhotoKind
from grainseal.models.simulator.iso_series import ISOS, iso_series
from grainseal.models.tiling import in_tiles
from grainseal.models.training.correlation_predictor import TRAINED

Array = npt.NDArray[np.float64]

MEASURED, TRUE, ESTIMATED = "measured", "of the true ISO", "of the estimated ISO"
WAYS: Final = (MEASURED, TRUE, ESTIMATED)
_SIDE: Final = 256


@dataclass(frozen=True)
class LevelTable:
    """Mean noise level at each of ISOS."""

    levels: Array

    def level(self, iso: float) -> float:
        """Between two ISO speeds by a straight line of logarithms; beyond them the end's."""
        at = np.interp(np.log2(iso), np.log2(ISOS), np.log2(self.levels))
        return float(2**at)


def level_table(cameras: int) -> LevelTable:
    """Of the first `cameras` that the correlation predictor was fitted on."""
    levels = [
        [photo_noise_level(_photo(picture)) for picture in series.saved_scenes()]
        for series in (iso_series(TRAINED + number, _SIDE) for number in range(cameras))
    ]
    return LevelTable(np.mean(levels, axis=0))


def correlations(
    network: Network,
    table: LevelTable,
    photo: Photo,
    iso: int,
    estimated: float | None,
    pattern: npt.NDArray[np.float32],
) -> list[float]:
    """NCC with the true pattern by each of WAYS, but the last where nothing is estimated."""
    levels = [photo_noise_level(photo), table.level(iso)]
    if estimated is not None:
        levels.append(table.level(estimated))
    return [ncc(estimate([photo], _Extractor(network, level)).values, pattern) for level in levels]


def shipped() -> Network:
    """The network of `neural` for developed photos."""
    return Network(WEIGHTS, "neural-developed")


def _photo(pixels: npt.NDArray[np.uint8]) -> Photo:
    return Photo(pixels, "developed", "simulated", "")


class _Extractor:
    name = "neural, told the level"

    def __init__(self, network: Network, level: float) -> None:
        self._network, self._level = network, level

    def source(self, _kind: PhotoKind, /) -> str:
        return self.name

    def observe(self, photo: Photo) -> Iterator[Observation]:
        residual = in_tiles(
            photo, TILE, self._network.margin, lambda part: self._network.run(part, self._level)
        )
        for index in range(photo.plane_count):
            yield Observation(photo.plane(index), residual[index])
