"""Worker processes for homomorphic work: SEAL's binding holds the interpreter lock, so threads
would not run side by side.

Calls are admitted one per worker; a bounded number waits, the rest is told to come again. No work
begins for a caller whose deadline has passed. A worker that dies takes all calls whose work runs
with it, those of other workers too; they are told to come again, and the pool is built anew.
"""

import asyncio
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import ParamSpec, TypeVar

from grainseal.models.tiling import limit_threads

from . import homomorphic
from .errors import DeadlinePassed, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

# Long enough that a worker is still busy with its greeting while the next one is started.
_GREETING_SECONDS = 0.02
# An interpreter, numpy and SEAL load in a second or two, in ten on a busy machine.
_START_SECONDS = 60.0


class Workers:
    """A pool of processes. `start` before use; `run` from one event loop only."""

    def __init__(self, count: int, max_waiting: int) -> None:
        self._count = count
        self._most_present = count + max_waiting
        self._present = 0  # calls whose work waits or runs
        self._slots = asyncio.Semaphore(count)
        self._pool = self._new_pool()

    def start(self) -> None:
        """Start every process and wait until each is ready; blocks for seconds."""
        deadline = time.monotonic() + _START_SECONDS
        ready: set[int] = set()
        while len(ready) < self._count:
            if time.monotonic() > deadline:
                raise Unavailable("the worker processes did not start in time")
            try:
                greetings = [self._pool.submit(_greet) for _ in range(self._count)]
                ready |= {greeting.result() for greeting in greetings}
            except BrokenProcessPool:
                raise Unavailable("the worker processes do not start") from None

    async def run(
        self, deadline: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Result of a picklable function in a worker. `deadline`: of `time.monotonic`.

        `Unavailable` when too many wait or the worker dies, `DeadlinePassed` when the work did
        not begin in time; else what the function raises.
        """
        await self._admit(deadline)
        pool = self._pool
        try:
            future = pool.submit(work, *args, **kwargs)
        except (BrokenProcessPool, RuntimeError):
            self._release()
            self._replace(pool)
            raise Unavailable("a worker process died") from None
        self._release_when_done(future)
        try:
            return await asyncio.wrap_future(future)
        except BrokenProcessPool:
            self._replace(pool)
            raise Unavailable("a worker process died") from None

    def stop(self) -> None:
        """End all processes; work that has begun is finished first."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    async def _admit(self, deadline: float) -> None:
        if self._present >= self._most_present:
            raise Unavailable("too many calls are waiting")
        self._present += 1
        try:
            await asyncio.wait_for(self._slots.acquire(), deadline - time.monotonic())
        except BaseException as error:  # cancelled calls leave too
            self._present -= 1
            if isinstance(error, asyncio.TimeoutError):
                raise DeadlinePassed("the deadline passed before the work began") from None
            raise

    def _release(self) -> None:
        self._present -= 1
        self._slots.release()

    def _release_when_done(self, future: "Future[T]") -> None:
        # Not when the caller goes away: the worker is busy until the work itself ends.
        loop = asyncio.get_running_loop()

        def release(_: object) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._release)

        future.add_done_callback(release)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        if self._pool is broken:
            self._pool = self._new_pool()
            broken.shutdown(wait=False, cancel_futures=True)

    def _new_pool(self) -> ProcessPoolExecutor:
        # Spawned, not forked: a fork would copy the threads' locks and the open database.
        return ProcessPoolExecutor(
            self._count, multiprocessing.get_context("spawn"), initializer=_begin
        )


def _begin() -> None:
    # The terminal's Ctrl-C goes to the whole group; the server ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # One process a core: a second thread would only add a second tile's memory.
    limit_threads(1)
    homomorphic.warm_up()


def _die_with_parent() -> None:
    # The parent's end of this pipe closes however the parent ends, kill -9 included.
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _greet() -> int:
    time.sleep(_GREETING_SECONDS)
    return os.getpid()
