"""Transcripts bind every field; signatures and decision tokens are believed for one thing only."""

import base64
import hashlib
import json
from dataclasses import fields, replace

import jwt
import pytest

from grainseal.crypto import profiles
from grainseal.crypto.canonical import canonical
from grainseal.crypto.decision import Verdict, judge
from grainseal.crypto.errors import MalformedMessage, MisuseError, VerificationFailed
from grainseal.crypto.masking import MaskedSum, PublicKeys
from grainseal.crypto.profiles import (
    AUTH_JPEG_V1,
    CLAIM_PROFILES,
    PROFILES,
    needs_reenrolment,
    profile_named,
    successor_of,
)
from grainseal.crypto.signing import SigningKey, verify
from grainseal.crypto.tokens import (
    TEXT_CLAIMS,
    Decision,
    jwks,
    key_id,
    keys_of_jwks,
    sign_decision,
    verify_decision,
)
from grainseal.crypto.transcript import (
    SessionContext,
    claim_template_hash,
    claim_transcript,
    opening_transcript,
    probe_transcript,
    registration_transcript,
    request_transcript,
    template_transcript,
    upload_transcript,
)

CONTEXT = SessionContext(b"n" * 32, b"s" * 32, "shop", "e1", "ann", "authenticate", "TESTING", 99)
SUMS = [MaskedSum(b"c1", 7)]
KEYS = PublicKeys(b"relin", b"zero")


def test_canonical_bytes_are_the_protocol_s():
    got = canonical("probe", [b"\x01\x02", "ü", 258])
    assert got == (
        b"grainseal/v1/probe\x00"
        b"\x00\x00\x00\x02\x01\x02"
        b"\x00\x00\x00\x02\xc3\xbc"
        b"\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00\x01\x02"
    )


def test_fields_cannot_be_shifted_into_each_other():
    assert canonical("probe", ["ab", "c"]) != canonical("probe", ["a", "bc"])
    assert canonical("a", []) != canonical("ab", [])


@pytest.mark.parametrize("field", [f.name for f in fields(SessionContext)])
def test_every_session_field_is_bound(field):
    value = getattr(CONTEXT, field)
    changed = value + 1 if isinstance(value, int) else value + value[:1]
    other = replace(CONTEXT, **{field: changed})
    assert probe_transcript(CONTEXT, b"p") != probe_transcript(other, b"p")
    assert request_transcript(CONTEXT) != request_transcript(other)
    assert opening_transcript(CONTEXT, SUMS, [1]) != opening_transcript(other, SUMS, [1])
    assert template_transcript(CONTEXT, b"t", KEYS) != template_transcript(other, b"t", KEYS)


def test_every_message_is_bound():
    assert probe_transcript(CONTEXT, b"p") != probe_transcript(CONTEXT, b"q")
    for sums, opened in (([MaskedSum(b"c2", 7)], [1]), ([MaskedSum(b"c1", 8)], [1]), (SUMS, [2])):
        assert opening_transcript(CONTEXT, SUMS, [1]) != opening_transcript(CONTEXT, sums, opened)
    for template, keys in (
        (b"u", KEYS),
        (b"t", PublicKeys(b"x", b"zero")),
        (b"t", PublicKeys(b"relin", b"x")),
    ):
        assert template_transcript(CONTEXT, b"t", KEYS) != template_transcript(
            CONTEXT, template, keys
        )


def sha(data):
    return hashlib.sha256(data).digest()


def test_a_claim_template_s_hash_is_the_protocol_s():
    got = claim_template_hash("CLAIM_V1", 3000, 4000, b"s" * 32, b"code", KEYS, b"bits")
    parts = [sha(b"code"), sha(b"relin"), sha(b"zero"), sha(b"bits")]
    said = ["CLAIM_V1", 3000, 4000, b"s" * 32, *parts]
    assert got == sha(canonical("claim-template", said))


def test_a_claim_template_changes_the_template_transcript_and_its_absence_does_not():
    hashes = [sha(b"t"), sha(b"relin"), sha(b"zero")]
    bare = canonical("template", [*CONTEXT.fields(), *hashes])
    assert template_transcript(CONTEXT, b"t", KEYS) == bare
    assert template_transcript(CONTEXT, b"t", KEYS, b"") == bare
    claimed = canonical("template", [*CONTEXT.fields(), *hashes, b"c" * 32])
    assert template_transcript(CONTEXT, b"t", KEYS, b"c" * 32) == claimed


@pytest.mark.parametrize(
    ("made", "tag", "fields"),
    [
        (upload_transcript(CONTEXT, 5, b"piece"), "upload", [5, sha(b"piece")]),
        (
            registration_transcript(CONTEXT, "device-asserted", b"said", b"s" * 64, b"u" * 32),
            "registration",
            ["device-asserted", sha(b"said"), b"s" * 64, b"u" * 32],
        ),
        (
            claim_transcript(CONTEXT, b"c" * 32, b"", "r1", 9, True),
            "claim",
            [b"c" * 32, b"", "r1", 9, 1],
        ),
        (
            claim_transcript(CONTEXT, b"c" * 32, b"o" * 32, "", 0, False),
            "claim",
            [b"c" * 32, b"o" * 32, "", 0, 0],
        ),
    ],
)
def test_transcripts_of_claims_are_the_protocol_s(made, tag, fields):
    assert made == canonical(tag, [*CONTEXT.fields(), *fields])


def test_integers_outside_their_field_are_misuse():
    with pytest.raises(MisuseError):
        canonical("x", [-1])


def test_signatures():
    key, other = SigningKey(), SigningKey()
    signature = key.sign(b"message")
    verify(key.public, b"message", signature)
    for public, message, made in (
        (other.public, b"message", signature),
        (key.public, b"massage", signature),
        (key.public, b"message", bytes([signature[0] ^ 1]) + signature[1:]),
    ):
        with pytest.raises(VerificationFailed):
            verify(public, message, made)
    for public, made in ((b"short", signature), (key.public, b"short"), (key.public, b"")):
        with pytest.raises(MalformedMessage):
            verify(public, b"message", made)
    assert SigningKey(key.seed).public == key.public
    with pytest.raises(MisuseError):
        SigningKey(b"short")


DECISION = Decision(
    "grainseal", "ann", "shop", "shop", "authenticate", "e1", "TESTING", 1000, 1120, "j1"
)


def test_token_round_trip():
    key = SigningKey()
    token = sign_decision(key, DECISION)
    assert verify_decision(token, keys_of_jwks(jwks([key.public])), "shop", now=1050) == DECISION


def test_jwks_thumbprint_is_rfc_8037_s():
    # RFC 8037, appendix A.3: the thumbprint of the example key
    x = base64.urlsafe_b64decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    assert key_id(x) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


@pytest.mark.parametrize(
    ("audience", "now", "text"),
    [("bank", 1050, "audience"), ("shop", 1120, "expired"), ("shop", 900, "not valid yet")],
)
def test_token_for_another_or_too_late(audience, now, text):
    key = SigningKey()
    token = sign_decision(key, DECISION)
    with pytest.raises(VerificationFailed, match=text):
        verify_decision(token, {key_id(key.public): key.public}, audience, now=now)


def test_token_of_another_service_or_changed():
    key, other = SigningKey(), SigningKey()
    token = sign_decision(key, DECISION)
    with pytest.raises(VerificationFailed, match="key set"):
        verify_decision(token, {key_id(other.public): other.public}, "shop", now=1050)
    with pytest.raises(VerificationFailed, match="signature"):
        verify_decision(token, {key_id(key.public): other.public}, "shop", now=1050)
    head, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    claims["sub"] = "bob"
    forged = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    with pytest.raises(VerificationFailed, match="signature"):
        verify_decision(
            f"{head}.{forged}.{signature}", {key_id(key.public): key.public}, "shop", 1050
        )


def test_other_algorithms_types_and_claims_are_refused():
    key = SigningKey()
    keys = {key_id(key.public): key.public}
    header = {"kid": key_id(key.public), "typ": "grainseal-decision+jwt"}
    unsigned = jwt.encode({"sub": "ann"}, None, algorithm="none", headers=header)
    hmac = jwt.encode({"sub": "ann"}, key.public, algorithm="HS256", headers=header)
    typeless = jwt.encode(
        {"sub": "ann"}, key.private, algorithm="EdDSA", headers={"kid": header["kid"]}
    )
    partial = jwt.encode({"sub": "ann"}, key.private, algorithm="EdDSA", headers=header)
    wrong = jwt.encode(
        {
            **dict.fromkeys(TEXT_CLAIMS, "x"),
            "iat": 1,
            "exp": "soon",
        },
        key.private,
        algorithm="EdDSA",
        headers=header,
    )
    for token in (unsigned, hmac, typeless, partial, wrong, "", "a.b.c", "nonsense"):
        with pytest.raises(MalformedMessage):
            verify_decision(token, keys, "shop", now=1050)


@pytest.mark.parametrize(
    "text", ["", "{}", '{"keys": []}', '{"keys": [{"crv": "Ed25519"}]}', "[1]", '{"keys": ["x"]}']
)
def test_bad_key_sets(text):
    with pytest.raises(MalformedMessage):
        keys_of_jwks(text)


def test_window_ends_are_inside():
    low, high = AUTH_JPEG_V1.score_low, AUTH_JPEG_V1.score_high
    assert judge(AUTH_JPEG_V1, low) is judge(AUTH_JPEG_V1, high) is Verdict.ACCEPTED
    assert judge(AUTH_JPEG_V1, low - 2) is Verdict.TOO_LOW
    assert judge(AUTH_JPEG_V1, high + 2) is Verdict.TOO_HIGH


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda p: p.name)
def test_profiles_keep_their_promises(profile):
    t, length, k = profile.ring.plain_modulus, profile.length, profile.openings
    assert length % profile.ring.degree == 0
    assert t > 2 * length, "a score must be readable from its residue"
    window = (profile.score_high - profile.score_low) // 2 + 1
    assert window / (t - 1) ** k <= 2**-40, "a lying opener is believed at most so often"
    assert profile.score_low >= 5.5 * length**0.5 - 1 or profile.for_tests
    assert profile.score_high < length


def test_unknown_profile():
    with pytest.raises(MisuseError, match="AUTH_JPEG_V1"):
        profile_named("AUTH_V0")
    assert needs_reenrolment("AUTH_V0")


def test_what_superseded_a_profile_is_of_its_form():
    for old, new in profiles.SUPERSEDED.items():
        known = CLAIM_PROFILES if old in CLAIM_PROFILES else PROFILES
        assert needs_reenrolment(old)
        assert not needs_reenrolment(new)
        assert successor_of(old) == new
        same = replace(known[new], name=old)
        assert same == known[old]
    kept = [each for each in (*PROFILES, *CLAIM_PROFILES) if each not in profiles.SUPERSEDED]
    assert not any(map(needs_reenrolment, kept))
    assert [successor_of(each) for each in kept] == kept
