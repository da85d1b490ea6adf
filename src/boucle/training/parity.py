"""Parity: a compiled model is served only if it answers as its original does, on known rows and on strange ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle import plugins
from boucle.core.errors import BoucleError, MissingExtra, RequestError
from boucle.core.signature import Batch, Column, Field, Rows, Signature
from boucle.ports.compiler import CannotCompile, Compiler, Program
from boucle.ports.runtime import Predictor

KNOWN_ROWS, NUDGED_ROWS, FEW, MOST_BORDERS = 2000, 500, 10, 400
NEVER_SEEN = "\N{BLACK QUESTION MARK ORNAMENT}never seen"
_EXTREMES = ((0.0, -0.0, 5e-324, 1e-30, -1e-30), (1e30, -1e30), (3.5e38, -3.5e38, 1e300), (np.inf, -np.inf))


@dataclass
class Report:
    """How two forms of a model compare. ``rows`` counts those compared by kind, ``refused`` those the original refuses.

    ``worst`` is the largest difference between numbers, relative where they are above one; ``why`` says what kept the
    compiled form from being taken.
    """

    compiler: str = ""
    accepted: bool = False
    tolerance: float = 0.0
    worst: float = 0.0
    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    refused: int = 0
    why: str = ""

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return dict(vars(self))


def compiled(
    model: Any, signature: Signature, original: Predictor, sample: Batch, wrap: Callable[[Program], Predictor]
) -> tuple[Program | None, Report]:
    """Compile a model and compare; the program is None when nothing can compile it or the answers differ."""
    report = Report(why="no compiler is installed")
    for compiler in _compilers():
        try:
            program = compiler.compile(model, signature)
            report = compare(original, wrap(program), program, signature, sample)
        except CannotCompile as reason:
            report = Report(why=f"{reason}")
        except (BoucleError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            report = Report(why=f"the compiler {compiler.name} failed: {type(error).__name__}: {error}")
        report.compiler = compiler.name
        if report.accepted:
            return program, report
    return None, report


def compare(original: Predictor, candidate: Predictor, program: Program, signature: Signature, sample: Batch) -> Report:
    """Have both answer known and strange rows."""
    report = Report(tolerance=program.tolerance)
    with np.errstate(all="ignore"):  # extreme values overflow on both sides
        for kind, batch in _rows(signature, sample, program.borders):
            rows = len(next(iter(batch.values())))
            before, after = _answers(original, batch), _answers(candidate, batch)
            if before is None:
                report.refused += rows
                continue
            why = "it refuses them" if after is None else _difference(before, after, report)
            if why:
                report.why = f"on {kind}, {why}"
                return report
            report.rows[kind] = report.rows.get(kind, 0) + rows
    report.accepted = True
    return report


def _difference(before: Batch, after: Batch, report: Report) -> str:
    if set(before) != set(after):
        return f"it answers {sorted(after)} instead of {sorted(before)}"
    for name, one in before.items():
        other = after[name]
        if one.shape != other.shape or one.dtype != other.dtype:
            return f"{name} is {other.dtype} of shape {other.shape} instead of {one.dtype} of shape {one.shape}"
        if one.dtype.kind != "f":
            wrong = int((one != other).sum())
            if wrong:
                return f"{wrong} of {len(one)} answers differ"
            continue
        here, there = one.astype(np.float64), other.astype(np.float64)
        far = np.abs(here - there) / np.maximum(1.0, np.abs(here))
        far[(here == there) | (np.isnan(here) & np.isnan(there))] = 0.0
        worst = float(np.nan_to_num(far, nan=np.inf).max(initial=0.0))
        report.worst = max(report.worst, worst)
        if worst > report.tolerance:
            return f"{name} differs by {worst:.2g}, the tolerance is {report.tolerance:g}"
    return ""


def _rows(signature: Signature, sample: Batch, borders: NDArray[np.float64] | None) -> Iterator[tuple[str, Batch]]:
    """Yield batches by kind: known rows as columns and as one matrix, gaps, unseen levels, borders, extremes."""
    fields = signature.inputs
    rows = len(next(iter(sample.values())))
    chosen = np.unique(np.linspace(0, max(rows - 1, 0), min(rows, KNOWN_ROWS)).round().astype(np.intp))
    known = {field.name: sample[field.name][chosen] for field in fields}
    yield "known rows", known
    yield "known rows, one by one", {name: column[:1] for name, column in known.items()}
    if all(field.dtype in ("float64", "int64", "bool") for field in fields):
        yield "known rows", Rows(fields, np.column_stack([known[f.name].astype(np.float64) for f in fields]))
    few = {name: column[:FEW] for name, column in known.items()}
    for field in fields:
        if field.optional:
            yield "missing values", {**few, field.name: _full(few[field.name], _absent(field))}
        if field.dtype == "string":
            yield "unseen levels", {**few, field.name: _full(few[field.name], NEVER_SEEN)}
    yield from _nudged(fields, {name: column[:NUDGED_ROWS] for name, column in known.items()})
    yield from _at_borders(fields, few, borders)
    yield from _extreme(fields, few)


def _extreme(fields: tuple[Field, ...], few: dict[str, Column]) -> Iterator[tuple[str, Batch]]:
    """Yield one row per number and extreme value; a batch per kind, as a model may refuse one kind and not another."""
    numbers = [field.name for field in fields if field.dtype == "float64"]
    for values in _EXTREMES:
        cases = [(name, value) for name in numbers for value in values]
        batch = {name: np.repeat(column[:1], len(cases)) for name, column in few.items()}
        for row, (name, value) in enumerate(cases):
            batch[name][row] = value
        if cases:
            yield "extreme values", batch


def _nudged(fields: tuple[Field, ...], known: dict[str, Column]) -> Iterator[tuple[str, Batch]]:
    """Yield known rows moved by the smallest step of float32 and of float64, where values change sides of a border."""
    for towards in (-np.inf, np.inf):
        for narrow in (True, False):
            moved = {
                field.name: _stepped(known[field.name], towards, narrow) for field in fields if field.dtype == "float64"
            }
            if moved:
                yield "known rows, a step aside", {**known, **moved}


def _stepped(column: Column, towards: float, narrow: bool) -> Column:
    if narrow:
        return np.nextafter(column.astype(np.float32), np.float32(towards)).astype(np.float64)
    return np.nextafter(column.astype(np.float64), towards)


def _at_borders(
    fields: tuple[Field, ...], few: dict[str, Column], borders: NDArray[np.float64] | None
) -> Iterator[tuple[str, Batch]]:
    """Yield one row for each side of the borders at which trees part, and for the borders themselves."""
    if borders is None or not len(borders):
        return
    picked = borders[np.linspace(0, len(borders) - 1, min(len(borders), MOST_BORDERS)).astype(np.intp)]
    for step in (None, -np.inf, np.inf):
        rows = len(picked)
        batch = {name: np.resize(column, rows) for name, column in few.items()}
        for place, field in enumerate(fields):
            if field.dtype == "float64":
                here = picked[:, 0] == place
                values = picked[here, 1]
                column = batch[field.name].astype(np.float64)
                column[here] = values if step is None else np.nextafter(values, step)
                batch[field.name] = column
        yield "borders of trees", batch


def _answers(predictor: Predictor, batch: Batch) -> Batch | None:
    """Predict; None when the model refuses the rows."""
    try:
        return predictor.predict(batch)
    except RequestError:
        return None


def _full(column: Column, value: Any) -> Column:
    return np.full_like(column, value)


def _absent(field: Field) -> Any:
    return {"string": None, "datetime": np.datetime64("NaT")}.get(field.dtype, np.nan)


def _compilers() -> Iterator[Compiler]:
    for name in plugins.names("compilers"):
        try:
            yield plugins.load("compilers", name)()
        except MissingExtra:
            continue
