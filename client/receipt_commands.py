"""The commands about one enrolment's receipt: get it from the service, verify it off line."""

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import click

from grainseal.crypto.receipts import CHECKS, Receipt, Verification, verify_receipt

from .errors import ClientError, UntrustedService
from .terminal import json_option, note, open_vault, show
from .watching import read_log_keys

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def receipt() -> None:
    """Receipts: proofs that an enrolment is in the service's log."""


@receipt.command()
@click.option("--server", required=True, metavar="HOST:PORT", help="The service.")
@click.option("--ca", required=True, type=FILE, help="PEM file of the service's authority.")
@click.option("--vault", required=True, type=FOLDER, help="Folder of the device's keys.")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write it.",
)
@click.option("--log-key", metavar="FILE|KEY", help="Verify the log's signature before writing.")
@json_option
def get(server: str, ca: Path, vault: Path, out: Path, log_key: str | None, as_json: bool) -> None:
    """Get the receipt of the vault's enrolment. It names its owner: give it to whom it concerns."""
    from .sdk import Client

    keys = [] if log_key is None else read_log_keys(log_key)
    with open_vault(vault) as opened, Client(server, ca, opened) as client:
        got = client.receipt()
    content = got.to_json().encode()
    if keys:
        problem = verify_receipt(content, keys).problem
        if problem is not None:
            raise UntrustedService(f"the service's receipt is not valid: {problem}")
    _write(out, content)
    said = {"receipt": str(out), "index": got.proof.index, "entry": _entry(got)}
    show(as_json, said, f"{out}: {_sentence(got)}")


@receipt.command()
@click.argument("file", type=FILE)
@click.option(
    "--log-key", required=True, metavar="FILE|KEY", help="The log's verifier key, or a file of it."
)
@json_option
@click.pass_context
def verify(context: click.Context, file: Path, log_key: str, as_json: bool) -> None:
    """Verify a receipt FILE off line, check by check (docs/PROTOCOL.md, "The log").

    Exit status: 0 valid, 1 not valid, 2 error.
    """
    keys = read_log_keys(log_key)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ClientError(f"cannot read {file}: {error}") from None
    done = verify_receipt(content, keys)
    show(as_json, _result(done), _steps(done))
    if not done.valid:
        note(f"not valid: {done.problem}")
        context.exit(1)


def _write(path: Path, content: bytes) -> None:
    try:
        path.touch(mode=0o600)
        path.write_bytes(content)
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error}") from None


def _result(done: Verification) -> dict[str, object]:
    steps = [{**asdict(step), "passed": step.problem is None} for step in done.steps]
    result: dict[str, object] = {"valid": done.valid, "problem": done.problem, "steps": steps}
    if done.valid and done.receipt is not None and done.checkpoint is not None:
        result["entry"] = _entry(done.receipt)
        result["index"] = done.receipt.proof.index
        result["log"] = {"origin": done.checkpoint.origin, "size": done.checkpoint.size}
    return result


def _steps(done: Verification) -> str:
    lines = []
    for step in done.steps:
        lines.append(f"{step.check} {'FAILED' if step.problem else 'passed'}  {step.what}")
        if step.problem:
            lines.append(f"           {step.problem}")
    lines += [f"{check} not made {what}" for check, what in [*CHECKS.items()][len(done.steps) :]]
    if done.valid and done.receipt is not None and done.checkpoint is not None:
        place = f"{done.checkpoint.origin}, {done.checkpoint.size} leaves"
        lines.append(f"valid: {_sentence(done.receipt)} ({place})")
    return "\n".join(lines)


def _sentence(said: Receipt) -> str:
    when = datetime.fromtimestamp(said.entry.created_at, timezone.utc)
    who = f"{said.entry.subject} of {said.entry.issuer} as {said.entry.enrollment_id}"
    return f"{who}, enrolled {when:%Y-%m-%d %H:%M:%S} UTC, leaf {said.proof.index}"


def _entry(said: Receipt) -> dict[str, object]:
    entry = asdict(said.entry)
    return {name: v.hex() if isinstance(v, bytes) else v for name, v in entry.items()}
