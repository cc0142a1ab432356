"""Camera keys of enrolments by the fuzzy extractor; those made before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this schema."""
    op.create_table(
        "camera_keys",
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("helper_data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrollment_id"],
            ["enrollments.enrollment_id"],
            name=op.f("fk_camera_keys_enrollment_id"),
        ),
        sa.PrimaryKeyConstraint("enrollment_id", name=op.f("pk_camera_keys")),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("camera_keys")
