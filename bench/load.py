"""Load: many clients at once against a real server, and how the worker pool scales."""

import asyncio
import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tests.server.device import Connection, TestDevice, noisy, random_code

from bench.table import Row
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import AUTH_JPEG_V1
from grainseal.server import admin
from grainseal.server.app import RunningServer, running_server
from grainseal.server.config import ServerConfig
from grainseal.server.homomorphic import Upload, answer_probe
from grainseal.server.workers import Workers

SECTION = "load"
PROFILE = AUTH_JPEG_V1
CLIENTS = 16
AUTHENTICATIONS = 200
# Two processes share memory bandwidth and the parent's time: less than 2, not much less.
SCALING_LIMIT = 1.7
AUDIENCE = "bench"


@dataclass(frozen=True)
class Decided:
    """One authentication: its token (empty if rejected) and how long it took, in seconds."""

    token: str
    seconds: float


def rows(quick: bool = False) -> list[Row]:
    """Rows of the bench table; `quick` does a fraction of the work."""
    return [*_scaling(quick), *_many_clients(quick)]


def _many_clients(quick: bool) -> list[Row]:
    wanted = AUTHENTICATIONS // 5 if quick else AUTHENTICATIONS
    shares = [wanted // CLIENTS + (number < wanted % CLIENTS) for number in range(CLIENTS)]
    with _server() as (server, data):
        devices = [_enrolled(server, data, number) for number in range(CLIENTS)]
        probes = [_probes(*each) for each in zip(devices, shares, strict=True)]
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            done = [d for batch in clients.map(_authenticate_all, devices, probes) for d in batch]
        took = time.perf_counter() - began
        for device in devices:
            device.connection.close()
    return _load_rows(done, wanted, took)


def _load_rows(done: list[Decided], wanted: int, took: float) -> list[Row]:
    accepted = [each.token for each in done if each.token]
    times = sorted(each.seconds for each in done)
    exact = len(done) == len(accepted) == wanted
    figures = (
        ("decided", f"{len(done)} of {wanted}", "all", len(done) == wanted),
        ("accepted, as they should be", f"{len(accepted)}", "all", exact),
        (
            "tokens that are one of a kind",
            f"{len(set(accepted))}",
            "all",
            len(set(accepted)) == wanted,
        ),
        ("authentications per second", f"{wanted / took:.1f}", "", None),
        ("latency, median", f"{statistics.median(times) * 1e3:.0f} ms", "", None),
        ("latency, 95 %", f"{times[int(0.95 * len(times))] * 1e3:.0f} ms", "", None),
    )
    name = f"{CLIENTS} clients, {os.cpu_count()} workers: "
    return [Row(SECTION, name + what, value, limit, ok) for what, value, limit, ok in figures]


@contextmanager
def _server() -> Iterator[tuple[RunningServer, Path]]:
    with tempfile.TemporaryDirectory(prefix="grainseal-load-") as folder:
        data = Path(folder) / "server"
        with running_server(ServerConfig(data)) as server:
            admin.add_relying_party(data, AUDIENCE)
            yield server, data


def _enrolled(server: RunningServer, data: Path, number: int) -> TestDevice:
    code = random_code(np.random.default_rng(number), PROFILE)
    device = TestDevice(Connection.to(server.address, server.ca_file), code, PROFILE)
    device.enroll(admin.issue_ticket(data, f"subject-{number}").ticket)
    return device


def _probes(device: TestDevice, count: int) -> list[bytes]:
    # Encrypted beforehand: on this machine the clients would take the server's cores for it.
    rng = np.random.default_rng(count)
    return [device.encrypt(noisy(device.code, rng)) for _ in range(count)]


def _authenticate_all(device: TestDevice, probes: list[bytes]) -> list[Decided]:
    return [_authenticate(device, probe) for probe in probes]


def _authenticate(device: TestDevice, probe: bytes) -> Decided:
    began = time.perf_counter()
    session = device.begin(AUDIENCE)
    sums = device.submit_probe(device.probe_request(session, probe))
    decision = device.finish(device.opening(session, sums))
    return Decided(decision.token, time.perf_counter() - began)


def _scaling(quick: bool) -> list[Row]:
    calls, repetitions = (12, 3) if quick else (24, 5)
    times = asyncio.run(_pool_times(calls, repetitions))
    ratio = statistics.median(each.one / each.two for each in times)
    machine = statistics.median(each.machine for each in times)
    one = statistics.median(each.one for each in times) / calls
    return [
        Row(SECTION, "comparison in one worker", f"{one * 1e3:.1f} ms"),
        Row(
            SECTION,
            f"two workers against one, median of {repetitions}",
            f"{ratio:.2f} times",
            f"at least {SCALING_LIMIT}",
            ratio >= SCALING_LIMIT,
        ),
        # Where this is less than 2, others use the machine, and the row above cannot hold.
        Row(SECTION, "two processes that only count against one", f"{machine:.2f} times"),
    ]


@dataclass(frozen=True)
class Repetition:
    """Seconds of the same work in one worker and in two; how much two processes get done here."""

    one: float
    two: float
    machine: float


async def _pool_times(calls: int, repetitions: int) -> list[Repetition]:
    pools = [Workers(count, calls) for count in (1, 2)]
    try:
        for pool in pools:
            await asyncio.to_thread(pool.start)
        work = (answer_probe, PROFILE.name, *_comparison())
        for pool in pools:
            await _timed(pool, calls, *work)
        # In turns, so that whatever else the machine does meets both.
        return [await _repetition(pools, calls, work) for _ in range(repetitions)]
    finally:
        for pool in pools:
            await asyncio.to_thread(pool.stop)


async def _repetition(pools: list[Workers], calls: int, work: tuple[Any, ...]) -> Repetition:
    one, two = [await _timed(pool, calls, *work) for pool in pools]
    loop_one, loop_two = [await _timed(pool, 8, _loop) for pool in pools]
    return Repetition(one, two, loop_one / loop_two)


def _loop() -> int:
    return sum(range(2_000_000))


def _comparison() -> tuple[Upload, bytes]:
    key, rng = HomomorphicKey(PROFILE), np.random.default_rng(1)
    code = random_code(rng, PROFILE)
    return Upload(key.encrypt(code), key.public_keys()), key.encrypt(noisy(code, rng))


async def _timed(pool: Workers, calls: int, *work: Any) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(pool.run(math.inf, *work) for _ in range(calls)))
    return time.perf_counter() - began
