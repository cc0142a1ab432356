"""The SDK for devices that hold a camera: enrol it, authenticate with it, claim what it took.

    with Vault.create("vault", passphrase) as vault, Client("host:8443", "ca.pem", vault) as client:
        client.enroll("alice", ticket, ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "6.jpg"])
        result = client.authenticate("shop", ["7.jpg", "8.jpg"])

In the order of the data: `photos` → `coding` → `enrolling`, `authenticating` → `ceremonies` →
`transport`; beside them `vault`. By key `key_coding` and `fuzzy_ceremonies` stand for second and
third. The same for claims: `claim_photos` → `claim_coding` → `registering`, `claiming` →
`copyright_ceremonies`, `uploading`. Claim proofs, without a service: `committing` → `proving`,
`proof_checks`. `sdk` is the surface, `commands` and others in `_commands` the command line. About
the log: `receipts` (this device's own), `watching` (anybody's view of it).
"""

from typing import TYPE_CHECKING, Any

from .errors import (
    CameraNotRecognised,
    ClientError,
    NotProvable,
    PhotosRefused,
    RenewalDue,
    ServiceError,
    UntrustedService,
    VaultError,
)
from .vault import Vault

if TYPE_CHECKING:
    from .sdk import (
        AuthenticationResult,
        ClaimOutcome,
        Client,
        EnrollmentInfo,
        RegistrationInfo,
    )

__all__ = [
    "AuthenticationResult",
    "CameraNotRecognised",
    "ClaimOutcome",
    "Client",
    "ClientError",
    "EnrollmentInfo",
    "NotProvable",
    "PhotosRefused",
    "RegistrationInfo",
    "RenewalDue",
    "ServiceError",
    "UntrustedService",
    "Vault",
    "VaultError",
]


def __getattr__(name: str) -> Any:
    # The SDK brings in the homomorphic library, which whoever checks a receipt does not need.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import sdk

    return getattr(sdk, name)
