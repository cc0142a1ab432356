"""The commands about receipts: get one from the service, have it stamped, verify it off line."""

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

import click

from grainseal.crypto.entries import RegistrationEntry
from grainseal.crypto.entry_form import readable_entry
from grainseal.crypto.errors import MisuseError
from grainseal.crypto.receipts import PhotoHashes, Receipt, Verification, verify_receipt

from .errors import ClientError, PhotosRefused, UntrustedService
from .stamping import read_receipt, stamped, write_receipt
from .terminal import json_option, note, open_vault, show
from .watching import read_log_keys

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

tsa_root_option = click.option(
    "--tsa-root", type=FILE, help="PEM file of the time stamp authority's root certificate."
)


@click.group()
def receipt() -> None:
    """Receipts: proofs that an enrolment or a registered photo is in the service's log."""


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
@click.option("--registration", default="", metavar="ID", help="Of this registered photo.")
@click.option("--log-key", metavar="FILE|KEY", help="Verify the log's signature before writing.")
@json_option
def get(
    server: str,
    ca: Path,
    vault: Path,
    out: Path,
    registration: str,
    log_key: str | None,
    as_json: bool,
) -> None:
    """Get the receipt of the vault's enrolment, or of a photo that it registered.

    It names its owner: give it to whom it concerns.
    """
    from .sdk import Client

    keys = [] if log_key is None else read_log_keys(log_key)
    with open_vault(vault) as opened, Client(server, ca, opened) as client:
        got = client.receipt(registration)
    content = got.to_json().encode()
    if keys:
        problem = verify_receipt(content, keys).problem
        if problem is not None:
            raise UntrustedService(f"the service's receipt is not valid: {problem}")
    _write(out, content)
    said = {"receipt": str(out), "index": got.proof.index, "entry": readable_entry(got.entry)}
    show(as_json, said, f"{out}: {_sentence(got)}")


@receipt.command()
@click.argument("file", type=FILE)
@click.option("--authority", required=True, metavar="URL", help="An RFC 3161 authority.")
@tsa_root_option
@json_option
def stamp(file: Path, authority: str, tsa_root: Path | None, as_json: bool) -> None:
    """Have the checkpoint of a receipt FILE stamped, and put the time stamp into the file.

    The authority is told a hash, not the receipt. With its root certificate the stamp is verified
    before it is written; without, only that it says to be of this checkpoint.
    """
    root = None if tsa_root is None else _read(tsa_root)
    done, when = stamped(read_receipt(file), authority, root)
    write_receipt(file, done)
    said = {"receipt": str(file), "stamped_at": when.isoformat(), "verified": root is not None}
    unsure = "" if root else ", not verified: that takes --tsa-root"
    show(as_json, said, f"{file}: stamped {_moment(when)} by {authority}{unsure}")


@receipt.command()
@click.argument("file", type=FILE)
@click.option(
    "--log-key", required=True, metavar="FILE|KEY", help="The log's verifier key, or a file of it."
)
@click.option("--photo", type=FILE, help="Verify that the receipt is of this photo.")
@tsa_root_option
@json_option
@click.pass_context
def verify(
    context: click.Context,
    file: Path,
    log_key: str,
    photo: Path | None,
    tsa_root: Path | None,
    as_json: bool,
) -> None:
    """Verify a receipt FILE off line, check by check (docs/PROTOCOL.md, "The log").

    Exit status: 0 valid, 1 not valid, 2 error.
    """
    keys = read_log_keys(log_key)
    hashes = None if photo is None else _hashes(photo)
    root = None if tsa_root is None else _read(tsa_root)
    try:
        done = verify_receipt(_read(file), keys, photo=hashes, root=root)
    except MisuseError as error:
        raise ClientError(f"{tsa_root}: {error}") from None
    show(as_json, _result(done), _steps(done))
    if not done.valid:
        note(f"not valid: {done.problem}")
        context.exit(1)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClientError(f"cannot read {path}: {error}") from None


def _hashes(photo: Path) -> PhotoHashes:
    # here, for reading photos takes libraries that a receipt does not
    from grainseal.models.identity import identity_of
    from grainseal.models.photo import PhotoError, read_photo

    try:
        found = identity_of(read_photo(photo))
    except PhotoError as error:
        raise PhotosRefused(str(error)) from None
    return PhotoHashes(found.file_sha256, found.pixels_sha256)


def _write(path: Path, content: bytes) -> None:
    try:
        path.touch(mode=0o600)
        path.write_bytes(content)
    except OSError as error:
        raise ClientError(f"cannot write {path}: {error}") from None


def _result(done: Verification) -> dict[str, object]:
    steps = [{**asdict(step), "passed": step.problem is None} for step in done.steps]
    result: dict[str, object] = {"valid": done.valid, "problem": done.problem, "steps": steps}
    result["not_made"] = [asdict(each) for each in done.not_made]
    if done.valid and done.receipt is not None and done.checkpoint is not None:
        result["entry"] = readable_entry(done.receipt.entry)
        result["index"] = done.receipt.proof.index
        result["log"] = {"origin": done.checkpoint.origin, "size": done.checkpoint.size}
        result["stamped_at"] = done.stamped_at and done.stamped_at.isoformat()
    return result


def _steps(done: Verification) -> str:
    lines = []
    for step in done.steps:
        lines.append(f"{step.check} {'FAILED' if step.problem else 'passed'}  {step.what}")
        if step.problem:
            lines.append(f"           {step.problem}")
    lines += [f"{each.check} not made {each.what}: {each.why}" for each in done.not_made]
    if done.valid and done.receipt is not None and done.checkpoint is not None:
        place = f"{done.checkpoint.origin}, {done.checkpoint.size} leaves"
        stamp = f", stamped {_moment(done.stamped_at)}" if done.stamped_at else ""
        lines.append(f"valid: {_sentence(done.receipt)} ({place}{stamp})")
    return "\n".join(lines)


def _sentence(said: Receipt) -> str:
    entry = said.entry
    whose = f"{entry.subject} of {entry.issuer} as {entry.enrollment_id}"
    if not isinstance(entry, RegistrationEntry):
        return f"{whose}, enrolled {_when(entry.created_at)}, leaf {said.proof.index}"
    photo = f"photo {entry.file_sha256.hex()} as {entry.registration_id} ({entry.grade})"
    return f"{whose}, {photo}, registered {_when(entry.registered_at)}, leaf {said.proof.index}"


def _when(seconds: int) -> str:
    # the log's operator chose the number, and the calendar ends before it does
    try:
        return _moment(datetime.fromtimestamp(seconds, timezone.utc))
    except (ValueError, OverflowError, OSError):
        return f"at {seconds} s"


def _moment(when: datetime) -> str:
    return f"{when.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
