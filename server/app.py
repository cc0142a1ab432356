"""A whole server: keys, certificate, store, workers and transport, started and stopped in order."""

import asyncio
import datetime as dt
import logging
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .authority import Authority
from .config import ServerConfig
from .errors import Unavailable
from .keys import load_keys
from .rpc.transport import Transport, address
from .service import NO_DEADLINE, Service
from .store.store import Store
from .tls import Certificate, development_certificate, given_certificate
from .workers import Workers

LOG = logging.getLogger("grainseal.server")
# Workers load numpy and SEAL, each on a core that others may be using too.
_START_SECONDS = 120.0


@dataclass(frozen=True)
class Listening:
    """Where a server listens, and the certificate that its clients trust."""

    address: str
    ca_file: Path


class GrainsealServer:
    """One server process's life. `clock` and `random` as in `Authority`."""

    def __init__(
        self,
        config: ServerConfig,
        clock: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._config = config
        keys = load_keys(config.data)
        self._certificate = _certificate(config)
        store = Store.open_sqlite(config.database)
        workers = Workers(config.workers, config.max_waiting)
        self.service = Service(Authority(config, keys, clock, random), store, workers)
        self._transport = Transport(self.service, self._certificate)
        self._purging: asyncio.Task[None] | None = None

    async def start(self) -> Listening:
        """Start the workers, then listen."""
        self._transport.check()  # before the seconds that the workers take
        await asyncio.to_thread(self.service.workers.start)
        await self.service.purge()
        await self.service.transact(NO_DEADLINE, self.service.near.load)
        port = await self._transport.start()
        self._purging = asyncio.create_task(self._purge_for_ever())
        return Listening(address(self._config.host, port), self._certificate.ca_file)

    async def stop(self) -> None:
        """Let running calls end, then stop everything."""
        if self._purging is not None:
            self._purging.cancel()
        await self._transport.stop()
        await asyncio.to_thread(self.service.workers.stop)
        self.service.close()

    async def _purge_for_ever(self) -> None:
        while True:
            await asyncio.sleep(self._config.purge_interval)
            try:
                await self.service.purge()
            except Unavailable as error:
                LOG.warning("purge put off: %s", error)


def _certificate(config: ServerConfig) -> Certificate:
    if config.tls_certificate is not None and config.tls_key is not None:
        return given_certificate(config.tls_certificate, config.tls_key)
    now = dt.datetime.now(dt.timezone.utc)
    return development_certificate(config.data, config.host, now)


@dataclass(frozen=True)
class RunningServer:
    """A server that runs in this process, in a thread of its own."""

    address: str
    ca_file: Path
    service: Service


@contextmanager
def running_server(
    config: ServerConfig,
    clock: Callable[[], float] = time.time,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> Iterator[RunningServer]:
    """A whole server for the length of a `with` block: real TLS, store and workers."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="grainseal server", daemon=True)
    thread.start()
    try:
        server = asyncio.run_coroutine_threadsafe(_made(config, clock, random), loop).result()
        try:
            starting = asyncio.run_coroutine_threadsafe(server.start(), loop)
            listening = starting.result(_START_SECONDS)
            yield RunningServer(listening.address, listening.ca_file, server.service)
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(), loop).result(_START_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _made(
    config: ServerConfig, clock: Callable[[], float], random: Callable[[int], bytes]
) -> GrainsealServer:
    # In the loop: grpc.aio binds a server to the loop that is running when it is made.
    return GrainsealServer(config, clock, random)
