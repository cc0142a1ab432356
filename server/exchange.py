"""What a submitted session holds until it ends: the answer, its masks, and a template to be.

The two ceremonies that compare codes share these steps; their numbers name both.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from grainseal.crypto.masking import Mask, MaskedSum
from grainseal.crypto.profiles import PROFILES, Profile
from grainseal.crypto.transcript import opening_transcript

from .authority import Authority, check_signature
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


@dataclass(frozen=True)
class Opening:
    """A device's answer to an answer: K opened integers, signed."""

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
        """The profile that the session is for."""
        return PROFILES[self.session.profile]

    @property
    def sums(self) -> list[MaskedSum]:
        """The answer that the device was given."""
        return _unpacked(self.row.answer, self.profile)

    @property
    def masks(self) -> list[Mask]:
        """What unmasks it."""
        return [Mask(factor, offset) for factor, offset in self.row.masks]


def consume(tx: Transaction, authority: Authority, write: Write, session_id: str) -> None:
    """S5, P6: BEGUN → SUBMITTED, unless this very write did it before.

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
) -> list[MaskedSum]:
    """Keep an answer and what goes with it; the first one kept is the one that is given."""
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
        )
    )
    return answer.sums


def check_opening(tx: Transaction, opening: Opening, kind: Kind, now: float) -> Exchange:
    """F1–F4, D1–D4: the session awaits this opening, and it is signed and well formed."""
    # F1, D1: the session exists, is of this kind and SUBMITTED
    session = check_known(tx.sessions.find(opening.session_id), kind)
    next_state(kind, State(session.state), Event.FINISH)
    # F2, D2: it has not expired
    check_in_time(session, now)
    row = tx.sessions.exchange(session.session_id)
    if row is None:
        raise used()  # nothing was given that could be opened
    exchange = Exchange(session, row)
    # F3, D3: the device's signature of the opening transcript is true
    transcript = opening_transcript(context_of(session), exchange.sums, opening.opened)
    check_signature(session.device_key, transcript, opening.signature)
    # F4, D4: the opening is K integers in [0, t)
    profile, t = exchange.profile, exchange.profile.ring.plain_modulus
    if len(opening.opened) != profile.openings or any(not 0 <= y < t for y in opening.opened):
        message = f"an opening is {profile.openings} integers in [0, {t})"
        raise Refused(Reason.MALFORMED, message)
    return exchange


def end(tx: Transaction, session: SessionRow, accepted: bool) -> None:
    """F6, D8: SUBMITTED → DECIDED; masks and answer are deleted."""
    move(tx, session, Event.FINISH, accepted)
    tx.sessions.delete_exchange(session.session_id)


def _packed(sums: Sequence[MaskedSum]) -> bytes:
    return b"".join(each.c1 + C0.pack(each.c0) for each in sums)


def _unpacked(packed: bytes, profile: Profile) -> list[MaskedSum]:
    c1_size = 8 * profile.ring.degree
    step = c1_size + C0.size
    return [
        MaskedSum(packed[i : i + c1_size], C0.unpack_from(packed, i + c1_size)[0])
        for i in range(0, len(packed), step)
    ]
