"""Residual extractors: one interface, chosen by name.

An extractor looks at one photo and yields its observations: pairs of what the sensor saw (the
intensity I) and what is left of it when the picture is taken away (the residual W = I*K + noise),
both on the sensor grid.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from grainseal.models import wavelet
from grainseal.models.photo import Photo, PhotoError, PhotoKind

Plane = npt.NDArray[np.float32]


class Observation(NamedTuple):
    """Intensity in [0, 1] and residual on the same scale, both float32 (H, W) of the photo."""

    intensity: Plane
    residual: Plane


class Extractor(Protocol):
    """Anything that splits a photo into what it shows and what its sensor added."""

    @property
    def name(self) -> str:
        """The name it is chosen by."""

    def source(self, kind: PhotoKind, /) -> str:
        """What it makes fingerprints of such photos with: see `source_of`."""

    def observe(self, photo: Photo) -> Iterator[Observation]:
        """One observation per plane, in turn. The arrays are the caller's to overwrite.

        Raises PhotoError for a photo it cannot work on.
        """


def source_of(name: str, weights: str = "") -> str:
    """What tells extractors apart whose codes say nothing of each other.

    The name, and for a network the SHA-256 of its weights: trained anew it is another one.
    """
    return f"{name}:{weights}" if weights else name


class WaveletExtractor:
    """The Mihcak denoiser, colour plane by colour plane; RAW by the phases of its Bayer cell."""

    def __init__(self, name: str, levels: int) -> None:
        """`levels`: depth of the wavelet decomposition."""
        self.name = name
        self._levels = levels

    def source(self, _kind: PhotoKind, /) -> str:
        """Its name, for any kind."""
        return self.name

    def observe(self, photo: Photo) -> Iterator[Observation]:
        """One observation for each of R, G and B, or one for a whole Bayer plane."""
        step = 1 if photo.kind == "developed" else 2
        smallest = step * wavelet.min_side(self._levels)
        if min(photo.shape) < smallest:
            raise PhotoError(
                f"{photo.name} is {photo.width}x{photo.height}: "
                f"at least {smallest} pixels a side are needed"
            )
        for plane in photo.planes():
            yield Observation(plane, self._residual_by_phase(plane, step))

    def _residual_by_phase(self, plane: Plane, step: int) -> Plane:
        """Each of the step x step phases is a picture of its own to the denoiser."""
        residual = np.empty_like(plane)
        for row in range(step):
            for column in range(step):
                phase = np.s_[row::step, column::step]
                residual[phase] = wavelet.residual(plane[phase], levels=self._levels)
        return residual


class ByKind:
    """One extractor for developed photos and another for RAW."""

    def __init__(self, name: str, developed: Extractor, raw: Extractor) -> None:
        self.name = name
        self._developed, self._raw = developed, raw

    def source(self, kind: PhotoKind, /) -> str:
        """That of the kind's extractor: RAW goes through the same one under many names."""
        return self._of(kind).source(kind)

    def observe(self, photo: Photo) -> Iterator[Observation]:
        """What the kind's extractor yields."""
        return self._of(photo.kind).observe(photo)

    def _of(self, kind: PhotoKind) -> Extractor:
        return self._raw if kind == "raw" else self._developed


def _wavelet() -> Extractor:
    return WaveletExtractor("wavelet", levels=wavelet.LEVELS)


@cache
def _neural(name: str) -> Extractor:
    # Kept: its networks are checked and loaded once a process, and any thread may use them. Loads
    # onnxruntime, which takes a while: not before it is asked for.
    from grainseal.models.neural import NeuralExtractor

    return NeuralExtractor(name)


def _neural_best() -> Extractor:
    # There is one network for RAW (docs/EVALUATION.md, "Training").
    return ByKind("neural-best", _neural("neural-best"), _neural("neural"))


def _photonecf() -> Extractor:
    from grainseal.models.reference.photonecf import imported

    return imported()


def _residual_network(name: str) -> Extractor:
    from grainseal.models.reference.residual_networks import NetworkExtractor

    return NetworkExtractor(name)


# "wavelet" is the field's usual depth. One level more keeps what lies below 1/32 cycles per pixel,
# where codes of 16x16 pools live and an even scene has nothing of its own.
_EXTRACTORS: dict[str, Callable[[], Extractor]] = {
    "wavelet": _wavelet,
    "wavelet5": lambda: WaveletExtractor("wavelet5", levels=5),
    "neural": lambda: _neural("neural"),
    "neural-best": _neural_best,
    "photonecf": _photonecf,
    "csi-cnn": lambda: _residual_network("csi-cnn"),
    "dncnn": lambda: _residual_network("dncnn"),
}
NAMES: Final = tuple(sorted(_EXTRACTORS))


def get_extractor(name: str) -> Extractor:
    """The extractor of that name; ValueError lists the names there are.

    Also raises ValueError when the weights of a neural one are not what their manifest says, or
    when those that are not shipped have not been imported (`photonecf`) or trained.
    """
    if name not in _EXTRACTORS:
        raise ValueError(f"no extractor {name!r}: choose one of {', '.join(NAMES)}")
    return _EXTRACTORS[name]()
