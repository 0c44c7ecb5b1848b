"""The tables of the shadow model: what it was asked, and where it answered otherwise."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "shadow_agreement",
        sa.Column("model", sa.String(200), primary_key=True),
        sa.Column("shadow", sa.String(200), primary_key=True),
        sa.Column("kind", sa.String(20), primary_key=True),
        sa.Column("compared", sa.BigInteger, nullable=False),
        sa.Column("agreed", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "shadow_disagreement",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("received", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model", sa.String(200), nullable=False),
        sa.Column("shadow", sa.String(200), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("sentence_start", sa.Integer, nullable=False),
        sa.Column("sentence_end", sa.Integer, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("holder", sa.Text),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("label", sa.String(20)),
        sa.Column("confidence", sa.Float),
        sa.Column("shadow_label", sa.String(20)),
        sa.Column("shadow_confidence", sa.Float),
    )


def downgrade() -> None:
    """Drop the tables, with what they hold."""
    op.drop_table("shadow_disagreement")
    op.drop_table("shadow_agreement")
