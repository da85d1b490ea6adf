"""What is watched of texts and images: derived columns, made of each call's rows before anything of them is left out.

What only the model can tell (its vectors, what it does not know) is asked of it, so far as that costs little.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from boucle.core.signature import Batch, Column, Field
from boucle.measures.derived import MEDIA, derived, told
from boucle.ports.runtime import Describing, Embedding, Predictor
from boucle.serving.columns import plain

TRIFLE = 0.001
"""Seconds that the model may take for what it tells besides with every call."""
SKIPPED, SHARE = 7, 0.1
"""Calls that are passed over after one that took longer, and the most of all time it may take."""
log = logging.getLogger("boucle.serving")


class Watching:
    """Describes the rows of one version. Not for threads: each call of a model is recorded by itself."""

    def __init__(self, fields: Sequence[Field], predictor: Predictor) -> None:
        self._fields = [field for field in fields if field.dtype in MEDIA and not field.pii]
        private = any(field.pii for field in fields)
        asked = isinstance(predictor, Embedding | Describing) and bool(self._fields) and not private
        self._predictor = predictor if asked else None
        self._skip, self._free = 0, 0.0

    def columns(self, batch: Batch) -> dict[str, list[Any]]:
        """Return the derived columns of a batch that was just predicted, as JSON values; never raises."""
        try:
            found = {**derived(self._fields, batch), **self._told(batch)}
        except Exception:  # nothing about watching may cost an answer
            log.exception("what is watched of a request could not be made")
            self._predictor = None
            return {}
        return {name: plain(column) for name, column in found.items()}

    def _told(self, batch: Batch) -> dict[str, Column]:
        """Return what the model says of the rows; nothing while it has taken too much time for that."""
        begun = time.perf_counter()
        if self._predictor is None or self._skip > 0 or begun < self._free:
            self._skip -= 1
            return {}
        found = told(self._predictor, batch)
        spent = time.perf_counter() - begun
        if spent > TRIFLE:
            self._skip, self._free = SKIPPED, begun + spent / SHARE
        return found


def watching(fields: Sequence[Field], predictor: Predictor) -> Watching | None:
    """Return what watches a version; None for a model of tables."""
    return Watching(fields, predictor) if any(field.dtype in MEDIA for field in fields) else None
