"""Evaluation of systems that take photos, not residuals: pair matchers and classifiers."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from grainseal.models.copies import recompressed
from grainseal.models.photo import Photo, PhotoError, PhotoKind
from grainseal.models.reference.interfaces import Classifier, Features, PairMatcher, PhotoSet

from .errors import ClientError

Scores = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SetTemplate:
    """What a system made of a set of photos; `shape` is the photos', (height, width)."""

    values: npt.NDArray[np.floating] = field(repr=False)
    kind: PhotoKind
    shape: tuple[int, int]


class PairMethod:
    """Scores two sets of photos by a pair matcher."""

    sided = False

    def __init__(self, matcher: PairMatcher, crop: int | None) -> None:
        """`crop`: use only the centre crop x crop pixels of each photo."""
        self._matcher = matcher
        self._crop = crop
        self._kept: list[Features] = []

    def collector(self, camera: str, probe: bool, transform: str) -> "_SetCollector":  # noqa: ARG002
        """An empty set, for either side; `ClientError` for a transform that changes sizes."""
        _require_size_stays(transform, self._matcher.name)
        return _SetCollector(self._matcher.start(), self._crop, transform)

    def keep(self, template: SetTemplate, probe: bool) -> int | None:  # noqa: ARG002
        """Always has something to compare."""
        self._kept.append(template.values.astype(np.float32, copy=False))
        return len(self._kept) - 1

    def scores(self, references: Sequence[int], probes: Sequence[int], size: int) -> Scores:  # noqa: ARG002
        """One by one."""
        found = [
            [self._matcher.score(self._kept[one], self._kept[other]) for other in probes]
            for one in references
        ]
        return np.array(found, np.float64).reshape(len(references), len(probes))


class ClassifierMethod:
    """The probability that a probe is the camera's that the reference's folder is named after."""

    sided = True

    def __init__(self, classifier: Classifier) -> None:
        self._classifier = classifier
        self._kept: list[npt.NDArray[np.float64]] = []

    def collector(self, camera: str, probe: bool, transform: str) -> "_ClassCollector":
        """`ClientError` for a reference of a camera that the classifier does not know."""
        _require_size_stays(transform, self._classifier.name)
        if probe:
            return _ClassCollector(self._classifier, None, transform)
        known = self._classifier.cameras
        if camera not in known:
            raise ClientError(
                f"{self._classifier.name} knows the cameras {', '.join(known)}, not {camera}: "
                f"run `grainseal train {self._classifier.name} --photos` with photos of yours"
            )
        return _ClassCollector(self._classifier, known.index(camera), transform)

    def keep(self, template: SetTemplate, probe: bool) -> int | None:  # noqa: ARG002
        """Always has something to compare."""
        self._kept.append(template.values.astype(np.float64, copy=False))
        return len(self._kept) - 1

    def scores(self, references: Sequence[int], probes: Sequence[int], size: int) -> Scores:  # noqa: ARG002
        """Products of what is certain of the references and probable of the probes."""
        certain, probable = (
            np.stack([self._kept[number] for number in numbers]) for numbers in (references, probes)
        )
        found: Scores = certain @ probable.T
        return found


class _SetCollector:
    def __init__(self, photos: PhotoSet, crop: int | None, transform: str) -> None:
        self._photos, self._crop, self._transform = photos, crop, transform
        self._first: Photo | None = None

    def add(self, photo: Photo) -> None:
        photo = recompressed(photo, self._transform)
        if self._crop is not None:
            photo = photo.cropped(self._crop)
        self._photos.add(photo)
        if self._first is None:
            self._first = photo.without_pixels()

    def finish(self) -> SetTemplate:
        values = self._photos.finish()
        if self._first is None:
            raise PhotoError("no photos: a set needs at least one")
        return SetTemplate(values, self._first.kind, self._first.shape)


class _ClassCollector:
    """Probabilities of each photo, or all of it for the camera that is known."""

    def __init__(self, classifier: Classifier, known: int | None, transform: str) -> None:
        self._classifier, self._known, self._transform = classifier, known, transform
        self._found: list[npt.NDArray[np.float64]] = []

    def add(self, photo: Photo) -> None:
        if self._known is None:
            changed = recompressed(photo, self._transform)
            self._found.append(self._classifier.probabilities(changed))
        else:
            self._found.append(np.eye(len(self._classifier.cameras))[self._known])

    def finish(self) -> SetTemplate:
        """Of one shape whatever the photos' size: a classifier compares no grids."""
        values = np.mean(self._found, axis=0)
        return SetTemplate(values, "developed", (1, len(self._classifier.cameras)))


def _require_size_stays(transform: str, name: str) -> None:
    if transform == "half":
        raise ClientError(f"{name} compares photos of one size: it has no --transform half")
