"""Parity: a compiled model is served only if it answers as its original does, on known rows and on strange ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from boucle import plugins
from boucle.core.errors import BoucleError, MissingExtra, RequestError
from boucle.core.signature import Batch, Rows, Signature
from boucle.ports.compiler import CannotCompile, Compiler, Program
from boucle.ports.runtime import Predictor
from boucle.training.edges import edges, length, together

ALONE, MOST_ALONE = 5, 16
"""Rows of each batch that the compiled form answers by themselves too; batches put one by one after a refusal."""
_LAST = ("skl2onnx",)
"""Compilers that are asked when no other knows a model."""


@dataclass
class Report:
    """How two forms of a model compare. ``rows`` counts those compared by kind, ``refused`` those the original refuses.

    ``worst`` is the largest difference between numbers, relative where they are above one; ``why`` says what kept the
    compiled form from being taken. ``half`` is set where the preprocessing is served as it is, ``why`` says why.
    """

    compiler: str = ""
    accepted: bool = False
    tolerance: float = 0.0
    worst: float = 0.0
    rows: dict[str, int] = dataclasses.field(default_factory=dict)
    refused: int = 0
    why: str = ""
    half: bool = False

    def plain(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return dict(vars(self))


def compiled(
    model: Any, signature: Signature, original: Predictor, sample: Batch, wrap: Callable[[Program], Predictor]
) -> tuple[Program | None, Report]:
    """Compile a model and compare; the program is None when nothing can compile it or the answers differ."""
    told: Report | None = None
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
            report.half, report.why = program.before is not None, program.why
            return program, report
        if told is None or report.rows:  # what was compared says more than what was not known
            told = report
    return None, told or Report(why="no compiler is installed")


def compare(original: Predictor, candidate: Predictor, program: Program, signature: Signature, sample: Batch) -> Report:
    """Have both answer known and strange rows."""
    report = Report(tolerance=program.tolerance)
    with np.errstate(all="ignore"), _one_thread():  # extreme values overflow on both sides
        for kind, batches in edges(signature, sample, program.borders):
            for batch, before in _answered(original, batches):
                if before is None:
                    report.refused += length(batch)
                    continue
                why = _parted(candidate, batch, before, signature, report)
                if why:
                    report.why = f"on {kind}, {why}"
                    return report
                report.rows[kind] = report.rows.get(kind, 0) + length(batch)
    report.accepted = True
    return report


def _answered(original: Predictor, batches: Sequence[Batch]) -> Iterator[tuple[Batch, Batch | None]]:
    """Yield batches with the original's answers: all at once, or some of them one by one where it refuses that."""
    whole = together(batches)
    answers = _answers(original, whole)
    if answers is not None or len(batches) == 1:
        yield whole, answers
        return
    for batch in batches[:: -(-len(batches) // MOST_ALONE)]:
        yield batch, _answers(original, batch)


def _parted(candidate: Predictor, batch: Batch, before: Batch, signature: Signature, report: Report) -> str:
    """Say how answers to the batch differ: as columns, as a matrix, and row by row for the first few."""
    ways: list[tuple[Batch, Batch]] = [(batch, before)]
    fields = signature.inputs
    if all(field.dtype in ("float64", "int64", "bool") for field in fields):
        matrix = np.column_stack([batch[field.name].astype(np.float64) for field in fields])
        ways.append((Rows(fields, matrix), before))
    ways += [(_row(batch, row), _row(before, row)) for row in range(min(length(batch), ALONE))]
    for asked, expected in ways:
        after = _answers(candidate, asked)
        why = "it refuses them" if after is None else _difference(expected, after, report)
        if why:
            return why
    return ""


def _row(batch: Batch, row: int) -> Batch:
    return {name: column[row : row + 1] for name, column in batch.items()}


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


def _answers(predictor: Predictor, batch: Batch) -> Batch | None:
    """Predict; None when the model refuses the rows."""
    try:
        return predictor.predict(batch)
    except RequestError:
        return None


@contextmanager
def _one_thread() -> Iterator[None]:
    """Keep threads that wait for each other from costing more than the few rows they share."""
    try:
        from threadpoolctl import threadpool_limits  # comes with scikit-learn, which is not always there
    except ImportError:
        yield
        return
    with threadpool_limits(limits=1):
        yield


def _compilers() -> Iterator[Compiler]:
    for name in sorted(plugins.names("compilers"), key=lambda name: (name in _LAST, name)):
        try:
            yield plugins.load("compilers", name)()
        except MissingExtra:
            continue
