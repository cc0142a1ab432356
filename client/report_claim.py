"""A claim's HTML report: one page for people, with its pictures in it, and no evidence itself.

All that it says is the certificate's; anybody could write such a page, so it tells how to check.
"""

import shlex
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

import jinja2

from grainseal.crypto.certificate import ClaimStatement
from grainseal.crypto.tokens import key_id
from grainseal.models.photo import Photo

from .claiming import ClaimOutcome
from .report_pictures import pictures_of
from .report_statistic import statistic_of

_TEMPLATES: Final = Path(__file__).parent / "templates"
_SERVICE: Final = "the certificate"
_LEVELS: Final = ("z below 2", "z from 2", "z from 4", "z from 8")


@dataclass(frozen=True)
class Manifest:
    """What is said of the C2PA manifest, and the file that has it, "" for none."""

    sentence: str
    file: str = ""


@dataclass(frozen=True)
class Moment:
    """A line of the table of times."""

    seconds: int
    what: str
    source: str


def claim_page(
    outcome: ClaimOutcome, copy: Photo, original: Photo | None, manifest: Manifest, folder: Path
) -> str:
    """The page about a claim. `folder`: where the evidence is, for the command that verifies it."""
    said = outcome.statement
    both = {"Copy": said.copy, "Original": said.original}
    return (
        _environment()
        .get_template("claim.html.j2")
        .render(
            said=said,
            copy=copy,
            original=original,
            pictures=pictures_of(said, copy, original),
            statistic=statistic_of(said),
            manifest=manifest,
            proven=bool(outcome.proof),
            command=_command(folder),
            levels=_LEVELS,
            times=_times(outcome),
            photos=[(name, each) for name, each in both.items() if each is not None],
            key=key_id(said.service_key),
            receipts=_receipts(outcome),
        )
    )


def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["moment"] = _moment
    return made


def _moment(seconds: int) -> str:
    """In UTC; a number where the calendar ends."""
    try:
        return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}"
    except (OverflowError, ValueError, OSError):
        return f"second {seconds}"


def _command(folder: Path) -> str:
    where = shlex.quote(f"./{folder.resolve().name}")
    return f"grainseal evidence verify {where} --log-key log.vkey --service-keys jwks.json"


def _times(outcome: ClaimOutcome) -> list[Moment]:
    """Oldest first."""
    said = outcome.statement
    moments = [
        Moment(said.claimant.enrolled_at, "the camera's template was enrolled", "the log"),
        Moment(said.decided_at, "the service decided this claim", _SERVICE),
        *_registered(said),
    ]
    if said.seen_at is not None:
        moments.append(Moment(said.seen_at, "the copy was public already", "the claimant"))
    return sorted(moments, key=lambda each: each.seconds)


def _registered(said: ClaimStatement) -> list[Moment]:
    what = "somebody else registered a look-alike"
    others = [
        Moment(each.registered_at, f"{what} ({each.grade})", _SERVICE) for each in said.competing
    ]
    own = said.registration
    if own is None:
        return others
    what = f"the claimant registered the photo ({own.grade})"
    return [*others, Moment(own.registered_at, what, "the log")]


def _receipts(outcome: ClaimOutcome) -> list[tuple[str, int, bool]]:
    """What each is of, its leaf's index, and whether it carries a time stamp."""
    both = {
        "enrolment": outcome.enrollment_receipt,
        "registration": outcome.registration_receipt,
    }
    return [
        (name, receipt.proof.index, receipt.timestamp is not None)
        for name, receipt in both.items()
        if receipt is not None
    ]
