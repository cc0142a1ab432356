"""Claim templates, uploads, registrations and claims; enrolments made before have none of them."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this schema."""
    op.add_column("sessions", sa.Column("claims", sa.JSON(), nullable=True))
    op.add_column("sessions", sa.Column("upload_limit", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("grade", sa.String(), nullable=True))
    op.add_column("sessions", sa.Column("claim_token_id", sa.String(), nullable=True))
    op.add_column("exchanges", sa.Column("work", sa.JSON(), nullable=True))
    op.create_table(
        "uploads",
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("offset", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["session_id"], ["sessions.session_id"], name=op.f("fk_uploads_session_id")
        ),
        sa.PrimaryKeyConstraint("session_id", "offset", name=op.f("pk_uploads")),
    )
    op.create_table(
        "claim_templates",
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("code", sa.LargeBinary(), nullable=False),
        sa.Column("relin_key", sa.LargeBinary(), nullable=False),
        sa.Column("zero_key", sa.LargeBinary(), nullable=False),
        sa.Column("positions", sa.LargeBinary(), nullable=False),
        sa.Column("template_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("scores_told", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrollment_id"],
            ["enrollments.enrollment_id"],
            name=op.f("fk_claim_templates_enrollment_id"),
        ),
        sa.PrimaryKeyConstraint("enrollment_id", name=op.f("pk_claim_templates")),
    )
    _create_registrations()
    _create_claims()


def _create_registrations() -> None:
    counter = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "registrations",
        sa.Column("number", counter, autoincrement=True, nullable=False),
        sa.Column("registration_id", sa.String(), nullable=False),
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("device_key", sa.LargeBinary(), nullable=False),
        sa.Column("grade", sa.String(), nullable=False),
        sa.Column("file_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("pixels_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("perceptual_hash", sa.LargeBinary(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrollment_id"],
            ["enrollments.enrollment_id"],
            name=op.f("fk_registrations_enrollment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["leaf_index"], ["log_leaves.leaf_index"], name=op.f("fk_registrations_leaf_index")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_registrations")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_registrations_registration_id")),
        sa.UniqueConstraint("leaf_index", name=op.f("uq_registrations_leaf_index")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_registrations_device_key"), "registrations", ["device_key"])
    op.create_index(op.f("ix_registrations_enrollment_id"), "registrations", ["enrollment_id"])


def _create_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("claim_id", sa.String(), nullable=False),
        sa.Column("session_id", sa.String(), nullable=False),
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("registration_id", sa.String(), nullable=True),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.BigInteger(), nullable=False),
        sa.Column("certificate", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrollment_id"], ["enrollments.enrollment_id"], name=op.f("fk_claims_enrollment_id")
        ),
        sa.PrimaryKeyConstraint("claim_id", name=op.f("pk_claims")),
        sa.UniqueConstraint("session_id", name=op.f("uq_claims_session_id")),
    )
    op.create_index(op.f("ix_claims_enrollment_id"), "claims", ["enrollment_id"])


def downgrade() -> None:
    """Back to the one before."""
    for table in ("claims", "registrations", "claim_templates", "uploads"):
        op.drop_table(table)
    op.drop_column("exchanges", "work")
    for column in ("claim_token_id", "grade", "upload_limit", "claims"):
        op.drop_column("sessions", column)
