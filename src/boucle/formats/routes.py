"""The release state as a file: written by delivery, read by the data plane, replaced whole."""

from __future__ import annotations

from pathlib import Path

import msgspec

from boucle.core.deployment import RouteTable
from boucle.core.errors import StoreError
from boucle.core.json import dumps, loads
from boucle.formats.files import write_atomic


def write_routes(path: Path, table: RouteTable) -> None:
    """Replace the file at once; a reader sees the old table or the new one."""
    write_atomic(path, dumps(table))


def read_routes(path: Path) -> RouteTable:
    """Read the table; an absent file is an empty one. Raises StoreError when it is not a route table."""
    try:
        return loads(path.read_bytes(), RouteTable)
    except FileNotFoundError:
        return RouteTable(0, ())
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(
            f"The release state {path} cannot be read: {error}.", hint="boucle status writes it anew"
        ) from error
