"""Observations, what comes back about them later, and the windows they are judged in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal

REFUSED = "bad_request"
"""Code of a request that was wrong itself: no failure of the service."""
Role = Literal["champion", "challenger", "shadow", "fallback", "pinned"]


@dataclass(frozen=True, slots=True)
class Observation:
    """One served request. ``inputs`` holds one list per column, ``outputs`` one list per output, ``rows`` values each.

    ``version`` 0 is the declared fallback. ``latency`` is in seconds, ``time`` is Unix time in seconds; ``error`` is
    the stable code of the failure, empty when it was answered. ``key`` is the routing key.
    """

    id: str
    time: float
    model: str
    version: int
    role: Role
    rows: int
    inputs: dict[str, list[Any]]
    outputs: dict[str, list[Any]]
    latency: float = 0.0
    error: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What turned out to be right, later: the truth per row of an observation, or a business event with a value."""

    id: str
    time: float
    truth: list[Any] | None = None
    event: str = ""
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Joined:
    """Labelled rows: what a version answered and what was right, in the order the requests came in.

    All lists have one entry per row; ``inputs`` one list per column. ``times`` are request times, ``arrived`` the
    times the truth came, ``positions`` the row's place inside its request.
    """

    ids: list[str] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    arrived: list[float] = field(default_factory=list)
    predictions: list[Any] = field(default_factory=list)
    probabilities: list[Any] = field(default_factory=list)
    truths: list[Any] = field(default_factory=list)
    inputs: dict[str, list[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: Sequence[int]) -> Joined:
        """Return these rows, by their places."""
        lists = {f.name: [getattr(self, f.name)[i] for i in rows] for f in fields(self) if f.name != "inputs"}
        return Joined(**lists, inputs={name: [column[i] for i in rows] for name, column in self.inputs.items()})


@dataclass(frozen=True, slots=True)
class Served:
    """How many requests a version answered in one role, with their rows, failures and slow answers."""

    version: int
    role: str
    requests: int
    rows: int
    failed: int
    slow: int


@dataclass(frozen=True, slots=True)
class Window:
    """A run of observations judged together; ``number`` counts from 1 for each model version."""

    model: str
    version: int
    number: int
    start: float
    end: float
    rows: int
