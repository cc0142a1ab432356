"""A real service in a process of its own, and photos of two virtual cameras."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.client.program import Program

from grainseal.client.demo_service import LocalService
from grainseal.models.simulator import VirtualCamera, take_burst
from grainseal.server import admin

AUDIENCE = "shop"


@dataclass(frozen=True)
class Shots:
    """Photos of one camera: six to enrol, three for a first probe, three for a second."""

    enroll: list[Path]
    probe: list[Path]
    later: list[Path]


@dataclass(frozen=True)
class RunningService:
    local: LocalService
    api_key: str

    def ticket(self, subject: str) -> str:
        return self.local.ticket(subject, self.api_key)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    folder = tmp_path_factory.mktemp("service") / "data"
    with LocalService(folder, "--allow-testing-profiles", "--workers", "1") as local:
        yield RunningService(local, admin.add_relying_party(folder, AUDIENCE))


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalService]:
    """Another service, which knows none of the first one's enrolments."""
    folder = tmp_path_factory.mktemp("elsewhere") / "data"
    with LocalService(folder, "--allow-testing-profiles", "--workers", "1") as local:
        yield local


def shots(folder: Path, seed: int) -> Shots:
    camera = VirtualCamera(seed, 512, 512)
    bursts = [take_burst(camera, n, folder / str(n), seed=s) for n, s in ((6, 1), (3, 2), (4, 3))]
    return Shots(*bursts)


@pytest.fixture(scope="session")
def alice(tmp_path_factory: pytest.TempPathFactory) -> Shots:
    return shots(tmp_path_factory.mktemp("alice"), 101)


@pytest.fixture(scope="session")
def mallory(tmp_path_factory: pytest.TempPathFactory) -> Shots:
    """Another camera of the same model."""
    return shots(tmp_path_factory.mktemp("mallory"), 102)


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str]) -> Program:
    return Program(capsys)
