"""Encoders of levels as tables: the numbers each level of a column stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.compilers.draft import Draft
from boucle.core.signature import Column, Field
from boucle.ports.compiler import CannotCompile
from boucle.ports.frames import to_frame

NEVER_SEEN = "\N{BLACK QUESTION MARK ORNAMENT}"


def tables(steps: list[Any], places: list[int], draft: Draft) -> list[dict[str, Any]]:
    """Read off, level by level, which numbers each column's encoder gives: whatever stands before it is in that."""
    encoder = steps[-1]
    known = [list(levels) for levels in encoder.categories_]
    widths = getattr(encoder, "_n_features_outs", None) or [1] * len(known)
    if len(known) != len(places) or not all(known):
        raise CannotCompile("the encoder changes the number of columns")
    levels = [[value for value in column if value is not None and value == value] for column in known]
    if any(not column for column in levels):
        raise CannotCompile("a column had no level in training")
    blocks, start = [], 0
    for place, column in enumerate(levels):
        behind = start + int(widths[place])
        asked = [*column, _absent(draft.fields[places[place]]), _novel(draft.fields[places[place]], column)]
        rows = [_encoded(steps, places, levels, place, value, draft) for value in asked]
        table = [row[start:behind] for row in rows if row is not None]
        spots = iter(range(len(table)))
        spot = [None if row is None else next(spots) for row in rows]
        if None in spot[:-2]:
            raise CannotCompile("the encoder refuses a level it knows")
        blocks.append(
            {
                "table": draft.keep(np.array(table)),
                "column": places[place],
                "keys": [value.item() if hasattr(value, "item") else value for value in column],
                "missing": spot[-2],
                "unknown": spot[-1],
            }
        )
        start = behind
    draft.width, draft.sources = start, [-1] * start
    return blocks


def _encoded(
    steps: list[Any], places: list[int], levels: list[list[Any]], changed: int, value: Any, draft: Draft
) -> NDArray[np.float64] | None:
    """Encode one row in which one column has ``value`` and the others their first level; None when it is refused."""
    batch = {
        draft.fields[place].name: _column(draft.fields[place], value if spot == changed else levels[spot][0])
        for spot, place in enumerate(places)
    }
    rows: Any = to_frame(batch, tuple(draft.fields[place] for place in places))
    if not draft.names:
        rows = rows.to_numpy()
    try:
        for step in steps:
            rows = step.transform(rows)
    except ValueError:
        return None
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    return np.asarray(rows, dtype=np.float64)[0]


def _column(field: Field, value: Any) -> Column:
    try:
        return np.array([value], dtype=field.storage)
    except (TypeError, ValueError) as error:
        raise CannotCompile(f"{field.name} has levels that are no {field.dtype}: {error}") from None


def _absent(field: Field) -> Any:
    return None if field.dtype == "string" else np.nan if field.storage.kind == "f" else 0


def _novel(field: Field, levels: list[Any]) -> Any:
    if field.dtype == "string":
        return NEVER_SEEN
    if field.dtype == "bool":
        return next((value for value in (True, False) if value not in levels), True)
    return max(levels) + 1
