"""Play streams to judges and count: false alarms, misses, delays, names, CPU."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from benchmarks.judging.judges import JUDGES, Judge
from benchmarks.judging.streams import DRIFTING, LATE, Kind, Stream, Window

SCORED = {"score", "quality"}  # may be told beside a column: they follow from it


@dataclass
class Played:
    """What one judge said of one stream. ``delay`` is None for a miss, and in streams where nothing changes."""

    judge: str
    kind: str
    group: str
    rows: int
    seed: int
    drifts: bool
    clean: int = 0
    false: int = 0
    delay: int | None = None
    named: bool | None = None  # a right name told and no wrong one, in the first window with an alarm; None: no name
    among: bool | None = None  # a right name told, whatever else is
    windows: int = 0
    seconds: float = 0.0
    began: float = 0.0
    failure: str = ""
    told: list[tuple[int, list[str]]] = field(default_factory=list)  # alarms by window


def play(kind: Kind, seed: int, rows: int, judges: Mapping[str, Judge]) -> list[Played]:
    """Play one stream to several judges side by side; a judge that raises is left out from there on."""
    stream = Stream(kind, seed, rows)
    found = {name: Played(name, kind.name, kind.group, rows, seed, kind.drifts) for name in judges}
    reference = stream.reference
    for name, judge in judges.items():
        began = time.process_time()
        try:
            judge.begin(reference, rows)
        except Exception as why:  # noqa: BLE001 - a judge that fails is a row of the table
            found[name].failure = f"{type(why).__name__}: {why}"
        found[name].began = time.process_time() - began
    waiting: deque[Window] = deque()
    onset: int | None = None
    for number, window in enumerate(stream.windows()):
        waiting.append(window)
        labelled = waiting.popleft() if len(waiting) > LATE else None
        if window.state == "drifting" and onset is None:
            onset = number
        for name, judge in judges.items():
            if not found[name].failure:
                _look(found[name], judge, window, labelled, number, onset, stream)
    return list(found.values())


def _look(
    played: Played, judge: Judge, window: Window, labelled: Window | None, number: int, onset: int | None,
    stream: Stream,
) -> None:  # fmt: skip
    began = time.process_time()
    try:
        names = judge.look(window, labelled)
    except Exception as why:  # noqa: BLE001 - as above
        played.failure = f"window {number}: {type(why).__name__}: {why}"
        return
    played.seconds += time.process_time() - began
    played.windows += 1
    if names:
        played.told.append((number, sorted(names)))
    if window.state == "clean":
        played.clean += 1
        played.false += bool(names)
    elif names and played.delay is None and onset is not None:
        played.delay = number - onset
        if stream.right:
            told = _columns(names, [*window.frame.columns, *SCORED])
            played.among = bool(told & stream.right)
            played.named = bool(told & stream.right) and told <= stream.right | stream.allowed | SCORED


def _columns(names: Iterable[str], known: Iterable[str]) -> set[str]:
    """Return the columns that the names speak of: a pair or a slice names several."""
    parts = {part for name in names for part in [name, *re.split(r"[^\w]+", name)]}
    return parts & set(known)


def play_all(kinds: Iterable[Kind], seeds: Iterable[int], rows: int, names: Iterable[str]) -> Iterator[Played]:
    """Play every kind with every seed; the judges begin anew with each stream."""
    seeds, names = list(seeds), list(names)
    for kind in kinds:
        for seed in seeds:
            yield from play(kind, seed, rows, {name: JUDGES[name]() for name in names})


@dataclass(frozen=True)
class Summary:
    """Of many streams of one judge: per 100 clean windows, in per cent, in windows (a miss counts 20), CPU in ms."""

    false: float | None
    clean: int
    missed: float | None
    drifting: int
    delay: float | None
    named: float | None
    told: float | None
    ms: float
    began: float
    failures: int


def summary(played: Iterable[Played]) -> Summary:
    """Add up; streams that a judge failed at count as missed and as alarmed throughout."""
    every = list(played)
    clean = sum(one.clean for one in every)
    drifting = [one for one in every if one.drifts]
    found = [one for one in drifting if one.delay is not None]
    named = [one.named for one in found if one.named is not None]
    failed = sum(bool(one.failure) for one in every)
    windows = sum(one.windows for one in every)
    return Summary(
        100 * sum(one.false for one in every) / clean if clean else None,
        clean,
        100 * (1 - len(found) / len(drifting)) if drifting else None,
        len(drifting),
        sum(DRIFTING if one.delay is None else one.delay for one in drifting) / len(drifting) if drifting else None,
        100 * sum(named) / len(named) if named else None,
        100 * sum(bool(one.among) for one in found) / len(named) if named else None,
        1000 * sum(one.seconds for one in every) / max(1, windows),
        sum(one.began for one in every) / max(1, len(every)),
        failed,
    )
