"""A message of a conversation is kept once (unique client id); one process does a scheduled task
for all; erased conversations stay erased."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    op.execute(
        "UPDATE web_turns SET client_id = NULL WHERE number NOT IN (SELECT MIN(number) FROM"
        " web_turns GROUP BY session, client_id)"
    )
    op.drop_index("ix_web_turns_client", "web_turns")
    op.create_index("ix_web_turns_client", "web_turns", ["session", "client_id"], unique=True)
    op.create_table(
        "schedule",
        sa.Column("task", sa.String(40), primary_key=True),
        sa.Column("begun", sa.Float, nullable=False),
    )
    op.create_table(
        "erased",
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )
