"""The tables as they were before there were migrations; a database of that time has them
already."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    tables = sa.MetaData()
    sa.Table(
        "web_sessions",
        tables,
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float, nullable=False, index=True),
    )
    sa.Table(
        "web_turns",
        tables,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("session", sa.String(64), nullable=False, index=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("client_id", sa.String(80)),
        sa.Column("visitor", sa.Text),
        sa.Column("turn", sa.Text, nullable=False),
        sa.Index("ix_web_turns_client", "session", "client_id"),
    )
    sa.Table(
        "web_choices",
        tables,
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("session", sa.String(64), nullable=False, index=True),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("meaning", sa.Text, nullable=False),
    )
    sa.Table(
        "feedback",
        tables,
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("session", sa.String(64), nullable=False, index=True),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("turn", sa.String(32), nullable=False),
        sa.Column("topic", sa.String(64)),
        sa.Column("vote", sa.String(4), nullable=False),
        sa.Column("comment", sa.Text),
    )
    sa.Table(
        "events",
        tables,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("sender_id", sa.String(255), nullable=False, index=True),
        sa.Column("type_name", sa.String(255), nullable=False),
        sa.Column("timestamp", sa.Float),
        sa.Column("intent_name", sa.String(255)),
        sa.Column("action_name", sa.String(255)),
        sa.Column("data", sa.Text),
    )
    tables.create_all(op.get_bind(), checkfirst=True)
