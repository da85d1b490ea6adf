"""The rows of the table: what is promised, what is aimed at, what was measured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limit:
    """A figure by its ``key``; it is to be at most, or with ``least`` at least, the floor."""

    told: str
    key: str
    floor: float
    aim: float
    unit: str = ""
    least: bool = False


LIMITS = [
    Limit("false alarms per 100 clean windows, rows 200 to 100,000, with jitter", "plain_false", 0.5, 0.1),
    Limit("the same on cycles, bursts, growth, tails, ids, clocks", "traffic_false", 1, 0.1),
    Limit("missed inside cycles and bursts, rounding, triples, a slice, a subgroup", "hidden_missed", 5, 0, " %"),
    Limit("missed over the 12 kinds, 1,000 rows", "plain_missed", 2, 0, " %"),
    Limit("mean delay in windows (labels 2 late), 1,000 rows", "plain_delay", 1.0, 0.8),
    Limit("right column named, and no wrong one, 1,000 rows", "plain_named", 95, 99, " %", least=True),
    Limit("CPU of a drift report, Evidently's over ours, 1e5 rows", "evidently_1e5", 100, 200, "x", least=True),
    Limit("CPU of a drift report, Evidently's over ours, 1e6 rows", "evidently_1e6", 300, 1000, "x", least=True),
    Limit("extra peak memory, Evidently's over ours, 1e6 rows", "memory_1e6", 20, 200, "x", least=True),
    Limit("keeper, per observation, windows of 1,000", "keeper_1e3", 10, 5, " µs"),
    Limit("keeper, per observation, windows of 10,000", "keeper_1e4", 3, 1, " µs"),
    Limit("merging one window of 1,000 replicas", "merge_ms", 100, 30, " ms"),
    Limit("merged alarms and counts equal to the union's", "merge_equal", 1, 1, "", least=True),
    Limit("canary: wrong decisions, worst case, constant share", "canary_constant", 5, 2.5, " %"),
    Limit("canary: wrong decisions, worst case, ramp with a daily cycle", "canary_ramp", 5, 2.5, " %"),
    Limit("errors served by a disastrous canary over the threshold judge's", "canary_errors", 0.6, 0.4, "x"),
    Limit("retraining: accuracy lost over that of periodic-5", "retrain_lost", 0.7, 0.6, "x"),
    Limit("retraining: fits over those of periodic-5", "retrain_fits", 0.5, 0.5, "x"),
    Limit("retraining: loss with 20 % of the fits broken over that with none", "retrain_broken", 1.3, 1.1, "x"),
]  # fmt: skip


@dataclass
class Figures:
    """What was measured, by key; ``notes`` say how, or why it was not."""

    values: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def put(self, key: str, value: float | None, note: str = "") -> None:
        if value is not None:
            self.values[key] = value
        if note:
            self.notes[key] = note


def verdict(limit: Limit, measured: float | None) -> str:
    """Return "aim", "ok", "MISSED" or "not measured"."""
    if measured is None:
        return "not measured"
    for word, bound in (("aim", limit.aim), ("ok", limit.floor)):
        if measured >= bound if limit.least else measured <= bound:
            return word
    return "MISSED"


def table(figures: Figures) -> str:
    """Return the table as markdown; rows that were neither measured nor tried are left out."""
    lines = ["| figure | floor | aim | measured | verdict | |", "|---|---|---|---|---|---|"]
    for limit in LIMITS:
        measured, note = figures.values.get(limit.key), figures.notes.get(limit.key, "")
        if measured is None and not note:
            continue
        sign = "≥" if limit.least else "≤"
        lines.append(
            f"| {limit.told} | {sign} {limit.floor:g}{limit.unit} | {limit.aim:g}{limit.unit} "
            f"| {number(measured, limit.unit)} | {verdict(limit, measured)} | {note} |"
        )
    return "\n".join(lines)


def number(value: float | None, unit: str = "") -> str:
    """Return a number as the tables show it, "–" for None."""
    if value is None:
        return "–"
    digits = 0 if value == int(value) and abs(value) < 1e6 else 2 if abs(value) < 10 else 1
    return f"{value:,.{digits}f}{unit}"


def rows(titles: list[str], cells: list[list[str]]) -> str:
    """Return a markdown table."""
    lines = [titles, ["---"] * len(titles), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def as_json(figures: Figures) -> list[Mapping[str, object]]:
    """Return the table for machines."""
    return [
        {
            "figure": one.told, "key": one.key, "floor": one.floor, "aim": one.aim, "unit": one.unit,
            "measured": figures.values.get(one.key), "verdict": verdict(one, figures.values.get(one.key)),
            "note": figures.notes.get(one.key, ""),
        }
        for one in LIMITS
        if one.key in figures.values or one.key in figures.notes
    ]  # fmt: skip
