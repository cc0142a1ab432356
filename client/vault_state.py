"""What a vault remembers, and its bytes (JSON, binary values in base64).

Keys and positions, never a template or a code: whoever opens the vault still needs the camera.
Except where claim proofs were asked for, which are made of the code itself (`StoredProofs`).
"""

import base64
import json
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, TypeVar

from grainseal.crypto.profiles import Scheme, scheme_of

from .errors import VaultError

T = TypeVar("T")


@dataclass(frozen=True)
class StoredProofs:
    """What claim proofs are made of. Whoever has it can make them, without the camera.

    `code`: the claim code, one bit a sign, 1 for -1, the first in the most significant bit. `seed`:
    32 bytes, and `commitment`: of what the log knows. `signs`: the proof that it is ±1. The
    `sha256` are of the parts of the claim template that went to the service.
    """

    code: bytes = field(repr=False)
    seed: bytes = field(repr=False)
    commitment: bytes = field(repr=False)
    signs: bytes = field(repr=False)
    code_sha256: bytes
    relin_key_sha256: bytes
    zero_key_sha256: bytes


@dataclass(frozen=True)
class StoredClaims:
    """What the device keeps of its claim template.

    `profile`: a claim profile. `frame`: (height, width) of the photos that it is for. `seed`: 32
    bytes, of the mask. `positions`: a bit for each feature of the frame, the first in the most
    significant bit. `sums_opened`: masked sums answered for this template. `proofs`: None unless
    claim proofs were asked for.
    """

    profile: str
    frame: tuple[int, int]
    sums_opened: int
    seed: bytes = field(repr=False)
    positions: bytes = field(repr=False)
    homomorphic_secret: bytes = field(repr=False)
    proofs: StoredProofs | None = None


@dataclass(frozen=True)
class StoredEnrollment:
    """What the device needs to authenticate under one enrolment.

    `service_key`: the service's Ed25519 key, pinned at enrolment. `frame`: (height, width) of the
    photos. `positions`: little-endian uint32, which features the code takes; they tell where the
    fingerprint is strong, never its sign. `openings`: verifications answered for this template.
    `claims`: None without a claim template.

    By the fuzzy extractor `positions`, `code_key` and `homomorphic_secret` are empty, and
    `helper_sha256` pins the helper data that the service gives back; `camera_key` is the camera
    key's public half, 32 bytes, which an earlier version did not keep. Else these two are empty.
    """

    enrollment_id: str
    subject: str
    profile: str
    frame: tuple[int, int]
    openings: int
    service_key: bytes
    positions: bytes = field(repr=False)
    code_key: bytes = field(repr=False)
    homomorphic_secret: bytes = field(repr=False)
    claims: StoredClaims | None = None
    helper_sha256: bytes = b""
    camera_key: bytes = b""

    @property
    def scheme(self) -> Scheme:
        """How the service recognises the camera."""
        return scheme_of(self.profile)


@dataclass(frozen=True)
class PendingEnrollment:
    """An enrolment whose last request may or may not have reached the service.

    `finish_request`: the serialised Opening with its idempotency key, to be sent again.
    """

    enrollment: StoredEnrollment
    finish_request: bytes = field(repr=False)


@dataclass(frozen=True)
class VaultState:
    """Everything in a vault. `device_seed`: the Ed25519 device key's 32 secret bytes.

    `key_photos`: marks of the photos that keys were made of, 32 bytes each (`used_photos`);
    `proof_photos`: of those that made a claim template with proofs.
    """

    device_seed: bytes = field(repr=False)
    enrollment: StoredEnrollment | None = None
    pending: PendingEnrollment | None = None
    key_photos: tuple[bytes, ...] = field(default=(), repr=False)
    proof_photos: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def empty(self) -> bool:
        """Whether nothing is lost with it: no enrolment, and no key that needs it."""
        return self.enrollment is None and self.pending is None and not self.key_photos

    def begun(self, pending: PendingEnrollment) -> "VaultState":
        """Before an enrolment's last request; `VaultError` while another one is on its way.

        Its keys would be lost, and the service may have taken it by now.
        """
        if self.pending is not None and self.pending != pending:
            raise VaultError(
                "another enrolment or renewal of this vault has just been sent: "
                "wait for its end, or run any command once more to bring it to one"
            )
        return replace(self, pending=pending)

    def completed(self, pending: PendingEnrollment) -> "VaultState":
        """After a pending enrolment's success; as it is if another thread has seen to that."""
        if self.pending != pending:
            return self
        return replace(self, enrollment=pending.enrollment, pending=None)

    def without_pending(self, pending: PendingEnrollment) -> "VaultState":
        """After a pending enrolment's failure; as it is if another one is pending."""
        return replace(self, pending=None) if self.pending == pending else self

    def without(self, enrolled: StoredEnrollment) -> "VaultState":
        """After an enrolment's end; as it is if another one stands in its place."""
        current = self.enrollment
        same = current is not None and current.enrollment_id == enrolled.enrollment_id
        return replace(self, enrollment=None) if same else self

    def to_bytes(self) -> bytes:
        """Serialised form, for encryption."""
        return json.dumps(asdict(self), default=_base64).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "VaultState":
        """Inverse of `to_bytes`; `VaultError` if the content is of another version."""
        try:
            content = json.loads(data)
            return cls(
                device_seed=base64.b64decode(content["device_seed"]),
                enrollment=_enrollment(content["enrollment"]),
                pending=_pending(content["pending"]),
                # A vault of an earlier version has not kept them.
                key_photos=tuple(map(base64.b64decode, content.get("key_photos", ()))),
                proof_photos=tuple(map(base64.b64decode, content.get("proof_photos", ()))),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise VaultError(f"the vault's content is of another version: {error!r}") from None


def _enrollment(content: dict[str, Any] | None) -> StoredEnrollment | None:
    if content is None:
        return None
    # A vault of an earlier version knows no claims, no helper data, no camera key.
    claims = _claims(content.get("claims"))
    known = {"helper_sha256": "", "camera_key": "", **content}
    return _from_json(StoredEnrollment, {**known, "frame": _frame(content), "claims": claims})


def _claims(content: dict[str, Any] | None) -> StoredClaims | None:
    if content is None:
        return None
    # A vault of an earlier version knows no proofs.
    kept = content.get("proofs")
    proofs = None if kept is None else _from_json(StoredProofs, kept)
    return _from_json(StoredClaims, {**content, "frame": _frame(content), "proofs": proofs})


def _frame(content: dict[str, Any]) -> tuple[int, int]:
    height, width = content["frame"]
    return int(height), int(width)


def _pending(content: dict[str, Any] | None) -> PendingEnrollment | None:
    if content is None:
        return None
    enrollment = _enrollment(content["enrollment"])
    return _from_json(PendingEnrollment, {**content, "enrollment": enrollment})


def _from_json(kind: type[T], content: dict[str, Any]) -> T:
    """A dataclass from its values, those of type bytes out of base64."""
    values = {}
    for each in fields(kind):  # type: ignore[arg-type]
        value = content[each.name]
        values[each.name] = base64.b64decode(value) if each.type is bytes else value
    return kind(**values)


def _base64(value: object) -> str:
    if not isinstance(value, bytes):
        raise TypeError(f"{type(value).__name__} does not belong into a vault")
    return base64.b64encode(value).decode()
