"""Pair matchers and classifiers by name; networks are loaded when they are asked for."""

from collections.abc import Callable
from typing import Final

from grainseal.models.reference.interfaces import Classifier, PairMatcher


def _siamese() -> PairMatcher:
    from grainseal.models.reference.siamese import SiameseMatcher

    return SiameseMatcher()


def _signature_similarity() -> PairMatcher:
    from grainseal.models.reference.signature_similarity import SignatureMatcher

    return SignatureMatcher()


def _patch_classifier() -> Classifier:
    from grainseal.models.reference.patch_classifier import PatchClassifier

    return PatchClassifier()


# Each raises WeightsError, which says what to do, where the system is not trained.
PAIR_MATCHERS: Final[dict[str, Callable[[], PairMatcher]]] = {
    "siamese": _siamese,
    "signature-similarity": _signature_similarity,
}
CLASSIFIERS: Final[dict[str, Callable[[], Classifier]]] = {"patch-classifier": _patch_classifier}
