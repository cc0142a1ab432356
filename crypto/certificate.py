"""A claim's certificate: what the service decided of a copy, signed, verifiable off line.

A JSON file of three members:

    claim       what was decided, the members of `ClaimStatement`; bytes in lower-case hexadecimal
    key_id      RFC 7638 thumbprint of the key
    signature   Ed25519 of "grainseal/v1/claim-certificate" ‖ 0x00 ‖ claim in the form of RFC 8785

The file may be laid out in any way: what is signed is that form. No number in it is a floating
point one; decimals are texts. docs/PROTOCOL.md, "Claims".
"""

import json
from collections.abc import Mapping

from .canonical import canonical
from .claim_statement import (
    FINDINGS,
    MAP_TILES,
    VERDICTS,
    Claimant,
    ClaimStatement,
    CompetingRegistration,
    Findings,
    OwnRegistration,
    PhotoFacts,
    Placed,
    Reason,
    check_claim,
)
from .errors import MalformedMessage, MisuseError, VerificationFailed
from .signing import SIGNATURE_BYTES, SigningKey, verify
from .strict_json import bytes_of, canonical_json, load, members_of, plain, record_of, text_of
from .tokens import key_id

__all__ = [
    "FINDINGS",
    "MAP_TILES",
    "MAX_CERTIFICATE_BYTES",
    "VERDICTS",
    "ClaimStatement",
    "Claimant",
    "CompetingRegistration",
    "Findings",
    "OwnRegistration",
    "PhotoFacts",
    "Placed",
    "Reason",
    "sign_certificate",
    "signed_bytes",
    "verify_certificate",
]

MAX_CERTIFICATE_BYTES = 1 << 16
_TAG = "claim-certificate"
_MEMBERS = ("claim", "key_id", "signature")


def sign_certificate(key: SigningKey, statement: ClaimStatement) -> bytes:
    """The certificate's file; `MisuseError` for a statement that no certificate may say."""
    try:
        check_claim(record_of(ClaimStatement, plain(statement), "claim"))
        signed = signed_bytes(statement)
    except MalformedMessage as error:
        raise MisuseError(f"this cannot be certified: {error}") from None
    if statement.service_key != key.public:
        raise MisuseError("a certificate names the key that signs it")
    content = {
        "claim": plain(statement),
        "key_id": key_id(key.public),
        "signature": key.sign(signed).hex(),
    }
    data = (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()
    if len(data) > MAX_CERTIFICATE_BYTES:
        raise MisuseError(f"a certificate has at most {MAX_CERTIFICATE_BYTES} bytes")
    return data


def verify_certificate(data: bytes, keys: Mapping[str, bytes]) -> ClaimStatement:
    """E1: what the certificate says, which one of the service's keys has signed.

    `keys`: key id to public key, as `tokens.keys_of_jwks` gives them. `MalformedMessage` if it is
    no certificate, `VerificationFailed` if none of the keys has signed it.
    """
    content = load(data, MAX_CERTIFICATE_BYTES, "a certificate")
    content = members_of(content, _MEMBERS, "a certificate")
    statement = record_of(ClaimStatement, content["claim"], "claim")
    check_claim(statement)
    signature = bytes_of(content["signature"], "the certificate's signature", SIGNATURE_BYTES)
    public = keys.get(text_of(content["key_id"], "the certificate's key_id"))
    if public is None:
        raise VerificationFailed(
            "the certificate is signed by a key that the key set does not have"
        )
    try:
        verify(public, signed_bytes(statement), signature)
    except VerificationFailed:
        raise VerificationFailed("the certificate's signature is false") from None
    if statement.service_key != public:
        raise VerificationFailed("the certificate names another service key than signed it")
    return statement


def signed_bytes(statement: ClaimStatement) -> bytes:
    """What the service's key signs of a statement."""
    return canonical(_TAG, []) + canonical_json(plain(statement))
