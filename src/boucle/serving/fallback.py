"""Answers without a model: declared rules over the columns of a request, and a constant where none holds.

A rule is data, compared by a fixed set of operators; nothing in it is run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.deployment import Rule
from boucle.core.signature import Batch, Column, missing

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip
_ORDER = ("<", "<=", ">", ">=")


def answers(rules: Sequence[Rule], otherwise: Any, batch: Batch, rows: int) -> Column:
    """Return one answer a row, shape (rows,): of the first rule that holds, else ``otherwise``.

    A rule about a column that is not there, or that cannot be compared like this, holds in no row.
    """
    answered = np.empty(rows, dtype=object)
    answered[:] = [otherwise] * rows
    for rule in reversed(rules):
        if rule.column in batch:
            answered[holds(rule, batch[rule.column])] = rule.then
    kinds = {type(value) for value in (otherwise, *(rule.then for rule in rules))}
    if kinds == {bool}:
        return answered.astype(bool)
    return answered.astype(np.float64) if kinds <= {int, float} and kinds != {int} else _whole(answered, kinds)


def holds(rule: Rule, column: Column) -> NDArray[np.bool_]:
    """Say for each row whether the rule holds, shape (rows,); of a missing value only "missing" does."""
    absent = missing(column)
    if rule.op == "missing":
        return np.asarray(absent, dtype=np.bool_)
    if rule.op == "in":
        found = np.zeros(len(column), dtype=np.bool_)
        for value in rule.value:
            found |= _compared(column, "==", value)
    else:
        found = _compared(column, rule.op, rule.value)
    return found & ~absent


def _compared(column: Column, op: str, value: Any) -> NDArray[np.bool_]:
    nowhere = np.zeros(len(column), dtype=np.bool_)
    if column.dtype.kind == "M":
        try:
            value = np.datetime64(value)
        except (TypeError, ValueError):
            return nowhere
    elif column.dtype == object:
        if op in _ORDER or not isinstance(value, str):
            return nowhere
    elif isinstance(value, str):
        return nowhere
    return np.asarray(_COMPARE[op](column, value), dtype=np.bool_)


def _whole(answered: Column, kinds: set[type]) -> Column:
    return answered.astype(np.int64) if kinds == {int} else answered
