"""Engine: where heavy work runs, away from the process that asked for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a piece of work ended: exit code, its JSON answer if it gave one, the end of its messages."""

    code: int
    answer: dict[str, Any] | None
    messages: str


class Work(Protocol):
    """Work under way."""

    def poll(self) -> Outcome | None:
        """Return the outcome once it has ended, else None; does not wait."""
        ...

    def stop(self) -> None: ...


class Engine(Protocol):
    name: str

    def start(self, arguments: Sequence[str], directory: Path, log: Path) -> Work:
        """Run a ``boucle`` command (without the leading word) with ``--json`` for the project in ``directory``."""
        ...
