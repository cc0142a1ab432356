"""The commands that talk to a service about a camera: enroll, authenticate, renew, revoke, list."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import click

from .claim_photos import DEFAULT_CLAIM_PROFILE
from .photos import DEFAULT_PROFILES, Progress, Stages
from .schemes import SCHEMES
from .sdk import Client, EnrollmentInfo
from .terminal import (
    json_option,
    note,
    open_vault,
    options,
    progress_of_stages,
    show,
    vault_to_enroll_into,
    warning,
)
from .uploading import Sending

# What the profiles' score windows were measured with.
ADVISED_PHOTOS = 6
PROFILE_HELP = (
    f"Default: {DEFAULT_PROFILES['raw'].name} for RAW photos, else "
    f"{DEFAULT_PROFILES['developed'].name}; FUZZY_V1 for --scheme fuzzy."
)
FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)

connection_options = options(
    click.option("--server", required=True, metavar="HOST:PORT", help="The service."),
    click.option("--ca", required=True, type=FILE, help="PEM file of the service's authority."),
    click.option("--vault", required=True, type=FOLDER, help="Folder of the device's keys."),
)
photo_options = options(
    click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path)),
    click.option(
        "--any-photos", is_flag=True, help="Try photos that the quality check finds unsuitable."
    ),
)

claim_photo_options = options(
    click.option(
        "--claim-photos",
        multiple=True,
        type=click.Path(path_type=Path),
        help="Make the claim template of these, six or more JPEGs of any scenes; repeat it, or "
        "name a folder. Default: the same photos.",
    ),
    click.option("--claim-profile", help=f"Default: {DEFAULT_CLAIM_PROFILE}."),
)
_STAGES = {
    "commit": "Committing to the proof",
    "multiply": "Proving",
    "fold": "Folding the proof",
}


@dataclass(frozen=True)
class Bars:
    """What tells a person how far a command is."""

    progress: Progress
    proving: Stages
    sending: Sending


@contextmanager
def bars(what: str = "") -> Iterator[Bars]:
    """Bars on stderr for reading photos, proving, and for an upload, of the thing named `what`."""
    with progress_of_stages() as report:

        def sending(arrived: int, total: int) -> None:
            report(f"Sending {what}".strip() + " (kB)", arrived // 1000, total // 1000)

        def proving(stage: str, done: int, total: int) -> None:
            report(_STAGES.get(stage, stage), done, total)

        yield Bars(partial(report, "Reading photos"), proving, sending)


@click.command()
@connection_options
@click.option("--subject", required=True, help="The name to enrol under; the ticket's.")
@click.option(
    "--ticket",
    required=True,
    envvar="GRAINSEAL_TICKET",
    help="Single-use ticket from the relying party; or GRAINSEAL_TICKET, which ps does not show.",
)
@click.option(
    "--scheme",
    type=click.Choice(SCHEMES),
    default=SCHEMES[0],
    show_default=True,
    help="homomorphic: the service keeps an encrypted template; fuzzy: the public half of a key "
    "that only the camera's photos and this vault give.",
)
@click.option("--profile", help=PROFILE_HELP)
@click.option("--claims", is_flag=True, help="Add a claim template: register and claim photos.")
@claim_photo_options
@click.option(
    "--proofs",
    is_flag=True,
    help="With --claims: proofs that anybody can check can be made of claims. The vault then keeps "
    "a template: whoever opens it can prove and authenticate without the camera. Best in a vault "
    "of its own.",
)
@click.option("--keyring", is_flag=True, help="Keep a new vault's key in the platform's keyring.")
@photo_options
@json_option
def enroll(
    server: str,
    ca: Path,
    vault: Path,
    subject: str,
    ticket: str,
    scheme: str,
    profile: str | None,
    claims: bool,
    claim_photos: tuple[Path, ...],
    claim_profile: str | None,
    proofs: bool,
    keyring: bool,
    photos: tuple[Path, ...],
    any_photos: bool,
    as_json: bool,
) -> None:
    """Enrol the camera that took PHOTO..., six or more of a bright, even scene out of focus."""
    _advise_more(photos)
    with (
        vault_to_enroll_into(vault, keyring) as opened,
        Client(server, ca, opened) as client,
        bars() as shown,
    ):
        info = client.enroll(
            subject,
            ticket,
            photos,
            scheme=scheme,
            profile=profile,
            claims=claims,
            claim_photos=claim_photos or None,
            claim_profile=claim_profile,
            proofs=proofs,
            any_photos=any_photos,
            warn=warning,
            progress=shown.progress,
            proving=shown.proving,
            sending=shown.sending,
        )
    show(as_json, asdict(info), f"enrolled {_sentence(info)}")


@click.command()
@connection_options
@click.option("--audience", required=True, help="The relying party that the decision is for.")
@photo_options
@json_option
@click.pass_context
def authenticate(
    context: click.Context,
    server: str,
    ca: Path,
    vault: Path,
    audience: str,
    photos: tuple[Path, ...],
    any_photos: bool,
    as_json: bool,
) -> None:
    """Prove with fresh photos that the enrolled camera is here; print the decision's token.

    Exit status: 0 accepted, 1 rejected, 2 error.
    """
    with client_of(server, ca, vault) as client, bars() as shown:
        result = client.authenticate(
            audience, photos, any_photos=any_photos, progress=shown.progress
        )
    advise_renewal(result.renewal, as_json)
    if as_json or result.accepted:
        show(as_json, asdict(result), result.token)
    if not result.accepted:
        note(f"rejected: {result.advice or 'these photos do not match the enrolled camera'}")
        context.exit(1)


@click.command()
@connection_options
@click.option("--scheme", type=click.Choice(SCHEMES), help="Default: as it is.")
@click.option(
    "--claims/--no-claims",
    default=None,
    help="With or without a claim template. Default: as it is.",
)
@claim_photo_options
@click.option(
    "--proofs/--no-proofs",
    default=None,
    help="With or without the code that claim proofs are made of, see `enroll`. Default: as it is.",
)
@photo_options
@json_option
def renew(
    server: str,
    ca: Path,
    vault: Path,
    scheme: str | None,
    claims: bool | None,
    claim_photos: tuple[Path, ...],
    claim_profile: str | None,
    proofs: bool | None,
    photos: tuple[Path, ...],
    any_photos: bool,
    as_json: bool,
) -> None:
    """Replace the enrolled template or key, with six or more fresh photos of the camera.

    A claim template is replaced too; `renew --claims` adds one to an enrolment that has none.
    """
    _advise_more(photos)
    with client_of(server, ca, vault) as client, bars() as shown:
        info = client.renew(
            photos,
            scheme=scheme,
            claims=claims,
            claim_photos=claim_photos or None,
            claim_profile=claim_profile,
            proofs=proofs,
            any_photos=any_photos,
            warn=warning,
            progress=shown.progress,
            proving=shown.proving,
            sending=shown.sending,
        )
    show(as_json, asdict(info), f"renewed {_sentence(info)}")


@click.command()
@connection_options
@json_option
def revoke(server: str, ca: Path, vault: Path, as_json: bool) -> None:
    """End the enrolment; the service deletes its template, or its key and helper data."""
    with client_of(server, ca, vault) as client:
        info = client.revoke()
    show(as_json, asdict(info), f"revoked {_sentence(info)}")


@click.command(name="list")
@connection_options
@json_option
def list_enrollments(server: str, ca: Path, vault: Path, as_json: bool) -> None:
    """List the enrolments of this vault's device key, past ones included."""
    with client_of(server, ca, vault) as client:
        found, renewal = client.list(), client.renewal
    advise_renewal(renewal, as_json)
    lines = [f"{each.state:9} {_sentence(each)}" for each in found]
    listed = {"enrollments": [asdict(each) for each in found], "renewal": renewal}
    show(as_json, listed, "\n".join(lines))


def _advise_more(photos: tuple[Path, ...]) -> None:
    if not any(photo.is_dir() for photo in photos) and len(photos) < ADVISED_PHOTOS:
        note(
            f"few photos make a weak template: {ADVISED_PHOTOS} or more are recognised better later"
        )


def advise_renewal(advice: str, as_json: bool) -> None:
    """Say once that a renewal is due; with --json the result has a field for it."""
    if advice and not as_json:
        note(advice)


@contextmanager
def client_of(server: str, ca: Path, vault: Path) -> Iterator[Client]:
    """A client for the vault in a folder."""
    with open_vault(vault) as opened, Client(server, ca, opened) as client:
        yield client


def _sentence(info: EnrollmentInfo) -> str:
    advice = ", should be renewed" if info.needs_reenrollment else ""
    return f"{info.subject} as {info.enrollment_id} ({info.scheme}, {info.profile}{advice})"
