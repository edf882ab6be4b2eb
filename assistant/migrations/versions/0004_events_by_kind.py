"""The newest event of each kind of a conversation is found without reading them all
(assistant.rasa.stores)."""

from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    op.create_index("ix_events_kind", "events", ["sender_id", "type_name", "action_name"])
