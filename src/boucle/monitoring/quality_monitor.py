"""Watch a model's errors in a notebook: no server, no project, no pandas."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.errors import ContractError
from boucle.core.expected import Expected
from boucle.core.json import dumps, from_data, loads, to_data
from boucle.core.verdict import Check, Status, Verdict
from boucle.formats.files import write_atomic
from boucle.measures.detectors import THRESHOLD
from boucle.measures.expected import Floats, expect, phase_of
from boucle.measures.intervals import Estimate, normal, share
from boucle.measures.levels import part, slices_of, titles_of
from boucle.measures.tallies import Tally, Watch, tally, watch

ENOUGH = 100
"""Labelled rows before which nothing is called fine."""
MEMORY = 4096
"""Blocks that are kept; a loss that began before them would have been found."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """All there is to a monitor."""

    expected: Expected
    slices: dict[str, dict[str, Expected]]
    window: int
    tolerance: float
    timed: bool
    blocks: dict[int, Tally] = field(default_factory=dict)
    next: int = 0

    @property
    def length(self) -> float:
        """How long a block is, in the unit of times: seconds, or windows."""
        return self.expected.span if self.timed else 1.0

    def time(self, number: float) -> float:
        """Return the time at which a block begins; with half a block added, its middle."""
        return self.expected.origin + number * self.length


@dataclass(frozen=True, slots=True)
class QualityVerdict(Verdict):
    """A verdict about errors, with what to do something about."""

    @property
    def alarms(self) -> frozenset[str]:
        """``{"quality"}`` when quality has been lost, else nothing."""
        return frozenset({"quality"} if self.status == "fail" else ())

    @property
    def changed(self) -> float | None:
        """The estimated beginning of the loss: a time if the monitor has times, else a window's number."""
        found: float | None = self.inputs.get("changed")
        return found


_Done = tuple[float, Watch | None]
_START: _Done = (-math.inf, None)
Marks = NDArray[np.bool_]


class QualityMonitor:
    """Tell when a model errs more than in its reference, at most once by mistake in 2,000 looks on average.

    ``reference_errors`` has one entry a row, in order of time: 0 or 1, or a loss that is not negative (a squared or
    an absolute error, say); ``reference_rows`` are those rows' inputs, whose levels are then watched as well.
    ``window`` is the rows of a look, ``tolerance`` how much more than the reference is no loss: a share of the rows,
    or of a loss that is not 0 or 1, a share of its mean. With ``times`` (Unix seconds, one a row) daily and weekly
    cycles are those of the clock. Raises ContractError when the reference has no usable row.

    >>> monitor = QualityMonitor([0, 0, 0, 1] * 500, window=500)
    >>> monitor.update([0, 0, 0, 1] * 125).status
    'pass'
    >>> monitor.update([0, 1, 0, 1] * 125).status
    'fail'
    """

    def __init__(
        self,
        reference_errors: Any,
        reference_rows: Any = None,
        *,
        window: int = 1000,
        tolerance: float = 0.01,
        times: Any = None,
    ) -> None:
        losses = _losses(reference_errors)
        if not np.isfinite(losses).any():
            raise ContractError("The reference has no usable error.", hint="give one number a row: 0 or 1, or a loss")
        if window < 1 or not 0.0 <= tolerance < 1.0:
            raise ContractError(f"A window of {window} rows with tolerance {tolerance} cannot be watched.",
                            hint="window is at least 1, tolerance within [0, 1)")  # fmt: skip
        expected = expect(losses, window, _times(times, len(losses)))
        phase = phase_of(len(losses), window, _times(times, len(losses)), expected)
        slices = slices_of(_columns(reference_rows, len(losses)), losses, expected, phase)
        self._kept = _Kept(expected, slices, window, float(tolerance), times is not None)
        self._done: _Done = _START

    def update(self, errors: Any, rows: Any = None, *, times: Any = None) -> QualityVerdict:
        """Take the errors of rows whose truth has just come, from whichever window, and judge all so far.

        ``rows`` are their inputs, ``times`` the times of their requests if the reference had some: late labels are
        then counted where they belong. Without times an update is the next window (several, if it has that many
        rows). ``verdict.changed`` is the estimated beginning of a loss.
        """
        losses = _losses(errors)
        when = _times(times, len(losses))
        if self._kept.timed and when is None and len(losses):
            raise ContractError("The reference has times, these errors have none.", hint="give times=, one a row")
        columns = _columns(rows, len(losses), self._kept.slices)
        numbers = self._numbers(losses, when if self._kept.timed else None)
        for number in np.unique(numbers).tolist():
            self._add(int(number), numbers == number, losses, columns)
        return self._verdict(losses)

    def _numbers(self, losses: Floats, times: Floats | None) -> Floats:
        """Return the block of each row."""
        kept = self._kept
        if times is not None:
            return np.floor((times - kept.expected.origin) / kept.length)
        if not len(losses):
            return np.empty(0)
        many = max(1, round(len(losses) / kept.window))
        first = kept.next
        self._kept = replace(kept, next=first + many)
        numbers: Floats = first + np.floor(np.arange(len(losses)) * (many / len(losses)))
        return numbers

    def _add(self, number: int, among: Marks, losses: Floats, columns: Mapping[str, Any]) -> None:
        kept = self._kept
        middle = np.full(int(among.sum()), kept.time(number + 0.5))
        parts = [replace(one, codes=one.codes[among]) for one in part(columns, kept.slices)]
        new = tally(losses[among], kept.expected, kept.tolerance, middle, parts)
        if self._done[0] >= number:
            self._done = _START
        kept.blocks[number] = kept.blocks[number].added(new) if number in kept.blocks else new
        if len(kept.blocks) > MEMORY:
            del kept.blocks[min(kept.blocks)]

    def watched(self) -> Watch:
        """Return the e-CUSUMs after all blocks; all but the newest block are gone through once."""
        last, found = self._done
        begun = found or watch(titles_of(self._kept.slices))
        numbers = sorted(number for number in self._kept.blocks if number > last)
        for number in numbers[:-1]:
            begun = begun.after(float(number), self._kept.blocks[number])
            self._done = number, begun
        return begun.after(float(numbers[-1]), self._kept.blocks[numbers[-1]]) if numbers else begun

    def _verdict(self, losses: Floats) -> QualityVerdict:
        kept, found = self._kept, self.watched()
        told = sum(one.rows for one in kept.blocks.values())
        new = losses[np.isfinite(losses)]
        mean = share(float(new.sum()), len(new)) if kept.expected.errors else normal(new)
        bound = f"<= {kept.expected.tolerated(kept.tolerance) * kept.expected.cut:.4g}"
        alarm = found.alarm
        status: Status = "fail" if alarm else "pass" if told >= ENOUGH and len(new) else "inconclusive"
        since = found.since if alarm else None
        changed = None if since is None else kept.time(since)
        note = _note(status, found, told)
        evidence = {"log_evidence": found.evidence, "alarm_at": math.log(THRESHOLD), "looks": len(kept.blocks)}
        checks = [_check("quality", status, mean, bound, note, evidence)]
        checks += [
            Check(name, "fail", note="errs more than in the reference", evidence={"log_evidence": one.evidence})
            for name, one in found.slices.items()
            if alarm and one.alarm
        ]
        facts = {"labels": len(new), "dropped": int(len(losses) - len(new)), "changed": changed}
        plain = Verdict.of("quality", "quality", checks, **facts)
        return QualityVerdict(plain.subject, plain.kind, plain.status, plain.checks, plain.inputs)

    def save(self, path: str | Path) -> None:
        """Write all the monitor knows as JSON, whole or not at all; no row is in it."""
        write_atomic(Path(path), dumps(self.to_data()))

    @classmethod
    def load(cls, path: str | Path) -> QualityMonitor:
        """Read a monitor that was saved; raises ContractError where the file is none."""
        try:
            return cls._of(loads(Path(path).read_bytes(), _Kept))
        except ValueError as error:
            raise ContractError(f"{path} is no monitor that was saved: {error}.") from error

    def to_data(self) -> dict[str, Any]:
        """Return all the monitor knows as plain data."""
        data: dict[str, Any] = to_data(self._kept)
        return data

    @classmethod
    def from_data(cls, data: dict[str, Any]) -> QualityMonitor:
        """Build a monitor from its data; raises ValueError naming the wrong place."""
        return cls._of(from_data(data, _Kept))

    def merge(self, other: QualityMonitor) -> None:
        """Add what another replica with the same reference has seen, block by block; raises ContractError."""
        mine, theirs = self._kept, other._kept
        if _bare(mine) != _bare(theirs):
            raise ContractError("These monitors have different references.", hint="merge copies of one monitor")
        for number, one in theirs.blocks.items():
            mine.blocks[number] = mine.blocks[number].added(one) if number in mine.blocks else one
        self._kept = replace(mine, next=max(mine.next, theirs.next))
        self._done = _START

    @classmethod
    def _of(cls, kept: _Kept) -> QualityMonitor:
        made = cls.__new__(cls)
        made._kept, made._done = kept, _START
        return made


def _bare(kept: _Kept) -> _Kept:
    return replace(kept, blocks={}, next=0)


def _note(status: Status, found: Watch, told: int) -> str:
    if status == "fail":
        return f"e-CUSUM over {THRESHOLD:.0f}" + (f", most in {found.leading}" if found.leading else "")
    if told < ENOUGH:
        return f"too few labels: {told} of {ENOUGH}"
    return "" if status == "pass" else "no labels"


def _check(name: str, status: Status, mean: Estimate, bound: str, note: str, evidence: dict[str, Any]) -> Check:
    value, low, high = (v if v == v else None for v in (mean.value, mean.low, mean.high))
    return Check(name, status, value, bound, low, high, mean.n, note, evidence)


def _losses(errors: Any) -> Floats:
    """Return errors as numbers; None and infinite ones are NaN, and so are left out."""
    try:
        values = np.asarray(errors).ravel().astype(np.float64)
    except (TypeError, ValueError) as error:
        raise ContractError(f"Errors are numbers: {error}.", hint="give one a row: 0 or 1, or a loss") from error
    if (values < 0.0).any():
        raise ContractError("An error is negative.", hint="give 0 or 1, or a loss such as the squared difference")
    return np.where(np.isfinite(values), values, np.nan)


def _times(times: Any, rows: int) -> Floats | None:
    """Return Unix seconds, one a row."""
    if times is None:
        return None
    given = np.asarray(times)
    found = (
        given.astype("datetime64[us]").astype(np.int64) / 1e6 if given.dtype.kind == "M" else given.astype(np.float64)
    )
    if found.shape != (rows,) or not np.isfinite(found).all():
        raise ContractError(
            f"There are {rows} errors and {found.shape} times, or some are missing.", hint="one time a row"
        )
    return np.asarray(found, dtype=np.float64)


def _columns(rows: Any, many: int, wanted: Collection[str] | None = None) -> Mapping[str, Any]:
    """Return a table's columns, each of ``many`` rows; only those ``wanted``, where that is given."""
    if rows is None:
        return {}
    from boucle.monitoring.tables import columns_of, rows_of  # needs pandas, which errors alone do not

    columns, _ = columns_of(rows, wanted)
    if wanted is not None and not columns:
        return {}
    if rows_of(columns) != many:
        raise ContractError(f"There are {many} errors and {rows_of(columns)} rows.", hint="give one error a row")
    return columns
