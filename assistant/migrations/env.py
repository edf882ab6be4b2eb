"""Alembic's entry: migrates over the connection that assistant.database.migrate holds."""

from alembic import context

from assistant import database

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=database.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
