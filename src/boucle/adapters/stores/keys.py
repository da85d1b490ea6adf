"""API keys, one row each; revoked and expired ones stay, for people to see."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, Row, select

from boucle.adapters.stores.bulk import replace_all
from boucle.adapters.stores.tables import keys
from boucle.core.access import Key, Rate, Role


class SqlKeys:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Key]:
        """Return every key, oldest first."""
        query = select(keys).order_by(keys.c.created, keys.c.name, keys.c.digest)
        return [_key(row) for row in self._connection.execute(query)]

    def put(self, key: Key) -> None:
        """Keep a key, in place of one with the same digest."""
        row = {
            "digest": key.digest,
            "name": key.name,
            "role": key.role.value,
            "models": None if key.models is None else msgspec.json.encode(key.models).decode(),
            "rate": None if key.rate is None else str(key.rate),
            "created": key.created,
            "expires": key.expires,
            "revoked": key.revoked,
        }
        replace_all(self._connection, keys, [row])


def _key(row: Row[tuple[object, ...]]) -> Key:
    fields = row._asdict()
    fields["role"] = Role(fields["role"])
    fields["models"] = None if fields["models"] is None else tuple(msgspec.json.decode(fields["models"]))
    fields["rate"] = None if fields["rate"] is None else Rate.parse(fields["rate"])
    return Key(**fields)
