"""Runs the migrations on the connection that `serving.database.migrate` hands over."""

from alembic import context

from serving.database import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
