"""The command about evidence: verify a claim's folder off line."""

from dataclasses import asdict
from pathlib import Path

import click

from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.tokens import keys_of_jwks

from .errors import ClientError
from .evidence_checks import EvidenceVerification, verify_evidence
from .terminal import json_option, note, show
from .watching import read_log_keys

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def evidence() -> None:
    """Evidence: the folder that `claim --out` writes."""


@evidence.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), metavar="DIR")
@click.option(
    "--log-key", required=True, metavar="FILE|KEY", help="The log's verifier key, or a file of it."
)
@click.option(
    "--service-keys", required=True, type=FILE, help="The service's public keys (jwks.json)."
)
@json_option
@click.pass_context
def verify(
    context: click.Context, folder: Path, log_key: str, service_keys: Path, as_json: bool
) -> None:
    """Verify the evidence in DIR off line, check by check (docs/PROTOCOL.md, "Evidence").

    Valid means that the service said what the certificate says, of these photos: read its verdict.

    Exit status: 0 valid, 1 not valid, 2 error.
    """
    keys = read_log_keys(log_key)
    done = verify_evidence(folder, keys, _keys(service_keys))
    show(as_json, _result(done), _told(done))
    if not done.valid:
        note(f"not valid: {done.problem}")
        context.exit(1)


def _keys(file: Path) -> dict[str, bytes]:
    try:
        return keys_of_jwks(file.read_text())
    except (MalformedMessage, OSError, UnicodeDecodeError) as error:
        raise ClientError(f"{file} has no keys to verify by: {error}") from None


def _result(done: EvidenceVerification) -> dict[str, object]:
    steps = [{**asdict(step), "passed": step.problem is None} for step in done.steps]
    result: dict[str, object] = {"valid": done.valid, "problem": done.problem, "steps": steps}
    result["not_made"] = [asdict(each) for each in done.not_made]
    result["remarks"] = list(done.remarks)
    if done.valid and done.statement is not None:
        said = done.statement
        result["claim_id"], result["verdict"] = said.claim_id, said.verdict
        result["reasons"] = [reason.text for reason in said.reasons]
        result["false_match_probability"] = float(said.false_match_probability)
        result["claimant"] = {"subject": said.claimant.subject, "issuer": said.claimant.issuer}
    return result


def _told(done: EvidenceVerification) -> str:
    lines = {}
    for step in done.steps:
        lines[step.check] = f"{step.check} {'FAILED' if step.problem else 'passed'}  {step.what}"
        if step.problem:
            lines[step.check] += f"\n           {step.problem}"
    for each in done.not_made:
        lines[each.check] = f"{each.check} not made {each.what}: {each.why}"
    text = [lines[check] for check in sorted(lines)]
    if done.valid and done.statement is not None:
        said = done.statement
        whose = f"{said.claimant.subject} of {said.claimant.issuer}"
        text += done.remarks
        text.append(f"valid: claim {said.claim_id} by {whose}: {said.verdict}")
        text += [f"- {reason.text}" for reason in said.reasons]
    return "\n".join(text)
