"""Streams of windows whose truth is known: which windows are clean, when something changed, and in which column.

A kind is a sort of traffic (what also the reference shows) and a change that sets in later, or none. Labels come with
the windows; whoever plays a stream holds them back. Everything follows from kind, seed and rows a window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.judging import changes, traffic
from benchmarks.judging.population import Floats, Hidden, Law

CLEAN, DRIFTING = 18, 20  # windows before a change and after it
QUIET = CLEAN + DRIFTING + 2  # windows of a stream in which nothing changes
LATE = 2  # windows until the labels are there
ROWS = (200, 1_000, 10_000, 100_000)
State = Literal["clean", "drifting", "between"]


@dataclass(frozen=True)
class Kind:
    """What a stream shows. ``group``: "plain" (independent rows of one law), "traffic", or "fine" (small changes)."""

    name: str
    group: Literal["plain", "traffic", "fine"]
    traffic: str = "plain"
    change: str = ""

    @property
    def drifts(self) -> bool:
        return bool(self.change)


KINDS = [
    Kind("none", "plain"),
    Kind("jitter", "plain", "jitter"),
    *(
        Kind(name, "plain", change=name)
        for name in ("shift 0.2", "shift 0.5", "scale", "gradual", "recurring", "correlation", "label shift", "concept",
                     "missing", "new level", "x1000", "x1000 in 2 %")
    ),
    *(
        Kind(name, "traffic", name)
        for name in ("daily", "weekly", "bursts", "growing", "tails", "ids", "clock", "dates")
    ),
    Kind("daily, shift 0.5", "traffic", "daily", "shift 0.5"),
    Kind("daily, clock moved", "traffic", "daily", "clock moved"),
    Kind("daily, x1000 in 2 %", "traffic", "daily", "x1000 in 2 %"),
    Kind("daily, concept", "traffic", "daily", "concept"),
    Kind("weekly, shift 0.5", "traffic", "weekly", "shift 0.5"),
    Kind("bursts, shift 0.5", "traffic", "bursts", "shift 0.5"),
    Kind("bursts, missing", "traffic", "bursts", "missing"),
    Kind("growing, shift 0.5", "traffic", "growing", "shift 0.5"),
    Kind("clock, shift 0.5", "traffic", "clock", "shift 0.5"),
    Kind("ids, new level", "traffic", "ids", "new level"),
    *(Kind(name, "fine", change=name) for name in ("rounding", "triple", "slice", "subgroup")),
]  # fmt: skip
BY_NAME = {kind.name: kind for kind in KINDS}


@dataclass(frozen=True)
class Window:
    """Rows in order of time, the model's score and whether it was wrong; ``state`` is the truth about the window."""

    frame: pd.DataFrame
    score: Floats
    errors: NDArray[np.int64]
    state: State = "clean"


class Stream:
    """One stream: a ``reference`` in order of time, then ``windows()``."""

    def __init__(self, kind: Kind, seed: int, rows: int = 1_000) -> None:
        self.kind, self.seed, self.rows = kind, seed, rows
        self._salt = crc32(kind.name.encode())
        self.law = Law(seed)
        self.flow = traffic.FLOWS[kind.traffic](self.law, seed)
        self.change = changes.CHANGES[kind.change](self.law, seed + self._salt) if kind.change else None

    @property
    def right(self) -> frozenset[str]:
        """Return the names of which at least one should be told; empty when no name is the right one."""
        return self.change.right if self.change else frozenset()

    @property
    def allowed(self) -> frozenset[str]:
        """Return the columns that may be told without being wrong."""
        return self.change.right | self.change.also if self.change else frozenset()

    @cached_property
    def blocks(self) -> int:
        """Windows in the reference: whole cycles where there are any."""
        return self.flow.blocks or {200: 25, 1_000: 10, 10_000: 5}.get(self.rows, 2)

    @cached_property
    def reference(self) -> Window:
        parts = [self._window(t, self._rng(2, t), self.rows) for t in range(self.blocks)]
        return Window(
            pd.concat([part.frame for part in parts], ignore_index=True),
            np.concatenate([part.score for part in parts]),
            np.concatenate([part.errors for part in parts]),
        )

    def windows(self) -> Iterator[Window]:
        """Yield the windows after the reference; the same again whenever it is called."""
        for i in range(CLEAN + DRIFTING if self.kind.drifts else QUIET):
            time, rng = self.blocks + i, self._rng(3, i)
            yield self._window(time, rng, self.flow.rows(self.rows, i), i - CLEAN if self.kind.drifts else None)

    def _rng(self, part: int, window: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, self._salt, part, window])

    def _window(self, time: int, rng: np.random.Generator, rows: int, since: int | None = None) -> Window:
        change = self.change if since is not None and since >= 0 else None
        strength = change.strength(since or 0) if change else 0.0
        moved = change.phase * strength if change else 0
        hidden: Hidden = (change if change and strength else self.flow).draw(self.flow, rng, rows, time + int(moved))
        weights = None
        if change and strength:
            change.hide(hidden, strength, rng)
            weights = change.weights
        frame = self.law.show(hidden)
        truth = self.law.truth(hidden)
        if weights is not None:
            among = change.among(hidden) if change else slice(None)
            truth[among] = self.law.truth(hidden, weights)[among]
        if change and strength:
            frame = change.show(frame, rng)
        score = self.law.score(frame)
        self.flow.dress(frame, rng, time)
        state: State = "clean" if since is None or since < 0 else "drifting" if strength else "between"
        return Window(frame, score, ((score > 0.5) != truth).astype(np.int64), state)
