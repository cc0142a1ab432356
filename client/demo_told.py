"""What the demo says: the matrix of who was accepted, the claims, for people and as JSON."""

from datetime import datetime, timezone
from pathlib import Path
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from .demo import Decision
from .demo_claim_photos import PROFILE, WEB_QUALITY
from .demo_claims import PROVEN, ClaimMade, ClaimStory
from .demo_keys import PROFILE as KEYS
from .demo_keys import KeyTry, sentence
from .demo_photos import Plan
from .demo_proof import ProofShown, meaning


def as_json(
    plan: Plan,
    decisions: list[Decision],
    keys: list[KeyTry],
    story: ClaimStory | None,
    page: Path | None,
) -> dict[str, object]:
    """Everything as one object; `page` is the report."""
    return {
        "decisions": [
            {
                "enrolled": each.enrolled,
                "probe": each.probe,
                "accepted": each.accepted,
                "reason": each.reason,
                "seconds": round(each.seconds, 3),
                "bytes_sent": each.bytes_sent,
            }
            for each in decisions
        ],
        "cameras": [
            {"name": each.camera, "profile": each.profile.name, "enrolled_photos": len(each.paths)}
            for each in plan.enrolled
        ],
        "keys": [
            {
                "enrolled": each.enrolled,
                "probe": each.probe,
                "accepted": each.accepted,
                "seconds": round(each.seconds, 3),
                "bytes_sent": each.bytes_sent,
            }
            for each in keys
        ],
        "claims": _claims_json(story, page is not None) if story is not None else None,
        "notes": plan.notes,
        "report": str(page) if page is not None else None,
    }


def print_matrix(plan: Plan, decisions: list[Decision]) -> None:
    """Rows are the enrolled cameras, columns the ones whose photos were tried."""
    console = Console()
    table = Table(title="Who was accepted, by whose photos", title_justify="left")
    table.add_column("enrolled")
    for probes in plan.probes:
        table.add_column(probes.camera, justify="center")
    by_pair = {(each.enrolled, each.probe): each for each in decisions}
    for camera in plan.enrolled:
        row = [by_pair[camera.camera, probes.camera] for probes in plan.probes]
        table.add_row(camera.camera, *(_cell(each) for each in row))
    console.print(table)
    for line in summary(decisions):
        console.print(line, highlight=False)


def _cell(decision: Decision) -> str:
    verdict = "[green]accepted[/]" if decision.accepted else "[red]rejected[/]"
    return f"{verdict}\n{decision.seconds:.2f} s"


def summary(decisions: list[Decision]) -> list[str]:
    """What the matrix says, in a few sentences."""
    own = [each for each in decisions if each.own]
    others = [each for each in decisions if not each.own]
    lines = [
        f"{each.enrolled} was not recognised: {each.reason}" for each in own if each.surprising
    ]
    if own:
        lines.append(f"{sum(each.accepted for each in own)} of {len(own)} own cameras accepted")
    if others:
        wrong = sum(each.accepted for each in others)
        lines.append(f"{wrong} of {len(others)} wrong cameras accepted, though with stolen keys")
    seconds = median(each.seconds for each in decisions)
    sent = median(each.bytes_sent for each in decisions) / 1000
    lines.append(f"one authentication took {seconds:.2f} s and sent {sent:.0f} kB (medians)")
    return lines


def print_keys(keys: list[KeyTry]) -> None:
    """What became of the camera that was enrolled by its key."""
    if keys:
        click.echo(f"\nEnrolled by a key that the camera gives ({KEYS.name}), no template kept:")
    for each in keys:
        click.echo(f"  {sentence(each)}")


def print_claims(story: ClaimStory, kept: bool) -> None:
    """What was registered, who claimed it, what could be verified; `kept`: with the evidence."""
    console = Console()
    console.print()
    for line in _before_claims(story):
        console.print(line, highlight=False)
    if story.claims:
        table = Table(
            title=f"Who can claim the copy, by {PROFILE.name}",
            title_justify="left",
            show_lines=True,
        )
        for column in ("claimed by", "verdict", "because"):
            table.add_column(column)
        for each in story.claims:
            table.add_row(each.camera, _verdict_cell(each), "\n".join(each.reasons))
        console.print(table)
    for line in [*_proven(story), *_checked(story)]:
        console.print(line, highlight=False)
    if kept and story.evidence.exists():
        click.echo(f"evidence: {story.evidence}")


def _before_claims(story: ClaimStory) -> list[str]:
    plan, lines = story.plan, []
    if story.registration is not None:
        when = datetime.fromtimestamp(story.registration.registered_at, timezone.utc)
        lines.append(
            f"{plan.owner.camera} registered {plan.photo.name}, {story.registration.grade}, "
            f"{when:%Y-%m-%d %H:%M:%S} UTC"
        )
    if story.copy is not None:
        lines.append(
            f"found on the web: a copy of {story.copy.width}x{story.copy.height}, "
            f"JPEG quality {WEB_QUALITY}"
        )
    if plan.scene:
        lines.append("whoever claims it has the original file: everybody can have that")
    return lines


def _proven(story: ClaimStory) -> list[str]:
    """What the proof took, what it says, and for what it was refused."""
    if story.no_proof is not None:
        return [f"no zero-knowledge proof of the claim: {story.no_proof}"]
    proof = story.proof
    if proof is None:
        return []
    verdict = ", ".join(proof.passed)
    if proof.problem is not None:
        verdict = f"NOT valid: {proof.problem}"
    lines = [
        f"zero-knowledge proof of {proof.photo}: made in {proof.made:.1f} s, "
        f"{len(proof.file) / 1000:.0f} kB, verified in {proof.verified:.1f} s "
        f"by the photo and the log's key alone ({verdict})",
        f"  it shows {meaning(proof.photo, story.plan.owner.camera)}",
    ]
    return lines + [
        f"  {each.what}: refused, {each.check}: {each.why}"
        if each.check
        else f"  NOT as it should be: {each.what}, it is valid"
        for each in proof.refusals
    ]


def _checked(story: ClaimStory) -> list[str]:
    """What was verified, and what stopped or surprised."""
    lines = ["verified with public keys alone:"] if story.checks else []
    lines += [
        f"  {each.what}: {f'NOT valid: {each.problem}' if each.problem else each.found}"
        for each in story.checks
    ]
    lines += [
        f"NOT as it should be: {each.camera}'s claim is {each.verdict}, not {each.expected}"
        for each in story.claims
        if each.surprising
    ]
    if story.problem is not None:
        lines.append(f"the claims stopped: {story.problem}")
    return lines


def _verdict_cell(made: ClaimMade) -> str:
    colour = "green" if made.verdict == PROVEN else "red"
    return f"[{colour}]{made.verdict}[/]"


def _claims_json(story: ClaimStory, kept: bool) -> dict[str, object]:
    registration, copy = story.registration, story.copy
    return {
        "as_expected": story.as_expected,
        "problem": story.problem,
        "profile": PROFILE.name,
        "photo": story.plan.photo.name,
        "registration_id": registration.registration_id if registration is not None else None,
        "registered_at": registration.registered_at if registration is not None else None,
        "grade": registration.grade if registration is not None else None,
        "copy": {"width": copy.width, "height": copy.height, "quality": WEB_QUALITY}
        if copy is not None
        else None,
        "with_original": story.plan.scene,
        "verdicts": [
            {
                "camera": each.camera,
                "verdict": each.verdict,
                "expected": each.expected,
                "reasons": list(each.reasons),
            }
            for each in story.claims
        ],
        "proof": _proof_json(story.proof) if story.proof is not None else None,
        "no_proof": story.no_proof,
        "checks": [
            {"what": each.what, "found": each.found, "problem": each.problem}
            for each in story.checks
        ],
        "evidence": str(story.evidence) if kept and story.evidence.exists() else None,
    }


def _proof_json(proof: ProofShown) -> dict[str, object]:
    return {
        "photo": proof.photo,
        "as_expected": proof.as_expected,
        "problem": proof.problem,
        "passed": list(proof.passed),
        "made_seconds": round(proof.made, 3),
        "verified_seconds": round(proof.verified, 3),
        "bytes": len(proof.file),
        "refusals": [
            {
                "what": each.what,
                "refused": bool(each.check),
                "check": each.check or None,
                "why": each.why or None,
            }
            for each in proof.refusals
        ],
    }
