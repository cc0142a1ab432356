"""What every table needs: its settings, all cores at work, rates with intervals."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from grainseal.models import bootstrap, evaluation
from grainseal.models.cores import usable_cores
from grainseal.models.evaluation import Comparisons, Indices, Ranking
from grainseal.models.fingerprint import Plane
from grainseal.models.manifest import WeightsError
from grainseal.models.photo import PhotoError

from ..errors import ClientError
from ..photos import Stages
from ..plane_store import PlaneStore
from .layout import ends
from .photos import Camera, Shot

_A = TypeVar("_A")
_B = TypeVar("_B")


@dataclass(frozen=True)
class Settings:
    """`data`: folder of photos, None for simulated ones; `side` in pixels of what is compared.

    `cameras`: how many, None for the table's own number. `progress` is told of every stage.
    """

    data: Path | None
    cameras: int | None
    side: int
    progress: Stages


@dataclass(frozen=True)
class Rates:
    """Error rates and recognition rate of pairs, with their intervals; shares of 1."""

    genuine: int
    impostor: int
    auc: float
    eer: float
    rank1: float | None
    auc_interval: tuple[float, float] | None
    eer_interval: tuple[float, float] | None
    rank1_interval: tuple[float, float] | None

    @property
    def pairs(self) -> str:
        """How many there are, for people."""
        return f"{self.genuine} genuine and {self.impostor} impostor pairs"


def rates(pairs: Comparisons) -> Rates:
    """Of pairs of both sorts, else `ClientError`; intervals over cameras (models/bootstrap.py)."""
    curve = Ranking(pairs.scores, pairs.genuine).curve()
    if curve is None:
        raise ClientError("error rates need two cameras or more, and two photos of one")
    auc, eer = bootstrap.intervals(pairs, (evaluation.auc, evaluation.eer))
    hits, owners = evaluation.identified(pairs)
    genuine = int(pairs.genuine.sum())
    return Rates(
        genuine,
        pairs.scores.size - genuine,
        evaluation.auc(curve),
        evaluation.eer(curve),
        evaluation.rank1(pairs),
        ends(auc),
        ends(eer),
        ends(bootstrap.share_interval_over_cameras(hits, owners)),
    )


def on_every_core(
    work: Callable[[_A], _B], items: Iterable[_A], stage: str, progress: Stages
) -> Iterator[_B]:
    """The results in order; `ClientError` for a photo that cannot be worked on."""
    wanted = list(items)
    with ThreadPoolExecutor(usable_cores()) as pool:
        try:
            for done, result in enumerate(pool.map(work, wanted)):
                progress(stage, done + 1, len(wanted))
                yield result
        except PhotoError as error:
            raise ClientError(str(error)) from None
        finally:
            pool.shutdown(cancel_futures=True)


def trained(make: Callable[[], _A]) -> _A:
    """A system with its networks; `ClientError`, which says what to do, without them."""
    try:
        return make()
    except WeightsError as error:
        raise ClientError(str(error)) from None


def keep(store: PlaneStore, plane: Plane, name: str) -> int:
    """Its number in the store; `ClientError` where there is no noise at all in it."""
    number = store.add(plane)
    if number is None:
        raise ClientError(f"{name}: no sensor noise at all, black or white: leave it out")
    return number


def numbered(cameras: Iterable[Camera]) -> list[tuple[int, Shot]]:
    """Every scene with its camera's place."""
    return [(at, shot) for at, camera in enumerate(cameras) for shot in camera.scenes]


def owners(shots: Iterable[tuple[int, Shot]]) -> Indices:
    """The cameras' places alone."""
    return np.array([at for at, _ in shots], np.intp)
