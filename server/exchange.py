"""What a submitted session holds until it ends: the answer, its masks, and a template to be.

The ceremonies that compare codes share these steps; their numbers name all of them.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from grainseal.crypto.masking import Mask, MaskedSum
from grainseal.crypto.profiles import (
    CLAIM_PROFILES,
    PROFILES,
    ClaimProfile,
    Profile,
    RingParameters,
)
from grainseal.crypto.transcript import opening_transcript

from .authority import Authority, check_signature
from .claim_upload import ClaimParameters
from .errors import Reason, Refused
from .homomorphic import Answer, Upload
from .idempotency import Write, reference_of, remember
from .session import (
    Event,
    Kind,
    State,
    check_in_time,
    check_known,
    context_of,
    move,
    next_state,
    used,
)
from .store.store import Transaction
from .store.tables import ExchangeRow, SessionRow

C0 = struct.Struct("<Q")
# A device has one ceremony under way, and a few that it lost its line in. Each holds up to 0.9 MB
# until it ends, so without a bound one ticket would fill the disk.
MAX_SUBMITTED = 16
# Sessions for a claim template that is there already: all of their sums are of its ring.
OF_CLAIM_TEMPLATE = (Kind.REGISTRATION, Kind.CLAIM)


@dataclass(frozen=True)
class Opening:
    """A device's answer to an answer: one opened integer for each sum, signed."""

    session_id: str
    opened: Sequence[int]
    signature: bytes


@dataclass(frozen=True)
class Exchange:
    """A submitted session with what it holds."""

    session: SessionRow
    row: ExchangeRow

    @property
    def profile(self) -> Profile:
        """The profile that an authentication or enrolment is for."""
        return PROFILES[self.session.profile]

    @property
    def claim_profile(self) -> ClaimProfile | None:
        """That of the claim template which an enrolment makes, or a registration or claim uses."""
        if self.session.kind in OF_CLAIM_TEMPLATE:
            return CLAIM_PROFILES[self.session.profile]
        if self.session.claims is None:
            return None
        return CLAIM_PROFILES[ClaimParameters.of_json(self.session.claims).profile]

    @property
    def rings(self) -> list[RingParameters]:
        """The ring of each sum: in an enrolment those of the claim template come last."""
        number, claims = len(self.row.masks), self.claim_profile
        if claims is None:
            return [self.profile.ring] * number
        if self.session.kind in OF_CLAIM_TEMPLATE:
            return [claims.ring] * number
        return [self.profile.ring] * self.profile.openings + [claims.ring] * claims.openings

    @property
    def sums(self) -> list[MaskedSum]:
        """The answer that the device was given."""
        return list(_unpacked(self.row.answer, self.rings))

    @property
    def masks(self) -> list[Mask]:
        """What unmasks it."""
        return [Mask(factor, offset) for factor, offset in self.row.masks]

    @property
    def work(self) -> dict[str, Any]:
        """What a registration or claim kept for its end; empty if it kept nothing."""
        return self.row.work or {}


def consume(tx: Transaction, authority: Authority, write: Write, session_id: str) -> None:
    """S5, P6, X10, Y9: BEGUN → SUBMITTED, unless this very write did it before.

    `Refused` (TOO_MANY_SESSIONS) if too many others await their end already.
    """
    if reference_of(tx, write) is not None:
        return
    session = tx.sessions.find(session_id)
    if session is None:
        raise used()
    now = authority.clock()
    move(tx, session, Event.SUBMIT)
    _check_not_too_many(tx, session, now)
    remember(tx, write, session_id, now)


def _check_not_too_many(tx: Transaction, session: SessionRow, now: float) -> None:
    # Only sessions with a true signature get this far, so nobody can fill another's share. A ticket
    # has one share whatever the number of keys that its holder makes.
    expiries = tx.sessions.expiries_beside(session, State.SUBMITTED, now)
    if len(expiries) > MAX_SUBMITTED:
        message = f"{MAX_SUBMITTED} sessions await their end: finish one, or wait until one expires"
        raise Refused(Reason.TOO_MANY_SESSIONS, message, retry_after=expiries[0] - now)


def kept_answer(tx: Transaction, session: SessionRow) -> list[MaskedSum] | None:
    """The answer of a submitted session; None if the process that computed it did not keep it."""
    # It must still await its end, with which the answer goes.
    next_state(Kind(session.kind), State(session.state), Event.FINISH)
    row = tx.sessions.exchange(session.session_id)
    return None if row is None else Exchange(session, row).sums


def keep_answer(
    tx: Transaction,
    _authority: Authority,
    session_id: str,
    answer: Answer,
    upload: Upload | None = None,
    work: dict[str, Any] | None = None,
) -> list[MaskedSum]:
    """Keep an answer and what goes with it; the first one kept is the one that is given.

    `work`: what the end of the session needs besides, as JSON has it.
    """
    session = tx.sessions.find(session_id)
    if session is None:
        raise used()
    first = kept_answer(tx, session)
    if first is not None:
        return first
    tx.sessions.add_exchange(
        ExchangeRow(
            session_id=session_id,
            answer=_packed(answer.sums),
            masks=[[mask.factor, mask.offset] for mask in answer.masks],
            template=upload and upload.template,
            relin_key=upload and upload.keys.relin_key,
            zero_key=upload and upload.keys.zero_key,
            work=work,
        )
    )
    return answer.sums


def check_opening(tx: Transaction, opening: Opening, kind: Kind, now: float) -> Exchange:
    """F1–F4, D1–D4, X12–X15, Y11–Y14: the session awaits this opening, signed and well formed."""
    # F1, D1, X12, Y11: the session exists, is of this kind and SUBMITTED
    session = check_known(tx.sessions.find(opening.session_id), kind)
    next_state(kind, State(session.state), Event.FINISH)
    # F2, D2, X13, Y12: it has not expired
    check_in_time(session, now)
    row = tx.sessions.exchange(session.session_id)
    if row is None:
        raise used()  # nothing was given that could be opened
    exchange = Exchange(session, row)
    # F3, D3, X14, Y13: the device's signature of the opening transcript is true
    transcript = opening_transcript(context_of(session), exchange.sums, opening.opened)
    check_signature(session.device_key, transcript, opening.signature)
    # F4, D4, X15, Y14: the opening has one integer in [0, t) for each sum
    moduli = [ring.plain_modulus for ring in exchange.rings]
    in_range = all(0 <= y < t for y, t in zip(opening.opened, moduli, strict=False))
    if len(opening.opened) != len(moduli) or not in_range:
        message = f"an opening has {len(moduli)} integers here, each in [0, t) of its sum's ring"
        raise Refused(Reason.MALFORMED, message)
    return exchange


def end(tx: Transaction, session: SessionRow, accepted: bool) -> None:
    """F6, D8, X18, Y17, Q7, Q17: the session is DECIDED; masks, answer and upload are deleted."""
    move(tx, session, Event.FINISH, accepted)
    tx.sessions.delete_exchange(session.session_id)
    tx.uploads.delete(session.session_id)


def _packed(sums: Sequence[MaskedSum]) -> bytes:
    return b"".join(each.c1 + C0.pack(each.c0) for each in sums)


def _unpacked(packed: bytes, rings: Sequence[RingParameters]) -> Iterator[MaskedSum]:
    position = 0
    for ring in rings:
        c1_size = 8 * ring.degree
        c1 = packed[position : position + c1_size]
        yield MaskedSum(c1, C0.unpack_from(packed, position + c1_size)[0])
        position += c1_size + C0.size
