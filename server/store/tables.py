"""The tables. Times are Unix seconds; hashes are SHA-256.

Secrets that must go stand in rows of their own (`ExchangeRow`, `TemplateRow`, `LogOpeningRow` and
others), so that deleting them is deleting a row.
"""

from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from .base import COUNTER, OPTIONAL_JSON, Base


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


class CameraKeyRow(Base):
    """Camera key (public, Ed25519) and helper data of an active enrolment by the other scheme."""

    __tablename__ = "camera_keys"
    enrollment_id: Mapped[str] = mapped_column(
        ForeignKey("enrollments.enrollment_id"), primary_key=True
    )
    public_key: Mapped[bytes]
    helper_data: Mapped[bytes]


class ClaimTemplateRow(Base):
    """Claim template of an active enrolment, in wire form; `positions` is the bitmap.

    `commitment_sha256`: of what claim proofs are about, None without it. `scores_told`: how many
    scores of public probes the service has told itself.
    """

    __tablename__ = "claim_templates"
    enrollment_id: Mapped[str] = mapped_column(
        ForeignKey("enrollments.enrollment_id"), primary_key=True
    )
    profile: Mapped[str]
    height: Mapped[int]
    width: Mapped[int]
    seed: Mapped[bytes]
    code: Mapped[bytes]
    relin_key: Mapped[bytes]
    zero_key: Mapped[bytes]
    positions: Mapped[bytes]
    commitment_sha256: Mapped[bytes | None]
    template_sha256: Mapped[bytes]
    scores_told: Mapped[int] = mapped_column(default=0)


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
    # Public parameters of an enrolment's claim template: `claim_upload.ClaimParameters`.
    claims: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)
    # Bytes that the session may upload; None if it takes no upload.
    upload_limit: Mapped[int | None]
    # What a registration is to be checked by.
    grade: Mapped[str | None]
    # The decision that a claim rests on.
    claim_token_id: Mapped[str | None]
    # The outcome, once decided.
    accepted: Mapped[bool | None]


class ExchangeRow(Base):
    """What a submitted session holds until it is decided or expires: answer, masks, template.

    `work`: what the end of a registration or claim needs besides.
    """

    __tablename__ = "exchanges"
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.session_id"), primary_key=True)
    answer: Mapped[bytes]
    masks: Mapped[list[list[int]]] = mapped_column(JSON)
    template: Mapped[bytes | None]
    relin_key: Mapped[bytes | None]
    zero_key: Mapped[bytes | None]
    work: Mapped[dict[str, Any] | None] = mapped_column(OPTIONAL_JSON)


class UploadRow(Base):
    """A piece of what a session uploads; the pieces are adjacent, by `offset` from 0."""

    __tablename__ = "uploads"
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.session_id"), primary_key=True)
    offset: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    data: Mapped[bytes]


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


class RegistrationRow(Base):
    """A registered photo, and what opens its leaf. Numbers rise, and none is given twice."""

    __tablename__ = "registrations"
    # AUTOINCREMENT: else SQLite gives the number of an erased last row again.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012
    number: Mapped[int] = mapped_column(COUNTER, primary_key=True)
    registration_id: Mapped[str] = mapped_column(unique=True)
    enrollment_id: Mapped[str] = mapped_column(ForeignKey("enrollments.enrollment_id"), index=True)
    device_key: Mapped[bytes] = mapped_column(index=True)
    grade: Mapped[str]
    file_sha256: Mapped[bytes]
    pixels_sha256: Mapped[bytes]
    perceptual_hash: Mapped[bytes]
    registered_at: Mapped[int]
    leaf_index: Mapped[int] = mapped_column(ForeignKey("log_leaves.leaf_index"), unique=True)
    salt: Mapped[bytes]
    entry: Mapped[bytes]


class ClaimRow(Base):
    """A decided claim. `scores`: the rounded z of each probe; `certificate`: the JSON file."""

    __tablename__ = "claims"
    claim_id: Mapped[str] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(unique=True)
    enrollment_id: Mapped[str] = mapped_column(ForeignKey("enrollments.enrollment_id"), index=True)
    registration_id: Mapped[str | None]
    verdict: Mapped[str]
    scores: Mapped[list[float]] = mapped_column(JSON)
    decided_at: Mapped[int]
    certificate: Mapped[bytes]
