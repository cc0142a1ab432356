"""What an operator can set, and why the defaults are what they are."""

import os
from dataclasses import dataclass
from pathlib import Path

MIB = 1 << 20


@dataclass(frozen=True)
class ServerConfig:
    """Settings of one server. Durations are seconds, sizes bytes.

    `data` is the folder of everything that outlives the process. `port` 0 takes any free one.
    """

    data: Path
    host: str = "127.0.0.1"
    port: int = 0
    # Issuer of decisions; the audience of renewals, so no relying party may bear it.
    service_name: str = "grainseal"
    # PEM files of the operator's own certificate chain and key; without them a development
    # authority is made.
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    # Only a server that was started for tests takes profiles whose false match rate is untested.
    allow_testing_profiles: bool = False
    # Homomorphic work is bound by arithmetic: one process per core.
    workers: int = os.cpu_count() or 1
    # At some 50 ms per verification and core, 64 waiting calls are 2 s on two cores: whoever
    # comes later is better told to come again than kept.
    max_waiting: int = 64
    # Time to take a guided burst of photos and to send one code over a slow line.
    session_lifetime: int = 300
    # A relying party's backend uses a token at once; twice the minute allows for slow clocks.
    token_lifetime: int = 120
    # A ticket travels through an app, a mail or a person: within a day.
    ticket_lifetime: int = 24 * 3600
    # Answers of writes can be asked for again with the same idempotency key for this long.
    retention: int = 24 * 3600
    # How soon after a session's end or expiry its secrets are gone from the store's files, at the
    # latest; from the disk below them when the file system uses the blocks again.
    purge_interval: float = 30.0
    # A template with its keys is 721 kB, a piece of an upload 786 kB.
    max_message_bytes: int = MIB
    # A claim with a match map is answered by up to 26 sums of 131 kB each.
    max_answer_bytes: int = 4 * MIB
    # A call that names no deadline, or one beyond all use, gets this one.
    max_deadline: float = 60.0
    # Calls in flight at once; each may hold one message.
    max_concurrent_calls: int = 256
    # Of these, calls on one connection: an app makes one at a time and a backend a few, and a call
    # whose message never comes is in flight too.
    max_calls_per_connection: int = 16
    # Then a connection takes no new calls, and `max_deadline` later what is left of it is cut:
    # nothing that a peer holds open is held for ever. Clients connect again by themselves.
    max_connection_age: float = 300.0
    # An idle connection keeps memory and a descriptor; a new one costs its client a handshake.
    max_connection_idle: float = 120.0
    # Running calls may end after SIGTERM; a verification takes a fraction of it.
    grace: float = 5.0

    @property
    def database(self) -> Path:
        """The embedded store's file."""
        return self.data / "grainseal.db"
