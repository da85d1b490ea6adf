"""Observations by column, for what takes them by the thousand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any] | Sequence[Any]
"""One entry a row: an array (NaN or masked is missing), or JSON values (None is missing)."""


@dataclass(frozen=True, slots=True)
class ObservedRows:
    """Requests one version answered, by column. The lists have one entry a request, in the order of its rows.

    ``counts`` is how many rows stand for a request: those it had, and one for a request without any. ``rows`` is how
    many it had. Inputs and outputs have one entry a row; a row that was not answered has no outputs.
    """

    model: str
    version: int
    ids: list[str]
    times: list[float]
    latencies: list[float]
    roles: list[str]
    keys: list[str]
    errors: list[str]
    rows: NDArray[np.int64]
    inputs: Mapping[str, Values]
    outputs: Mapping[str, Values]

    @property
    def counts(self) -> NDArray[np.int64]:
        return np.maximum(self.rows, 1)
