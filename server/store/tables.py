"""The tables. Times are Unix seconds; hashes are SHA-256.

Secrets that must go stand in rows of their own (`ExchangeRow`, `TemplateRow`, `LogOpeningRow`), so
that deleting them is deleting a row.
"""

from sqlalchemy import JSON, BigInteger, Double, ForeignKey, Index, LargeBinary, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Base of all tables; constraints are named so that migrations can refer to them."""

    metadata = MetaData(naming_convention=NAMING)
    # Seconds since 1970 outgrow 32 bits in 2038.
    type_annotation_map = {int: BigInteger, bytes: LargeBinary, str: String}  # noqa: RUF012


class RelyingPartyRow(Base):
    """Someone who relies on decisions; its name is the audience."""

    __tablename__ = "relying_parties"
    name: Mapped[str] = mapped_column(primary_key=True)
    api_key_hash: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[int]


class TicketRow(Base):
    """Leave to enrol one camera as one subject, once."""

    __tablename__ = "tickets"
    ticket_hash: Mapped[bytes] = mapped_column(primary_key=True)
    ticket_id: Mapped[bytes]
    subject: Mapped[str]
    issuer: Mapped[str]
    expires_at: Mapped[int]
    used: Mapped[bool] = mapped_column(default=False)


class EnrollmentRow(Base):
    """One camera under one subject of one issuer. States: active, replaced, revoked, disabled."""

    __tablename__ = "enrollments"
    enrollment_id: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[str]
    issuer: Mapped[str]
    profile: Mapped[str]
    device_key: Mapped[bytes] = mapped_column(index=True)
    state: Mapped[str]
    created_at: Mapped[int]
    failures_in_row: Mapped[int] = mapped_column(default=0)
    failures_total: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[float] = mapped_column(Double, default=0.0)


class TemplateRow(Base):
    """Encrypted template and public keys of an active enrolment, in wire form."""

    __tablename__ = "templates"
    enrollment_id: Mapped[str] = mapped_column(
        ForeignKey("enrollments.enrollment_id"), primary_key=True
    )
    template: Mapped[bytes]
    relin_key: Mapped[bytes]
    zero_key: Mapped[bytes]


class LogHeadRow(Base):
    """How many leaves the log has: the one row that whoever appends locks first."""

    __tablename__ = "log_head"
    head_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int]


class LogLeafRow(Base):
    """A leaf: what it commits to is elsewhere, so that this row never has to go."""

    __tablename__ = "log_leaves"
    leaf_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    commitment: Mapped[bytes]
    leaf_hash: Mapped[bytes] = mapped_column(unique=True)


class LogNodeRow(Base):
    """Hash of a complete subtree of the log, leaves included (`crypto.merkle.Node`)."""

    __tablename__ = "log_nodes"
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    node_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes]


class LogOpeningRow(Base):
    """What opens an enrolment's leaf: personal, so a row that can be deleted without the leaf."""

    __tablename__ = "log_openings"
    enrollment_id: Mapped[str] = mapped_column(
        ForeignKey("enrollments.enrollment_id"), primary_key=True
    )
    leaf_index: Mapped[int] = mapped_column(ForeignKey("log_leaves.leaf_index"), unique=True)
    salt: Mapped[bytes]
    entry: Mapped[bytes]


class SessionRow(Base):
    """One use of one nonce: what it binds, how far it has come, how it ended."""

    __tablename__ = "sessions"
    __table_args__ = (
        Index(None, "device_key", "state"),
        Index(None, "ticket_hash", "state"),
    )
    session_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[str]
    nonce: Mapped[bytes] = mapped_column(unique=True)
    service_key: Mapped[bytes]
    audience: Mapped[str]
    enrollment_id: Mapped[str]
    subject: Mapped[str]
    purpose: Mapped[str]
    profile: Mapped[str]
    expires_at: Mapped[int] = mapped_column(index=True)
    # Whose signature counts.
    device_key: Mapped[bytes]
    # An enrolment's warrant: a ticket, or a renewal token and what it renews.
    issuer: Mapped[str | None]
    ticket_hash: Mapped[bytes | None]
    renewal_token_id: Mapped[str | None]
    renewed_enrollment_id: Mapped[str | None]
    # The outcome, once decided.
    accepted: Mapped[bool | None]


class ExchangeRow(Base):
    """What a submitted session holds until it is decided or expires: answer, masks, template."""

    __tablename__ = "exchanges"
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.session_id"), primary_key=True)
    answer: Mapped[bytes]
    masks: Mapped[list[list[int]]] = mapped_column(JSON)
    template: Mapped[bytes | None]
    relin_key: Mapped[bytes | None]
    zero_key: Mapped[bytes | None]


class IdempotencyRow(Base):
    """A write that was made: `reference` leads to the rows from which its answer is told again."""

    __tablename__ = "idempotency"
    scope: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[bytes] = mapped_column(primary_key=True)
    request_hash: Mapped[bytes]
    reference: Mapped[str]
    created_at: Mapped[int] = mapped_column(index=True)


class DecisionRow(Base):
    """An acceptance: the claims of its token, which is signed from them and never stored."""

    __tablename__ = "decisions"
    token_id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(unique=True)
    subject: Mapped[str]
    enrolled_by: Mapped[str]
    audience: Mapped[str]
    purpose: Mapped[str]
    enrollment_id: Mapped[str]
    profile: Mapped[str]
    issued_at: Mapped[int]
    expires_at: Mapped[int] = mapped_column(index=True)
    used: Mapped[bool] = mapped_column(default=False)
