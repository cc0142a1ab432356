"""The photos that a claim is about, and which registration is theirs: parts of Y5–Y7."""

from dataclasses import dataclass

from grainseal.models.identity import PhotoIdentity
from grainseal.models.perceptual import NEAR, SAME, distance

from .authority import Authority
from .claim_support import sha256
from .errors import Reason, Refused
from .near import NearIndex, of_device
from .photo_work import Look
from .session import Kind, check_known
from .store.store import Transaction
from .store.tables import RegistrationRow, SessionRow
from .uploads import MAX_PHOTO


@dataclass(frozen=True)
class Photos:
    """What was uploaded, with the hashes of both files; the original may be missing."""

    copy: bytes
    original: bytes | None
    copy_sha256: bytes
    original_sha256: bytes

    @classmethod
    def split(cls, content: bytes, copy_size: int) -> "Photos":
        """The two photos of an upload; `Refused` (MALFORMED) if it is not made of such."""
        copy, original = content[:copy_size], content[copy_size:]
        if not 0 < copy_size <= len(content) or max(len(copy), len(original)) > MAX_PHOTO:
            message = (
                f"{len(content)} bytes have arrived, of which {copy_size} are to be the copy: a "
                f"photo has 1 to {MAX_PHOTO} bytes, upload it before it is claimed"
            )
            raise Refused(Reason.MALFORMED, message)
        return cls(copy, original or None, sha256(copy), sha256(original) if original else b"")


def own_registration(
    tx: Transaction,
    _authority: Authority,
    session_id: str,
    named: str,
    seen: Look,
    near: NearIndex,
) -> RegistrationRow | None:
    """Y6: the claimant's registration of the photo: the one that is named, or that is found.

    `Refused` (PHOTO_REFUSED) if the photo is not the named registration's.
    """
    session = check_known(tx.sessions.find(session_id), Kind.CLAIM)
    if named:
        row = named_registration(tx, session, named)
        _check_registered(row, seen)
        return row
    original = seen.original
    hashes = seen.orientations if original is None else (original.perceptual_hash,)
    near_by = near.search(tx, hashes, SAME)
    found = [each.row for each in of_device(near_by, session.device_key)]
    if original is None:
        return found[0] if found else None
    same = [row for row in found if _is_registered(row, original)]
    return min(same, key=lambda row: row.leaf_index, default=None)


def _check_registered(row: RegistrationRow, seen: Look) -> None:
    # Y6: the original is the registered photo, by the hash of the file or of the pixels
    if seen.original is not None:
        if not _is_registered(row, seen.original):
            message = "the original is not the photo of this registration: give the registered file"
            raise Refused(Reason.PHOTO_REFUSED, message)
        return
    # Y7: without it, only what the copy looks like tells how it lies
    if min(distance(each, row.perceptual_hash) for each in seen.orientations) > NEAR:
        message = "the copy does not look like the registered photo: give the original too"
        raise Refused(Reason.PHOTO_REFUSED, message)


def _is_registered(row: RegistrationRow, photo: PhotoIdentity) -> bool:
    return row.file_sha256 == photo.file_sha256 or row.pixels_sha256 == photo.pixels_sha256


def named_registration(
    tx: Transaction, session: SessionRow, registration_id: str
) -> RegistrationRow:
    """Y5: the registration of that id, which is of the session's device key."""
    row = tx.registrations.find(registration_id)
    if row is None or row.device_key != session.device_key:
        message = "no such registration of this device, or it was erased"
        raise Refused(Reason.REGISTRATION_UNKNOWN, message)
    return row
