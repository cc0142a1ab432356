"""The SDK for devices that hold a camera: enrol it, authenticate with it, renew, revoke.

    with Vault.create("vault", passphrase) as vault, Client("host:8443", "ca.pem", vault) as client:
        client.enroll("alice", ticket, ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg", "6.jpg"])
        result = client.authenticate("shop", ["7.jpg", "8.jpg"])

In the order of the data: `photos` → `coding` → `enrolling`, `authenticating` → `ceremonies` →
`transport`; beside them `vault`. `sdk` is the surface, `commands` the command line.
"""

from .errors import (
    ClientError,
    PhotosRefused,
    RenewalDue,
    ServiceError,
    UntrustedService,
    VaultError,
)
from .sdk import AuthenticationResult, Client, EnrollmentInfo
from .vault import Vault

__all__ = [
    "AuthenticationResult",
    "Client",
    "ClientError",
    "EnrollmentInfo",
    "PhotosRefused",
    "RenewalDue",
    "ServiceError",
    "UntrustedService",
    "Vault",
    "VaultError",
]
