"""The claim ceremony, pure: what to ask for and submit, how many sums to open, what to believe.

docs/PROTOCOL.md, "A claim". An authentication of purpose "claim" → `begin` → service → upload →
`submit` → service → counted (C9), into the vault → opened → service → `checked_claim`.
"""

from dataclasses import dataclass, field

from grainseal.crypto.certificate import ClaimStatement, verify_certificate
from grainseal.crypto.entries import EnrollmentEntry, RegistrationEntry
from grainseal.crypto.errors import MalformedMessage, VerificationFailed
from grainseal.crypto.profiles import claim_profile_named
from grainseal.crypto.receipts import Receipt
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.tokens import key_id
from grainseal.crypto.transcript import claim_transcript
from grainseal.models.alignment import AlignmentError, uncropped
from grainseal.models.identity import identity_of
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import ClientError, PhotosRefused, UntrustedService
from .photos import PhotoFile
from .receipts import checked_receipt, checked_registration_receipt
from .sessions import Expected, checked_session
from .vault_state import StoredClaims, StoredEnrollment

_MOST_PLACEMENTS, _MAP_TILES = 4, 16


@dataclass(frozen=True)
class Claiming:
    """What is claimed: the copy found, and what the claimant adds to it.

    `registration_id`: of the claimant's own registration, or "". `seen_at`: Unix seconds since
    when the copy is known to be public, or 0.
    """

    copy: PhotoFile
    original: PhotoFile | None = None
    registration_id: str = ""
    seen_at: int = 0
    match_map: bool = False

    @property
    def upload(self) -> bytes:
        """The copy, followed by the original if there is one."""
        return self.copy.data + (self.original.data if self.original is not None else b"")

    @property
    def original_sha256(self) -> bytes:
        """Of the original's file; empty without one."""
        return self.original.sha256 if self.original is not None else b""


@dataclass(frozen=True)
class ClaimOutcome:
    """The service's decision, its signed file, and the receipts that belong to it.

    `proof`: a claim proof's file, if one was asked for; empty, with the reason, if there is none.
    """

    statement: ClaimStatement
    certificate: bytes = field(repr=False)
    enrollment_receipt: Receipt
    registration_receipt: Receipt | None
    proof: bytes = field(default=b"", repr=False)
    proof_problem: str = ""


def require_placeable(wanted: Claiming, claims: StoredClaims) -> None:
    """Y7 beforehand, as far as sizes tell: `PhotosRefused` for a copy that fits in nowhere."""
    if wanted.original is not None:
        return
    try:
        uncropped(wanted.copy.photo.shape, claims.frame)
    except AlignmentError as error:
        raise PhotosRefused(f"{wanted.copy.path}: {error}") from None


def require_past(seen_at: int, now: float) -> None:
    """`ClientError` for a time before 1970 or still to come; 0 says nothing."""
    if not 0 <= seen_at <= now:
        raise ClientError("a copy was seen at a time that has passed, and not before 1970")


def own_registration(receipt: Receipt, device_key: bytes) -> RegistrationEntry:
    """The entry of a registration's receipt; `ClientError` unless it is this device's."""
    entry = receipt.entry
    if not isinstance(entry, RegistrationEntry):
        raise ClientError("this receipt is an enrolment's: name the one that `register` wrote")
    if entry.device_key != device_key:
        raise ClientError("this receipt is of another device than this vault's")
    return entry


def require_same_photo(original: PhotoFile, entry: RegistrationEntry) -> None:
    """Y6 beforehand: `ClientError` unless the original is the registered photo."""
    identity = identity_of(original.photo)
    if identity.file_sha256 == entry.file_sha256 or identity.pixels_sha256 == entry.pixels_sha256:
        return
    raise ClientError(f"{original.path} is not the photo that the receipt is of: give that one")


def begin(token: str, idempotency_key: bytes) -> pb.BeginClaimRequest:
    """The request for a claim, with the decision token that stands for the camera."""
    return pb.BeginClaimRequest(claim_token=token, idempotency_key=idempotency_key)


def submit(
    session: pb.Session,
    expected: Expected,
    wanted: Claiming,
    device: SigningKey,
    idempotency_key: bytes,
    now: float,
) -> pb.SubmitClaimRequest:
    """What is claimed, signed, after the checks C1–C4 and the upload."""
    context = checked_session(session, expected, now)
    transcript = claim_transcript(
        context,
        wanted.copy.sha256,
        wanted.original_sha256,
        wanted.registration_id,
        wanted.seen_at,
        wanted.match_map,
    )
    return pb.SubmitClaimRequest(
        session_id=session.session_id,
        copy_size=len(wanted.copy.data),
        registration_id=wanted.registration_id,
        seen_at=wanted.seen_at,
        match_map=wanted.match_map,
        signature=device.sign(transcript),
        idempotency_key=idempotency_key,
    )


def fewest_sums(wanted: Claiming, claims: StoredClaims) -> int:
    """Masked sums of a claim with one placement of its copy."""
    each = claim_profile_named(claims.profile).openings
    original = each if wanted.original is not None else 0
    return each + original + each + (_MAP_TILES if wanted.match_map else 0)


def sums_in(answer: pb.MaskedSums, wanted: Claiming, claims: StoredClaims) -> int:
    """C6: how many sums the answer has; `UntrustedService` unless some placements need as many."""
    each = claim_profile_named(claims.profile).openings
    more, count = divmod(len(answer.sums) - fewest_sums(wanted, claims), each)
    if count != 0 or not 0 <= more < _MOST_PLACEMENTS:
        raise UntrustedService(f"the service's answer is none: {len(answer.sums)} sums for a claim")
    return len(answer.sums)


def checked_claim(
    answer: pb.Claim, wanted: Claiming, enrolled: StoredEnrollment, device_key: bytes
) -> ClaimOutcome:
    """C8 and C10: a certificate about this claim with its receipts; else `UntrustedService`."""
    statement = _certified(answer.certificate, enrolled.service_key)
    # C10
    original = statement.original.file_sha256 if statement.original is not None else b""
    claimant = statement.claimant
    said = (statement.claim_id, statement.service_key, claimant.enrollment_id, claimant.subject)
    asked = (answer.claim_id, enrolled.service_key, enrolled.enrollment_id, enrolled.subject)
    if (statement.seen_at or 0) != wanted.seen_at:
        raise UntrustedService("the service's certificate says otherwise when the copy was seen")
    photos = (statement.copy.file_sha256, original)
    if said != asked or claimant.device_key != device_key:
        raise UntrustedService("the service's certificate is about another claim than this one")
    if photos != (wanted.copy.sha256, wanted.original_sha256):
        raise UntrustedService("the service's certificate is about other photos than these")
    enrolment = checked_receipt(answer.enrollment_receipt, enrolled, device_key)
    _require_enrolled_at(enrolment, claimant.enrolled_at)
    registration = _registered(answer, statement, wanted, device_key)
    return ClaimOutcome(statement, answer.certificate, enrolment, registration)


def _certified(certificate: bytes, service_key: bytes) -> ClaimStatement:
    try:
        return verify_certificate(certificate, {key_id(service_key): service_key})
    except (MalformedMessage, VerificationFailed) as error:
        raise UntrustedService(f"the service's certificate is none: {error}") from None


def _require_enrolled_at(receipt: Receipt, enrolled_at: int) -> None:
    entry = receipt.entry
    if not isinstance(entry, EnrollmentEntry) or entry.created_at != enrolled_at:
        raise UntrustedService("the service's certificate and receipt differ in the enrolment")


def _registered(
    answer: pb.Claim,
    statement: ClaimStatement,
    wanted: Claiming,
    device_key: bytes,
) -> Receipt | None:
    """The receipt of the registration that the certificate names; None if it names none."""
    named = statement.registration
    if (named is None) == answer.HasField("registration_receipt"):
        raise UntrustedService("the service's certificate and receipts differ in registrations")
    if wanted.registration_id not in ("", named.registration_id if named is not None else ""):
        raise UntrustedService("the service's certificate passes over the registration named")
    if named is None:
        return None
    registered = answer.registration_receipt
    receipt = checked_registration_receipt(registered, device_key, named.registration_id)
    entry = receipt.entry
    said = isinstance(entry, RegistrationEntry) and (entry.grade, entry.registered_at)
    if said != (named.grade, named.registered_at):
        raise UntrustedService("the service's certificate and receipt differ in the registration")
    return receipt
