"""Worker processes: side by side, bounded, in time, replaced when dead, gone with the server."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import numpy as np
import psutil
import pytest
from tests.server.device import noisy, random_code
from tests.server.process import runs

from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.masking import unmask_score
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.profiles import TESTING
from grainseal.server.errors import DeadlinePassed, Unavailable
from grainseal.server.homomorphic import (
    StoredTemplateDamaged,
    Upload,
    answer_probe,
    check_probe,
)
from grainseal.server.workers import Workers


def soon():
    return time.monotonic() + 60


@asynccontextmanager
async def pool(count=1, max_waiting=8):
    workers = Workers(count, max_waiting)
    try:
        await asyncio.to_thread(workers.start)
        yield workers
    finally:
        await asyncio.to_thread(workers.stop)


def test_comparison_in_a_worker_gives_the_exact_score():
    async def scenario():
        rng = np.random.default_rng(5)
        key, code = HomomorphicKey(TESTING), random_code(rng)
        probe = noisy(code, rng)
        enrolled = Upload(key.encrypt(code), key.public_keys())
        async with pool() as workers:
            for _ in range(2):  # the second time from the worker's memory
                answer = await workers.run(
                    soon(), answer_probe, "TESTING", enrolled, key.encrypt(probe)
                )
                score = unmask_score(TESTING, answer.masks, key.open(answer.sums))
                assert score == int(code.astype(int) @ probe)
            with pytest.raises(MalformedMessage):
                await workers.run(soon(), check_probe, "TESTING", b"no ciphertext")
            damaged = Upload(b"damaged", enrolled.keys)
            with pytest.raises(StoredTemplateDamaged):
                await workers.run(soon(), answer_probe, "TESTING", damaged, key.encrypt(probe))

    asyncio.run(scenario())


def test_two_workers_work_side_by_side():
    async def scenario():
        async with pool(2) as workers:
            began = time.monotonic()
            await asyncio.gather(*(workers.run(soon(), time.sleep, 0.4) for _ in range(2)))
            assert time.monotonic() - began < 0.75

    asyncio.run(scenario())


def test_dead_worker_is_replaced():
    async def scenario():
        async with pool() as workers:
            before = await workers.run(soon(), os.getpid)
            with pytest.raises(Unavailable):
                await workers.run(soon(), os._exit, 3)
            after = await workers.run(soon(), os.getpid)
            assert after != before

    asyncio.run(scenario())


def test_dead_worker_takes_all_calls_in_flight_and_none_after_them():
    async def scenario():
        async with pool(2) as workers:
            calls = [workers.run(soon(), time.sleep, 30), workers.run(soon(), os._exit, 3)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert [type(outcome) for outcome in outcomes] == [Unavailable] * 2
            assert await workers.run(soon(), os.getpid)

    asyncio.run(scenario())


def test_too_many_waiting_calls_are_told_to_come_again():
    async def scenario():
        async with pool(1, max_waiting=2) as workers:
            calls = [workers.run(soon(), time.sleep, 0.2) for _ in range(5)]
            outcomes = await asyncio.gather(*calls, return_exceptions=True)
            assert outcomes[:3] == [None] * 3
            assert all(isinstance(outcome, Unavailable) for outcome in outcomes[3:])
            assert await workers.run(soon(), os.getpid)

    asyncio.run(scenario())


def test_nothing_begins_after_its_deadline(tmp_path):
    async def scenario():
        began = tmp_path / "began"
        async with pool() as workers:
            with pytest.raises(DeadlinePassed):
                await workers.run(time.monotonic() - 0.1, os.mkdir, began)
            busy = asyncio.create_task(workers.run(soon(), time.sleep, 0.5))
            await asyncio.sleep(0.05)
            with pytest.raises(DeadlinePassed):
                await workers.run(time.monotonic() + 0.1, os.mkdir, began)
            await busy
            assert await workers.run(soon(), os.getpid)
        assert not began.exists()

    asyncio.run(scenario())


def test_a_caller_who_goes_away_does_not_free_a_busy_worker():
    async def scenario():
        async with pool() as workers:
            gone = asyncio.create_task(workers.run(soon(), time.sleep, 0.5))
            await asyncio.sleep(0.05)
            gone.cancel()
            with pytest.raises(DeadlinePassed):
                await workers.run(time.monotonic() + 0.1, os.getpid)
            assert await workers.run(soon(), os.getpid)

    asyncio.run(scenario())


ORPHANS = """
import asyncio, sys
from grainseal.server.workers import Workers

if __name__ == "__main__":
    workers = Workers(2, 8)
    workers.start()
    print("ready", flush=True)
    sys.stdin.read()
"""


def test_workers_die_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(ORPHANS)
    parent = subprocess.Popen(
        [sys.executable, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout.readline() == "ready\n"
    children = psutil.Process(parent.pid).children(recursive=True)
    assert len(children) >= 2
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while any(map(runs, children)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(map(runs, children))
