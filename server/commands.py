"""The command line's `serve` and `admin`. Errors are one line on standard error."""

import asyncio
import functools
import ipaddress
import json
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import click

from grainseal.crypto.errors import MisuseError

from .config import ServerConfig
from .errors import Refused, Unavailable

if TYPE_CHECKING:
    from .app import Listening

# The store and the transport are imported where they are used: a spawned worker process imports
# the main program's module again, and this one with it.
P = ParamSpec("P")
T = TypeVar("T")

PEM = click.Path(exists=True, dir_okay=False, path_type=Path)
MAX_PORT = 65535
LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s"
DATA = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Folder of the server's store, keys and certificates.",
)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def plain_errors(command: Callable[P, T]) -> Callable[P, T]:
    """Show what a person can act on as one line instead of a traceback."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (Refused, Unavailable, MisuseError, OSError) as error:
            raise click.ClickException(str(error)) from None

    return wrapped


@click.command()
@DATA
@click.option(
    "--listen", default="127.0.0.1:0", show_default=True, metavar="HOST:PORT", help="Port 0: any."
)
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes for homomorphic work; default: cores."
)
@click.option(
    "--tls-certificate", type=PEM, help="Certificate chain; default: a development authority's."
)
@click.option("--tls-key", type=PEM, help="Private key of --tls-certificate.")
@click.option(
    "--allow-testing-profiles", is_flag=True, help="Take enrolments of profiles made for tests."
)
@AS_JSON
@plain_errors
def serve(
    data: Path,
    listen: str,
    workers: int | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    allow_testing_profiles: bool,
    as_json: bool,
) -> None:
    """Run the service until it is told to stop (SIGTERM, Ctrl-C)."""
    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key go together")
    host, port = _split(listen)
    config = ServerConfig(
        data,
        host,
        port,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        allow_testing_profiles=allow_testing_profiles,
    )
    if workers is not None:
        config = replace(config, workers=workers)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format=LOG_FORMAT)
    asyncio.run(_serve(config, as_json))


@click.group()
def admin() -> None:
    """What an operator does, also while the server runs."""


@admin.command()
@DATA
@AS_JSON
@plain_errors
def init(data: Path, as_json: bool) -> None:
    """Make a service's keys and store before its first start; keeps those that are there."""
    from . import admin as operations

    operations.initialise(data)
    _print(as_json, str(data), data=str(data))


@admin.command()
@DATA
@click.option("--subject", required=True, help="Who may enrol with the ticket.")
@click.option(
    "--relying-party",
    metavar="NAME",
    help="Issue it in the name of a relying party, to which alone the enrolment will then serve.",
)
@AS_JSON
@plain_errors
def ticket(data: Path, subject: str, relying_party: str | None, as_json: bool) -> None:
    """Issue a single-use ticket for the enrolment of one camera."""
    from . import admin as operations

    issued = operations.issue_ticket(data, subject, relying_party)
    _print(as_json, issued.ticket, ticket=issued.ticket, expires_at=issued.expires_at)


@admin.command()
@DATA
@click.option("--json", is_flag=True, expose_value=False, help="A key set is JSON with or without.")
@plain_errors
def jwks(data: Path) -> None:
    """Print the service's public keys (JSON Web Key Set)."""
    from . import admin as operations

    click.echo(operations.jwks(data))


@admin.command("log-key")
@DATA
@AS_JSON
@plain_errors
def log_key(data: Path, as_json: bool) -> None:
    """Print the key by which anybody verifies the log (C2SP verifier key)."""
    from . import admin as operations

    key = operations.log_key(data)
    _print(as_json, str(key), log_key=str(key), name=key.name, key_id=key.key_id.hex())


@admin.command()
@DATA
@click.option("--subject", required=True, help="Whose data go: the name as the ticket has it.")
@click.option("--issuer", metavar="PARTY", help="Whose subject, if several have one so named.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@AS_JSON
@plain_errors
def erase(data: Path, subject: str, issuer: str | None, yes: bool, as_json: bool) -> None:
    """Erase all that the service knows of a subject. It cannot be undone.

    The log keeps its leaves, which say nothing any more. Not reached are backups, the audit trail,
    what was given out, and the memory of a running server until it is restarted.
    """
    from . import admin as operations

    whose = operations.subject_named(data, subject, issuer)
    if not yes:
        click.confirm(f"Erase all of {whose.name!r} of {whose.issuer!r}?", abort=True, err=True)
    erased = {each.table: each.rows for each in operations.erase(data, whose)}
    lines = [f"{table}: {rows}" for table, rows in erased.items() if rows]
    _print(as_json, "\n".join(lines), subject=whose.name, issuer=whose.issuer, erased=erased)


@admin.group("relying-party")
def relying_party() -> None:
    """Services that rely on decisions."""


@relying_party.command()
@click.argument("name")
@DATA
@AS_JSON
@plain_errors
def add(name: str, data: Path, as_json: bool) -> None:
    """Register a relying party and print its API key, this once."""
    from . import admin as operations

    api_key = operations.add_relying_party(data, name)
    _print(as_json, api_key, name=name, audience=name, api_key=api_key)


@relying_party.command("list")
@DATA
@AS_JSON
@plain_errors
def list_(data: Path, as_json: bool) -> None:
    """List the registered relying parties."""
    from . import admin as operations

    names = operations.list_relying_parties(data)
    _print(as_json, "\n".join(names), relying_parties=names)


async def _serve(config: ServerConfig, as_json: bool) -> None:
    from .app import GrainsealServer

    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    server = GrainsealServer(config)
    try:
        _announce(await server.start(), as_json)
        await stopping.wait()
    finally:
        await server.stop()


def _announce(listening: "Listening", as_json: bool) -> None:
    where, ca = listening.address, str(listening.ca_file.resolve())
    _print(as_json, f"listening on {where} ca {ca}", listening=where, ca=ca)
    sys.stdout.flush()


def _print(as_json: bool, text: str, **fields: object) -> None:
    click.echo(json.dumps(fields) if as_json else text)


def _split(listen: str) -> tuple[str, int]:
    host, colon, port = listen.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    if not colon or not bare or not port.isdecimal() or int(port) > MAX_PORT:
        raise click.BadParameter(f"{listen!r} is not HOST:PORT", param_hint="--listen")
    if bracketed or ":" in bare:
        try:
            ipaddress.IPv6Address(bare)
        except ValueError:
            raise click.BadParameter(f"{bare!r} is not an address", param_hint="--listen") from None
    return bare, int(port)
