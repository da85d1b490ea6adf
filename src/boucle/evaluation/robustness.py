"""What noise, missing values, unseen categories and another order of rows or columns do to the answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from boucle.core.signature import Batch, Column, Field, missing
from boucle.core.verdict import Check, Status
from boucle.evaluation import disturbing
from boucle.evaluation.gates import FEW
from boucle.evaluation.result import Perturbation, Robustness
from boucle.evaluation.scored import Scored
from boucle.measures.intervals import SALT
from boucle.measures.metrics import METRICS, Answers, score

ROWS, FEWER, COLUMNS = 1000, 200, 30
SMALL, LARGE = 0.1, 0.5
UNSEEN = "never seen before"
_NOISE = "numbers + noise of {} sd"
_SLIGHT = (_NOISE.format(SMALL), *disturbing.SLIGHT)


def probe(scored: Scored, primary: str, limit: float, seed: int) -> Robustness:
    """Change the inputs of at most 1000 rows in each way, 30 columns of a kind at most.

    Of texts or images it is 200 rows, and as few as can be judged where each answer is written word by word: nothing
    is tried where there are fewer.
    """
    if scored.written and len(scored) < FEW:
        return Robustness((), limit, "inconclusive", f"fewer than {FEW} rows")
    part = scored.sample(FEW if scored.written else FEWER if scored.media else ROWS, seed)
    tried = tuple(
        _tried(part, name, column, batch, order, primary) for name, column, batch, order in _changes(part, seed)
    )
    status, note = _judge(tried, limit, len(part))
    inputs = part.signature.inputs
    left_out = sum(max(0, len(kind) - COLUMNS) for kind in (_optional(inputs), _texts(inputs)))
    return Robustness(tried, limit, status, note, left_out)


def check(found: Robustness) -> Check:
    """Say the robustness as a check: flips under small noise, and nothing broken anywhere."""
    small = next((p for p in found.perturbations if p.name in _SLIGHT), None)
    flips = small.flips if small and small.flips == small.flips else None
    rows = found.perturbations[0].rows if found.perturbations else 0
    return Check("robustness", found.status, flips, f"<= {found.limit:g}", n=rows, note=found.note)


def _judge(tried: tuple[Perturbation, ...], limit: float, rows: int) -> tuple[Status, str]:
    broken = [p for p in tried if p.error or p.broken]
    if broken:
        first = broken[0]
        what = first.error or f"{first.broken} answers are NaN"
        return "fail", f"{first.name}{f' of {first.column}' if first.column else ''}: {what}"
    moved = [p for p in tried if p.name in ("rows in another order", "columns in another order") and p.flips > 0]
    if moved:
        return "fail", f"{moved[0].name} change answers"
    if rows < FEW:
        return "inconclusive", f"fewer than {FEW} rows"
    small = [p for p in tried if p.name in _SLIGHT and p.flips > limit]
    if small:
        return "fail", f"{small[0].name.removeprefix('numbers + ')} changes {small[0].flips:.1%} of the answers"
    return "pass", ""


Change = tuple[str, str, Batch, NDArray[np.int64] | None]


def _changes(part: Scored, seed: int) -> Iterator[Change]:
    """Yield name, column, changed inputs, and the order of rows where that is what changed."""
    random = np.random.default_rng([seed, SALT])
    inputs = part.signature.inputs
    numeric = [f for f in inputs if f.numeric]
    if numeric:
        for size in (SMALL, LARGE):
            noisy = {f.name: _noisy(part.batch[f.name], f, size, random) for f in numeric}
            yield _NOISE.format(size), "", {**part.batch, **noisy}, None
    for field in inputs:
        for name, column in disturbing.changes_of(field, part.batch[field.name], seed):
            yield name, field.name, {**part.batch, field.name: column}, None
    for field in _optional(inputs)[:COLUMNS]:
        yield "missing", field.name, {**part.batch, field.name: _emptied(part.batch[field.name])}, None
    for field in _texts(inputs)[:COLUMNS]:
        unseen = np.full(len(part), UNSEEN, dtype=object)
        yield "unseen category", field.name, {**part.batch, field.name: unseen}, None
    yield "columns in another order", "", dict(reversed(list(part.batch.items()))), None
    order = random.permutation(len(part))
    yield "rows in another order", "", {n: c[order] for n, c in part.batch.items()}, order


def _optional(inputs: tuple[Field, ...]) -> list[Field]:
    return [f for f in inputs if f.optional]


def _texts(inputs: tuple[Field, ...]) -> list[Field]:
    return [f for f in inputs if f.dtype == "string"]


def _noisy(column: Column, field: Field, size: float, random: np.random.Generator) -> Column:
    """Add normal noise of ``size`` standard deviations; whole numbers stay whole."""
    values = column.astype(np.float64)
    known = values[np.isfinite(values)]
    spread = float(known.std()) if len(known) else 0.0
    moved = values + random.normal(0.0, 1.0, values.shape) * spread * size
    return (np.rint(moved) if field.dtype == "int64" else moved).astype(column.dtype)


def _emptied(column: Column) -> Column:
    empty = None if column.dtype.kind == "O" else np.datetime64("NaT") if column.dtype.kind == "M" else np.nan
    return np.full(column.shape, empty, dtype=column.dtype)


def _tried(
    part: Scored, name: str, column: str, batch: Batch, order: NDArray[np.int64] | None, primary: str
) -> Perturbation:
    clean = part.answers if order is None else part.answers.take(order)
    truth = part.truth if order is None else part.truth[order]
    try:
        output = part.predictor.predict(batch)
        changed = part.pair(output, truth)
    except Exception as error:  # noqa: BLE001 - any failure of the model is the finding
        return Perturbation(name, column, len(part), np.nan, np.nan, 0, f"{type(error).__name__}: {error}"[:300])
    loss = (score(primary, clean) - score(primary, changed)) * METRICS[primary].sign + 0.0  # no minus zero
    if clean.parts:
        before = part.output["prediction"] if order is None else part.output["prediction"][order]
        flips = float(np.mean([one != other for one, other in zip(before, output["prediction"], strict=True)]))
    else:
        flips = _flips(clean, changed)
    return Perturbation(name, column, len(part), flips, loss, _broken(output))


def _flips(clean: Answers, changed: Answers) -> float:
    if not len(clean):
        return np.nan
    if clean.declared:
        # Positions hold only within one pairing: labels unknown to the model are numbered as they come.
        before, after = (np.array([*a.labels, None], dtype=object)[a.prediction] for a in (clean, changed))
        return float(np.mean(before != after))
    typical = max(score("rmse", clean), 1e-9)
    return float(np.mean(np.abs(changed.prediction - clean.prediction) > typical))


def _broken(output: Batch) -> int:
    """Count the rows with a missing answer or probability."""
    bad = missing(output["prediction"])
    told = output.get("probabilities")
    if told is not None:
        bad = bad | np.isnan(np.asarray(told, dtype=np.float64)).any(axis=1)
    return int(bad.sum())
