"""Two versions: which is better, on what, and how sure?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from boucle.core.errors import BoucleError, NotFound
from boucle.core.event import Event
from boucle.core.signature import Signature
from boucle.evaluation.result import Comparison, Evaluation
from boucle.formats.bundle import read_info
from boucle.loop.project import Project
from boucle.loop.telling.said import Said, said
from boucle.measures.intervals import Estimate
from boucle.measures.metrics import METRICS
from boucle.ports.stores import Transaction
from boucle.views.contract import Change, bundle_of, changes
from boucle.views.evaluations import stored, trained
from boucle.views.newest import Figure
from boucle.views.story import known

SLICES = 50


@dataclass(frozen=True, slots=True)
class Side:
    """One version: when it was made (Unix seconds), from how many rows, and what it costs."""

    version: int
    made: float | None
    rows: int | None
    fingerprint: str
    chosen: str
    reason: str
    bytes: int | None
    p99_ms: float | None
    passed: str
    tested: int | None


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric, of all rows or of a slice. ``difference`` above 0 says that the left one is better.

    It is paired where both answered the same rows, and None where they did not: then each side has its own interval.
    """

    name: str
    slice: str
    greater: bool | None
    left: Figure | None
    right: Figure | None
    difference: Figure | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact that is not the same on both sides."""

    name: str
    left: str
    right: str


@dataclass(frozen=True, slots=True)
class CompareView:
    """``paired`` says that both answered the same ``rows``; ``margin`` is how much worse passes, on ``primary``."""

    model: str
    left: Side
    right: Side
    heading: Said
    lead: tuple[Said, ...]
    paired: bool
    rows: int | None
    primary: str
    margin: float | None
    needed: int | None
    metrics: tuple[Compared, ...]
    slices: tuple[Compared, ...]
    contract: tuple[Change, ...]
    differences: tuple[Difference, ...]
    champion: int | None
    challenger: int | None
    promote: str


@dataclass(frozen=True, slots=True)
class _Half:
    version: int
    event: Event | None
    evaluation: Evaluation | None
    signature: Signature | None
    side: Side


def compare(project: Project, model: str, left: int, right: int) -> CompareView:
    """Return how version ``left`` compares with ``right``, from what was stored when each was evaluated."""
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        one, other = _half(project, tx, model, left), _half(project, tx, model, right)
        held = tx.deployments.get(model)
    found, sign = _paired(model, one, other)
    primary = found.primary if found is not None else _primary(one, other)
    metrics = _metrics(one, other, found, sign)
    heading = _headed(model, one, other, metrics, primary)
    return CompareView(
        model=model,
        left=one.side,
        right=other.side,
        heading=heading,
        lead=(said("compare.paired", n=_rows(found)) if found is not None else said("compare.unpaired"),),
        paired=found is not None,
        rows=_rows(found) if found is not None else None,
        primary=primary,
        margin=found.margin if found is not None else None,
        needed=found.rows_needed if found is not None else None,
        metrics=metrics,
        slices=_slices(one, other),
        contract=changes(other.signature, one.signature),
        differences=_differences(one.side, other.side),
        champion=held.champion,
        challenger=held.challenger,
        promote=f"boucle promote {model}/{left}" if left != held.champion else "",
    )


def _half(project: Project, tx: Transaction, model: str, version: int) -> _Half:
    event = trained(tx, model, version)
    if event is None and tx.settings.get(f"target:{model}/{version}") is None:
        ref = f"{model}/{version}"
        raise NotFound(f"There is no version {ref}.", hint=f"boucle show {model} lists them", version=ref)
    evaluation = stored(project, event)
    try:
        signature = read_info(bundle_of(tx, project, model, version)).signature
    except (BoucleError, OSError, msgspec.MsgspecError):
        signature = None
    return _Half(version, event, evaluation, signature, _side(version, event, evaluation))


def _side(version: int, event: Event | None, evaluation: Evaluation | None) -> Side:
    data: dict[str, Any] = event.data if event is not None else {}
    return Side(
        version=version,
        made=event.time if event is not None else None,
        rows=data.get("rows"),
        fingerprint=str(data.get("fingerprint", ""))[:12],
        chosen=str(data.get("chosen", "")),
        reason=event.reason if event is not None else "",
        bytes=evaluation.size_bytes or None if evaluation is not None else None,
        p99_ms=evaluation.latency_ms.get("p99") if evaluation is not None else None,
        passed=str((data.get("verdict") or {}).get("status", "inconclusive")),
        tested=evaluation.rows if evaluation is not None else None,
    )


def _paired(model: str, one: _Half, other: _Half) -> tuple[Comparison | None, float]:
    """Return the stored comparison of the two, and +1, or -1 where it was made the other way round."""
    for half, against, sign in ((one, other, 1.0), (other, one, -1.0)):
        found = half.evaluation.comparison if half.evaluation is not None else None
        if found is not None and found.reference == f"{model}/{against.version}":
            return found, sign
    return None, 1.0


def _primary(one: _Half, other: _Half) -> str:
    return next((h.evaluation.primary for h in (one, other) if h.evaluation is not None), "")


def _rows(found: Comparison | None) -> int:
    return max((e.n for e in found.differences.values()), default=0) if found is not None else 0


def _metrics(one: _Half, other: _Half, found: Comparison | None, sign: float) -> tuple[Compared, ...]:
    own, theirs = ((h.evaluation.metrics if h.evaluation is not None else {}) for h in (one, other))
    names = list(dict.fromkeys([*own, *theirs]))
    rows = []
    for name in names:
        left, right = _figure(name, own.get(name)), _figure(name, theirs.get(name))
        greater = METRICS[name].greater_is_better if name in METRICS else None
        if found is None or name not in found.differences:
            rows.append(Compared(name, "", greater, left, right, None, "inconclusive"))
            continue
        mine, other_side = (found.challenger, found.champion) if sign > 0 else (found.champion, found.challenger)
        difference = _turned(found.differences[name], sign)
        left, right = _on_same(name, left, mine.get(name)), _on_same(name, right, other_side.get(name))
        told = _figure(name, difference)
        rows.append(Compared(name, "", greater, left, right, told, _verdict(difference)))
    return tuple(rows)


def _on_same(name: str, figure: Figure | None, value: float | None) -> Figure | None:
    """Return a side's value on the shared rows: its interval is of its own rows, and does not belong to it there."""
    if value is None or (figure is not None and figure.value == value):
        return figure
    return Figure(name, value, None, None, None)


def _turned(one: Estimate, sign: float) -> Estimate:
    return one if sign > 0 else Estimate(-one.value, -one.high, -one.low, one.n)


def _verdict(difference: Estimate) -> str:
    return "pass" if difference.low > 0 else "fail" if difference.high < 0 else "inconclusive"


def _slices(one: _Half, other: _Half) -> tuple[Compared, ...]:
    own, theirs = (
        {(s.column, s.level): s.estimate for s in h.evaluation.slices} if h.evaluation is not None else {}
        for h in (one, other)
    )
    name = _primary(one, other)
    greater = METRICS[name].greater_is_better if name in METRICS else None
    rows = [
        Compared(name, f"{key[0]} = {key[1]}", greater, _figure(name, own.get(key)), _figure(name, theirs.get(key)),
                 None, "inconclusive")
        for key in dict.fromkeys([*own, *theirs])
    ]  # fmt: skip
    return tuple(rows[:SLICES])


def _figure(name: str, one: Estimate | None) -> Figure | None:
    if one is None or one.value != one.value:
        return None
    low, high = (v if v == v else None for v in (one.low, one.high))
    return Figure(name, one.value, low, high, one.n)


def _differences(left: Side, right: Side) -> tuple[Difference, ...]:
    names = ("chosen", "rows", "fingerprint", "bytes", "p99_ms", "tested")
    found = []
    for name in names:
        first, second = getattr(left, name), getattr(right, name)
        if first != second:
            found.append(Difference(name, _told(first), _told(second)))
    return tuple(found)


def _told(value: object) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _headed(model: str, one: _Half, other: _Half, metrics: tuple[Compared, ...], primary: str) -> Said:
    refs = {"left": f"{model}/{one.version}", "right": f"{model}/{other.version}"}
    if one.signature is not None and other.signature is not None and one.signature.task != other.signature.task:
        return said("compare.other", **refs)
    if one.evaluation is None and other.evaluation is None:
        return said("compare.none")
    first = next((row for row in metrics if row.name == primary and row.difference is not None), None)
    if first is None or first.verdict == "inconclusive":
        return said("compare.open")
    return said("compare.better" if first.verdict == "pass" else "compare.worse", metric=primary, **refs)
