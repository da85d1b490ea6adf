"""The drift part: streams of known truth, played to every judge, and the figures that come of it."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from benchmarks.judging.figures import Figures, number, rows
from benchmarks.judging.judges import OURS, TOLD
from benchmarks.judging.playing import Played, play_all, summary
from benchmarks.judging.streams import KINDS, Kind

LARGE = 100_000  # so long, only a few kinds are worth their time
AT_LARGE = ("none", "jitter", "shift 0.2", "concept", "x1000 in 2 %")


def chosen(names: Sequence[str], groups: Sequence[str], size: int) -> list[Kind]:
    """Return the kinds asked for; with very large windows the few that say something there."""
    kinds = [kind for kind in KINDS if kind.name in names] if names else [k for k in KINDS if k.group in groups]
    return [kind for kind in kinds if kind.name in AT_LARGE] if size >= LARGE and not names else kinds


def run(kinds: Iterable[Kind], seeds: Sequence[int], size: int, judges: Sequence[str]) -> list[Played]:
    """Play; tell on the error stream what each kind gave of ours."""
    found: list[Played] = []
    for kind in kinds:
        began = time.monotonic()
        got = list(play_all([kind], seeds, size, judges))
        found += got
        for failure in {f"{one.judge}: {one.failure}" for one in got if one.failure}:
            say(f"  {kind.name}: {failure}")
        shown = summary(one for one in got if one.judge == judges[0])
        say(
            f"{kind.name:22} {size:7,} rows {judges[0]}: false {number(shown.false)}/100, "
            f"missed {number(shown.missed)} %, delay {number(shown.delay)}, named {number(shown.named)} %, "
            f"{shown.ms:.1f} ms, {time.monotonic() - began:.0f} s"
        )
    return found


def figures(played: Sequence[Played], into: Figures) -> None:
    """Put our rows into the table."""
    ours = [one for one in played if one.judge == OURS]
    if failures := sorted({one.failure for one in ours if one.failure}):
        for key in ("plain_false", "traffic_false", "hidden_missed", "plain_missed"):
            into.put(key, None, f"{len(failures)} kinds of failure, e.g. {failures[0][:120]}")
    ours = [one for one in ours if not one.failure]
    plain = [one for one in ours if one.group == "plain"]
    thousand = [one for one in plain if one.rows == 1000]
    traffic = [one for one in ours if one.group == "traffic"]
    fine = [one for one in ours if one.group == "fine"]
    if plain:
        whole = summary(plain)
        by_rows = {size: summary(p for p in plain if p.rows == size) for size in sorted({p.rows for p in plain})}
        into.put("plain_false", whole.false, f"{whole.clean:,} windows; " + ", ".join(
            f"{size:,} rows: {number(one.false)}" for size, one in by_rows.items()))  # fmt: skip
    if thousand:
        whole = summary(thousand)
        into.put("plain_missed", whole.missed, f"{whole.drifting} streams")
        into.put("plain_delay", whole.delay, f"{whole.ms:.1f} ms CPU a window")
        into.put("plain_named", whole.named, f"told at all, beside others: {number(whole.told)} %")
    if traffic:
        whole = summary(traffic)
        into.put("traffic_false", whole.false, f"{whole.clean:,} windows")
    if hidden := [one for one in traffic + fine if one.drifts]:
        whole = summary(hidden)
        into.put("hidden_missed", whole.missed, f"{whole.drifting} streams, delay {number(whole.delay)}")


def tables(played: Sequence[Played], judges: Sequence[str]) -> str:
    """Return the table of the judges for each group and length of window, and ours by kind."""
    parts = []
    for group in ("plain", "traffic", "fine"):
        for size in sorted({one.rows for one in played if one.group == group}):
            cells = [
                _cells(TOLD[judge], [p for p in played if p.judge == judge and p.group == group and p.rows == size])
                for judge in judges
            ]
            parts.append(f"**{group}, windows of {size:,}**\n\n" + rows(TITLES, cells))
    cells = []
    for size in sorted({one.rows for one in played}):
        by_kind: dict[str, list[Played]] = defaultdict(list)
        for one in played:
            if one.judge == judges[0] and one.rows == size:
                by_kind[one.kind].append(one)
        cells += [_cells(f"{kind}, {size:,}", every) for kind, every in by_kind.items()]
    return "\n\n".join([*parts, f"**{TOLD[judges[0]]}, by kind**\n\n" + rows(TITLES, cells)])


TITLES = ["", "false / 100 clean", "clean windows", "missed %", "streams", "delay", "named %", "told at all %",
          "ms / window", "reference s", "failed"]  # fmt: skip


def _cells(told: str, played: Sequence[Played]) -> list[str]:
    found = summary(played)
    return [
        told, number(found.false), f"{found.clean:,}", number(found.missed), str(found.drifting), number(found.delay),
        number(found.named), number(found.told), f"{found.ms:.1f}", f"{found.began:.2f}", str(found.failures),
    ]  # fmt: skip


def as_json(played: Iterable[Played]) -> list[dict[str, object]]:
    return [asdict(one) for one in played]


def say(text: str) -> None:
    """Tell of the progress, on the error stream."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
