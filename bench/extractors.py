"""The extractors that are compared, as far as this machine has them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from bench.table import Row
from grainseal.models.codes import CodeSpec
from grainseal.models.extractor import Extractor, Observation, get_extractor
from grainseal.models.photo import Photo, PhotoKind
from grainseal.models.reference import photonecf

WAVELET, NEURAL, BEST = "wavelet", "neural", "neural-best"
PHOTONECF: Final = photonecf.NAME
OURS: Final = (WAVELET, NEURAL, BEST)


def everyone() -> tuple[str, ...]:
    """Ours, and PhotoNecf's where the user has imported it."""
    return (*OURS, PHOTONECF) if os.environ.get(photonecf.VARIABLE) else OURS


def available(names: Sequence[str]) -> tuple[dict[str, Extractor], dict[str, str]]:
    """The extractors that there are, and why the others are left out."""
    found: dict[str, Extractor] = {}
    missing: dict[str, str] = {}
    for name in names:
        try:
            found[name] = get_extractor(name)
        except ValueError as error:
            missing[name] = str(error)
    return found, missing


def left_out(section: str, missing: dict[str, str]) -> list[Row]:
    """A row for each extractor that is not in a table."""
    return [Row(section, name, f"left out: {reason}") for name, reason in missing.items()]


class Remembering:
    """An extractor that looks at every photo object once: flats serve alone and together."""

    def __init__(self, extractor: Extractor) -> None:
        self.name = extractor.name
        self._extractor = extractor
        self._seen: dict[int, list[Observation]] = {}

    def source(self, kind: PhotoKind, /) -> str:
        """The extractor's own."""
        return self._extractor.source(kind)

    def observe(self, photo: Photo) -> Iterator[Observation]:
        """What the extractor yields, as new arrays."""
        key = id(photo)
        if key not in self._seen:
            self._seen[key] = list(self._extractor.observe(photo))
        for intensity, residual in self._seen[key]:
            yield Observation(intensity.copy(), residual.copy())


AnyCode = TypeVar("AnyCode", bound=CodeSpec)


def with_extractor(spec: AnyCode, name: str) -> AnyCode:
    """The code made with another extractor, as installed here."""
    _, _, weights = get_extractor(name).source(spec.kind).partition(":")
    return replace(spec, extractor=name, weights=weights)
