"""Requests to the clinic and their outbox; a database made before there were migrations may have
them already."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    tables = sa.MetaData()
    sa.Table(
        "contact_requests",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("session", sa.String(64), nullable=False, index=True),
        sa.Column("status", sa.String(8), nullable=False, index=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
        sa.Column("name", sa.Text),
        sa.Column("phone", sa.Text),
        sa.Column("email", sa.Text),
        sa.Column("best_time", sa.Text),
        sa.Column("question", sa.Text),
        sa.Column("topics", sa.Text),
    )
    sa.Table(
        "contact_outbox",
        tables,
        sa.Column("id", sa.String(40), primary_key=True),
        sa.Column("request", sa.String(32), nullable=False, index=True),
        sa.Column("session", sa.String(64), nullable=False, index=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, default=0),
        sa.Column("next_try", sa.Float, nullable=False, index=True),
        sa.Column("claimed_by", sa.String(40)),
        sa.Column("claimed_until", sa.Float),
        sa.Column("sent", sa.Float),
        sa.Column("problem", sa.Text),
    )
    tables.create_all(op.get_bind(), checkfirst=True)
