"""`grainseal demo`: who is accepted by which photos, and who can claim a photo as theirs."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from .demo import RELYING_PARTY, Decision, Fingerprints, extract_all, run_demo
from .demo_claim_photos import plan_claims
from .demo_claims import ClaimStory, make_room, run_claims
from .demo_keys import KeyTry, run_keys
from .demo_photos import Plan, plan_demo, require_cameras, worker_pool
from .demo_service import LocalService
from .demo_told import as_json as told_as_json
from .demo_told import print_claims, print_keys, print_matrix
from .demo_virtual import VIRTUAL_CAMERAS, add_scene, take_virtual_photos
from .report import require_matplotlib, write_report
from .terminal import json_option, note, progress_of_stages, show

EVIDENCE: Final = "claim"
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass(frozen=True)
class Outcome:
    """Everything a demo found."""

    plan: Plan
    prints: Fingerprints
    decisions: list[Decision]
    keys: list[KeyTry]
    story: ClaimStory | None


@click.command()
@click.option("--photos", type=FOLDER, help="DIR/<camera>/...; default: simulated cameras.")
@click.option("--probes", type=FOLDER, help="Other folders to probe with, of the same names.")
@click.option("--enroll-photos", type=click.IntRange(min=1), default=6, show_default=True)
@click.option("--probe-photos", type=click.IntRange(min=1), default=4, show_default=True)
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), help="Write an HTML report here."
)
@json_option
@click.pass_context
def demo(
    context: click.Context,
    photos: Path | None,
    probes: Path | None,
    enroll_photos: int,
    probe_photos: int,
    report: Path | None,
    as_json: bool,
) -> None:
    """Enrol cameras at a real server on this machine, then try each with every other's photos.

    One is enrolled by a key that its photos give, too, and tried. Then a photo is registered, a web
    copy of it is claimed by its owner, who proves it in zero knowledge too, and by somebody else;
    and log, evidence and proof are verified.

    With --photos DIR it takes your own: a folder for each camera, named as you like, with at least
    one photo more than are enrolled. Photos are taken in the order of their names.

    Exit status: 0, 1 if a claim or what was verified came out otherwise than it should, 2 error.
    """
    if probes is not None and photos is None:
        raise click.UsageError("--probes needs --photos: whom should they probe?")
    if report is not None:
        require_matplotlib()
        make_room(report / EVIDENCE)
    with (
        _signals_clean_up(),
        tempfile.TemporaryDirectory(prefix="grainseal-demo-") as temporary,
    ):
        work = Path(temporary)
        evidence = (report or work / "report") / EVIDENCE
        outcome = _outcome(work, photos, probes, enroll_photos, probe_photos, evidence)
        page = None
        if report is not None:
            page = write_report(
                report,
                outcome.plan,
                outcome.prints,
                outcome.decisions,
                outcome.story,
                outcome.keys,
            )
        _show(outcome, page, as_json)
    if outcome.story is not None and not outcome.story.as_expected:
        context.exit(1)


def _show(outcome: Outcome, page: Path | None, as_json: bool) -> None:
    plan, decisions, story = outcome.plan, outcome.decisions, outcome.story
    if as_json:
        show(True, told_as_json(plan, decisions, outcome.keys, story, page), "")
        return
    print_matrix(plan, decisions)
    print_keys(outcome.keys)
    if story is not None:
        print_claims(story, kept=page is not None)
    if page is not None:
        click.echo(f"report: {page}")


@contextmanager
def _signals_clean_up() -> Iterator[None]:
    """SIGTERM and SIGHUP end the block like Ctrl-C: fingerprints and keys do not stay on disk."""

    def end(number: int, _: object) -> None:
        for each in before:  # a second one must not cut the cleaning short
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit(128 + number)

    before = {
        each: signal.getsignal(each)
        for each in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(each) is not signal.SIG_IGN  # nohup's wish is respected
    }
    for each in before:
        signal.signal(each, end)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _outcome(
    work: Path, photos: Path | None, probes: Path | None, enroll: int, probe: int, evidence: Path
) -> Outcome:
    with progress_of_stages() as done:
        with worker_pool() as pool:
            scene = None
            if photos is None:
                done("Taking simulated photos", 0, len(VIRTUAL_CAMERAS) * (enroll + probe))
                photos = work / "photos"
                scene = take_virtual_photos(pool, photos, enroll, probe)
            done("Looking at photos", 0, 1)
            plan = plan_demo(pool, photos, probes, enroll, probe)
            if scene is not None:
                add_scene(plan, scene)
            claims = plan_claims(plan)
            for line in plan.notes:
                note(line)
            require_cameras(plan)
            done("Reading photos", 0, 1)
            prints = extract_all(pool, plan, done, claims)
        done("Starting the server", 0, 1)
        story = None
        with LocalService(work / "server") as service:
            api_key = service.add_relying_party(RELYING_PARTY)
            decisions = run_demo(service, api_key, plan, prints, work, done)
            keys = run_keys(service, api_key, plan, prints, work, done)
            if claims is not None:
                story = run_claims(service, api_key, claims, prints, work, evidence, done)
    return Outcome(plan, prints, decisions, keys, story)
