"""`grainseal demo`: the matrix of who was accepted, for people, as JSON, and as a report."""

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import click
from rich.console import Console
from rich.table import Table

from .demo import RELYING_PARTY, Decision, Fingerprints, extract_all, run_demo
from .demo_photos import (
    VIRTUAL_CAMERAS,
    Plan,
    plan_demo,
    require_cameras,
    take_virtual_photos,
    worker_pool,
)
from .demo_service import LocalService
from .report import require_matplotlib, write_report
from .terminal import json_option, note, progress_of_stages, show

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@dataclass(frozen=True)
class Outcome:
    """Everything a demo found."""

    plan: Plan
    prints: Fingerprints
    decisions: list[Decision]


@click.command()
@click.option("--photos", type=FOLDER, help="DIR/<camera>/...; default: simulated cameras.")
@click.option("--probes", type=FOLDER, help="Other folders to probe with, of the same names.")
@click.option("--enroll-photos", type=click.IntRange(min=1), default=6, show_default=True)
@click.option("--probe-photos", type=click.IntRange(min=1), default=4, show_default=True)
@click.option(
    "--report", type=click.Path(file_okay=False, path_type=Path), help="Write an HTML report here."
)
@json_option
def demo(
    photos: Path | None,
    probes: Path | None,
    enroll_photos: int,
    probe_photos: int,
    report: Path | None,
    as_json: bool,
) -> None:
    """Enrol cameras at a real server on this machine, then try each with every other's photos.

    With --photos DIR it takes your own: a folder for each camera, named as you like, with at least
    one photo more than are enrolled. Photos are taken in the order of their names.
    """
    if probes is not None and photos is None:
        raise click.UsageError("--probes needs --photos: whom should they probe?")
    if report is not None:
        require_matplotlib()
    with (
        _signals_clean_up(),
        tempfile.TemporaryDirectory(prefix="grainseal-demo-") as temporary,
    ):
        outcome = _outcome(Path(temporary), photos, probes, enroll_photos, probe_photos)
        page = (
            write_report(report, outcome.plan, outcome.prints, outcome.decisions)
            if report is not None
            else None
        )
    if as_json:
        show(True, _json(outcome, page), "")
    else:
        _print_matrix(outcome)
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
    work: Path, photos: Path | None, probes: Path | None, enroll: int, probe: int
) -> Outcome:
    prints_folder = work / "fingerprints"
    prints_folder.mkdir()
    with progress_of_stages() as done:
        with worker_pool() as pool:
            if photos is None:
                done("Taking simulated photos", 0, len(VIRTUAL_CAMERAS) * (enroll + probe))
                photos = work / "photos"
                take_virtual_photos(pool, photos, enroll, probe)
            done("Looking at photos", 0, 1)
            plan = plan_demo(pool, photos, probes, enroll, probe)
            for line in plan.notes:
                note(line)
            require_cameras(plan)
            done("Reading photos", 0, 1)
            prints = extract_all(pool, plan, prints_folder, done)
        done("Starting the server", 0, 1)
        with LocalService(work / "server") as service:
            api_key = service.add_relying_party(RELYING_PARTY)
            decisions = run_demo(service, api_key, plan, prints, work, done)
    return Outcome(plan, prints, decisions)


def _json(outcome: Outcome, page: Path | None) -> dict[str, object]:
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
            for each in outcome.decisions
        ],
        "cameras": [
            {"name": each.camera, "profile": each.profile.name, "enrolled_photos": len(each.paths)}
            for each in outcome.plan.enrolled
        ],
        "notes": outcome.plan.notes,
        "report": str(page) if page is not None else None,
    }


def _print_matrix(outcome: Outcome) -> None:
    """Rows are the enrolled cameras, columns the ones whose photos were tried."""
    console = Console()
    table = Table(title="Who was accepted, by whose photos", title_justify="left")
    table.add_column("enrolled")
    for probes in outcome.plan.probes:
        table.add_column(probes.camera, justify="center")
    by_pair = {(each.enrolled, each.probe): each for each in outcome.decisions}
    for camera in outcome.plan.enrolled:
        row = [by_pair[camera.camera, probes.camera] for probes in outcome.plan.probes]
        table.add_row(camera.camera, *(_cell(each) for each in row))
    console.print(table)
    for line in summary(outcome.decisions):
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
