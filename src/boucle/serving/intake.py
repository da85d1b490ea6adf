"""From a body to its table, for one version: by a typed decoder where the body is plainly right, else exactly.

Protocols are modules with ``quick`` (a decoder made from the types of a signature), ``decode`` and ``encode``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

from boucle.core.signature import Batch, Signature
from boucle.serving.batcher import joined
from boucle.serving.codec import TableReader
from boucle.serving.media import MediaLimits
from boucle.serving.messages import Asked, Raw, Row
from boucle.serving.protocols import friendly, mlflow, v1, v2
from boucle.serving.typed import Read, Typed


class Intake:
    """Reads requests for one signature; made once a version."""

    def __init__(
        self, signature: Signature, max_rows: int, refuse: Sequence[str] = (), limits: MediaLimits | None = None
    ) -> None:
        self.exact = TableReader(signature, max_rows, refuse, limits)
        self._typed = typed = Typed(signature, max_rows, refuse)
        self._quick: dict[ModuleType, Callable[[Raw], Asked | None]] = {
            friendly: _lists(friendly.quick(typed)),
            mlflow: _lists(mlflow.quick(typed)),
            v1: _lists(v1.quick(typed)),
            v2: v2.quick(typed),
        }

    def read(self, protocol: ModuleType, raw: Raw) -> Asked:
        """Return the table of a request; raises RequestError naming the first thing wrong in it."""
        quick = self._quick.get(protocol)
        asked = None if quick is None or raw.csv or raw.form else quick(raw)
        if asked is None:
            asked = protocol.decode(raw, self.exact)
        assert isinstance(asked, Asked)
        return asked

    def join(self, asked: Sequence[Asked]) -> Batch:
        """Return the tables of several requests as one batch."""
        if len(asked) == 1 and asked[0].lists is not None:
            return self._typed.join(asked[0].lists)
        rows: list[Row] = []
        for one in asked:
            if one.lists is None:
                return joined([self._batch(one) for one in asked])
            rows += one.lists
        return self._typed.join(rows)

    def _batch(self, asked: Asked) -> Batch:
        if asked.batch is None:
            assert asked.lists is not None
            asked.batch = self._typed.join(asked.lists)
        return asked.batch


def _lists(read: Read) -> Callable[[Raw], Asked | None]:
    def quick(raw: Raw) -> Asked | None:
        rows = read(raw.body)
        return None if rows is None else Asked(lists=rows)

    return quick
