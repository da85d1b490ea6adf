"""Alarm: one open matter a person may have to look at; one per cause, not one per window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

AlarmState = Literal["open", "acknowledged", "resolved"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """``cause`` is unique among a model's unresolved alarms, such as ``drift`` or ``quality``.

    ``quiet`` counts the windows in a row without the cause; times are Unix seconds.
    """

    id: int
    model: str
    cause: str
    opened: float
    reason: str
    version: int | None = None
    state: AlarmState = "open"
    quiet: int = 0
    changed: float = 0.0
    data: dict[str, Any] = field(default_factory=dict)
