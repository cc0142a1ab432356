"""A running service: the rules and keys, the store and the workers."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from .authority import Authority
from .errors import DeadlinePassed, Reason, Refused, Unavailable
from .near import NearIndex
from .store.store import Store, Transaction
from .workers import Workers

P = ParamSpec("P")
T = TypeVar("T")

# For steps that keep what was paid for already.
NO_DEADLINE = math.inf
# When to ask again for a session whose photos are being looked at.
BUSY_SECONDS = 5.0


class Service:
    """What the ceremonies run on."""

    def __init__(self, authority: Authority, store: Store, workers: Workers) -> None:
        self.authority = authority
        self.store = store
        self.workers = workers
        # One thread: SQLite has one writer at a time, and a queue is fairer than its lock.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")
        # Read and written by that thread only.
        self.near = NearIndex()
        # Photos are up to 128 MiB a claim, and take many times as long as a comparison: one worker
        # is left to the others, where there are two.
        self._photos = asyncio.Semaphore(max(1, authority.config.workers - 1))
        self._shared: dict[str, tuple[str, asyncio.Task[Any]]] = {}

    async def transact(
        self,
        deadline: float,
        ceremony: Callable[Concatenate[Transaction, Authority, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run one step of a ceremony in one transaction: all of its writes, or none."""

        def step() -> T:
            if time.monotonic() > deadline:
                raise DeadlinePassed("the deadline passed before the work began")
            with self.store.transaction() as tx:
                return ceremony(tx, self.authority, *args, **kwargs)

        return await asyncio.get_running_loop().run_in_executor(self._thread, step)

    @asynccontextmanager
    async def holding_photos(self, deadline: float) -> AsyncIterator[None]:
        """Wait for room in memory. `DeadlinePassed` if there was none in time."""
        try:
            await asyncio.wait_for(self._photos.acquire(), deadline - time.monotonic())
        except asyncio.TimeoutError:
            raise DeadlinePassed("the deadline passed before the work began") from None
        try:
            yield
        finally:
            self._photos.release()

    async def shared(
        self, session_id: str, write: str, work: Callable[[], Coroutine[Any, Any, T]]
    ) -> T:
        """Result of a session's work that goes on when its caller leaves.

        Who comes again with the same write while it runs waits for the same result; `Refused`
        (TOO_MANY_SESSIONS) to another write, `Unavailable` when too much is running.
        """
        running = self._shared.get(session_id)
        if running is None:
            if len(self._shared) >= self.authority.config.max_waiting:
                raise Unavailable("too many calls are waiting")
            task = asyncio.create_task(work())
            self._shared[session_id] = (write, task)
            task.add_done_callback(lambda done: self._forget(session_id, done))
        elif running[0] == write:
            task = running[1]
        else:
            message = "this session is being worked on: wait for its answer"
            raise Refused(Reason.TOO_MANY_SESSIONS, message, retry_after=BUSY_SECONDS)
        result: T = await asyncio.shield(task)
        return result

    def _forget(self, session_id: str, done: "asyncio.Task[Any]") -> None:
        del self._shared[session_id]
        if not done.cancelled():
            done.exception()  # looked at, also if nobody waits for it any more

    async def purge(self) -> int:
        """Delete what has had its time; the number of sessions whose secrets went."""
        now, retention = int(self.authority.clock()), self.authority.config.retention
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self.store.purge, now, retention)

    def close(self) -> None:
        """End the store's thread and close the store."""
        self._thread.shutdown(wait=True)
        self.store.close()
