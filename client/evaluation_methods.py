"""How an evaluation scores two samples: what is made of their photos, kept, and compared."""

from collections.abc import Sequence
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from grainseal.models.copies import copy_estimator
from grainseal.models.correlations import CORRELATIONS
from grainseal.models.extractor import Extractor
from grainseal.models.fingerprint import Estimator, Fingerprint
from grainseal.models.manifest import WeightsError
from grainseal.models.photo import Photo, PhotoKind
from grainseal.models.reference.chosen import CLASSIFIERS, PAIR_MATCHERS

from .errors import ClientError
from .evaluation_sets import ClassifierMethod, PairMethod
from .photos import DEFAULT_EXTRACTOR, extractor_named
from .plane_store import PlaneStore

Scores = npt.NDArray[np.float64]

# Those in the second place take photos themselves and no extractor.
MATCHER_NAMES: Final = (*CORRELATIONS, *PAIR_MATCHERS, *CLASSIFIERS)


class Template(Protocol):
    """What was made of one sample's photos."""

    @property
    def kind(self) -> PhotoKind:
        """Of the photos."""

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) of the grid: only templates of one kind and shape are compared."""


class Collector(Protocol):
    """Makes a template of photos that are added one by one."""

    def add(self, photo: Photo) -> None:
        """PhotoError for a photo that cannot be used with those before it."""

    def finish(self) -> Any:
        """The template, of the method's own type."""


class Method(Protocol):
    """One way to score pairs. `sided`: a probe is kept in another way than a reference."""

    @property
    def sided(self) -> bool:
        """Whether reference and probe cannot change places."""

    def collector(self, camera: str, probe: bool, transform: str) -> Collector:
        """For one sample's photos, of the folder `camera`; several may be at work at once.

        What it is given is changed by `transform`, one of models.copies.TRANSFORMS, before it is
        used. `ClientError` for a transform that the method has no use for.
        """

    def keep(self, template: Any, probe: bool) -> int | None:
        """The number it is kept by, None when there is nothing in it to compare."""

    def scores(self, references: Sequence[int], probes: Sequence[int], size: int) -> Scores:
        """Of all pairs of these numbers, (references, probes); all have `size` pixels."""


class CorrelationMethod:
    """Correlates what an extractor's residuals give; planes are kept in `store`."""

    def __init__(
        self, matcher: str, extractor: Extractor, crop: int | None, store: PlaneStore
    ) -> None:
        """`matcher`: one of CORRELATIONS; `crop`: only the centre crop x crop pixels."""
        self._correlation = CORRELATIONS[matcher]
        self._extractor = extractor
        self._crop = crop
        self._store = store
        self.sided = self._correlation.sided

    def collector(self, camera: str, probe: bool, transform: str) -> Estimator:  # noqa: ARG002
        """The correlation's estimator of that side, on the photos' own grid."""
        made = self._correlation.estimator_of(probe)
        return copy_estimator(transform, self._extractor, self._crop, made)

    def keep(self, template: Fingerprint, probe: bool) -> int | None:
        """None for a flat plane, which has no pattern."""
        prepare = self._correlation.probe if probe else self._correlation.reference
        return self._store.add(prepare(template))

    def scores(self, references: Sequence[int], probes: Sequence[int], size: int) -> Scores:
        """Their NCCs."""
        return self._store.nccs(references, probes, size)


def default_extractor(matcher: str) -> str | None:
    """What `matcher` takes residuals from where nothing is said; None if it takes photos."""
    return DEFAULT_EXTRACTOR if matcher in CORRELATIONS else None


def method_named(
    matcher: str, extractor: str | None, crop: int | None, store: PlaneStore
) -> Method:
    """The method of that name, one of MATCHER_NAMES.

    `ClientError` when there is no such matcher or extractor, one lacks its weights, or an extractor
    is named for a matcher that takes none.
    """
    if matcher in CORRELATIONS:
        named = extractor_named(extractor or DEFAULT_EXTRACTOR)
        return CorrelationMethod(matcher, named, crop, store)
    if extractor is not None:
        raise ClientError(f"{matcher} takes photos, not residuals: leave out --extractor")
    try:
        if matcher in PAIR_MATCHERS:
            return PairMethod(PAIR_MATCHERS[matcher](), crop)
        if matcher in CLASSIFIERS:
            return ClassifierMethod(CLASSIFIERS[matcher]())
    except WeightsError as error:
        raise ClientError(str(error)) from None
    raise ClientError(f"no matcher {matcher!r}: choose one of {', '.join(MATCHER_NAMES)}")
