"""Drift by itself, without a server: two tables compared, or windows of a stream watched against a reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from boucle.core.errors import ContractError
from boucle.core.json import dumps, loads
from boucle.core.profile import Counts, Profile
from boucle.core.verdict import Verdict
from boucle.formats.files import write_atomic
from boucle.measures.law import Law
from boucle.measures.profiles import profile
from boucle.monitoring.drift import EFFECT, LEVEL, LONGEST, Finding, Seen, drift_verdict, fault_verdict, findings
from boucle.monitoring.quality_monitor import QualityMonitor
from boucle.monitoring.tables import Columns, columns_of, rows_of

SCORE, QUALITY = "score", "quality"


@dataclass(frozen=True, slots=True)
class Watched(Verdict):
    """A verdict with the names it is about: columns, ``"score"`` and ``"quality"``; ``faults`` are broken data."""

    alarms: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()

    def to_html(self) -> str:
        """Return a page that needs nothing else: one line a column, the largest effects first."""
        style = "body,td,th{font:14px system-ui;text-align:left;padding:.2em .8em}tr.fail{font-weight:600}"
        title = escape(f"{self.kind} of {self.subject}: {self.status}")
        return f"<!doctype html><meta charset=utf-8><title>{title}</title><style>{style}</style>{self._repr_html_()}"

    def _repr_html_(self) -> str:
        lines = [
            f"<tr class={c.status}><td>{escape(c.name)}<td>{_mark(c.status)}<td>{_number(c.observed)}<td>"
            f"{_bar(c.observed)}<td>{escape(c.bound)}<td>{c.n if c.n is not None else ''}<td>{escape(c.note)}</tr>"
            for c in self.checks
        ]
        head = "<tr><th>column<th><th>effect<th><th>bound<th>rows<th>what</tr>"
        said = escape(f"{self.status}: {', '.join(sorted(self.alarms)) or 'nothing changed'}")
        return f"<p>{said}</p><table>{head}{''.join(lines)}</table>"


def _mark(status: str) -> str:
    return {"fail": "&#9888; drift", "pass": "&#10003;", "inconclusive": "? too few"}[status]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"


def _bar(value: float | None) -> str:
    width = 0 if value is None else round(100 * min(value, 1.0))
    return (
        f"<svg width=100 height=10 role=img aria-label=effect><rect width={width} height=10 fill=currentColor /></svg>"
    )


def drift(reference: Any, current: Any, score: tuple[Any, Any] | None = None, *, level: float = LEVEL,
          effect: float = EFFECT) -> Watched:  # fmt: skip
    """Compare two tables column by column: which have changed, by how much, and which are broken.

    ``score`` is the model's output per row of the reference and of the current table. ``level`` is the chance of a
    false alarm over all columns; ``effect`` the smallest change that counts, in about standard deviations. The rows
    of each table are taken for independent; ``DriftMonitor`` learns from their order. Raises ContractError.
    """
    old, kinds = columns_of(reference)
    if score is not None:
        old, kinds = _with_score(old, kinds, score[0])
    law = Law(profile(old, kinds))
    del old  # one table's codes at a time are enough
    new, _ = columns_of(current)
    if score is not None:
        new, _ = _with_score(new, {}, score[1])
    seen = [Seen(law.counting.count(new, rows_of(new)))]
    return _judged("current", law, seen, level, effect)


class DriftMonitor:
    """Watches windows of a stream against a reference, whose rows are in order of time.

    From the order it learns cycles of the traffic, how far rows come in bursts, and which columns only grow.
    ``score`` is the model's output per row of the reference, ``errors`` its 0/1 errors; ``window`` is the length in
    rows of the blocks the reference is profiled in, about that of the windows to come. ``times`` (Unix seconds, one a
    row) place windows that come with a time; without, windows follow the reference and one another.
    """

    def __init__(
        self, reference: Any, score: Any = None, errors: Any = None, window: int = 1000, *, times: Any = None,
        level: float = LEVEL, effect: float = EFFECT,
    ) -> None:  # fmt: skip
        columns, kinds = columns_of(reference)
        if score is not None:
            columns, kinds = _with_score(columns, kinds, score)
        ends = (0.0, 0.0) if times is None else (float(np.min(times)), float(np.max(times)))
        self.level, self.effect = level, effect
        self.law = Law(profile(columns, kinds, window, ends))
        self.quality = None if errors is None else QualityMonitor(errors, reference, window=window)
        self.number = 0
        self.seen: list[Seen] = []

    def update(self, window: Any, score: Any = None, feedback: Any = None, feedback_rows: Any = None, *,
               time: float | None = None) -> Watched:  # fmt: skip
        """Judge one more window.

        ``feedback`` are the 0/1 errors of rows whose truth has just arrived, from whichever earlier window;
        ``feedback_rows`` their inputs, so that slices are judged too. ``time`` is about when the window was.
        Raises ContractError; then nothing has changed.
        """
        columns, _ = columns_of(window)
        if score is not None:
            columns, _ = _with_score(columns, {}, score)
        return self.add(self.count(columns), feedback, feedback_rows, time=time)

    def count(self, columns: Any) -> Counts:
        """Count rows, as one of many workers does; counts add up with ``+`` and go into ``add``."""
        columns = columns if isinstance(columns, dict) else columns_of(columns)[0]
        return self.law.counting.count(columns, rows_of(columns))

    def add(self, counts: Counts, feedback: Any = None, feedback_rows: Any = None, *,
            time: float | None = None) -> Watched:  # fmt: skip
        """Judge one more window that has been counted already."""
        self.seen = [*self.seen[1 - LONGEST :], Seen(counts, self.law.phase(self.number, time))]
        self.number += 1
        quality = None
        if self.quality is not None and feedback is not None and len(feedback):
            quality = self.quality.update(feedback, feedback_rows)
        return _judged(f"window {self.number}", self.law, self.seen, self.level, self.effect, quality)

    def merge(self, other: DriftMonitor) -> None:
        """Add the rows another replica with the same reference has seen, window by window; raises ContractError."""
        if self.number != other.number or self.law.profile.columns != other.law.profile.columns:
            raise ContractError("These monitors have not seen the same windows of the same reference.")
        if self.quality is not None and other.quality is not None:
            self.quality.merge(other.quality)
        self.seen = [replace(a, counts=a.counts + b.counts) for a, b in zip(self.seen, other.seen, strict=True)]

    def save(self, path: str | Path) -> None:
        """Write everything the monitor knows to one file; no row is in it."""
        quality = None if self.quality is None else self.quality.to_data()
        kept = _Kept(self.law.profile, self.level, self.effect, self.number,
                     [s.counts for s in self.seen], [s.phase for s in self.seen], quality)  # fmt: skip
        write_atomic(Path(path), dumps(kept))

    @classmethod
    def load(cls, path: str | Path) -> DriftMonitor:
        """Read a monitor that was saved; raises ContractError where the file is none."""
        try:
            kept = loads(Path(path).read_bytes(), _Kept)
        except ValueError as error:
            raise ContractError(f"{path} is no monitor that was saved: {error}.") from error
        made = cls.__new__(cls)
        made.law, made.level, made.effect, made.number = Law(kept.profile), kept.level, kept.effect, kept.number
        made.seen = [Seen(counts, phase) for counts, phase in zip(kept.counts, kept.phases, strict=True)]
        made.quality = None if kept.quality is None else QualityMonitor.from_data(kept.quality)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class _Kept:
    profile: Profile
    level: float
    effect: float
    number: int
    counts: list[Counts]
    phases: list[float]
    quality: dict[str, Any] | None = None


def _with_score(columns: Columns, kinds: dict[str, Any], score: Any) -> tuple[Columns, dict[str, Any]]:
    values = np.asarray(score, dtype=np.float64)
    if values.shape != (rows_of(columns),):
        raise ContractError(f"The score has the shape {values.shape}, and the table {rows_of(columns)} rows.")
    if SCORE in columns:
        raise ContractError("A column is called 'score' like the model's output.", hint="rename the column")
    return {**columns, SCORE: values}, {**kinds, SCORE: "numeric"}


def _judged(
    subject: str, law: Law, seen: Sequence[Seen], level: float, effect: float, quality: Verdict | None = None
) -> Watched:
    found = findings(law, seen, level, effect)
    changed = drift_verdict(subject, law, seen, found, effect)
    broken = fault_verdict(subject, law, seen[-1].counts, found)
    alarms, faults = _named(found)
    checks = [*broken.failed, *changed.checks]
    if quality is not None:
        checks += quality.checks
        alarms |= {QUALITY} if quality.status == "fail" else set()
    whole = Verdict.of(subject, "drift", checks, **changed.inputs)
    return Watched(subject, "drift", whole.status, whole.checks, whole.inputs, frozenset(alarms), frozenset(faults))


def _named(found: Sequence[Finding]) -> tuple[set[str], set[str]]:
    sure = [f for f in found if f.sure]
    return {name for f in sure for name in (f.column, *f.others)}, {f.column for f in sure if f.fault}
