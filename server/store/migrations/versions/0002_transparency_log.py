"""The transparency log, empty: enrolments made before it have no leaf until they are renewed.

A leaf says when something was logged. What an earlier enrolment was at its beginning cannot be
proven afterwards, and the templates of those that ended are gone, so none is logged here.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this schema."""
    head = op.create_table(
        "log_head",
        sa.Column("head_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("head_id", name=op.f("pk_log_head")),
    )
    op.bulk_insert(head, [{"head_id": 0, "size": 0}])
    op.create_table(
        "log_leaves",
        sa.Column("leaf_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("commitment", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("leaf_index", name=op.f("pk_log_leaves")),
        sa.UniqueConstraint("leaf_hash", name=op.f("uq_log_leaves_leaf_hash")),
    )
    op.create_table(
        "log_nodes",
        sa.Column("level", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("node_index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "node_index", name=op.f("pk_log_nodes")),
    )
    op.create_table(
        "log_openings",
        sa.Column("enrollment_id", sa.String(), nullable=False),
        sa.Column("leaf_index", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["enrollment_id"],
            ["enrollments.enrollment_id"],
            name=op.f("fk_log_openings_enrollment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["leaf_index"], ["log_leaves.leaf_index"], name=op.f("fk_log_openings_leaf_index")
        ),
        sa.PrimaryKeyConstraint("enrollment_id", name=op.f("pk_log_openings")),
        sa.UniqueConstraint("leaf_index", name=op.f("uq_log_openings_leaf_index")),
    )


def downgrade() -> None:
    """Back to the one before."""
    op.drop_table("log_openings")
    op.drop_table("log_nodes")
    op.drop_table("log_leaves")
    op.drop_table("log_head")
