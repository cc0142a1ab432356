"""The commands about photos: register one's own, claim a copy found elsewhere."""

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Final, NoReturn

import click

from .claiming import ClaimOutcome, own_registration, require_same_photo
from .commands import advise_renewal, bars, client_of, connection_options
from .errors import CameraNotRecognised, ClientError
from .output_files import require_new_folder, require_unwritten, write_new
from .photos import developed_file, photo_files
from .registering import RegistrationInfo
from .sdk import Client
from .spread_options import SpreadCommand
from .stamping import read_receipt
from .statements import checked_licence
from .terminal import json_option, note, show

PATH = click.Path(path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
_EXIT: Final = {"proven": 0, "supported": 0, "inconclusive": 1, "rejected": 3}
_DAY: Final = "%Y-%m-%d"


@click.command()
@connection_options
@click.argument("photos", nargs=-1, required=True, type=PATH, metavar="PHOTO...")
@click.option("--title", default="", help="What the photo is called.")
@click.option("--creator", default="", help="Who made it, as it shall be named.")
@click.option("--licence", default="", metavar="SPDX", help="Such as CC-BY-4.0 or LicenseRef-MINE.")
@click.option("--upload", is_flag=True, help="Let the service look at the photo: camera-verified.")
@click.option("--metadata", is_flag=True, help="State the photo's own time and camera too.")
@click.option("--out", default=".", type=FOLDER, help="Folder for receipts. Default: this one.")
@json_option
def register(
    server: str,
    ca: Path,
    vault: Path,
    photos: tuple[Path, ...],
    title: str,
    creator: str,
    licence: str,
    upload: bool,
    metadata: bool,
    out: Path,
    as_json: bool,
) -> None:
    """Register photos of the enrolled camera; write PHOTO.receipt.json for each.

    Without --upload a photo stays on this machine: the service compares its encrypted code and
    registers it as device-asserted.
    """
    checked_licence(licence)
    files = photo_files(photos)
    receipts = _receipt_files(files, out)
    done: list[tuple[Path, Path, RegistrationInfo]] = []
    with client_of(server, ca, vault) as client:
        for photo, receipt in zip(files, receipts, strict=True):
            with bars(photo.name) as shown:
                info = client.register(
                    photo,
                    title=title,
                    creator=creator,
                    licence=licence,
                    upload=upload,
                    metadata=metadata,
                    progress=shown.progress,
                    sending=shown.sending,
                )
            _keep(receipt, info)
            done.append((photo, receipt, info))
            if not as_json:
                click.echo(_registered(photo, receipt, info))
    if as_json:
        show(True, {"registrations": [_registration(*each) for each in done]}, "")


@click.command(cls=SpreadCommand, spread="--fresh")
@connection_options
@click.argument("copy", type=PATH)
@click.option(
    "--fresh",
    required=True,
    multiple=True,
    type=PATH,
    metavar="PHOTO...",
    help="Photos that the camera just took, one or more, or a folder of them.",
)
@click.option("--receipt", type=PATH, help="Of your registration of the photo.")
@click.option("--original", type=PATH, help="The registered photo; a cropped copy needs it.")
@click.option("--seen", metavar="YYYY-MM-DD", help="Day (UTC) since when the copy is public.")
@click.option("--map", "match_map", is_flag=True, help="Say where in the frame it matches.")
@click.option("--out", type=FOLDER, help="New folder for the evidence.")
@click.option("--proof", is_flag=True, help="Put a proof that anybody can check into --out.")
@click.option("--any-photos", is_flag=True, help="Try fresh photos that seem unsuitable.")
@json_option
@click.pass_context
def claim(
    context: click.Context,
    server: str,
    ca: Path,
    vault: Path,
    copy: Path,
    fresh: tuple[Path, ...],
    receipt: Path | None,
    original: Path | None,
    seen: str | None,
    match_map: bool,
    out: Path | None,
    proof: bool,
    any_photos: bool,
    as_json: bool,
) -> None:
    """Claim COPY, a photo found elsewhere, as one that the enrolled camera took.

    COPY stands before --fresh and its photos, or after another option.

    Exit status: 0 proven or supported, 1 inconclusive, 2 error, 3 rejected.
    """
    seen_at = _seen_at(seen)
    if proof and out is None:
        raise click.UsageError("--proof goes with --out, the folder that it is written to")
    if out is not None:
        require_new_folder(out)
    developed_file(copy, "to claim it")
    with client_of(server, ca, vault) as client, bars(copy.name) as shown:
        registration_id = _registration_id(client, receipt, original)
        try:
            outcome = client.claim(
                copy,
                fresh,
                original=original,
                registration_id=registration_id,
                seen_at=seen_at,
                match_map=match_map,
                proof=proof,
                any_photos=any_photos,
                progress=shown.progress,
                proving=shown.proving,
                sending=shown.sending,
            )
        except CameraNotRecognised as error:
            _not_recognised(context, str(error), as_json, client.renewal)
        renewal = client.renewal
    if out is not None:
        _write_evidence(out, outcome, copy, original, vault)
    advise_renewal(renewal, as_json)
    if proof and outcome.proof_problem:
        note(f"no proof: {outcome.proof_problem}")
    said = {**_claim(outcome, out), "renewal": renewal}
    proven = {"proof": not outcome.proof_problem} if proof else {}
    show(as_json, {**said, **proven}, _told(outcome, out))
    context.exit(_EXIT[outcome.statement.verdict])


def _receipt_files(photos: list[Path], folder: Path) -> list[Path]:
    """Where the receipts go; everything that can be wrong with photos and files, beforehand."""
    receipts = [folder / f"{photo.name}.receipt.json" for photo in photos]
    if len(set(receipts)) != len(receipts):
        raise ClientError("two of the photos have the same file name: register them one by one")
    for photo in photos:
        developed_file(photo, "to register it")
    require_unwritten(receipts)
    return receipts


def _keep(file: Path, info: RegistrationInfo) -> None:
    try:
        write_new(file, info.receipt.to_json().encode())
    except ClientError as error:
        again = f"`receipt get --registration {info.registration_id}` gets its receipt again"
        raise ClientError(f"{error}; the photo is registered, and {again}") from None


def _registration_id(client: Client, receipt: Path | None, original: Path | None) -> str:
    """Of the registration whose receipt is given; "" without one."""
    if receipt is None:
        return ""
    entry = own_registration(read_receipt(receipt), client.device_key)
    if original is not None:
        require_same_photo(developed_file(original, "to lay the copy onto it"), entry)
    return entry.registration_id


def _seen_at(day: str | None) -> int:
    """Unix seconds of a day's beginning, UTC; 0 for none."""
    if day is None:
        return 0
    try:
        return int(datetime.strptime(day, _DAY).replace(tzinfo=timezone.utc).timestamp())
    except ValueError:
        raise ClientError(f"{day!r} is no day: write --seen like 2025-12-31") from None


def _not_recognised(context: click.Context, reason: str, as_json: bool, renewal: str) -> NoReturn:
    result = {
        "verdict": "rejected",
        "reasons": [reason],
        "false_match_probability": 1.0,
        "registered_at": None,
        "enrolled_at": None,
        "competing": [],
        "claim_id": None,
        "evidence": None,
        "renewal": renewal,
    }
    advise_renewal(renewal, as_json)
    show(as_json, result, f"rejected\n- {reason}")
    context.exit(_EXIT["rejected"])


def _write_evidence(
    folder: Path, outcome: ClaimOutcome, copy: Path, original: Path | None, vault: Path
) -> None:
    # Brings in what makes manifests and pages, which a claim without --out does not need.
    from .evidence import write_evidence

    write_evidence(folder, outcome, copy, original, vault_folder=vault)


def _claim(outcome: ClaimOutcome, folder: Path | None) -> dict[str, object]:
    said = outcome.statement
    own = said.registration
    return {
        "verdict": said.verdict,
        "reasons": [reason.text for reason in said.reasons],
        "false_match_probability": float(said.false_match_probability),
        "registered_at": own.registered_at if own is not None else None,
        "enrolled_at": said.claimant.enrolled_at,
        "competing": [asdict(each) for each in said.competing],
        "claim_id": said.claim_id,
        "evidence": str(folder) if folder is not None else None,
        "match_map": said.match_map,
    }


def _told(outcome: ClaimOutcome, folder: Path | None) -> str:
    said = outcome.statement
    lines = [said.verdict, *(f"- {reason.text}" for reason in said.reasons)]
    lines.append(f"false match probability at most {said.false_match_probability}")
    if said.match_map is not None:
        lines += ["match map, 0 (too little to tell) to 3 (strong):", *_map_rows(said.match_map)]
    lines.append(f"claim {said.claim_id}")
    if folder is not None:
        lines.append(f"evidence in {folder}")
    return "\n".join(lines)


def _map_rows(levels: tuple[int, ...]) -> list[str]:
    return ["  " + " ".join(map(str, levels[row : row + 4])) for row in range(0, 16, 4)]


def _registration(photo: Path, receipt: Path, info: RegistrationInfo) -> dict[str, object]:
    return {
        "photo": str(photo),
        "receipt": str(receipt),
        "registration_id": info.registration_id,
        "registered_at": info.registered_at,
        "grade": info.grade,
        "competing": [asdict(each) for each in info.competing],
    }


def _registered(photo: Path, receipt: Path, info: RegistrationInfo) -> str:
    if info.competing:
        note(f"{photo}: others have registered photos that look the same: {len(info.competing)}")
    when = datetime.fromtimestamp(info.registered_at, timezone.utc)
    return (
        f"{photo}: registered {when:%Y-%m-%d %H:%M:%S} UTC, {info.grade}, "
        f"as {info.registration_id}; {receipt}"
    )
