"""Fault: one thing that is wrong in the project, with the place to mend; several make one ProjectError."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from boucle.core.errors import ProjectError
from boucle.project.masking import Path

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Fault:
    """``file`` may be a variable's name as well; ``line`` and ``column`` count from 1, and 0 is unknown."""

    file: str
    line: int
    column: int
    key: str
    text: str
    hint: str = ""

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: {self.text}" if self.key else f"{self.place}: {self.text}"


def dotted(path: Path) -> str:
    """Write a path as users do: ``alerts[0]``, ``data.checks.pH.min``; keys with odd characters in quotes."""
    out = ""
    for part in path:
        if isinstance(part, int):
            out += f"[{part}]"
        else:
            out += ("." if out else "") + (part if part.replace("_", "a").replace("-", "a").isalnum() else repr(part))
    return out


def error(faults: Sequence[Fault]) -> ProjectError:
    """Make one error of all faults, first place first, ten at most; facts: file, line, column, key, faults."""
    ordered = sorted(set(faults), key=lambda fault: (fault.line == 0, fault.line, fault.column))
    first = ordered[0]
    facts: dict[str, Any] = {"file": first.file, "line": first.line, "column": first.column, "key": first.key}
    facts["faults"] = [asdict(fault) for fault in ordered]
    if len(ordered) == 1:
        return ProjectError(str(first), hint=first.hint or None, **facts)
    lines = [f"  {fault}" + (f" ({fault.hint})" if fault.hint else "") for fault in ordered[:SHOWN]]
    if len(ordered) > SHOWN:
        lines.append(f"  and {len(ordered) - SHOWN} more")
    return ProjectError("\n".join([f"The project has {len(ordered)} faults:", *lines]), **facts)
