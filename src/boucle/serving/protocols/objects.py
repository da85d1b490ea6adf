"""Python objects instead of a body: what an embedded model is asked with."""

from __future__ import annotations

from boucle.serving.codec import TableReader
from boucle.serving.messages import Asked, Raw
from boucle.serving.protocols.friendly import table


def decode(raw: Raw, reader: TableReader) -> Asked:
    return Asked(table(raw.table, reader))
