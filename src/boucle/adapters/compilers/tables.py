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
        field, behind = draft.fields[places[place]], start + int(widths[place])
        encoded = [
            _encoded(steps, places, levels, place, asked, draft)
            for asked in (column, [_absent(field)], [_novel(field, column)])
        ]
        if encoded[0] is None:
            raise CannotCompile("the encoder refuses a level it knows")
        table = np.concatenate([rows for rows in encoded if rows is not None])[:, start:behind]
        missing = None if encoded[1] is None else len(column)
        blocks.append(
            {
                "table": draft.keep(table),
                "column": places[place],
                "keys": [value.item() if hasattr(value, "item") else value for value in column],
                "missing": missing,
                "unknown": None if encoded[2] is None else len(table) - 1,
            }
        )
        start = behind
    draft.width, draft.sources = start, [-1] * start
    return blocks


def _encoded(
    steps: list[Any], places: list[int], levels: list[list[Any]], changed: int, values: list[Any], draft: Draft
) -> NDArray[np.float64] | None:
    """Encode a row per value of one column, the others at their first level; None when one is refused."""
    batch = {
        draft.fields[place].name: _column(
            draft.fields[place], values if spot == changed else [levels[spot][0]] * len(values)
        )
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
    return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, dtype=np.float64)


def _column(field: Field, values: list[Any]) -> Column:
    try:
        return np.array(values, dtype=field.storage)
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
