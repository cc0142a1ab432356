"""The extractors `csi-cnn` and `dncnn`: networks that were trained here after two papers.

models/training/systems/csi_cnn.py and dncnn.py have papers, layers, losses and our choices.

Our choices in use

- Tiles with reflected surroundings, cut off again: zeros print one pattern on all cameras.
- DnCNN gives a residual for each plane; CSI-CNN's one goes with the luminance (Rec. 601).
- A cosine loss leaves the size of CSI-CNN's residual open. models/fingerprint.py weighs residuals
  by their size, so a photo's is brought to the size that it counts in full.
- Neither takes RAW: their papers have photos of three colours only.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from grainseal.models.extractor import Observation, source_of
from grainseal.models.fingerprint import NOISE_SIGMA
from grainseal.models.photo import Photo, PhotoError, PhotoKind
from grainseal.models.reference.network import TrainedNetwork
from grainseal.models.reference.rspn import luminance
from grainseal.models.tiling import in_tiles, require_size

Planes = npt.NDArray[np.float32]

# Planes of each one's residual.
NAMES: Final = {"csi-cnn": 1, "dncnn": 3}
TILE: Final = 256  # pixels a side: a layer of 128 channels takes some 40 MB


class NetworkExtractor:
    """A network from three planes to the residual of three, or of one.

    `config` is that of its training.
    """

    def __init__(self, name: str, tile: int = TILE) -> None:
        """`name`: one of NAMES; `tile`: multiple of tiling.GRID. WeightsError if not trained."""
        self.name = name
        self._network = TrainedNetwork(name, name)
        self.config: Mapping[str, Any] = self._network.manifest.config
        self._tile = tile

    def source(self, _kind: PhotoKind, /) -> str:
        """Its name and network, for any kind."""
        return source_of(self.name, self._network.manifest.sha256)

    def observe(self, photo: Photo) -> Iterator[Observation]:
        """One observation for each of R, G and B, or one for the luminance."""
        if photo.kind != "developed":
            raise PhotoError(
                f"{photo.name} is {photo.kind}, for which {self.name} has no network: "
                "choose the extractor wavelet"
            )
        require_size(photo)
        margin, planes = self._network.manifest.margin, NAMES[self.name]
        residual = in_tiles(photo, self._tile, margin, self._run, planes)
        if planes == 1:
            residual *= _to_noise(residual)
            yield Observation(luminance(list(photo.planes())), residual[0])
            return
        for index in range(photo.plane_count):
            yield Observation(photo.plane(index), residual[index])

    def _run(self, planes: Planes) -> Planes:
        residual: Planes = self._network.run(planes=planes[None])[0]
        return residual


def _to_noise(residual: Planes) -> np.float32:
    """The factor that brings a residual to a root mean square of NOISE_SIGMA; 1 for zeros."""
    size = float(np.sqrt(np.mean(np.square(residual), dtype=np.float64)))
    return np.float32(NOISE_SIGMA / size if size > 0 else 1)
