"""What a claim template commits to; those that were made before commit to nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """To this schema."""
    column = sa.Column("commitment_sha256", sa.LargeBinary(), nullable=True)
    op.add_column("claim_templates", column)


def downgrade() -> None:
    """Back to the one before."""
    op.drop_column("claim_templates", "commitment_sha256")
