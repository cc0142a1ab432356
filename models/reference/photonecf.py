"""The extractor `photonecf`: a published network, from weights that the user has imported.

Qian et al., "Web Photo Source Identification based on Neural Enhanced Camera Fingerprint", WWW 2023
(arXiv 2302.09228); code and weights under the MIT licence at https://github.com/PhotoNecf/PhotoNecf.
As published: 8-bit levels, one plane, a constant noise level of 5/255, residual = input - denoised.

Our choices

- A developed photo's three planes one by one; the authors had RAW only.
- Tiles with reflected surroundings, for the network pads with zeros, which prints one pattern on
  all cameras.
- The residual's scale. The network's own is many times that of the photo's noise, for it was
  trained towards a fingerprint, not towards I*K. models/fingerprint.py weighs residuals by their
  size, so a photo's is brought to the size that it counts in full.
- The authors' mask of bright patches and their signs are matchers of `grainseal evaluate`, for any
  extractor (photonecf_selection.py). `photonecf` by itself has neither.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from grainseal.models.extractor import Observation, source_of
from grainseal.models.fingerprint import NOISE_SIGMA
from grainseal.models.manifest import WeightsError, read_weights
from grainseal.models.neural import Network
from grainseal.models.photo import Photo, PhotoKind
from grainseal.models.reference.photonecf_levels import with_8_bits
from grainseal.models.tiling import in_tiles, require_size

Planes = npt.NDArray[np.float32]

NAME: Final = "photonecf"
VARIABLE: Final = "GRAINSEAL_PHOTONECF"
LEVEL: Final = 5 / 255
TILE: Final = 512  # pixels a side: a layer of a tile takes some 20 MB
_REMEDY: Final = (
    f"run `grainseal train import-photonecf CHECKPOINT --out DIR` and set {VARIABLE} to DIR"
)


class PhotoNecfExtractor:
    """The imported network, the same for developed photos and RAW."""

    name = NAME

    def __init__(self, folder: Path, tile: int = TILE) -> None:
        """`folder` holds photonecf.onnx and its manifest; `tile`: even side in pixels.

        Raises WeightsError when the files are missing or do not agree.
        """
        if tile <= 0 or tile % 2:
            raise ValueError(f"tiles have an even, positive side, not {tile}")
        self._network = Network(folder, NAME, _REMEDY)
        self._tile = tile

    def source(self, _kind: PhotoKind, /) -> str:
        """Its name with the SHA-256 of the imported weights."""
        return source_of(self.name, self._network.manifest.sha256)

    def observe(self, photo: Photo) -> Iterator[Observation]:
        """One observation for each of R, G and B, or one for a whole Bayer plane."""
        require_size(photo)
        residual = in_tiles(with_8_bits(photo), self._tile, self._network.margin, self._by_plane)
        size = float(np.sqrt(np.mean(np.square(residual), dtype=np.float64)))
        if size > 0:
            residual *= np.float32(NOISE_SIGMA / size)
        for index in range(photo.plane_count):
            yield Observation(photo.plane(index), residual[index])

    def _by_plane(self, planes: Planes) -> Planes:
        return np.concatenate([self._network.run(plane[None], LEVEL) for plane in planes])


def imported() -> PhotoNecfExtractor:
    """The extractor in the folder that GRAINSEAL_PHOTONECF names; WeightsError without one."""
    return PhotoNecfExtractor(_folder())


def missing() -> str | None:
    """Why the extractor cannot be used, None when it can; the network is not loaded."""
    try:
        read_weights(_folder(), NAME, _REMEDY)
    except WeightsError as error:
        return str(error)
    return None


def _folder() -> Path:
    folder = os.environ.get(VARIABLE)
    if not folder:
        raise WeightsError(f"{NAME} needs the weights that its authors published: {_REMEDY}")
    return Path(folder).expanduser()
