"""A running service: the rules and keys, the store and the workers."""

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from .authority import Authority
from .errors import DeadlinePassed
from .store.store import Store, Transaction
from .workers import Workers

P = ParamSpec("P")
T = TypeVar("T")

# For steps that keep what was paid for already.
NO_DEADLINE = math.inf


class Service:
    """What the ceremonies run on."""

    def __init__(self, authority: Authority, store: Store, workers: Workers) -> None:
        self.authority = authority
        self.store = store
        self.workers = workers
        # One thread: SQLite has one writer at a time, and a queue is fairer than its lock.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

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

    async def purge(self) -> int:
        """Delete what has had its time; the number of sessions whose secrets went."""
        now, retention = int(self.authority.clock()), self.authority.config.retention
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self.store.purge, now, retention)

    def close(self) -> None:
        """End the store's thread and close the store."""
        self._thread.shutdown(wait=True)
        self.store.close()
