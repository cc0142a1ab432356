"""The demo: a real server, real ceremonies, every camera against every other.

Each camera is enrolled from its first photos, then probed with its own later ones and, with the
same vault, with every other camera's: the case of stolen keys and a wrong camera.
"""

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

import numpy as np

from grainseal.crypto.decision import Verdict, judge
from grainseal.models.codes import code_for
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.photo import PhotoKind, centre_start

from .coding import probe_code
from .demo_claim_photos import EXTRACTOR, ClaimPlan
from .demo_photos import PhotoSet, Plan
from .demo_service import LocalService
from .errors import ClientError
from .photos import extract
from .sdk import Client
from .vault import Vault

RELYING_PARTY: Final = "demo"
# Five failures in a row lock an enrolment. A lock-out is no verdict about a camera, so each
# enrolment meets fewer probes than that, and a camera has as many enrolments as it takes.
PROBES_PER_ENROLLMENT: Final = 4

Done = Callable[[str, int, int], None]
"""Told what is being done, how much of it is finished, and how much there is."""


@dataclass(frozen=True)
class Decision:
    """One probe against one enrolment.

    `accepted` is the service's word. `reason` and `score` are the demo's own: it holds every vault
    and every fingerprint and so can compute in the clear what the service never says.
    """

    enrolled: str
    probe: str
    accepted: bool
    reason: str
    seconds: float
    bytes_sent: int
    score: int
    profile: str

    @property
    def own(self) -> bool:
        """Whether the photos are the enrolled camera's."""
        return self.enrolled == self.probe

    @property
    def surprising(self) -> bool:
        """Whether it is not what one would wish: an own camera rejected, another one accepted."""
        return self.accepted != self.own


@dataclass(frozen=True)
class SavedFingerprint:
    """A fingerprint on disk: dozens of large ones would not fit into memory.

    In a file without a name, so that it goes with this process however that ends.
    """

    file: IO[bytes] = field(repr=False)
    shape: tuple[int, int]
    kind: PhotoKind
    photos: int
    source: str

    @classmethod
    def of(cls, fingerprint: Fingerprint) -> "SavedFingerprint":
        """Write it."""
        file = TemporaryFile()  # noqa: SIM115 - open as long as this object lives
        file.write(np.ascontiguousarray(fingerprint.values).data)
        return cls(
            file, fingerprint.shape, fingerprint.kind, fingerprint.photos, fingerprint.source
        )

    def load(self) -> Fingerprint:
        """Read it back."""
        self.file.seek(0)
        values = np.frombuffer(self.file.read(), np.float32).reshape(self.shape)
        return Fingerprint(values, self.kind, self.photos, self.source)


@dataclass(frozen=True)
class Fingerprints:
    """What was extracted, by camera: from enrolment photos and from probes; for claims, from
    enrolment photos by the claim codes' extractor and from fresh ones."""

    enrolled: dict[str, SavedFingerprint] = field(default_factory=dict)
    probes: dict[str, SavedFingerprint] = field(default_factory=dict)
    claims: dict[str, SavedFingerprint] = field(default_factory=dict)
    fresh: dict[str, SavedFingerprint] = field(default_factory=dict)


@dataclass(frozen=True)
class _Job:
    """Photos that make one fingerprint, and where it belongs."""

    photos: PhotoSet
    extractor: str
    by_camera: dict[str, SavedFingerprint]

    @property
    def pixels(self) -> int:
        return len(self.photos.paths) * self.photos.frame[0] * self.photos.frame[1]


def extract_all(
    pool: Executor, plan: Plan, done: Done, claims: ClaimPlan | None = None
) -> Fingerprints:
    """Fingerprint of every photo set of the plan, and of those that the claims need besides."""
    found = Fingerprints()
    jobs = [_Job(each, _extractor(each), found.enrolled) for each in plan.enrolled]
    jobs += [_Job(each, _extractor(each), found.probes) for each in plan.probes]
    for claimant in claims.claimants if claims is not None else ():
        jobs.append(_Job(claimant.enrolled, EXTRACTOR, found.claims))
        if claimant.fresh not in plan.probes:
            jobs.append(_Job(claimant.fresh, _extractor(claimant.fresh), found.fresh))
    # The longest first, so that no core is left with one of them at the end.
    jobs.sort(key=lambda job: -job.pixels)
    running = {pool.submit(extract, job.photos.paths, job.extractor): job for job in jobs}
    total, finished = sum(len(job.photos.paths) for job in jobs), 0
    while running:  # a future left in it would keep its fingerprint in memory
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            job = running.pop(future)
            job.by_camera[job.photos.camera] = SavedFingerprint.of(future.result())
            finished += len(job.photos.paths)
            done("Reading photos", finished, total)
    return found


def _extractor(photos: PhotoSet) -> str:
    return code_for(photos.profile.name).extractor


def run_demo(
    service: LocalService,
    api_key: str,
    plan: Plan,
    prints: Fingerprints,
    folder: Path,
    done: Done,
) -> list[Decision]:
    """Every enrolled camera against every probing one, for a relying party's API key."""
    decisions: list[Decision] = []
    total = len(plan.enrolled) * len(plan.probes)
    for camera in plan.enrolled:
        fingerprint = prints.enrolled[camera.camera].load()
        for number, probes in enumerate(_groups(plan.probes)):
            vault_folder = folder / f"{camera.camera}.{number}"
            for decision in _probe_all(
                service, api_key, camera, fingerprint, probes, prints, vault_folder
            ):
                decisions.append(decision)
                done("Authenticating", len(decisions), total)
    return decisions


def _groups(probes: Sequence[PhotoSet]) -> Iterator[Sequence[PhotoSet]]:
    for start in range(0, len(probes), PROBES_PER_ENROLLMENT):
        yield probes[start : start + PROBES_PER_ENROLLMENT]


def _probe_all(
    service: LocalService,
    api_key: str,
    camera: PhotoSet,
    fingerprint: Fingerprint,
    probes: Sequence[PhotoSet],
    prints: Fingerprints,
    folder: Path,
) -> Iterator[Decision]:
    """One enrolment of one camera, and what becomes of each probe."""
    with (
        Vault.create(folder, secrets.token_urlsafe(16)) as vault,
        Client(service.address, service.ca, vault) as client,
    ):
        ticket = service.ticket(folder.name, api_key)
        client.enroll(folder.name, ticket, fingerprint, profile=camera.profile.name)
        for probe in probes:
            taken = fitted(prints.probes[probe.camera].load(), fingerprint)
            before, started = client.bytes_sent, time.perf_counter()
            result = client.authenticate(RELYING_PARTY, taken)
            seconds, sent = time.perf_counter() - started, client.bytes_sent - before
            score = _score(vault, fingerprint, taken)
            yield Decision(
                camera.camera,
                probe.camera,
                result.accepted,
                _reason(camera, score, result.accepted),
                seconds,
                sent,
                score,
                camera.profile.name,
            )


def fitted(fingerprint: Fingerprint, enrolled: Fingerprint) -> Fingerprint:
    """A fingerprint forced into another camera's frame, kind and source, as a thief would.

    The centre where it is larger, repeated where it is smaller; unchanged where it fits.
    """
    values = fingerprint.values
    for axis, length in enumerate(enrolled.shape):
        if values.shape[axis] != length:
            start = max(0, centre_start(values.shape[axis], length))
            values = np.take(values, range(start, start + length), axis=axis, mode="wrap")
    return replace(fingerprint, values=values, kind=enrolled.kind, source=enrolled.source)


def _score(vault: Vault, enrolled: Fingerprint, probe: Fingerprint) -> int:
    """⟨t, p⟩ in the clear: what the service decided on without seeing it."""
    stored = vault.state.enrollment
    if stored is None:
        raise ClientError("the demo's vault lost its enrolment")
    codes = [probe_code(each, stored).astype(np.int64) for each in (enrolled, probe)]
    return int(codes[0] @ codes[1])


def _reason(camera: PhotoSet, score: int, accepted: bool) -> str:
    verdict = judge(camera.profile, score)
    if accepted != (verdict is Verdict.ACCEPTED):
        return f"NOT what the score in the clear says, {score}: {verdict.value}"
    return "the enrolled camera" if accepted else verdict.value
