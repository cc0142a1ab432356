"""Photos for a claim template: are there enough, are they of a kind that serves, what do they say.

Everything that a person may get wrong about them is said here, before anything is sent.
"""

from dataclasses import dataclass
from typing import Final

from grainseal.crypto.errors import MisuseError
from grainseal.crypto.profiles import (
    CLAIM_V1,
    ClaimProfile,
    claim_profile_named,
    successor_of,
)
from grainseal.models.claim_code import claim_for
from grainseal.models.fingerprint import Fingerprint
from grainseal.models.photo import PhotoKind

from .claim_coding import new_claim_template, require_claim_photos, require_frame_for_claims
from .enrolling import EncryptedClaims, encrypt_claims
from .errors import ClientError, PhotosRefused
from .photos import (
    Photos,
    Progress,
    Stages,
    count_of,
    extract_for,
    first_photo,
    photo_files,
    require_fit_for_claims,
)
from .proof_support import require_proofs
from .vault_state import StoredClaims

DEFAULT_CLAIM_PROFILE: Final = CLAIM_V1.name


@dataclass(frozen=True)
class ClaimPhotos:
    """Photos that will make a claim template of that profile.

    `looked_at`: they passed the stricter check of an enrolment already, or shall pass none.
    `proofs`: the device commits to the template, and keeps what claim proofs are made of.
    """

    photos: Photos
    profile: ClaimProfile
    looked_at: bool
    proofs: bool = False

    @property
    def count(self) -> int:
        """How many photos are still to be read."""
        return count_of(self.photos)


def wanted_claims(
    claims: bool,
    photos: Photos,
    claim_photos: Photos | None,
    profile: str | None,
    any_photos: bool,
    proofs: bool = False,
) -> ClaimPhotos | None:
    """The photos named for claims, or else the enrolment's own; None without claims.

    `PhotosRefused` if they are too few, too small or RAW; `ClientError` for an unknown profile, for
    photos, a profile and proofs of a template that is not asked for, and for proofs where they
    cannot be made.
    """
    if proofs and not claims:
        raise ClientError("claim proofs go with a claim template: --claims (claims=True)")
    if proofs:
        require_proofs()
    if not claims and (claim_photos is not None or profile is not None):
        raise ClientError("claim photos and a claim profile go with --claims (claims=True)")
    if not claims:
        return None
    chosen = _profile(profile or DEFAULT_CLAIM_PROFILE)
    wanted = photos if claim_photos is None else claim_photos
    kind, frame, count = _described(wanted)
    if kind != "developed":
        raise PhotosRefused(
            "a claim template is made from developed photos and these are RAW: name six or more "
            "JPEGs of the same camera as claim photos (--claim-photos)"
        )
    if claim_photos is None and isinstance(photos, Fingerprint):
        raise ClientError(
            "a fingerprint for authentication makes no claim template: give claim photos too"
        )
    require_claim_photos(count)
    require_frame_for_claims(frame, chosen)
    looked_at = any_photos or claim_photos is None
    return ClaimPhotos(wanted, chosen, looked_at, proofs)


def renewed_claims(
    old: StoredClaims | None,
    claims: bool | None,
    photos: Photos,
    claim_photos: Photos | None,
    profile: str | None,
    any_photos: bool,
    proofs: bool | None = None,
) -> ClaimPhotos | None:
    """The same for a renewal, which by default keeps what the enrolment has; a profile that was
    superseded gives way.
    """
    if proofs is None:
        proofs = old is not None and old.proofs is not None and claims is not False
    if claims is None and old is not None:
        name = profile or successor_of(old.profile)
        try:
            return wanted_claims(True, photos, claim_photos, name, any_photos, proofs)
        except PhotosRefused as error:
            message = f"{error}; or renew without the claim template (--no-claims)"
            raise PhotosRefused(message, error.problems) from None
    chosen = profile or (successor_of(old.profile) if old is not None and claims else None)
    return wanted_claims(bool(claims), photos, claim_photos, chosen, any_photos, proofs)


def encrypted_claims(
    wanted: ClaimPhotos, progress: Progress | None = None, proving: Stages | None = None
) -> EncryptedClaims:
    """The claim template that the photos make, encrypted under a new key.

    `proving` is told how far the proof is that it is ±1, where there is to be one.
    """
    if not wanted.looked_at:
        require_fit_for_claims(wanted.photos, wanted.profile)
    fingerprint = wanted.photos
    if not isinstance(fingerprint, Fingerprint):
        fingerprint = extract_for(fingerprint, claim_for(wanted.profile.name), progress)
    template = new_claim_template(fingerprint, wanted.profile)
    if not wanted.proofs:
        return encrypt_claims(template)
    from .committing import committed_claims  # Python 3.11: see `require_proofs`

    return committed_claims(template, proving)


def _described(photos: Photos) -> tuple[PhotoKind, tuple[int, int], int]:
    """Kind, (height, width) and number; of files, the first one's."""
    if isinstance(photos, Fingerprint):
        return photos.kind, photos.shape, photos.photos
    first = first_photo(photos)
    return first.kind, first.shape, len(photo_files(photos))


def _profile(name: str) -> ClaimProfile:
    try:
        return claim_profile_named(name)
    except MisuseError as error:
        raise ClientError(str(error)) from None
