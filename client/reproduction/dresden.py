"""The similarity matrix of Bennabhaktula et al. 2020, by their Algorithm 1."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from grainseal.models.evaluation import Scores
from grainseal.models.reference.published import dresden as published
from grainseal.models.reference.signature_similarity import (
    PAIRS,
    THRESHOLD,
    Array,
    SignatureMatcher,
    matrix_accuracy,
    similarity_matrix,
)
from grainseal.models.reference.training_photos import on_simulated
from grainseal.models.simulator.series import training_camera, unseen_camera

from ..errors import ClientError
from .layout import Cell, Line, Matrix, Reproduction
from .photos import SCENES, Camera, Wanted, series, shots_by_camera
from .unseen import other_photos
from .work import Settings, numbered, on_every_core, trained

_TESTED: Final = 18  # photos of each camera: the paper has 557 of 31 cameras
_VALIDATION: Final = 6
_SEED: Final = 2020
_OWN: Final = "trained on, other photos"
_NEVER_SEEN: Final = "never seen"
_UNNAMED: Final = "not named by the training"


@dataclass(frozen=True)
class _Group:
    """Cameras for one matrix; the threshold comes from photos that it is not made of."""

    title: str
    cameras: tuple[Camera, ...]
    comparable: bool  # with the paper's figure, which is of cameras that were trained on


def matrix(settings: Settings) -> Reproduction:
    """Over the cameras of training by other photos, as in the paper; and over others."""
    matcher = trained(SignatureMatcher)
    groups = _groups(matcher, settings)
    lines, matrices = [], []
    for group in groups:
        line, drawn = _experiment(matcher, group, settings)
        lines.append(line)
        matrices.append(drawn)
    return Reproduction(
        "dresden-matrix",
        _described(matcher, groups, settings),
        f"{published.PAPER}, {published.MATRIX_AT}; {published.PHOTOS}",
        ("cameras", "accuracy", "diagonal", "elsewhere", "threshold"),
        tuple(lines),
        (
            f"{PAIRS} pairs of photos for each cell. Diagonal and elsewhere: mean share of pairs "
            "that are said to be one camera's; ideal are 1 and 0.",
            *map(_size, groups),
        ),
        (
            "The paper's matrix is over the cameras that it trained on, split by photo; of ours "
            f'only "{_OWN}" is so too.',
            *(
                ["Cameras that the training does not name may be those of its validation."]
                if any(group.title == _UNNAMED for group in groups)
                else []
            ),
            "The threshold of each line has the highest F1 on pairs of other photos of the same "
            f"cameras, as in the paper, where it was {THRESHOLD}.",
            f"The networks were trained here, for minutes, on the centre of "
            f"{matcher.config['crop']} pixels a side; the paper takes whole photos.",
            "The paper's photos show two indoor scenes, again and again"
            f"{'; in simulated ones no scene comes twice' if settings.data is None else ''}.",
            "The paper's cameras are 31 of 34 devices of 25 models"
            f"{'; simulated ones are two of each model' if settings.data is None else ''}.",
        ),
        tuple(matrices),
    )


def _groups(matcher: SignatureMatcher, settings: Settings) -> list[_Group]:
    count = settings.cameras or published.CAMERAS
    if settings.data is not None:
        return _given(matcher, settings.data, count)
    config = matcher.config
    side, wanted = config["side"], Wanted(count, _VALIDATION + _TESTED)
    start = config["photos"] + config["validation_photos"]
    groups = []
    if on_simulated(config):
        own = tuple(
            series(f"trained {at + 1}", training_camera(config["seed"], at), side, wanted, start)
            for at in range(min(count, config["cameras"]))
        )
        groups.append(_Group(_OWN, own, comparable=True))
    others = tuple(
        series(f"unseen {at + 1}", unseen_camera(at), side, wanted) for at in range(count)
    )
    return [*groups, _Group(_NEVER_SEEN, others, comparable=False)]


def _given(matcher: SignatureMatcher, data: Path, count: int) -> list[_Group]:
    """Cameras that the training names and all others, without the photos it took."""
    config = matcher.config
    shots = other_photos(shots_by_camera(data, SCENES, config["side"]), matcher.name, config)
    known = config.get("camera_names", ()) if not on_simulated(config) else ()
    enough = _VALIDATION + 2
    own = [Camera(name, (), tuple(shots[name])) for name in shots if name in known]
    others = [Camera(name, (), tuple(shots[name])) for name in shots if name not in known]
    groups = [
        _Group(title, tuple(c for c in cameras if len(c.scenes) >= enough)[:count], comparable)
        for title, cameras, comparable in (
            (_OWN, own, True),
            (_NEVER_SEEN if on_simulated(config) else _UNNAMED, others, False),
        )
    ]
    found = [group for group in groups if len(group.cameras) > 1]
    if not found:
        raise ClientError(
            f"{data} needs two cameras with {enough} photos or more each, besides those trained on"
        )
    return found


def _experiment(
    matcher: SignatureMatcher, group: _Group, settings: Settings
) -> tuple[Line, Matrix]:
    signatures = _signatures(matcher, group, settings)
    validation = [each[:_VALIDATION] for each in signatures]
    tested = [each[_VALIDATION : _VALIDATION + _TESTED] for each in signatures]
    threshold = best_threshold(*_labelled(matcher, validation))
    settings.progress(f"Matrix: {group.title}", 0, 1)
    values = similarity_matrix(tested, matcher.score, _SEED, PAIRS, threshold)
    own = np.eye(len(values), dtype=bool)
    paper = published.ACCURACY if group.comparable else None
    cells = (
        Cell(paper, matrix_accuracy(values), digits=3),
        Cell(None, float(values[own].mean()), digits=3),
        Cell(None, float(values[~own].mean()), digits=3),
        Cell(THRESHOLD if group.comparable else None, threshold, digits=3),
    )
    names = tuple(camera.name for camera in group.cameras)
    return Line((group.title,), cells), Matrix(group.title, names, values)


def _signatures(matcher: SignatureMatcher, group: _Group, settings: Settings) -> list[list[Array]]:
    kept: list[list[Array]] = [[] for _ in group.cameras]
    scenes = numbered(group.cameras)

    def signed(each: tuple[int, object]) -> Array:
        photos = matcher.start()
        photos.add(scenes[each[0]][1].photo())
        return photos.finish()

    found = on_every_core(
        signed, list(enumerate(scenes)), f"Signatures: {group.title}", settings.progress
    )
    for (at, _), signature in zip(scenes, found, strict=True):
        kept[at].append(signature)
    return kept


def _labelled(
    matcher: SignatureMatcher, cameras: Sequence[Sequence[Array]]
) -> tuple[Scores, Scores]:
    """Scores of all pairs of photos: of one camera, and of two."""
    photos = [(at, each) for at, own in enumerate(cameras) for each in own]
    same: list[float] = []
    different: list[float] = []
    for number, (at, one) in enumerate(photos):
        for other_at, other in photos[number + 1 :]:
            (same if at == other_at else different).append(matcher.score(one, other))
    return np.array(same), np.array(different)


def best_threshold(same: Scores, different: Scores) -> float:
    """The score above which pairs are one camera's, with the highest F1 of all scores there are."""
    scores = np.concatenate((same, different))
    order = np.argsort(-scores, kind="stable")
    right = np.cumsum(order < same.size)
    f1 = 2 * right / (np.arange(1, scores.size + 1) + same.size)
    ranked = scores[order]
    last = np.append(ranked[1:] != ranked[:-1], True)  # equal scores are told apart by none
    best = int(np.argmax(np.where(last, f1, 0)))
    return float(np.nextafter(ranked[best], -np.inf))


def _size(group: _Group) -> str:
    count = len(group.cameras)
    return (
        f"{group.title}: {count} x {count} cells; whoever always answers no has an accuracy of "
        f"{1 - 1 / count:.3f}."
    )


def _described(matcher: SignatureMatcher, groups: Iterable[_Group], settings: Settings) -> str:
    counts = ", ".join(f"{len(group.cameras)} cameras {group.title}" for group in groups)
    side, crop = matcher.config["side"], matcher.config["crop"]
    if settings.data is not None:
        return f"{settings.data}, centre {crop}x{crop}: {counts}"
    return f"simulated photos, JPEG of {side}x{side}, their centre {crop}x{crop}: {counts}"
