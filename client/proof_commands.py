"""`grainseal proof`: claim proofs without a service, made by owners and verified by anybody."""

import time
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from grainseal.crypto.entries import EnrollmentEntry
from grainseal.crypto.receipts import NotMade, Step
from grainseal.crypto.strict_json import plain

from .errors import ClientError, NotProvable
from .output_files import require_unwritten, write_new
from .photos import developed_file
from .proof_acceptance import CHECK, WHAT, acceptance
from .proof_support import require_proofs
from .stamping import read_receipt
from .terminal import json_option, note, open_vault, progress_of_stages, show
from .watching import read_log_keys

if TYPE_CHECKING:
    from grainseal.crypto.claim_proof import ProofVerification

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PATH = click.Path(path_type=Path)


@click.group()
def proof() -> None:
    """Claim proofs: a photo came from an enrolled camera, checked by the log's key alone."""


@proof.command()
@click.argument("copy", type=PATH)
@click.option(
    "--vault",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the device's keys, enrolled with --proofs.",
)
@click.option("--receipt", required=True, type=FILE, help="Of the enrolment (`receipt get`).")
@click.option("--original", type=PATH, help="A cropped copy needs it; it is not in the proof.")
@click.option("--purpose", default="claim", show_default=True, help="What the proof is good for.")
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The new file."
)
@json_option
@click.pass_context
def make(
    context: click.Context,
    copy: Path,
    vault: Path,
    receipt: Path,
    original: Path | None,
    purpose: str,
    out: Path,
    as_json: bool,
) -> None:
    """Prove that COPY came from the enrolled camera; no service is asked.

    Whoever is shown the proof learns whose enrolment it is, where its code is taken, and that the
    score is a match; not the score, and nothing else of the code.

    Exit status: 0 proven, 1 the copy does not match, 2 error.
    """
    require_proofs()
    from .proving import prove_claim  # Python 3.11: see `require_proofs`

    require_unwritten([out])
    given = read_receipt(receipt)
    try:
        with open_vault(vault) as opened, progress_of_stages() as proving:
            made = prove_claim(
                opened, copy, given, original=original, purpose=purpose, proving=proving
            )
    except NotProvable as error:
        if as_json:
            show(True, {"proven": False, "advice": str(error)}, "")
        note(f"not proven: {error}")
        context.exit(1)
    write_new(out, made.to_json().encode())
    said = {"proven": True, "proof": str(out), "statement": plain(made.statement)}
    show(as_json, said, f"{out}: a proof for {made.statement.purpose!r}")


@proof.command()
@click.argument("file", type=FILE, metavar="PROOF")
@click.option("--photo", required=True, type=PATH, help="The photo that it is shown for.")
@click.option(
    "--log-key", required=True, metavar="FILE|KEY", help="The log's verifier key, or a file of it."
)
@click.option("--purpose", metavar="TEXT", help="Valid for this purpose only. Default: for any.")
@json_option
@click.pass_context
def verify(
    context: click.Context,
    file: Path,
    photo: Path,
    log_key: str,
    purpose: str | None,
    as_json: bool,
) -> None:
    """Verify a claim PROOF off line, check by check (docs/PROTOCOL.md, "Zero-knowledge ...").

    The photo is read and measured here; of the service only the log's key is needed. When the
    enrolment was is the service's word, unless the receipt in the proof is time-stamped. What it
    does not show: that a camera was there, and that nobody else has the better claim.

    Exit status: 0 valid, 1 not valid, 2 error.
    """
    require_proofs()
    from .proof_checks import verify_proof  # Python 3.11: see `require_proofs`

    keys = read_log_keys(log_key)
    shown = developed_file(photo, "to verify a proof of it")
    done = verify_proof(_read(file), keys, shown.photo)
    said = None if done.proof is None else done.proof.statement
    own = acceptance(said, purpose, time.time()) if done.valid and said is not None else None
    show(as_json, _result(done, own), _told(done, own))
    failed = _failed(done, own)
    if failed is not None:
        note(f"not valid: {failed.check}: {failed.problem}")
        context.exit(1)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ClientError(f"cannot read {path}: {error.strerror or error}") from None


def _steps(done: "ProofVerification", own: Step | None) -> tuple[Step, ...]:
    return done.steps if own is None else (*done.steps, own)


def _not_made(done: "ProofVerification", own: Step | None) -> tuple[NotMade, ...]:
    left = done.not_made
    return left if own is not None else (*left, NotMade(CHECK, WHAT, "an earlier check failed"))


def _failed(done: "ProofVerification", own: Step | None) -> Step | None:
    """The check that failed, O9 (`own`) included."""
    return next((step for step in _steps(done, own) if step.problem is not None), None)


def _result(done: "ProofVerification", own: Step | None) -> dict[str, object]:
    failed = _failed(done, own)
    steps = [{**asdict(step), "passed": step.problem is None} for step in _steps(done, own)]
    result: dict[str, object] = {"valid": failed is None, "failed": failed and failed.check}
    result |= {"problem": failed and failed.problem, "steps": steps}
    result["not_made"] = [asdict(each) for each in _not_made(done, own)]
    entry = _entry(done)
    if failed is None and done.proof is not None and entry is not None:
        result["statement"] = plain(done.proof.statement)
        result["claimant"] = {"subject": entry.subject, "issuer": entry.issuer}
        result["enrolled_at"] = entry.created_at
        result["profile"] = done.proof.template.profile
        result["window"] = {"low": done.proof.low, "high": done.proof.high}
        result["distance"] = done.distance
    return result


def _told(done: "ProofVerification", own: Step | None) -> str:
    lines = []
    for step in _steps(done, own):
        lines.append(f"{step.check} {'FAILED' if step.problem else 'passed'}  {step.what}")
        if step.problem:
            lines.append(f"           {step.problem}")
    lines += [f"{each.check} not made {each.what}: {each.why}" for each in _not_made(done, own)]
    entry = _entry(done)
    if _failed(done, own) is None and done.proof is not None and entry is not None:
        said, place = done.proof.statement, done.proof.statement.placement
        mirrored = "mirrored, " if place.mirrored else ""
        lines += [
            f"valid: a match of the code that {entry.subject} of {entry.issuer} committed to",
            f"photo      {said.photo_sha256.hex()}",
            f"purpose    {said.purpose}",
            f"made       {_moment(said.made_at)}, by the claimant's clock",
            f"enrolled   {_moment(entry.created_at)} as {entry.enrollment_id}",
            f"device     {said.device_key.hex()}",
            f"lies       {mirrored}{place.turns} quarter turns, scale {' '.join(place.scale)}, "
            f"from {' '.join(place.origin)}",
            f"profile    {done.proof.template.profile}",
        ]
    return "\n".join(lines)


def _entry(done: "ProofVerification") -> EnrollmentEntry | None:
    entry = None if done.receipt is None else done.receipt.entry
    return entry if isinstance(entry, EnrollmentEntry) else None


def _moment(seconds: int) -> str:
    # whoever wrote the file chose the number, and the calendar ends before it does
    try:
        return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"second {seconds}"
