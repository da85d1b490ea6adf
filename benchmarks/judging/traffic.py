"""Sorts of traffic in which nothing is wrong: what users, calendars and counters do to the rows of a model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.judging.population import COLUMNS, PLACE, Hidden, Law


class Flow:
    """Independent rows of one law. ``blocks`` is the length of the reference in windows, 0 for the usual one."""

    blocks = 0

    def __init__(self, law: Law, seed: int) -> None:
        self.law, self.rng = law, np.random.default_rng([seed, 4])

    def rows(self, rows: int, window: int) -> int:
        """Return how many rows this window after the reference has."""
        return rows

    def draw(self, flow: Flow, rng: np.random.Generator, rows: int, time: int) -> Hidden:
        """Draw the hidden rows of one window; ``flow`` is this one, where a change stands before it."""
        return self.law.draw(rng, rows)

    def dress(self, frame: pd.DataFrame, rng: np.random.Generator, time: int) -> None:
        """Put into the frame what no law of rows says: ids, clocks."""


class Jitter(Flow):
    """Every column wanders a little from window to window, in the reference as later: by up to 0.05 sd."""

    def draw(self, flow: Flow, rng: np.random.Generator, rows: int, time: int) -> Hidden:
        hidden = self.law.draw(rng, rows)
        hidden.normals += rng.uniform(-0.05, 0.05, len(COLUMNS))
        return hidden


class Daily(Flow):
    """A window an hour: every column follows the sun, each with its own reach and hour."""

    blocks = 96

    def __init__(self, law: Law, seed: int) -> None:
        super().__init__(law, seed)
        self.reach = self.rng.uniform(0.1, 0.6, len(COLUMNS))
        self.peak = self.rng.choice([0.0, 4.0, 12.0, 14.0], len(COLUMNS))

    def draw(self, flow: Flow, rng: np.random.Generator, rows: int, time: int) -> Hidden:
        hidden = self.law.draw(rng, rows)
        hours = time + np.arange(rows)[:, None] / rows  # the hour goes by within the window as well
        hidden.normals += self.reach * np.sin(2 * np.pi * (hours - self.peak) / 24)
        return hidden


class Weekly(Flow):
    """A window a day: weekends have other people, Mondays a little."""

    blocks = 42

    def __init__(self, law: Law, seed: int) -> None:
        super().__init__(law, seed)
        self.days = np.zeros((7, len(COLUMNS)))
        self.days[5:] = self.rng.uniform(-0.6, 0.6, len(COLUMNS))
        self.days[0] = self.rng.uniform(-0.2, 0.2, len(COLUMNS))

    def draw(self, flow: Flow, rng: np.random.Generator, rows: int, time: int) -> Hidden:
        hidden = self.law.draw(rng, rows)
        hidden.normals += self.days[time % 7]
        return hidden


class Bursts(Flow):
    """Users send about ten rows in a row, nearly equal and with the same outcome."""

    blocks = 20
    mean = 10

    def draw(self, flow: Flow, rng: np.random.Generator, rows: int, time: int) -> Hidden:
        lengths = rng.geometric(1 / self.mean, rows)
        users = np.repeat(np.arange(rows), lengths)[:rows]
        hidden = self.law.draw(rng, int(users[-1]) + 1)
        normals = hidden.normals[users]
        normals[:, : PLACE["c3"]] += rng.normal(0, 0.02, (rows, PLACE["c3"]))
        return Hidden(normals, hidden.luck[users], hidden.bias[users])


class Growing(Flow):
    """The same people, more of them from window to window: up to three times as many."""

    blocks = 20

    def rows(self, rows: int, window: int) -> int:
        return int(rows * (1 + 0.05 * window))


class Tails(Flow):
    """Four columns whose mean or variance does not exist."""

    blocks = 20

    def dress(self, frame: pd.DataFrame, rng: np.random.Generator, time: int) -> None:
        for name in ("skew0", "skew1"):
            frame[name] = frame[name] ** 3  # log sd 2.4
        for name in ("tail0", "tail1"):
            scale = self.law.scales[PLACE[name]]
            frame[name] = np.sinh(3.0 / 1.2 * np.arcsinh(frame[name] / scale)) * scale


class Ids(Flow):
    """A column of unique names, a column of users of whom new ones keep coming, and a column of random numbers."""

    blocks = 20

    def dress(self, frame: pd.DataFrame, rng: np.random.Generator, time: int) -> None:
        rows = len(frame)
        frame["request"] = pd.array([f"{value:012x}" for value in rng.integers(0, 2**48, rows)], dtype="str")
        users = np.minimum(rng.pareto(0.6, rows), 1e9).astype(np.int64)
        frame["user"] = pd.array([f"user-{value}" for value in users], dtype="str")
        frame["order"] = rng.integers(0, 10**9, rows)


class Clock(Flow):
    """A time and a counter that only rise."""

    blocks = 20

    def dress(self, frame: pd.DataFrame, rng: np.random.Generator, time: int) -> None:
        at = time + np.sort(rng.random(len(frame)))
        frame["time"] = 1.7e9 + 3600.0 * at
        frame["number"] = (1000.0 * at).astype(np.int64)


class Dates(Flow):
    """A date written as a text, new in every window."""

    blocks = 20

    def dress(self, frame: pd.DataFrame, rng: np.random.Generator, time: int) -> None:
        day = pd.Timestamp("2026-01-05") + pd.Timedelta(days=time)
        frame["date"] = pd.array([day.date().isoformat()] * len(frame), dtype="str")


FLOWS = {
    "plain": Flow, "jitter": Jitter, "daily": Daily, "weekly": Weekly, "bursts": Bursts, "growing": Growing,
    "tails": Tails, "ids": Ids, "clock": Clock, "dates": Dates,
}  # fmt: skip
