"""The evaluation a version was admitted by, as it was stored beside its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from boucle.core.event import Event
from boucle.evaluation.result import Evaluation
from boucle.loop.project import Project
from boucle.ports.stores import Transaction

MOST = 16 * 2**20
"""Bytes of a stored evaluation that are read at most."""


def trained(tx: Transaction, model: str, version: int) -> Event | None:
    """Return the event that tells how a version came to be, None where there is none."""
    found = tx.journal.events(model, ("trained", "adopted", "optimized", "distilled"))
    return next((event for event in reversed(found) if event.version == version), None)


def stored(project: Project, event: Event | None) -> Evaluation | None:
    """Return the evaluation an event points at; None where there is none, or it was made by another version of us."""
    report = event.data.get("report") if event is not None else None
    if not report:
        return None
    path = (project.root / str(report)).with_suffix(".json")
    return _read(path) if project.root in path.resolve().parents else None


def _read(path: Path) -> Evaluation | None:
    try:
        if path.stat().st_size > MOST:
            return None
        told: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        return msgspec.convert({k: v for k, v in told.items() if k != "context"}, Evaluation, strict=False)
    except (OSError, msgspec.MsgspecError):
        return None
