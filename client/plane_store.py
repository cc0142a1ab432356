"""Fingerprints of an evaluation, kept so that each is computed once and all pairs can be scored.

Up to a limit they stay in memory, beyond it they go to a temporary file. Scores of all pairs are
sums over the pixels, so they are summed from a slice of every fingerprint at a time: each value is
read once however many pairs there are, and memory stays bounded.
"""

import os
import tempfile
from collections.abc import Sequence
from types import TracebackType
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from .errors import ClientError

Plane = npt.NDArray[np.float32]
Vector = npt.NDArray[np.float32]

# Together about what enrolling one camera takes.
MEMORY_LIMIT: Final = 1 << 30
_SLICE_BYTES: Final = 1 << 27


class PlaneStore:
    """Unit vectors of float32, in memory up to `limit` bytes, then on disk; a context manager."""

    def __init__(self, limit: int = MEMORY_LIMIT) -> None:
        self._limit = limit
        self._kept = 0
        self._file: IO[bytes] | None = None
        self._written = 0
        self._vectors: list[Vector | int] = []  # the number is where in the file

    def __enter__(self) -> "PlaneStore":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._vectors.clear()
        if self._file is not None:
            self._file.close()

    def add(self, values: Plane) -> int | None:
        """Keep a float32 (H, W) plane; its number, or None for a flat one, which has no pattern.

        `ClientError` when there is no room for it.
        """
        centred = values.ravel() - np.float32(np.mean(values, dtype=np.float64))
        length = float(np.sqrt(np.sum(np.square(centred, dtype=np.float64))))
        if length == 0:
            return None
        centred /= np.float32(length)
        self._vectors.append(self._placed(centred))
        return len(self._vectors) - 1

    def nccs(
        self, rows: Sequence[int], columns: Sequence[int], size: int
    ) -> npt.NDArray[np.float64]:
        """NCC of every plane in `rows` with every one in `columns`, all of `size` pixels."""
        scores = np.zeros((len(rows), len(columns)))
        step = max(1, _SLICE_BYTES // (4 * max(1, len(rows) + len(columns))))
        for start in range(0, size if scores.size else 0, step):
            stop = min(size, start + step)
            scores += self._stacked(rows, start, stop) @ self._stacked(columns, start, stop).T
        return scores

    def _stacked(self, numbers: Sequence[int], start: int, stop: int) -> npt.NDArray[np.float32]:
        return np.stack([self._part(self._vectors[number], start, stop) for number in numbers])

    def _part(self, vector: Vector | int, start: int, stop: int) -> Vector:
        if not isinstance(vector, int):
            return vector[start:stop]
        if self._file is None:
            raise ValueError("the store is closed")
        read = os.pread(self._file.fileno(), 4 * (stop - start), vector + 4 * start)
        return np.frombuffer(read, np.float32)

    def _placed(self, vector: Vector) -> Vector | int:
        """The vector itself, or where in the file it was written."""
        if self._kept + vector.nbytes <= self._limit:
            self._kept += vector.nbytes
            return vector
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="grainseal-evaluate-")  # noqa: SIM115
            self._file.write(vector.tobytes())
            self._file.flush()
        except OSError as error:
            raise ClientError(
                f"no room for the fingerprints in {tempfile.gettempdir()}: "
                f"{error.strerror or error}; set TMPDIR to a larger disk, or use a smaller --crop"
            ) from None
        self._written += vector.nbytes
        return self._written - vector.nbytes
