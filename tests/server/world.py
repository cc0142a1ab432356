"""A whole service for tests: a real server, a clock that can be moved, devices, relying parties."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from tests.server.claims import ClaimMaterial
from tests.server.device import Backend, Code, Connection, TestDevice, random_code

from grainseal.server import admin
from grainseal.server.app import RunningServer, running_server
from grainseal.server.config import ServerConfig


class MovedClock:
    """The real clock, moved ahead by as much as a test likes."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    @contextmanager
    def moved(self, seconds: float) -> Iterator[None]:
        self.ahead += seconds
        try:
            yield
        finally:
            self.ahead -= seconds


@dataclass
class World:
    """What a test needs of a running service. Not shared between processes."""

    config: ServerConfig
    server: RunningServer
    clock: MovedClock
    connection: Connection
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(20))
    _names: Iterator[int] = field(default_factory=itertools.count)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    @contextmanager
    def started(cls, data: Path, **settings) -> Iterator["World"]:
        config = ServerConfig(data, **{"allow_testing_profiles": True, "workers": 2, **settings})
        clock = MovedClock()
        with running_server(config, clock) as server:
            connection = Connection.to(server.address, server.ca_file)
            try:
                yield cls(config, server, clock, connection)
            finally:
                connection.close()

    def name(self, kind: str) -> str:
        with self._lock:
            return f"{kind}-{next(self._names)}"

    def backend(self, name: str = "") -> Backend:
        """A new relying party."""
        name = name or self.name("party")
        return Backend(self.connection, name, admin.add_relying_party(self.config.data, name))

    def ticket(self, subject: str = "") -> str:
        """A ticket of the operator's."""
        return admin.issue_ticket(self.config.data, subject or self.name("subject")).ticket

    def device(self, code: Code | None = None, cls: type[TestDevice] = TestDevice) -> TestDevice:
        """A new device, not enrolled."""
        return cls(self.connection, random_code(self.rng) if code is None else code)

    def enrolled(
        self,
        issuer: Backend | None = None,
        cls: type[TestDevice] = TestDevice,
        claims: bool = False,
    ) -> TestDevice:
        """A new device, enrolled with a relying party's ticket or the operator's.

        With `claims` it has a claim template too.
        """
        device = self.device(cls=cls)
        if claims:
            device.claims = ClaimMaterial.random(self.rng)
        device.enroll(issuer.ticket(self.name("subject")) if issuer else self.ticket())
        return device
