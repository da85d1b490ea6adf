"""Asking people for labels: which rows to look at first, as a sheet to fill in and give back."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boucle.core.deployment import Target
from boucle.core.errors import Conflict, RequestError
from boucle.core.event import Event
from boucle.core.json import from_data, to_data
from boucle.core.observation import Observation
from boucle.formats.bundle import read_info
from boucle.formats.sheet import cell
from boucle.loop.project import Project
from boucle.monitoring.asking import NEWEST, Asked, ask
from boucle.monitoring.newest import newest

ASKED = "labels_asked"
USUAL, MOST = 200, 5000


@dataclass(frozen=True, slots=True)
class Sheet:
    """The rows that were chosen, and the entry of the history that says so. ``text`` is CSV: what is known of each row,
    and an empty column ``truth``; filled in, it goes back with ``boucle feedback FILE``."""

    model: str
    rows: tuple[Asked, ...]
    event: int
    text: str


def ask_for_labels(project: Project, model: str, count: int = USUAL) -> Sheet:
    """Choose ``count`` of the newest unlabelled rows, the doubtful ones rather, and note who asked.

    Raises RequestError for a count that is none, Conflict when nothing answers or every row has its label.
    """
    if not 1 <= count <= MOST:
        raise RequestError(f"{count} rows cannot be asked for.", hint=f"between 1 and {MOST:,}", field="count")
    with project.state.begin() as tx:
        champion = tx.deployments.get(model).champion
        kept = tx.settings.get(f"target:{model}/{champion}") if champion is not None else None
        if champion is None or kept is None:
            raise Conflict(f"No version of {model} answers.", hint=f"boucle promote {model}/VERSION")
        target: Target = from_data(kept, Target)
        rows = ask(tx, model, champion, read_info(Path(target.bundle)).signature, count, seed=tx.journal.head())
        if not rows:
            raise Conflict(f"{model} has no row without a label.", hint="ask again when requests have come in")
        seen = {one.id: one for one in newest(tx, model, champion, NEWEST)}
        data = {"rows": to_data(rows), "count": len(rows)}
        reason = f"{len(rows)} rows are chosen to be labelled first"
        noted = tx.journal.append(Event(ASKED, project.clock.now(), reason, model, champion, project.actor, data))
    return Sheet(model, tuple(rows), noted.seq, _written(rows, seen))


def _written(rows: Sequence[Asked], seen: Mapping[str, Observation]) -> str:
    """Write the sheet."""
    columns = list(dict.fromkeys(name for one in rows if one.id in seen for name in seen[one.id].inputs))
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(["id", "row", *columns, "prediction", "truth"])
    for one in rows:
        found = seen.get(one.id)
        inputs = found.inputs if found is not None else {}
        values = [cell(inputs[name][one.row]) if name in inputs else "" for name in columns]
        table.writerow([one.id, one.row, *values, cell(_answer(found, one.row)), ""])
    return out.getvalue()


def _answer(found: Observation | None, row: int) -> Any:
    told = next(iter(found.outputs.values()), []) if found is not None else []
    return told[row] if row < len(told) else None
