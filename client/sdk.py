"""The SDK: one client, one service, one vault.

What is about the camera itself is in `camera_client`; here is what is about its photos.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from grainseal.crypto.entries import Grade
from grainseal.crypto.profiles import profile_named
from grainseal.models.identity import identity_of

from . import authenticating
from .camera_client import CameraClient, fingerprint_for
from .claim_openings import claims_of
from .claiming import Claiming, ClaimOutcome
from .copyright_ceremonies import CopyrightCeremonies
from .errors import CameraNotRecognised, ClientError
from .photos import Photos, Progress, Stages, developed_file
from .proof_support import proofs_of, require_proofs
from .registering import Registering, RegistrationInfo
from .renewal import require_usable, require_usable_claims
from .results import AuthenticationResult, EnrollmentInfo
from .statements import described
from .uploading import Sending
from .vault import Vault
from .vault_state import StoredEnrollment

__all__ = [
    "AuthenticationResult",
    "ClaimOutcome",
    "Client",
    "EnrollmentInfo",
    "RegistrationInfo",
]


class Client(CameraClient):
    """A device's connection to a service; a context manager that hangs up at its end.

    The vault stays open: it is the caller's.
    """

    def __init__(
        self,
        server: str,
        ca: str | Path,
        vault: Vault,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`server`: HOST:PORT. `ca`: PEM file. `clock` gives Unix seconds."""
        super().__init__(server, ca, vault, clock=clock)
        self._clock = clock
        self._copyright = CopyrightCeremonies(self._transport, vault, clock)

    def register(
        self,
        photo: str | Path,
        *,
        title: str = "",
        creator: str = "",
        licence: str = "",
        upload: bool = False,
        metadata: bool = False,
        progress: Progress | None = None,
        sending: Sending | None = None,
    ) -> RegistrationInfo:
        """Register a photo of the enrolled camera in the log: when it was, whose, what it is.

        `licence`: an SPDX identifier or expression, or "". `upload` lets the service look at the
        photo itself ("camera-verified"); without it the photo stays here and only its encrypted
        code is compared ("device-asserted"). `metadata` states the photo's own time and camera.
        `PhotosRefused` for RAW and for another size than the claim template's.
        """
        self._ceremonies.resume()
        enrolled = self._enrolled()
        require_usable_claims(claims_of(enrolled))
        file = developed_file(photo, "to register it")
        texts = described(
            file.photo, title=title, creator=creator, licence=licence, metadata=metadata
        )
        grade = Grade.CAMERA_VERIFIED if upload else Grade.DEVICE_ASSERTED
        wanted = Registering(identity_of(file.photo), texts, grade)
        if progress is not None:
            progress(1, 1)
        return self._copyright.register(enrolled, file, wanted, sending)

    def claim(
        self,
        copy: str | Path,
        fresh: Photos,
        *,
        original: str | Path | None = None,
        registration_id: str = "",
        seen_at: int = 0,
        match_map: bool = False,
        proof: bool = False,
        any_photos: bool = False,
        progress: Progress | None = None,
        proving: Stages | None = None,
        sending: Sending | None = None,
    ) -> ClaimOutcome:
        """Ask whether `copy`, found somewhere, came from the enrolled camera.

        `fresh`: photos it just took, as for `authenticate`; `CameraNotRecognised` if they do not
        match. `original`: the photo that the copy was made from, needed if the copy was cropped.
        `registration_id`: which registration it is. `seen_at`: since when the copy is known to be
        public, in Unix seconds, or 0. `match_map`: where in the frame it matches. `proof`: also
        prove to anybody that the copy matches, which takes an enrolment with `proofs`.
        """
        self._ceremonies.resume()
        enrolled = self._enrolled()
        require_usable(enrolled)
        require_usable_claims(claims_of(enrolled))
        if proof:
            require_proofs()
            proofs_of(claims_of(enrolled))
        wanted = Claiming(
            developed_file(copy, "to claim it"),
            developed_file(original, "to lay the copy onto it") if original is not None else None,
            registration_id,
            seen_at,
            match_map,
        )
        self._copyright.require_claimable(enrolled, wanted)
        purpose = authenticating.PURPOSE_CLAIM
        authenticating.require_openings_left(enrolled, purpose)
        fingerprint = fingerprint_for(fresh, profile_named(enrolled.profile), any_photos, progress)
        token = self._token(enrolled, fingerprint, purpose)
        if not token:
            raise CameraNotRecognised(
                "the fresh photos do not match the enrolled camera: nothing was claimed"
            )
        outcome = self._copyright.claim(enrolled, token, wanted, sending)
        return self._proven(outcome, enrolled, wanted, proving) if proof else outcome

    def _proven(
        self,
        outcome: ClaimOutcome,
        enrolled: StoredEnrollment,
        wanted: Claiming,
        proving: Stages | None,
    ) -> ClaimOutcome:
        """With a proof, or why there is none: what is decided must not be lost for it."""
        from .proving import Asked, prove_copy  # Python 3.11: see `require_proofs`

        asked, receipt = Asked(wanted.copy, wanted.original), outcome.enrollment_receipt
        try:
            made = prove_copy(enrolled, self.device_key, receipt, asked, self._clock(), proving)
        except ClientError as error:
            return replace(outcome, proof_problem=str(error))
        return replace(outcome, proof=made.to_json().encode())
