"""A claim's evidence as one folder: the certificate, the receipts, the photos, and a page of it.

No key is in it, no code, nothing of a fingerprint; of a claim proof, if one was made, its public
parameters: where the fingerprint is strong. Photos are as they were given, with what their files
say of place and camera. A folder is made beside its place under another name and moved there whole,
so that there is never half of one. docs/PROTOCOL.md, "Evidence".
"""

import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from grainseal.crypto.entries import RegistrationEntry
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.receipts import PhotoHashes, verify_photo
from grainseal.models.identity import identity_of

from . import provenance
from .claiming import ClaimOutcome
from .errors import ClientError
from .evidence_checks import (
    CERTIFICATE,
    COPY,
    ENROLLMENT,
    ORIGINAL,
    PROOF,
    PROVENANCE,
    REGISTRATION,
    EvidenceVerification,
    verify_evidence,
)
from .output_files import flush, require_new_folder, write_new
from .photos import PhotoFile, developed_file
from .provenance_keys import vault_credential
from .report_claim import Manifest, claim_page

__all__ = ["REPORT", "EvidenceVerification", "verify_evidence", "write_evidence"]

REPORT: Final = "report.html"
_UNTITLED: Final = "registered photo"
_PURPOSE: Final = "to keep it as evidence"


def write_evidence(
    folder: Path,
    outcome: ClaimOutcome,
    copy: Path,
    original: Path | None,
    *,
    vault_folder: Path | None,
) -> None:
    """Write the evidence of a claim into a new or empty folder.

    `copy`, `original`: the files that were claimed; `ClientError` if one is another by now, or the
    folder cannot be written. `vault_folder`: has or gets the certificate that signs a C2PA
    manifest; without it there is none. The page says why where a part is missing.
    """
    require_new_folder(folder)
    said = outcome.statement
    copied = _claimed(copy, said.copy.file_sha256)
    given = None
    if original is not None and said.original is not None:
        given = _claimed(original, said.original.file_sha256)
    signed, about = _signed(outcome, given, vault_folder)
    page = claim_page(outcome, copied.photo, given.photo if given else None, about, folder)
    files = {
        CERTIFICATE: outcome.certificate,
        ENROLLMENT: outcome.enrollment_receipt.to_json().encode(),
        REPORT: page.encode(errors="replace"),
        **_named(COPY, copied.data),
    }
    if outcome.registration_receipt is not None:
        files[REGISTRATION] = outcome.registration_receipt.to_json().encode()
    if given is not None:
        files |= _named(ORIGINAL, given.data)
    if outcome.proof:
        files[PROOF] = outcome.proof
    if signed is not None:
        files |= _named(PROVENANCE, signed)
    _write_folder(folder, files)


def _claimed(path: Path, sha256: bytes) -> PhotoFile:
    file = developed_file(path, _PURPOSE)
    if file.sha256 != sha256:
        raise ClientError(f"{path} is not the file that was claimed: it changed since")
    return file


def _named(name: str, photo: bytes) -> dict[str, bytes]:
    """By what the file is, not by what it was called."""
    return {f"{name}{provenance.suffix_of(photo)}": photo}


def _signed(
    outcome: ClaimOutcome, original: PhotoFile | None, vault_folder: Path | None
) -> tuple[bytes | None, Manifest]:
    """The original with its manifest, or None; and what there is to say of it."""
    receipt = outcome.registration_receipt
    if original is None or receipt is None:
        missing = "original was not given" if original is None else "photo is not registered"
        return None, Manifest(f"There is no C2PA manifest: the {missing}.")
    entry, kind = receipt.entry, provenance.media_type_of(original.data)
    if not isinstance(entry, RegistrationEntry) or not _is_registered(original, entry):
        return None, Manifest("There is no C2PA manifest: another photo is registered.")
    if kind is None:
        return None, Manifest("There is no C2PA manifest: this kind of file cannot carry one.")
    if not provenance.is_installed():
        how = provenance.HOW_TO_GET_IT
        return None, Manifest(f"There is no C2PA manifest: c2pa is not installed; {how}.")
    if vault_folder is None:
        return None, Manifest("There is no C2PA manifest: no vault to sign it with was given.")
    try:
        credential = vault_credential(vault_folder)
        title = entry.title or _UNTITLED
        made = provenance.with_manifest(original.data, kind, receipt, title, credential)
        found = provenance.verify_provenance(made, kind)
    except (ClientError, MalformedMessage, VerificationFailed) as error:
        # A claim is decided once: what cannot be signed must not cost the rest of its evidence.
        return None, Manifest(f"There is no C2PA manifest: {error}.")
    return made, Manifest(found.sentence, f"{PROVENANCE}{provenance.suffix_of(made)}")


def _is_registered(original: PhotoFile, entry: RegistrationEntry) -> bool:
    identity = identity_of(original.photo)
    try:
        verify_photo(entry, PhotoHashes(identity.file_sha256, identity.pixels_sha256))
    except VerificationFailed:
        return False
    return True


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """All files or none; `ClientError` if the folder cannot take them."""
    place = folder.resolve()
    draft = place.with_name(f".{place.name}.{secrets.token_hex(8)}")
    try:
        draft.mkdir(mode=0o700)
        for name, content in files.items():
            write_new(draft / name, content)
            flush(draft / name)
        flush(draft)
        draft.rename(place)  # over an empty folder, and over no other
        flush(place.parent)
    except OSError as error:
        reason = error.strerror or error
        raise ClientError(f"cannot write the evidence to {folder}: {reason}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
