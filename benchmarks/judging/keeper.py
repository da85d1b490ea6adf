"""The keeper and merge parts: what an observation costs, and windows counted by many replicas."""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

from benchmarks.judging.figures import Figures, rows
from benchmarks.judging.streams import BY_NAME, Stream, Window

SIZES = {"keeper_1e3": 1_000, "keeper_1e4": 10_000}
REPLICAS = 1_000
SHARE = 100  # rows of one window that one replica saw


def part(figures: Figures, chosen: argparse.Namespace) -> tuple[str, Any]:
    """Measure ``DriftMonitor.update`` for each row of a window: counting, judging over all horizons, labels."""
    cells, data = [], []
    for key, size in SIZES.items():
        stream = Stream(BY_NAME["none"], chosen.seeds[0], size)
        monitor = _monitor(stream.reference, size)
        spent, counting = [], []
        for number, window in enumerate(stream.windows()):
            if number >= (20 if chosen.quick else 40):
                break
            began = time.process_time()
            monitor.count(window.frame)
            counting.append(1e6 * (time.process_time() - began) / len(window.frame))
            began = time.process_time()
            monitor.update(window.frame, score=window.score, feedback=window.errors, feedback_rows=window.frame)
            spent.append(1e6 * (time.process_time() - began) / len(window.frame))
        later = spent[len(spent) // 2 :]  # all horizons are full by then
        found = {"key": key, "us": statistics.median(later), "counting_us": statistics.median(counting)}
        figures.put(key, statistics.median(later),
                    f"of it counting {statistics.median(counting):.2f} µs; score and labels included")  # fmt: skip
        cells.append([f"{size:,}", f"{found['us']:.2f}", f"{found['counting_us']:.2f}"])
        data.append(found)
    return "**DriftMonitor.update, per row**\n\n" + rows(["rows", "CPU µs", "of it counting µs"], cells), data


def merge(figures: Figures, chosen: argparse.Namespace) -> tuple[str, Any]:
    """Add up one window of many replicas, and compare with one who saw all the rows.

    The same alarms, statuses and numbers count as equal; the sums of products behind the pairs may differ in rounding.
    """
    size = REPLICAS * SHARE
    stream = Stream(BY_NAME["shift 0.2"], chosen.seeds[0], size)
    reference = Stream(BY_NAME["shift 0.2"], chosen.seeds[0], 10_000).reference
    window = next(one for one in stream.windows() if one.state == "drifting")
    one_sees_all, adds_up = _monitor(reference, 10_000, labels=False), _monitor(reference, 10_000, labels=False)
    frame = window.frame.assign(score=window.score)
    counts = [adds_up.count(frame[i : i + SHARE]) for i in range(0, size, SHARE)]
    began = time.process_time()
    whole = counts[0]
    for one in counts[1:]:
        whole = whole + one
    spent = 1000 * (time.process_time() - began)
    union, merged = one_sees_all.update(window.frame, score=window.score), adds_up.add(whole)
    equal = union.alarms == merged.alarms and _numbers(union) == _numbers(merged)
    figures.put("merge_ms", spent, f"{REPLICAS:,} counts of {SHARE} rows, 20 columns and a score")
    figures.put("merge_equal", float(equal), f"alarms {sorted(merged.alarms)}")
    return "", {"ms": spent, "equal": equal, "alarms": sorted(merged.alarms), "union": sorted(union.alarms)}


def _numbers(verdict: Any) -> list[tuple[str, str, int | None, float]]:
    return [(one.name, one.status, one.n, round(one.observed or 0.0, 9)) for one in verdict.checks]


def _monitor(reference: Window, size: int, labels: bool = True) -> Any:
    import boucle  # the one thing judged, imported where it is used: the rest runs without it

    errors = reference.errors if labels else None
    return boucle.DriftMonitor(reference.frame, score=reference.score, errors=errors, window=size)
