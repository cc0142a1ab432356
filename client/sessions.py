"""What every ceremony shares: check what the service says, answer one opening.

The client's checks, numbered as in docs/PROTOCOL.md ("What a client must check"). Each failure is
an `UntrustedService` and nothing is answered.

- C1 session id, nonce and service key have their form
- C2 the service key is the one pinned at enrolment; before an interrupted enrolment is taken up
  again, where no session says it, the service's published key is asked for
- C3 audience, enrolment, subject, purpose and profile are what was asked for
- C4 the session expires soon and is not long past
- C5 the openings counted for the template, this one included, do not pass the profile's cap; the
  count is in the vault before the answer is opened
- C6 an answer is K sums, each of n coefficients below q0, none transparent
- C7 a decision token is signed by the pinned key and says what was asked for, in time
- C8 a receipt is of the vault's own enrolment and device key, and its proof leads to its checkpoint
- C9 the sums opened for a claim template, these included, do not pass its profile's cap; the count
  is in the vault before the answer is opened
- C10 a certificate is signed by the pinned key and about this enrolment and this copy
"""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from grainseal.crypto.errors import MalformedMessage
from grainseal.crypto.masking import MaskedSum
from grainseal.crypto.opening import HomomorphicKey
from grainseal.crypto.signing import SigningKey
from grainseal.crypto.tokens import keys_of_jwks
from grainseal.crypto.transcript import SessionContext, opening_transcript
from grainseal.proto.v1 import grainseal_pb2 as pb

from .errors import UntrustedService

SERVICE_AUDIENCE: Final = "grainseal"
"""Audience of what concerns the service alone: enrolments, renewals, lists, revocations."""

_NONCE_BYTES, _KEY_BYTES = 32, 32
_MAX_ID = 128
SESSION_SECONDS: Final = 300
"""How long a session lives (docs/PROTOCOL.md, "Sessions")."""
# Devices' clocks are wrong by minutes without harm, for the service decides by its own. What must
# not be is a session that could be answered tomorrow.
_CLOCK_SKEW: Final = 600


@dataclass(frozen=True)
class Expected:
    """What the client asked for; None where the service chooses."""

    purpose: str
    profile: str
    subject: str
    audience: str | None
    enrollment_id: str | None
    service_key: bytes | None


def new_idempotency_key() -> bytes:
    """32 random bytes; the same key goes with every attempt at one write."""
    return secrets.token_bytes(32)


def checked_session(session: pb.Session, expected: Expected, now: float) -> SessionContext:
    """What the device will sign, after C1–C4; `now` in Unix seconds."""
    # C1
    _require(0 < len(session.session_id) <= _MAX_ID, "a session without a usable id")
    _require(len(session.nonce) == _NONCE_BYTES, "a nonce of a wrong length")
    _require(len(session.service_key) == _KEY_BYTES, "a service key of a wrong length")
    # C2
    if expected.service_key is not None:
        _require_pinned([session.service_key], expected.service_key)
    # C3
    _require_same("audience", session.audience, expected.audience)
    _require_same("enrolment", session.enrollment_id, expected.enrollment_id)
    _require_same("subject", session.subject, expected.subject)
    _require_same("purpose", session.purpose, expected.purpose)
    _require_same("profile", session.profile, expected.profile)
    # C4
    lifetime = session.expires_at - now
    if not -_CLOCK_SKEW < lifetime <= SESSION_SECONDS + _CLOCK_SKEW:
        raise UntrustedService(
            f"the session would expire in {lifetime:.0f} s: is this device's clock right?"
        )
    return context_of(session)


def check_keys(answer: pb.GetKeysResponse, service_key: bytes) -> None:
    """C2 without a session: the pinned key is among those that the service publishes."""
    try:
        published = keys_of_jwks(answer.jwks)
    except MalformedMessage as error:
        raise UntrustedService(f"the service's key set is none: {error}") from None
    _require_pinned(published.values(), service_key)


def context_of(session: pb.Session) -> SessionContext:
    """A session's fields in the form that transcripts take."""
    return SessionContext(
        nonce=session.nonce,
        service_key=session.service_key,
        audience=session.audience,
        enrollment_id=session.enrollment_id,
        subject=session.subject,
        purpose=session.purpose,
        profile=session.profile,
        expires_at=session.expires_at,
    )


def opening(
    session: pb.Session,
    answer: pb.MaskedSums,
    key: HomomorphicKey,
    device: SigningKey,
    idempotency_key: bytes,
) -> pb.Opening:
    """The signed opening of an answer, after C6; once per session, and after it was counted."""
    return opening_by(session, answer, [(key, key.profile.openings)], device, idempotency_key)


def opening_by(
    session: pb.Session,
    answer: pb.MaskedSums,
    keys: Sequence[tuple[HomomorphicKey, int]],
    device: SigningKey,
    idempotency_key: bytes,
) -> pb.Opening:
    """Like `opening`, of an answer whose sums belong to these keys: so many to each, in order."""
    sums = [MaskedSum(each.c1, each.c0) for each in answer.sums]
    expected = sum(count for _, count in keys)
    try:
        if len(sums) != expected:
            raise MalformedMessage(f"expected {expected} sums, got {len(sums)}")
        opened = _opened(sums, keys)
    except MalformedMessage as error:
        raise UntrustedService(f"the service's answer is none: {error}") from None
    transcript = opening_transcript(context_of(session), sums, opened)
    return pb.Opening(
        session_id=session.session_id,
        opened=opened,
        signature=device.sign(transcript),
        idempotency_key=idempotency_key,
    )


def _opened(sums: list[MaskedSum], keys: Sequence[tuple[HomomorphicKey, int]]) -> list[int]:
    opened: list[int] = []
    for key, count in keys:
        part = sums[len(opened) : len(opened) + count]
        opened += key.open(part, count)
    return opened


def _require_pinned(said: Collection[bytes], service_key: bytes) -> None:
    if service_key not in said:
        raise UntrustedService(
            "this is not the service that the camera was enrolled with: its key is another one"
        )


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise UntrustedService(f"the service sent {what}")


def _require_same(what: str, said: str, asked: str | None) -> None:
    if not said or (asked is not None and said != asked):
        wanted = f", not for {asked!r}" if asked is not None else ""
        raise UntrustedService(f"the service began a session for {what} {said!r}{wanted}")
