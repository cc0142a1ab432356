"""The command line, run in this process, for tests of its commands."""

import json
from pathlib import Path
from typing import Any

import pytest

from grainseal.cli import run


class Program:
    """Runs one command line in this process; what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def __call__(self, *arguments: object) -> int:
        status = run([str(each) for each in arguments])
        self.out, self.err = self._capsys.readouterr()
        return status

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def connection(service, vault: Path) -> list[object]:
    return ["--server", service.local.address, "--ca", service.local.ca, "--vault", vault]


def enrolled(program: Program, service, vault: Path, photos: list[Path]) -> None:
    ticket = service.ticket("alice")
    options = ["--subject", "alice", "--ticket", ticket, "--profile", "TESTING"]
    assert program("enroll", *connection(service, vault), *options, *photos) == 0, program.err
