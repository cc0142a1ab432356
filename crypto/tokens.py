"""Decision tokens: EdDSA JSON Web Tokens (RFC 7519, RFC 8037), verifiable off line.

A token says: this service saw the holder of this enrolment's device key pass the camera check,
for this audience and purpose, just now. It carries no score. It is meant for one use: a relying
party that verifies off line remembers `jti` until `exp`, one that asks the service gets that for
free.
"""

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .errors import MalformedMessage, VerificationFailed
from .signing import SigningKey

ALGORITHM = "EdDSA"
TOKEN_TYPE = "grainseal-decision+jwt"  # noqa: S105 - a media type, not a secret
TEXT_CLAIMS = ("iss", "sub", "enrolled_by", "aud", "purpose", "enrollment", "profile", "jti")
TIME_CLAIMS = ("iat", "exp")
REQUIRED_CLAIMS = TEXT_CLAIMS + TIME_CLAIMS


@dataclass(frozen=True)
class Decision:
    """An accepted authentication. Times are Unix seconds.

    A subject is a name that `enrolled_by` gave: the relying party whose ticket was used, or the
    service itself. Two parties may give one name to two people.
    """

    issuer: str
    subject: str
    enrolled_by: str
    audience: str
    purpose: str
    enrollment_id: str
    profile: str
    issued_at: int
    expires_at: int
    token_id: str


def key_id(public_key: bytes) -> str:
    """RFC 7638 thumbprint of an Ed25519 public key, base64url."""
    members = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public_key)}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":"))
    return _base64url(hashlib.sha256(canonical.encode()).digest())


def jwks(public_keys: list[bytes]) -> str:
    """JSON Web Key Set (RFC 7517) of the service's public keys."""
    keys = [
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": _base64url(public),
            "kid": key_id(public),
            "alg": ALGORITHM,
            "use": "sig",
        }
        for public in public_keys
    ]
    return json.dumps({"keys": keys}, indent=2)


def keys_of_jwks(text: str) -> dict[str, bytes]:
    """Key id to Ed25519 public key of a key set; `MalformedMessage` if it is none."""
    try:
        entries = json.loads(text)["keys"]
        found = {e["kid"]: _unbase64url(e["x"]) for e in entries if e.get("crv") == "Ed25519"}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedMessage(f"not a JSON Web Key Set: {error!r}") from None
    if not found:
        raise MalformedMessage("the key set has no Ed25519 key")
    return found


def sign_decision(key: SigningKey, decision: Decision) -> str:
    """The compact token."""
    claims = {
        "iss": decision.issuer,
        "sub": decision.subject,
        "enrolled_by": decision.enrolled_by,
        "aud": decision.audience,
        "iat": decision.issued_at,
        "exp": decision.expires_at,
        "jti": decision.token_id,
        "purpose": decision.purpose,
        "enrollment": decision.enrollment_id,
        "profile": decision.profile,
    }
    headers = {"kid": key_id(key.public), "typ": TOKEN_TYPE}
    return jwt.encode(claims, key.private, algorithm=ALGORITHM, headers=headers)


def verify_decision(
    token: str, keys: Mapping[str, bytes], audience: str, now: float | None = None
) -> Decision:
    """The decision that a token carries (docs/PROTOCOL.md, "The decision token").

    `now` in Unix seconds, default the clock. `MalformedMessage` if it is no token of ours,
    `VerificationFailed` if signature, audience or time are wrong.
    """
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise MalformedMessage(f"not a token: {error}") from None
    # T1: the header names our type and algorithm
    if header.get("typ") != TOKEN_TYPE or header.get("alg") != ALGORITHM:
        raise MalformedMessage("not a grainseal decision token")
    # T2: signed by a key of the set
    public = keys.get(str(header.get("kid")))
    if public is None:
        raise VerificationFailed("the token is signed by a key that the key set does not have")
    claims = _verified_claims(token, public)
    # T3: all claims, of the right types
    decision = _decision(claims)
    # T4: for this audience
    if decision.audience != audience:
        raise VerificationFailed(f"the token is for audience {decision.audience!r}")
    # T5: in time
    moment = time.time() if now is None else now
    if not decision.issued_at - 60 <= moment < decision.expires_at:
        raise VerificationFailed("the token has expired, or is not valid yet")
    return decision


def _verified_claims(token: str, public: bytes) -> dict[str, object]:
    try:
        return dict(
            jwt.decode(
                token,
                Ed25519PublicKey.from_public_bytes(public),
                algorithms=[ALGORITHM],
                options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
            )
        )
    except jwt.InvalidSignatureError:
        raise VerificationFailed("the token's signature is false") from None
    except jwt.InvalidTokenError as error:
        raise MalformedMessage(f"not a token: {error}") from None


def _decision(claims: Mapping[str, object]) -> Decision:
    texts = {name: claims.get(name) for name in TEXT_CLAIMS}
    times = {name: claims.get(name) for name in TIME_CLAIMS}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise MalformedMessage(f"claim {name!r} is not a text")
    for name, moment in times.items():
        if type(moment) is not int:  # a bool is an int too
            raise MalformedMessage(f"claim {name!r} is not an integer")
    issuer, subject, enrolled_by, audience, purpose, enrollment_id, profile, token_id = map(
        str, texts.values()
    )
    issued_at, expires_at = (int(str(moment)) for moment in times.values())
    return Decision(
        issuer=issuer,
        subject=subject,
        enrolled_by=enrolled_by,
        audience=audience,
        purpose=purpose,
        enrollment_id=enrollment_id,
        profile=profile,
        issued_at=issued_at,
        expires_at=expires_at,
        token_id=token_id,
    )


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
