"""How a registration ends: the opening becomes a dated entry in the log, or a refusal (X12–X18).

Nothing is refused or overwritten because somebody registered the photo before: both entries stand
in the log, and the later one names the earlier.
"""

from dataclasses import dataclass

from grainseal.crypto.entries import (
    MAX_COMPETING,
    RegistrationEntry,
    parse_registration_entry,
    parse_statement,
)
from grainseal.crypto.errors import VerificationFailed
from grainseal.crypto.masking import unmask_score, unmask_sum
from grainseal.crypto.profiles import claim_profile_named
from grainseal.models.claim_code import claim_for
from grainseal.models.claims import score_of
from grainseal.models.perceptual import distance

from . import log
from .authority import Authority
from .claim_support import count_scores
from .claim_work import RegistrationFacts, of_json
from .errors import Reason, Refused
from .exchange import Exchange, Opening, check_opening, end
from .idempotency import Write, reference_of, remember
from .log import LeafReceipt
from .near import NearIndex, Neighbour, of_others
from .session import Kind
from .standing import active
from .store.store import Transaction
from .store.tables import EnrollmentRow, RegistrationRow


@dataclass(frozen=True)
class Registered:
    """A registration, the competing ones that its entry names, and its receipt."""

    row: RegistrationRow
    competing: tuple[Neighbour, ...]
    receipt: LeafReceipt


def finish(
    tx: Transaction, authority: Authority, write: Write, opening: Opening, near: NearIndex
) -> Registered | None:
    """FinishRegistration: the registration, or None if it was refused (X17)."""
    reference = reference_of(tx, write)
    if reference is not None:
        return _outcome(tx, authority, reference)
    now = authority.clock()
    # X12–X15
    exchange = check_opening(tx, opening, Kind.REGISTRATION, now)
    # X16: the enrolment is active
    enrollment = active(tx, exchange.session.enrollment_id, lock=True)
    facts = of_json(RegistrationFacts, exchange.work)
    count_scores(tx, authority, enrollment.enrollment_id, facts.scores)
    # X17: the score is one of the camera's own photos. A session has one opening, true or not.
    accepted = _is_own(exchange, facts, opening)
    end(tx, exchange.session, accepted)
    # X18
    row = _registered(tx, authority, enrollment, exchange, facts, near) if accepted else None
    reference = "" if row is None else row.registration_id
    remember(tx, write, reference, now)
    return _outcome(tx, authority, reference)


def _is_own(exchange: Exchange, facts: RegistrationFacts, opening: Opening) -> bool:
    profile = claim_profile_named(exchange.session.profile)
    spec, masks, opened = claim_for(profile.name), exchange.masks, opening.opened
    try:
        if facts.probe is None:
            score = unmask_score(profile, masks, opened)
            return bool(score / profile.length**0.5 >= spec.low)
        score = unmask_sum(profile, masks, opened, facts.probe.largest_sum)
    except VerificationFailed:
        return False
    return spec.low <= score_of(score, facts.probe, spec).z < spec.high


def _registered(
    tx: Transaction,
    authority: Authority,
    enrollment: EnrollmentRow,
    exchange: Exchange,
    facts: RegistrationFacts,
    near: NearIndex,
) -> RegistrationRow:
    statement = parse_statement(facts.statement)
    # With the log's lock from here on, of two registrations at once the second sees the first.
    tx.log.size(lock=True)
    found = near.search(tx, [statement.perceptual_hash])
    competing = of_others(found, statement.device_key, MAX_COMPETING)
    entry = RegistrationEntry(
        **vars(statement),
        registration_id=authority.new_id(),
        subject=enrollment.subject,
        issuer=enrollment.issuer,
        grade=str(exchange.session.grade),
        signature=facts.signature,
        competing=",".join(each.row.registration_id for each in competing),
        registered_at=int(authority.clock()),
    )
    index, opening = log.append_registration(tx, authority, entry)
    row = RegistrationRow(
        registration_id=entry.registration_id,
        enrollment_id=entry.enrollment_id,
        device_key=entry.device_key,
        grade=entry.grade,
        file_sha256=entry.file_sha256,
        pixels_sha256=entry.pixels_sha256,
        perceptual_hash=entry.perceptual_hash,
        registered_at=entry.registered_at,
        leaf_index=index,
        salt=opening.salt,
        entry=opening.entry,
    )
    tx.registrations.add(row)
    return row


def _outcome(tx: Transaction, authority: Authority, registration_id: str) -> Registered | None:
    if not registration_id:
        return None
    row = tx.registrations.find(registration_id)
    if row is None:
        raise Refused(Reason.REGISTRATION_UNKNOWN, "the registration was erased")
    entry = parse_registration_entry(row.entry)
    others = [tx.registrations.find(each) for each in entry.competing_ids]
    competing = [
        Neighbour(each, distance(each.perceptual_hash, row.perceptual_hash))
        for each in others
        if each is not None  # erased since
    ]
    return Registered(row, tuple(competing), log.registration_receipt(tx, authority, row))
