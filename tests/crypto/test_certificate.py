"""A certificate is believed as signed, by a known key, and in one reading only."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from grainseal.crypto.certificate import (
    MAX_CERTIFICATE_BYTES,
    Claimant,
    ClaimStatement,
    CompetingRegistration,
    Findings,
    OwnRegistration,
    PhotoFacts,
    Placed,
    Reason,
    sign_certificate,
    verify_certificate,
)
from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.strict_json import canonical_json
from grainseal.crypto.tokens import jwks, key_id, keys_of_jwks

KEY, OTHER = SigningKey(b"\x01" * 32), SigningKey(b"\x02" * 32)
KEYS = keys_of_jwks(jwks([KEY.public]))
PHOTO = PhotoFacts(b"f" * 32, b"p" * 32, b"h" * 32, 3000, 4000)
STATEMENT = ClaimStatement(
    claim_id="c1",
    service_key=KEY.public,
    decided_at=2000,
    verdict="supported",
    reasons=(Reason("Z7", 'registered "later" – by 3 days'), Reason("match", "it matches")),
    false_match_probability="1e-9",
    claimant=Claimant("e1", "Ann Ö", "shop", b"d" * 32, "CLAIM_V1", 1000),
    registration=OwnRegistration("r1", "camera-verified", 1500),
    competing=(CompetingRegistration("r2", "device-asserted", 1600, 12),),
    copy=PHOTO,
    original=replace(PHOTO, file_sha256=b"o" * 32),
    placement=Placed(("0.5000", "0.5000"), ("12.00", "-3.00"), 1, True, "0.98"),
    findings=Findings("match", "match", "no match"),
    seen_at=1900,
    match_map=(0, 1, 2, 3) * 4,
)
BARE = replace(
    STATEMENT,
    reasons=STATEMENT.reasons[:1],
    registration=None,
    competing=(),
    original=None,
    placement=None,
    findings=Findings("too good", None, "no match"),
    seen_at=None,
    match_map=None,
)
CERTIFICATE = sign_certificate(KEY, STATEMENT)


def changed(*path, value):
    """The certificate with one member changed."""
    content = json.loads(CERTIFICATE)
    *way, last = path
    where = content
    for each in way:
        where = where[each]
    where[last] = value
    return json.dumps(content).encode()


@pytest.mark.parametrize("statement", [STATEMENT, BARE])
def test_what_is_signed_is_read_back(statement):
    assert verify_certificate(sign_certificate(KEY, statement), KEYS) == statement


def test_by_plain_arithmetic():
    """The signed bytes written out, and a signature that somebody else's library verifies."""
    said = json.loads(sign_certificate(KEY, BARE))
    hashes = f'"file_sha256":"{"66" * 32}","height":3000,"perceptual_hash":"{"68" * 32}"'
    claim = (
        '{"claim_id":"c1","claimant":{"device_key":"' + "64" * 32 + '","enrolled_at":1000,'
        '"enrollment_id":"e1","issuer":"shop","profile":"CLAIM_V1","subject":"Ann Ö"},'
        '"competing":[],"copy":{' + hashes + f',"pixels_sha256":"{"70" * 32}","width":4000}},'
        '"decided_at":2000,"false_match_probability":"1e-9",'
        '"findings":{"control":"no match","copy":"too good","original":null},"match_map":null,'
        '"original":null,"placement":null,'
        r'"reasons":[{"code":"Z7","text":"registered \"later\" – by 3 days"}],'
        f'"registration":null,"seen_at":null,"service_key":"{KEY.public.hex()}",'
        '"verdict":"supported"}'
    )
    message = b"grainseal/v1/claim-certificate\0" + claim.encode()
    public = Ed25519PublicKey.from_public_bytes(KEY.public)
    public.verify(bytes.fromhex(said["signature"]), message)
    assert said["key_id"] == key_id(KEY.public)


def test_the_form_of_rfc_8785():
    """The strings and literals of its section 3.2.2, and its rule for names."""
    text = r"""{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}"""  # noqa: E501
    expected = r"""{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}"""
    assert canonical_json(json.loads(text)).decode() == expected
    assert canonical_json({"b": "\x7f\u2028\U0001f600", "B": -5, "a": {}}).decode() == (
        '{"B":-5,"a":{},"b":"\x7f\u2028\U0001f600"}'
    )
    for value in (1.0, [float("nan")], 1 << 53, {"ü": 1}, "\ud800"):
        with pytest.raises(MalformedMessage):
            canonical_json(value)


def test_the_layout_of_the_file_is_nobody_s_business():
    said = json.loads(CERTIFICATE)
    said["claim"] = dict(reversed(said["claim"].items()))
    for data in (json.dumps(said), json.dumps(said, indent=7, ensure_ascii=True)):
        assert verify_certificate(data.encode(), KEYS) == STATEMENT


def test_a_forged_verdict():
    for path, value in (
        (("claim", "verdict"), "proven"),
        (("claim", "claimant", "subject"), "eve"),
        (("claim", "copy", "file_sha256"), "ab" * 32),
        (("claim", "match_map", 0), 3),
        (("claim", "placement", "mirrored"), False),
        (("claim", "seen_at"), None),
        (("claim", "competing"), []),
        (("signature",), "00" * 64),
    ):
        with pytest.raises(VerificationFailed, match="the certificate's signature is false"):
            verify_certificate(changed(*path, value=value), KEYS)


def test_a_key_that_nobody_published():
    forged = sign_certificate(OTHER, replace(STATEMENT, service_key=OTHER.public))
    with pytest.raises(VerificationFailed, match="a key that the key set does not have"):
        verify_certificate(forged, KEYS)
    with pytest.raises(VerificationFailed, match="signature is false"):
        verify_certificate(changed("claim", "service_key", value=OTHER.public.hex()), KEYS)
    renamed = json.loads(forged)
    renamed["key_id"] = key_id(KEY.public)
    with pytest.raises(VerificationFailed, match="signature is false"):
        verify_certificate(json.dumps(renamed).encode(), KEYS)


def test_a_certificate_names_the_key_that_signed_it():
    """With two keys in the set, one may not speak in the other's name."""
    said = json.loads(CERTIFICATE)
    said["claim"]["service_key"] = OTHER.public.hex()
    message = b"grainseal/v1/claim-certificate\0" + canonical_json(said["claim"])
    said["signature"] = KEY.sign(message).hex()
    both = keys_of_jwks(jwks([KEY.public, OTHER.public]))
    with pytest.raises(VerificationFailed, match="names another service key"):
        verify_certificate(json.dumps(said).encode(), both)


TEXT = CERTIFICATE.decode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 60_000, "not JSON"),
        (b" " * (MAX_CERTIFICATE_BYTES + 1), "at most"),
        (b"null", "a certificate has the members claim, key_id, signature"),
        (changed("more", value=1), "a certificate has the members"),
        (changed("claim", "more", value=1), "claim has the members"),
        (changed("claim", "copy", "more", value=1), "claim.copy has the members"),
        (TEXT.replace('"verdict"', '"verdict": "proven", "verdict"').encode(), "stands twice"),
        (TEXT.replace('"key_id"', '"key_id": "x", "key_id"').encode(), "stands twice"),
        (changed("claim", "decided_at", value=2000.0), "claim.decided_at is not a number"),
        (changed("claim", "decided_at", value=-1), "claim.decided_at is not a number"),
        (changed("claim", "decided_at", value=True), "claim.decided_at is not a number"),
        (changed("claim", "decided_at", value=1 << 53), "at most 2\\^53 - 1"),
        (changed("claim", "placement", "mirrored", value=1), "mirrored is not true or false"),
        (changed("claim", "placement", "scale", value=[0.5, 0.5]), "scale is not text"),
        (changed("claim", "placement", "scale", value=["0.5"]), "scale has 2 values"),
        (changed("claim", "placement", "origin", 0, value="1e3"), "are decimals"),
        (changed("claim", "placement", "origin", 0, value="01"), "are decimals"),
        (changed("claim", "placement", "similarity", value=""), "are decimals"),
        (changed("claim", "placement", "turns", value=4), "0 to 3 quarter turns"),
        (changed("claim", "false_match_probability", value="1e-13"), "1e-1 to 1e-12"),
        (changed("claim", "false_match_probability", value="0"), "1e-1 to 1e-12"),
        (changed("claim", "false_match_probability", value=1e-9), "is not text"),
        (changed("claim", "verdict", value="true"), "a verdict is one of"),
        (changed("claim", "findings", "copy", value="yes"), "a finding is one of"),
        (changed("claim", "findings", "control", value=None), "control is not text"),
        (changed("claim", "registration", "grade", value="gold"), "grade is one of"),
        (changed("claim", "competing", 0, "distance", value=257), "at most 256 bits"),
        (changed("claim", "competing", value={}), "claim.competing is not a list"),
        (changed("claim", "reasons", value=[]), "1 to 64 reasons"),
        (changed("claim", "reasons", 0, "code", value="two words"), "a code and a sentence"),
        (changed("claim", "reasons", 0, "text", value="a\u202eb"), "a code and a sentence"),
        (changed("claim", "match_map", value=[0] * 15), "16 levels from 0 to 3"),
        (changed("claim", "match_map", 3, value=4), "16 levels from 0 to 3"),
        (changed("claim", "copy", "height", value=0), "1 to 65536 rows"),
        (changed("claim", "copy", "file_sha256", value="AB" * 32), "is not hexadecimal"),
        (changed("claim", "copy", "file_sha256", value="ab"), "hashes have 32 bytes"),
        (changed("claim", "claimant", "subject", value="A\u0308nn"), "normal form KC"),
        (changed("claim", "claimant", "device_key", value=""), "a device key has 32 bytes"),
        (changed("claim", "claim_id", value=""), "a claim's id is empty"),
        (changed("claim", "service_key", value="ab"), "a service key has 32 bytes"),
        (changed("signature", value="ab"), "signature is not 64 bytes"),
        (changed("key_id", value=[]), "key_id is not text"),
    ],
)
def test_what_is_no_certificate(data, message):
    with pytest.raises(MalformedMessage, match=message):
        verify_certificate(data, KEYS)


@pytest.mark.parametrize(
    "statement",
    [
        replace(STATEMENT, verdict="certain"),
        replace(STATEMENT, decided_at=-1),
        replace(STATEMENT, decided_at=1 << 53),
        replace(STATEMENT, service_key=OTHER.public),
        replace(STATEMENT, reasons=(Reason("a", "€" * 1024),) * 64),
    ],
)
def test_what_the_service_does_not_certify(statement):
    with pytest.raises(MisuseError):
        sign_certificate(KEY, statement)


@given(st.integers(0, len(CERTIFICATE) - 1), st.integers(0, 255))
def test_no_changed_byte_says_something_else(at, byte):
    data = bytearray(CERTIFICATE)
    data[at] = byte
    try:
        assert verify_certificate(bytes(data), KEYS) == STATEMENT
    except (MalformedMessage, VerificationFailed):
        assert data != CERTIFICATE
