"""The commands that look at a service's log from outside: checkpoint, verify, watch."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

import click

from grainseal.crypto.checkpoint import Checkpoint, VerifierKey, parse_checkpoint, parse_note
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.monitoring import LogAlarm, Sighting

from .errors import ServiceError, UntrustedService
from .terminal import FiniteRange, json_option, note, options, show
from .transport import Transport
from .watching import Seen, get_checkpoint, look, read_log_keys, save_evidence

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
# Nothing is wrong with the log: it could not be asked just now.
_UNREACHABLE: Final = frozenset({"UNAVAILABLE", "DEADLINE_EXCEEDED"})

service_options = options(
    click.option("--server", required=True, metavar="HOST:PORT", help="The service."),
    click.option("--ca", required=True, type=FILE, help="PEM file of the service's authority."),
)
watching_options = options(
    click.option(
        "--log-key",
        required=True,
        metavar="FILE|KEY",
        help="The log's verifier key, or a file of it.",
    ),
    click.option(
        "--state",
        required=True,
        type=click.Path(dir_okay=False, path_type=Path),
        help="File of the checkpoints seen; made if missing. Evidence is written beside it.",
    ),
)


@click.group()
def log() -> None:
    """The service's transparency log, as anybody can check it."""


@log.command()
@service_options
@click.option("--log-key", metavar="FILE|KEY", help="Verify the log's signature.")
@json_option
@click.pass_context
def checkpoint(
    context: click.Context, server: str, ca: Path, log_key: str | None, as_json: bool
) -> None:
    """Print the log's signed state. Exit status: 0, 1 signature not valid, 2 error."""
    keys = [] if log_key is None else read_log_keys(log_key)
    with Transport(server, ca) as transport:
        try:
            found = get_checkpoint(transport, keys) if keys else _unverified(transport)
        except VerificationFailed as error:
            _not_valid(context, as_json, error)
    show(as_json, {**_said(found.checkpoint), "verified": bool(keys)}, found.note.decode().rstrip())


@log.command()
@service_options
@watching_options
@json_option
@click.pass_context
def verify(
    context: click.Context, server: str, ca: Path, log_key: str, state: Path, as_json: bool
) -> None:
    """Verify the log's state and that it continues the last one seen, and remember it.

    Exit status: 0 consistent, 1 not, with both signed states saved as evidence, 2 error.
    """
    with Transport(server, ca) as transport:
        monitor = Monitor(transport, read_log_keys(log_key), Seen(state))
        _looked(context, monitor, as_json)


@log.command()
@service_options
@watching_options
@click.option(
    "--interval",
    default=60.0,
    show_default=True,
    type=FiniteRange(min=0),
    help="Seconds between looks.",
)
@click.option("--count", type=click.IntRange(min=1), help="End after so many looks.")
@json_option
@click.pass_context
def watch(
    context: click.Context,
    server: str,
    ca: Path,
    log_key: str,
    state: Path,
    interval: float,
    count: int | None,
    as_json: bool,
) -> None:
    """Verify the log again and again; end as soon as it is forked, rewritten or rolled back.

    Prints a line per look. A service that cannot be reached is asked again. Exit status as of
    `verify`.
    """
    with Transport(server, ca) as transport:
        monitor = Monitor(transport, read_log_keys(log_key), Seen(state))
        for number in itertools.count(1):
            try:
                _looked(context, monitor, as_json)
            except ServiceError as error:
                if error.reason not in _UNREACHABLE or number == count:
                    raise
                note(f"{error}; asking again")
            if number == count:
                return
            time.sleep(interval)


@dataclass(frozen=True)
class Monitor:
    """One log, its keys, and what was seen of it."""

    transport: Transport
    keys: Sequence[VerifierKey]
    seen: Seen

    def look(self) -> tuple[Sighting | None, Sighting]:
        """What was known and what the log shows now, which is known from here on."""
        known = self.seen.last(self.keys)
        shown = look(self.transport, self.keys, known)
        if known is None or known.checkpoint != shown.checkpoint:
            self.seen.add(shown, time.time())
        return known, shown


def _looked(context: click.Context, monitor: Monitor, as_json: bool) -> None:
    try:
        known, shown = monitor.look()
    except LogAlarm as alarm:
        _alarmed(context, as_json, alarm, save_evidence(alarm, monitor.seen.path.parent))
    except VerificationFailed as error:
        _not_valid(context, as_json, error)
    size = shown.checkpoint.size
    before = f"continues the {known.checkpoint.size} seen before" if known else "seen first"
    said = {**_said(shown.checkpoint), "valid": True, "known": known and known.checkpoint.size}
    show(as_json, said, f"{shown.checkpoint.origin}: {size} leaves, {before}")


def _alarmed(
    context: click.Context, as_json: bool, alarm: LogAlarm, evidence: Sequence[Path]
) -> NoReturn:
    files = [str(path) for path in evidence]
    if as_json:
        kind = type(alarm).__name__
        show(as_json, {"valid": False, "alarm": kind, "reason": str(alarm), "evidence": files}, "")
    note(f"ALARM: {alarm}; both signed states are in {' and '.join(files)}")
    context.exit(1)


def _not_valid(context: click.Context, as_json: bool, error: VerificationFailed) -> NoReturn:
    if as_json:
        show(as_json, {"valid": False, "reason": str(error)}, "")
    note(f"not valid: {error}")
    context.exit(1)


def _unverified(transport: Transport) -> Sighting:
    answer = transport.get_checkpoint().note
    try:
        return Sighting(parse_checkpoint(parse_note(answer).text), answer)
    except MalformedMessage as error:
        raise UntrustedService(f"the log's checkpoint is none: {error}") from None


def _said(found: Checkpoint) -> dict[str, object]:
    return {"origin": found.origin, "size": found.size, "root": found.root.hex()}
