"""E1–E7: whether a folder of evidence holds together, by the log's and the service's keys alone.

Off line, and without a word that the folder's page says. Checks that do not hang on one another
are made all the same after one has failed, so that whoever is shown a folder sees all that is
wrong with it. docs/PROTOCOL.md, "Evidence".
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from grainseal.crypto.certificate import MAX_CERTIFICATE_BYTES, ClaimStatement, verify_certificate
from grainseal.crypto.checkpoint import VerifierKey
from grainseal.crypto.entries import EnrollmentEntry, Entry, RegistrationEntry
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.receipts import (
    MAX_RECEIPT_BYTES,
    NotMade,
    PhotoHashes,
    Step,
    verify_photo,
    verify_receipt,
)
from grainseal.models.identity import PhotoIdentity, identity_of
from grainseal.models.photo import Photo, PhotoError, read_photo

from . import provenance
from .errors import ClientError
from .photos import MAX_UPLOADED_PHOTO
from .proof_acceptance import acceptance
from .proof_support import require_proofs

CERTIFICATE: Final = "certificate.json"
ENROLLMENT: Final = "enrollment.receipt.json"
REGISTRATION: Final = "registration.receipt.json"
PROOF: Final = "proof.json"
COPY, ORIGINAL, PROVENANCE = "copy", "original", "provenance"
EVIDENCE_CHECKS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "E1": "the service signed the certificate",
        "E2": "the log has the certificate's enrolment",
        "E3": "the log has the certificate's registration",
        "E4": "the copy is the one that was claimed",
        "E5": "the original is the registered photo",
        "E6": "the C2PA manifest is valid and names this registration",
        "E7": "the claim proof holds for the copy and this claimant",
    }
)
# A manifest makes a photo larger, by its receipt and certificates.
_MAX_PHOTO: Final = MAX_UPLOADED_PHOTO + 2**20


@dataclass(frozen=True)
class EvidenceVerification:
    """The checks that were made, in order, and those that were not, with the reason.

    `statement`: the certificate's, if E1 passed. `remarks`: what a valid folder still leaves open.
    """

    steps: tuple[Step, ...]
    not_made: tuple[NotMade, ...]
    statement: ClaimStatement | None
    remarks: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether nothing failed. Not made is only what there is nothing to check for."""
        return self.problem is None

    @property
    def problem(self) -> str | None:
        """The first thing that is wrong."""
        return next((step.problem for step in self.steps if step.problem is not None), None)


def verify_evidence(
    folder: Path,
    log_keys: Sequence[VerifierKey],
    service_keys: Mapping[str, bytes],
    clock: Callable[[], float] = time.time,
) -> EvidenceVerification:
    """E1–E7 of a folder; `service_keys` as `tokens.keys_of_jwks` gives them.

    `clock` gives Unix seconds.
    `ClientError` if there is no such folder, `MisuseError` without keys of the log.
    """
    if not folder.is_dir():
        raise ClientError(f"{folder} is no folder: name the one that `claim --out` wrote")
    checks = _Checks(folder, log_keys, service_keys, clock())
    for check, make in (
        ("E1", checks.certificate),
        ("E2", checks.enrollment),
        ("E3", checks.registration),
        ("E4", checks.copy),
        ("E5", checks.original),
        ("E6", checks.provenance),
        ("E7", checks.proof),
    ):
        checks.make(check, make)
    steps, not_made = tuple(checks.steps), tuple(checks.not_made)
    return EvidenceVerification(steps, not_made, checks.statement, tuple(checks.remarks))


class _Skipped(Exception):  # noqa: N818 - no error: there is nothing to check, or nothing to do it by
    """Why a check was not made."""


@dataclass
class _Checks:
    """The folder, and what the checks so far found in it."""

    folder: Path
    log_keys: Sequence[VerifierKey]
    service_keys: Mapping[str, bytes]
    now: float
    steps: list[Step] = field(default_factory=list)
    not_made: list[NotMade] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    statement: ClaimStatement | None = None
    registered: RegistrationEntry | None = None
    original_pixels: bytes | None = None

    def make(self, check: str, make: Callable[[], None]) -> None:
        """One check: passed, failed or not made."""
        what, problem = EVIDENCE_CHECKS[check], None
        try:
            make()
        except _Skipped as skipped:
            self.not_made.append(NotMade(check, what, str(skipped)))
            return
        except (MalformedMessage, VerificationFailed) as error:
            problem = str(error)
        self.steps.append(Step(check, what, problem))

    def certificate(self) -> None:
        # E1
        data = _content(self.folder / CERTIFICATE, MAX_CERTIFICATE_BYTES)
        self.statement = verify_certificate(data, self.service_keys)

    def enrollment(self) -> None:
        # E2
        claimant = self._said().claimant
        entry = self._logged(ENROLLMENT)
        if not isinstance(entry, EnrollmentEntry):
            raise VerificationFailed(f"{ENROLLMENT} is a registration's receipt")
        logged = (entry.enrollment_id, entry.device_key, entry.created_at)
        if logged != (claimant.enrollment_id, claimant.device_key, claimant.enrolled_at):
            raise VerificationFailed(f"{ENROLLMENT} is of another enrolment than the certificate")
        if (entry.subject, entry.issuer) != (claimant.subject, claimant.issuer):
            raise VerificationFailed(f"{ENROLLMENT} names another owner than the certificate")

    def registration(self) -> None:
        # E3
        said = self._said()
        if said.registration is None:
            if (self.folder / REGISTRATION).exists():
                raise VerificationFailed(f"the certificate names no registration: {REGISTRATION}")
            raise _Skipped("the claim names no registration")
        entry = self._logged(REGISTRATION)
        if not isinstance(entry, RegistrationEntry):
            raise VerificationFailed(f"{REGISTRATION} is an enrolment's receipt")
        own = said.registration
        named = (own.registration_id, own.grade, own.registered_at, said.claimant.device_key)
        if named != (entry.registration_id, entry.grade, entry.registered_at, entry.device_key):
            raise VerificationFailed(f"{REGISTRATION} is not of the certificate's registration")
        if (entry.subject, entry.issuer) != (said.claimant.subject, said.claimant.issuer):
            raise VerificationFailed(f"{REGISTRATION} names another owner than the certificate")
        self.registered = entry

    def copy(self) -> None:
        # E4
        facts = self._said().copy
        if _identity(self._photo(COPY)).file_sha256 != facts.file_sha256:
            raise VerificationFailed("the copy is another file than the one that was claimed")

    def original(self) -> None:
        # E5
        said, files = self._said(), self._files(ORIGINAL)
        if said.original is None and not files:
            raise _Skipped("the claim was made without an original")
        found = _identity(self._photo(ORIGINAL))
        if said.original is not None and found.file_sha256 != said.original.file_sha256:
            raise VerificationFailed("the original is another file than the certificate's")
        if said.registration is None:
            if said.original is None:
                raise VerificationFailed("neither certificate nor receipt names an original")
            raise _Skipped("the file is the certificate's, and the claim names no registration")
        entry = self._entry()
        verify_photo(entry, PhotoHashes(found.file_sha256, found.pixels_sha256))
        self.original_pixels = found.pixels_sha256

    def provenance(self) -> None:
        # E6
        said, files = self._said(), self._files(PROVENANCE)
        if not files:
            raise _Skipped("the folder has no photo with a manifest")
        if said.registration is None:
            raise VerificationFailed("the claim names no registration that a manifest could carry")
        entry = self._entry()
        if not provenance.is_installed():
            what = "the manifest cannot be checked, for c2pa is not installed"
            raise VerificationFailed(f"{what}: {provenance.HOW_TO_GET_IT}")
        photo = self._photo(PROVENANCE)
        kind = provenance.media_type_of(photo)
        if kind is None:
            raise MalformedMessage(f"{files[0].name} is no photo that carries a C2PA manifest")
        found = provenance.verify_provenance(photo, kind)
        carried = verify_receipt(found.receipt, self.log_keys)
        if not carried.valid or carried.receipt is None:
            raise VerificationFailed(f"the receipt in the C2PA manifest: {carried.problem}")
        if carried.receipt.entry != entry:
            raise VerificationFailed("the C2PA manifest names another registration")
        # The original's pixels too, as decoded here: decoders differ by a bit here and there.
        if _identity(photo).pixels_sha256 not in (entry.pixels_sha256, self.original_pixels):
            raise VerificationFailed("the C2PA manifest is on another photo than the registered")
        self.remarks.append(found.sentence)

    def proof(self) -> None:
        # E7
        said, file = self._said().claimant, self.folder / PROOF
        if not file.exists():
            raise _Skipped("the folder has no claim proof")
        try:
            require_proofs()
        except ClientError as error:
            raise VerificationFailed(str(error)) from None
        from grainseal.crypto.claim_proof import MAX_CLAIM_PROOF_BYTES

        from .proof_checks import verify_proof  # Python 3.11: see `require_proofs`
        from .proving import PURPOSE

        done = verify_proof(
            _content(file, MAX_CLAIM_PROOF_BYTES), self.log_keys, _read(self._photo(COPY))
        )
        if not done.valid or done.receipt is None or done.proof is None:
            raise VerificationFailed(f"{PROOF}: {done.failed}: {done.problem}")
        entry = done.receipt.entry
        whose = isinstance(entry, EnrollmentEntry) and (entry.enrollment_id, entry.device_key)
        if whose != (said.enrollment_id, said.device_key):
            raise VerificationFailed(f"{PROOF} is of another claimant than the certificate")
        accepted = acceptance(done.proof.statement, PURPOSE, self.now)
        if accepted.problem is not None:
            raise VerificationFailed(f"{PROOF}: {accepted.check}: {accepted.problem}")

    def _said(self) -> ClaimStatement:
        if self.statement is None:
            raise _Skipped("the certificate is not valid")
        return self.statement

    def _entry(self) -> RegistrationEntry:
        if self.registered is None:
            raise _Skipped("the registration's receipt is not valid")
        return self.registered

    def _logged(self, name: str) -> Entry:
        """The entry of a receipt that passes its own checks."""
        done = verify_receipt(_content(self.folder / name, MAX_RECEIPT_BYTES), self.log_keys)
        if not done.valid or done.receipt is None:
            raise VerificationFailed(f"{name}: {done.steps[-1].check}: {done.problem}")
        return done.receipt.entry

    def _files(self, name: str) -> list[Path]:
        return sorted(self.folder.glob(f"{name}.*"))

    def _photo(self, name: str) -> bytes:
        files = self._files(name)
        if len(files) > 1:
            raise VerificationFailed(f"the folder has {len(files)} files named {name}")
        return _content(files[0] if files else self.folder / name, _MAX_PHOTO)


def _content(path: Path, limit: int) -> bytes:
    """A file's bytes; `VerificationFailed` if it is missing or longer."""
    if not path.is_file():
        raise VerificationFailed(f"the folder has no {path.name}")
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except OSError as error:
        raise VerificationFailed(f"cannot read {path.name}: {error.strerror}") from None
    if len(data) > limit:
        raise MalformedMessage(f"{path.name} is larger than such a file can be")
    return data


def _identity(photo: bytes) -> PhotoIdentity:
    return identity_of(_read(photo))


def _read(photo: bytes) -> Photo:
    try:
        return read_photo(photo)
    except PhotoError as error:
        raise MalformedMessage(f"the folder has a photo that cannot be read: {error}") from None
