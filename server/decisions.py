"""How an authentication ends, by whichever scheme: counted, decided, its token signed."""

from dataclasses import dataclass

from grainseal.crypto.tokens import Decision, sign_decision

from .authority import Authority
from .exchange import end
from .idempotency import Write, remember
from .session import Kind, check_known
from .standing import count
from .store.store import Transaction
from .store.tables import DecisionRow, EnrollmentRow, SessionRow


@dataclass(frozen=True)
class Outcome:
    """How an authentication ended: `token` is empty unless accepted. Nothing else is told."""

    enrollment_id: str
    audience: str
    token: str

    @property
    def accepted(self) -> bool:
        """Whether the camera was recognised."""
        return bool(self.token)


def decide(
    tx: Transaction,
    authority: Authority,
    write: Write,
    session: SessionRow,
    enrollment: EnrollmentRow,
    accepted: bool,
    now: float,
) -> Outcome:
    """D8, Q17: decided; the failure counters move; the decision is stored."""
    end(tx, session, accepted)
    count(tx, enrollment, accepted, now)
    decision = _decision(authority, session, enrollment.issuer, now) if accepted else None
    if decision is not None:
        tx.warrants.add_decision(decision)
    remember(tx, write, session.session_id, now)
    return _outcome(authority, session, decision)


def told_again(tx: Transaction, authority: Authority, session_id: str, kind: Kind) -> Outcome:
    """The outcome of a session that this very write decided before."""
    session = check_known(tx.sessions.find(session_id), kind)
    return _outcome(authority, session, tx.warrants.decision_of_session(session_id))


def _decision(
    authority: Authority, session: SessionRow, enrolled_by: str, now: float
) -> DecisionRow:
    return DecisionRow(
        token_id=authority.new_id(),
        session_id=session.session_id,
        subject=session.subject,
        enrolled_by=enrolled_by,
        audience=session.audience,
        purpose=session.purpose,
        enrollment_id=session.enrollment_id,
        profile=session.profile,
        issued_at=int(now),
        expires_at=int(now) + authority.config.token_lifetime,
    )


def _outcome(authority: Authority, session: SessionRow, decision: DecisionRow | None) -> Outcome:
    token = "" if decision is None else _token(authority, decision)
    return Outcome(session.enrollment_id, session.audience, token)


def _token(authority: Authority, row: DecisionRow) -> str:
    # Ed25519 is deterministic: the same claims give the same token each time.
    decision = Decision(
        issuer=authority.config.service_name,
        subject=row.subject,
        enrolled_by=row.enrolled_by,
        audience=row.audience,
        purpose=row.purpose,
        enrollment_id=row.enrollment_id,
        profile=row.profile,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        token_id=row.token_id,
    )
    return sign_decision(authority.keys.signing, decision)
