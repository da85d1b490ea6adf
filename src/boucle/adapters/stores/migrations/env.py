"""Run by Alembic: migrate over the connection, and inside the transaction, that the store handed over."""

from __future__ import annotations

from alembic import context

from boucle.adapters.stores.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
