"""A set of photos of which only the average of what is seen in each is kept."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from grainseal.models.fingerprint import require_same_grid
from grainseal.models.photo import Photo, PhotoError

Array = npt.NDArray[np.float32]


class AveragedSet:
    """Averages `seen` of the photos, then computes `features` of the average."""

    def __init__(self, seen: Callable[[Photo], Array], features: Callable[[Array], Array]) -> None:
        """`seen`: a float32 array of one shape for photos of one size."""
        self._seen, self._features = seen, features
        self._first: Photo | None = None
        self._sum: Array = np.zeros(0, np.float32)
        self._photos = 0

    def add(self, photo: Photo) -> None:
        """Take in one more; PhotoError if it is RAW, or of another size than the first."""
        if photo.kind != "developed":
            raise PhotoError(f"{photo.name} is RAW: give the JPEG made of it")
        if self._first is not None:
            require_same_grid(photo, self._first, self._first.shape)
        seen = self._seen(photo)
        if self._first is None:
            self._first, self._sum = photo.without_pixels(), np.zeros_like(seen)
        self._sum += seen
        self._photos += 1

    def finish(self) -> Array:
        """Features of the average; PhotoError without photos."""
        if self._photos == 0:
            raise PhotoError("no photos: a set needs at least one")
        return self._features(self._sum / np.float32(self._photos))
