"""Bring a database to the newest schema. Imported only for one with an older schema: Alembic is slow to load."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection

from boucle.core.errors import StoreError

SCRIPTS = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Return Alembic's settings for our scripts; nothing is read from a file."""
    made = Config(attributes={"connection": connection})
    made.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return made


def upgrade(connection: Connection, place: str) -> None:
    """Run the missing migrations in the transaction that is open; raises StoreError for a schema from the future."""
    try:
        command.upgrade(config(connection), "head")
    except CommandError as error:
        raise StoreError(
            f"The state in {place} was written by a newer Boucle ({error}).", hint="upgrade with: pip install -U boucle"
        ) from error
