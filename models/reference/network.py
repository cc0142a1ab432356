"""A trained network of a reference system, run by onnxruntime."""

import numpy as np
import numpy.typing as npt

from grainseal.models.manifest import read_weights
from grainseal.models.neural import session
from grainseal.models.reference.weights import folder_of, remedy

Array = npt.NDArray[np.float32]


class TrainedNetwork:
    """One ONNX file with one output, which its manifest vouches for."""

    def __init__(self, system: str, stem: str) -> None:
        """`stem`.onnx of the system; WeightsError, which says what to do, if it is not there."""
        folder = folder_of(system, (stem,))
        self.manifest, weights = read_weights(folder, stem, remedy(system))
        self._session = session(weights, self.manifest.file, remedy(system))

    def run(self, **inputs: Array) -> Array:
        """The output for float32 arrays by the names of the inputs."""
        output: Array = self._session.run(None, inputs)[0]
        return output
