"""`grainseal key`: keys made from a camera, and files that open with it. No service is needed."""

from pathlib import Path
from typing import Final

import click

from .errors import CameraNotRecognised
from .key_file import (
    generate_key_file,
    open_sealed,
    reproduce_key,
    require_sealed_with,
    seal,
)
from .output_files import require_unwritten
from .terminal import (
    json_option,
    note,
    open_vault,
    options,
    progress,
    show,
    vault_to_keep,
    warning,
)

ADVISED_PHOTOS: Final = 6
SEALED_SUFFIX: Final = ".sealed"
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_NEW_FILE = click.Path(dir_okay=False, path_type=Path)

vault_option = click.option(
    "--vault",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: Path(click.get_app_dir("grainseal")) / "vault",
    show_default="vault in the user's configuration folder",
    help="Folder of the device's keys.",
)
photo_options = options(
    click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path)),
    click.option(
        "--any-photos", is_flag=True, help="Try photos that the quality check finds unsuitable."
    ),
)


@click.group()
def key() -> None:
    """Keys that a camera gives: only with its photos, and with this vault, do they come back."""


@key.command()
@click.option("--out", required=True, type=_NEW_FILE, help="The new key file.")
@vault_option
@click.option("--keyring", is_flag=True, help="Keep a new vault's key in the platform's keyring.")
@click.option(
    "--profile",
    default="FUZZY_V1",
    show_default=True,
    help="FUZZY_V1: 128 bits; FUZZY_MAX_V1: 256 bits, needs cleaner photos.",
)
@click.option("--allow-testing-profiles", is_flag=True, hidden=True)
@photo_options
@json_option
def generate(
    out: Path,
    vault: Path,
    keyring: bool,
    profile: str,
    allow_testing_profiles: bool,
    photos: tuple[Path, ...],
    any_photos: bool,
    as_json: bool,
) -> None:
    """Make a key of the camera that took PHOTO..., six or more of a bright, even scene.

    No photo makes two keys: take fresh ones for each. The key file holds no key. Keep copies of it
    and of the vault: without both nothing that was sealed opens again. What it is protected by:
    docs/THREAT_MODEL.md, "Keys from a camera".
    """
    if not any(photo.is_dir() for photo in photos) and len(photos) < ADVISED_PHOTOS:
        note(f"few photos make a key that comes back less often: give {ADVISED_PHOTOS} or more")
    require_unwritten([out])
    with vault_to_keep(vault, keyring) as opened, progress("Reading photos") as report:
        made = generate_key_file(
            out,
            opened,
            photos,
            profile=profile,
            any_photos=any_photos,
            allow_testing_profiles=allow_testing_profiles,
            progress=report,
        )
    for each in made.warnings:
        warning(each)
    bits = 8 * made.profile.key_bytes
    said = {
        "key_file": str(out),
        "key_id": made.key_id.hex(),
        "profile": made.profile.name,
        "bits": bits,
        "vault": str(vault),
        "warnings": made.warnings,
    }
    show(as_json, said, f"{out}: a key of {bits} bits; keep it and {vault}")


@key.command()
@click.argument("keyfile", type=_FILE)
@vault_option
@click.option("--seal", "to_seal", type=_FILE, help="Seal this file: FILE.sealed.")
@click.option("--open", "to_open", type=_FILE, help="Open this sealed file.")
@click.option("--to", "target", type=_NEW_FILE, help="Write the sealed or opened file here.")
@photo_options
@json_option
@click.pass_context
def reproduce(
    context: click.Context,
    keyfile: Path,
    vault: Path,
    to_seal: Path | None,
    to_open: Path | None,
    target: Path | None,
    photos: tuple[Path, ...],
    any_photos: bool,
    as_json: bool,
) -> None:
    """Get the key of KEYFILE back from PHOTO..., fresh ones of its camera; four or more are best.

    The vault is the one that the key was made with. The key is not shown: it seals or opens a file,
    or is only tried. Files are never overwritten, and the one that was sealed or opened stays.

    Exit status: 0 it came back, 1 it did not, 2 error.
    """
    if to_seal is not None and to_open is not None:
        raise click.UsageError("give --seal or --open, not both")
    written = _target(to_seal, to_open, target)
    if written is not None:
        require_unwritten([written], "--to")
    if to_open is not None:
        require_sealed_with(to_open, keyfile)
    try:
        with open_vault(vault) as opened, progress("Reading photos") as report:
            found = reproduce_key(keyfile, opened, photos, any_photos=any_photos, progress=report)
    except CameraNotRecognised as error:
        if as_json:
            show(True, {"reproduced": False, "advice": str(error)}, "")
        note(f"not reproduced: {error}")
        context.exit(1)
    if to_seal is not None and written is not None:
        seal(found, to_seal, written)
    if to_open is not None and written is not None:
        open_sealed(found, to_open, written)
    said = {
        "reproduced": True,
        "key_id": found.key_id.hex(),
        "profile": found.profile.name,
        "bits": 8 * found.profile.key_bytes,
        "written": None if written is None else str(written),
    }
    text = "the key came back" if written is None else f"{written}: written"
    show(as_json, said, text)


def _target(to_seal: Path | None, to_open: Path | None, target: Path | None) -> Path | None:
    """Where the result goes; None if there is none."""
    if to_seal is not None:
        return target or to_seal.with_name(to_seal.name + SEALED_SUFFIX)
    if to_open is not None:
        if target is None and to_open.suffix != SEALED_SUFFIX:
            raise click.UsageError(f"{to_open} does not end in {SEALED_SUFFIX}: say where --to")
        return target or to_open.with_suffix("")
    if target is not None:
        raise click.UsageError("--to is for --seal or --open")
    return None
