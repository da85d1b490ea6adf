"""Small named facts as JSON, one row each."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select

from boucle.adapters.stores.tables import settings
from boucle.core.json import dumps

_ONE = select(settings.c.value).where(settings.c.key == bindparam("key"))


class SqlSettings:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, key: str) -> Any:
        """Return the fact, None when there is none."""
        found = self._connection.execute(_ONE, {"key": key}).scalar()
        return None if found is None else msgspec.json.decode(found)

    def put(self, key: str, value: Any) -> None:
        """Keep the fact; None forgets it."""
        self._connection.execute(delete(settings).where(settings.c.key == key))
        if value is not None:
            self._connection.execute(insert(settings), {"key": key, "value": dumps(value).decode()})
