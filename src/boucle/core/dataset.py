"""Snapshot: a data set kept by its content."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A stored data set. ``fingerprint`` is the sha256 of its stored bytes, so it can be checked and brought back."""

    fingerprint: str
    rows: int
    columns: tuple[str, ...]
    source: str
    created: float
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class Violation:
    """One rule of the contract that the data breaks: how often, and what it looks like."""

    column: str
    rule: str
    count: int
    examples: tuple[Any, ...] = ()
    rows: tuple[int, ...] = field(default_factory=tuple)
