"""The commands that talk to a service: enroll, authenticate, renew, revoke, list."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from .sdk import Client, EnrollmentInfo
from .terminal import (
    json_option,
    note,
    open_vault,
    options,
    progress,
    show,
    vault_to_enroll_into,
)

# What the profiles' score windows were measured with.
ADVISED_PHOTOS = 6
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


@click.command()
@connection_options
@click.option("--subject", required=True, help="The name to enrol under; the ticket's.")
@click.option(
    "--ticket",
    required=True,
    envvar="GRAINSEAL_TICKET",
    help="Single-use ticket from the relying party; or GRAINSEAL_TICKET, which ps does not show.",
)
@click.option("--profile", help="Default: AUTH_RAW_V1 for RAW photos, else AUTH_JPEG_V1.")
@click.option("--keyring", is_flag=True, help="Keep a new vault's key in the platform's keyring.")
@photo_options
@json_option
def enroll(
    server: str,
    ca: Path,
    vault: Path,
    subject: str,
    ticket: str,
    profile: str | None,
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
        progress("Reading photos") as report,
    ):
        info = client.enroll(
            subject,
            ticket,
            photos,
            profile=profile,
            any_photos=any_photos,
            progress=report,
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
    with _client(server, ca, vault) as client, progress("Reading photos") as report:
        result = client.authenticate(audience, photos, any_photos=any_photos, progress=report)
    if as_json or result.accepted:
        show(as_json, asdict(result), result.token)
    if not result.accepted:
        note("rejected: these photos do not match the enrolled camera")
        context.exit(1)


@click.command()
@connection_options
@photo_options
@json_option
def renew(
    server: str, ca: Path, vault: Path, photos: tuple[Path, ...], any_photos: bool, as_json: bool
) -> None:
    """Replace the enrolled template and its keys, with six or more fresh photos of the camera."""
    _advise_more(photos)
    with _client(server, ca, vault) as client, progress("Reading photos") as report:
        info = client.renew(photos, any_photos=any_photos, progress=report)
    show(as_json, asdict(info), f"renewed {_sentence(info)}")


@click.command()
@connection_options
@json_option
def revoke(server: str, ca: Path, vault: Path, as_json: bool) -> None:
    """End the enrolment; the service deletes its template."""
    with _client(server, ca, vault) as client:
        info = client.revoke()
    show(as_json, asdict(info), f"revoked {_sentence(info)}")


@click.command(name="list")
@connection_options
@json_option
def list_enrollments(server: str, ca: Path, vault: Path, as_json: bool) -> None:
    """List the enrolments of this vault's device key, past ones included."""
    with _client(server, ca, vault) as client:
        found = client.list()
    lines = [f"{each.state:9} {_sentence(each)}" for each in found]
    show(as_json, {"enrollments": [asdict(each) for each in found]}, "\n".join(lines))


def _advise_more(photos: tuple[Path, ...]) -> None:
    if not any(photo.is_dir() for photo in photos) and len(photos) < ADVISED_PHOTOS:
        note(
            f"few photos make a weak template: {ADVISED_PHOTOS} or more are recognised better later"
        )


@contextmanager
def _client(server: str, ca: Path, vault: Path) -> Iterator[Client]:
    with open_vault(vault) as opened, Client(server, ca, opened) as client:
        yield client


def _sentence(info: EnrollmentInfo) -> str:
    advice = ", should be enrolled anew" if info.needs_reenrollment else ""
    return f"{info.subject} as {info.enrollment_id} ({info.profile}{advice})"
