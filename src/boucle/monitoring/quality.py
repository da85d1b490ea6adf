"""Quality: how good the answers turned out to be, once their truth came back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.core.expected import QualityReference
from boucle.core.verdict import Check, Status, Verdict
from boucle.measures.detectors import THRESHOLD
from boucle.measures.intervals import Estimate, bootstrap, score_all
from boucle.measures.levels import Slices, part, titles_of
from boucle.measures.metrics import Floats, default_metrics, metric_of
from boucle.measures.sequences import change_point
from boucle.measures.tallies import Tally, Watch, tally, watch
from boucle.monitoring.blocks import Blocks, Count, add_late, recount
from boucle.monitoring.deciding import Deciding, deciding, deciding_losses
from boucle.monitoring.labels import Labelled

ENOUGH = 100
"""Labelled rows from which on quality can be called fine."""
_SLICE_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Quality:
    """The verdict; since when (Unix seconds of the request) the losses are higher, if it failed; what to remember."""

    verdict: Verdict
    changed: float | None = None
    blocks: Blocks = field(default_factory=Blocks)
    labels: int = 0
    """Labelled rows judged so far."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What the labels of one version are judged by.

    ``known`` are the version's metrics, ``reference`` what its bundle says of its losses. The first of ``metrics``
    decides, through the e-CUSUM of its losses; the others are reported. ``window`` is the labelled rows of a block,
    of which 2,000 pass between false alarms, on average at least.
    """

    subject: str
    known: Mapping[str, float]
    metrics: Sequence[str] | None
    tolerance: float
    window: int
    reference: QualityReference | None = None

    def judge(
        self, rows: Labelled, before: Blocks | None = None, covered: float = -math.inf, late: Labelled | None = None
    ) -> Quality:
        """Judge all labels there are from request time ``covered`` on, after what ``before`` remembers.

        ``late`` are labels of earlier requests that have come since.
        """
        names = list(self.metrics or default_metrics(rows.task))
        newest = rows.take(slice(max(0, len(rows) - self.window), None))
        found = bootstrap(names, newest.answers()) if len(newest) else {}
        by = self._deciding(names[0], rows)
        if by is None:
            first = _check(
                names[0], "inconclusive", found.get(names[0]), "", "the version has no reference value for it"
            )
            verdict = self._verdict([first, *_reported(names[1:], found)], rows, newest)
            return Quality(verdict, labels=len(rows))
        losses = deciding_losses(by.name, rows.answers()) if len(rows) else np.empty(0)
        blocks = self._count(rows, losses, by, before, covered)
        if late is not None and len(late):
            blocks = add_late(blocks, late.times, self._counter(late, deciding_losses(by.name, late.answers()), by))
        seen = blocks.watch()
        since = _since(rows, losses, seen, self.window) if seen.alarm else None
        checks = [self._first(names[0], found.get(names[0]), by, seen, blocks), *_reported(names[1:], found)]
        checks += self._slices(newest, losses[len(rows) - len(newest) :], seen, by)
        return Quality(self._verdict(checks, rows, newest, since), since, blocks, blocks.rows)

    def _deciding(self, metric: str, rows: Labelled) -> Deciding | None:
        binary = rows.classes is not None and len(rows.classes) == 2
        return deciding(metric, self.known, self.reference, self.tolerance, binary)

    def _count(self, rows: Labelled, losses: Floats, by: Deciding, before: Blocks | None, covered: float) -> Blocks:
        begun = before if before is not None and before.starts else Blocks(watch(titles_of(self._known_slices(by))))
        return recount(begun, rows.times, covered, self.window, self._counter(rows, losses, by))

    def _counter(self, rows: Labelled, losses: Floats, by: Deciding) -> Count:
        slices = self._known_slices(by)

        def count(among: NDArray[np.bool_]) -> Tally:
            columns = {name: column[among] for name, column in rows.columns.items() if name in slices}
            return tally(losses[among], by.expected, by.tolerance, rows.times[among], part(columns, slices))

        return count

    def _known_slices(self, by: Deciding) -> Slices:
        """Slices are kept for the losses that are a mean over all rows."""
        return self.reference.slices if self.reference is not None and by.name in ("zero_one", "squared") else {}

    def _first(self, metric: str, found: Estimate | None, by: Deciding, seen: Watch, blocks: Blocks) -> Check:
        kind = metric_of(metric)
        bound = _bound(metric, self.known, by)
        evidence = {
            "decides": by.name, "log_evidence": seen.evidence, "alarm_at": math.log(THRESHOLD), "labels": blocks.rows,
            "looks_between_false_alarms": THRESHOLD, "look_rows": self.window,
        }  # fmt: skip
        if seen.alarm:
            where = f", most in {seen.leading}" if seen.leading else ""
            return _check(metric, "fail", found, bound, f"e-CUSUM over {THRESHOLD:.0f}{where}", evidence)
        if blocks.rows < ENOUGH:
            return _check(metric, "inconclusive", found, bound, f"too few labels: {blocks.rows} of {ENOUGH}", evidence)
        better = None if found is None else found.high if kind.greater_is_better else found.low
        limit = _limit(metric, self.known, by)
        if better is not None and limit is not None and kind.sign * (better - limit) < 0.0:
            return _check(metric, "inconclusive", found, bound, "beyond the bound, and not surely", evidence)
        was = f"was {self.known[metric]:.4g}" if metric in self.known else ""
        return _check(metric, "pass", found, bound, was, evidence)

    def _slices(self, newest: Labelled, losses: Floats, seen: Watch, by: Deciding) -> list[Check]:
        """Report the metrics of each slice of the newest rows; those that lost something fail, if the whole has."""
        parts = part(newest.columns, self._known_slices(by))
        if not parts:
            return []
        checks, alarm, given = [], seen.alarm, newest.answers()
        first, *others = self.metrics or default_metrics(newest.task)
        for one in parts:
            for i, (name, own) in enumerate(zip(one.names, one.expected, strict=True)):
                among = np.flatnonzero(one.codes == i)
                if not len(among):
                    continue
                rows = given.take(among)
                found = bootstrap([first], rows, resamples=_SLICE_RESAMPLES)[first]
                more = {metric: value for metric, value in score_all(others, rows).items() if value == value}
                note = f"{by.name} loss {float(np.nanmean(losses[among])):.4g}, was {own.mean * own.cut:.4g}"
                status: Status = "fail" if alarm and seen.slices[name].alarm else "pass"
                checks.append(_check(name, status, found, "", note, {"metric": first, **more}))
        return checks

    def _verdict(self, checks: list[Check], rows: Labelled, newest: Labelled, since: float | None = None) -> Verdict:
        dropped = {"dropped": rows.dropped} if rows.dropped else {}
        told = {**_timed(newest), **dropped}
        return Verdict.of(self.subject, "quality", checks, changed=since, labels=len(newest), **told)


def _timed(newest: Labelled) -> dict[str, float]:
    """Say from when to when the rows were asked for, and how long their labels took: half and nine tenths of them."""
    if not len(newest):
        return {}
    half, most = np.quantile(np.maximum(newest.arrived - newest.times, 0.0), (0.5, 0.9)).tolist()
    return {"begin": float(newest.times[0]), "end": float(newest.times[-1]), "delay": half, "late": most}


def _limit(metric: str, known: Mapping[str, float], by: Deciding) -> float | None:
    """Return the worst value of the metric that still passes, None where the metric is not what decides."""
    kind = metric_of(metric)
    mean = by.expected.tolerated(by.tolerance)
    if by.name in ("precision", "recall") or (kind.name == "accuracy" and by.name == "zero_one"):
        return 1.0 - mean
    if metric not in known or not kind.exact:
        return None
    # The cut lowers the mean of the loss; the bound of the metric is told in the metric's own unit.
    rise = mean / by.expected.mean if by.expected.mean > 0 else 1.0
    return known[metric] * (math.sqrt(rise) if metric == "rmse" else rise)


def _bound(metric: str, known: Mapping[str, float], by: Deciding) -> str:
    limit = _limit(metric, known, by)
    return "" if limit is None else f"{'>=' if metric_of(metric).greater_is_better else '<='} {limit:.4g}"


def _reported(names: Sequence[str], found: Mapping[str, Estimate]) -> list[Check]:
    return [_check(name, "pass", found[name], "", "reported, not judged") for name in names if name in found]


def _check(
    name: str, status: Status, found: Estimate | None, bound: str, note: str, evidence: dict[str, Any] | None = None
) -> Check:
    told = (None, None, None) if found is None else (found.value, found.low, found.high)
    value, low, high = (v if v is not None and v == v else None for v in told)
    return Check(name, status, value, bound, low, high, 0 if found is None else found.n, note, evidence or {})


def _since(rows: Labelled, losses: Floats, seen: Watch, window: int) -> float | None:
    """Date the loss: the block at which the e-CUSUM last began anew, or the likeliest row within a block of that."""
    start = seen.since
    known = np.flatnonzero(np.isfinite(losses))
    if start is None or seen.leading or not len(known) or start < rows.times[known[0]]:
        return start
    first = int(np.searchsorted(rows.times[known], start))
    around = known[max(0, first - window) :]
    place = change_point(losses[around])
    if place is None or abs(place - min(first, window)) > window:
        return start
    return float(rows.times[around[place]])
