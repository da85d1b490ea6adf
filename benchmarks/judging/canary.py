"""The canary part: two versions with known error rates, and judges who see counts interval by interval.

1,000 requests an interval. Constant: 10 % of them go to the canary. Ramp: 5, 10, 25 and 50 %, ten intervals each, while
the error rate of both swings between 0.4 and 1.6 times its mean over 40 intervals, up first.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from benchmarks.judging.figures import Figures, number, rows

BASE, MARGIN, REQUESTS, MOST, DAY = 0.05, 0.005, 1_000, 20_000, 40
CASES = {"equal": 0.05, "better": 0.035, "slightly worse": 0.06, "worse": 0.075, "much worse": 0.15}
Decision = Literal["promote", "rollback", "hold"]
Counts = tuple[int, int]  # errors, requests


class Judge(Protocol):
    def update(self, champion: Counts, challenger: Counts) -> Decision:
        """Take the counts of one more interval and say what to do."""


class Boucle:
    """``boucle.CanaryJudge``, as a user would call it."""

    def __init__(self) -> None:
        import boucle  # the one thing judged, imported where it is used: the rest runs without it

        self._judge = boucle.CanaryJudge(margin=MARGIN)

    def update(self, champion: Counts, challenger: Counts) -> Decision:
        decision: Decision = self._judge.update(champion=champion, challenger=challenger).decision
        return decision


class Threshold:
    """As Flagger: an interval fails above 6 % errors; five failures go back, ten passes promote."""

    def __init__(self) -> None:
        self.failed = self.passed = 0

    def update(self, champion: Counts, challenger: Counts) -> Decision:
        bad = challenger[0] > 0.06 * challenger[1]
        self.failed, self.passed = self.failed + bad, self.passed + (not bad)
        return "rollback" if self.failed >= 5 else "promote" if self.passed >= 10 else "hold"


class EveryInterval:
    """A z-test of the pooled counts after every interval; ten intervals that show no loss promote."""

    def __init__(self) -> None:
        self.counts = np.zeros((2, 2))
        self.seen = 0

    def update(self, champion: Counts, challenger: Counts) -> Decision:
        self.counts += (champion, challenger)
        self.seen += 1
        return "rollback" if self._worse() > 1.645 else "promote" if self.seen >= 10 else "hold"

    def _worse(self) -> float:
        (wrong, n), (errors, m) = self.counts
        rate = (wrong + errors) / (n + m)
        return float((errors / m - wrong / n) / math.sqrt(max(1e-12, rate * (1 - rate) * (1 / n + 1 / m))))


class FixedSample(EveryInterval):
    """One z-test, after the 3,300 canary requests that find one point more with 80 %."""

    def update(self, champion: Counts, challenger: Counts) -> Decision:
        self.counts += (champion, challenger)
        if self.counts[1, 1] < 3_300:
            return "hold"
        return "rollback" if self._worse() > 1.645 else "promote"


JUDGES: dict[str, Callable[[], Judge]] = {
    "boucle.CanaryJudge": Boucle,
    "threshold 6 %": Threshold,
    "z every interval": EveryInterval,
    "fixed sample z": FixedSample,
}


@dataclass(frozen=True)
class Outcome:
    """One canary: the last word, the requests it was given, and the errors above the champion's that it served."""

    decision: Decision
    requests: int
    extra: float


def constant(interval: int) -> tuple[float, float]:
    """Return the canary's share and the factor of both error rates."""
    return 0.1, 1.0


def ramp(interval: int) -> tuple[float, float]:
    share = (0.05, 0.1, 0.25, 0.5)[min(3, interval // 10)]
    return share, 1 + 0.6 * math.sin(2 * math.pi * interval / DAY)


SCHEDULES = {"constant": constant, "ramp": ramp}


def simulate(judge: Judge, rate: float, schedule: Callable[[int], tuple[float, float]], seed: Sequence[int]) -> Outcome:
    """Let one canary run until the judge decides or it has had 20,000 requests."""
    rng = np.random.default_rng(seed)
    served, extra, interval = 0, 0.0, 0
    while served < MOST:
        share, factor = schedule(interval)
        n = int(REQUESTS * share)
        champion = int(rng.binomial(REQUESTS - n, BASE * factor)), REQUESTS - n
        challenger = int(rng.binomial(n, rate * factor)), n
        served, extra, interval = served + n, extra + n * (rate - BASE) * factor, interval + 1
        decision = judge.update(champion, challenger)
        if decision != "hold":
            return Outcome(decision, served, extra)
    return Outcome("hold", served, extra)


def part(figures: Figures, chosen: argparse.Namespace) -> tuple[str, Any]:
    """Judge every case by every judge, on both schedules."""
    runs = 60 if chosen.quick else 400
    data: list[dict[str, Any]] = []
    texts = []
    for told, schedule in SCHEDULES.items():
        cells = []
        for name, make in JUDGES.items():
            found = {}
            try:
                for number_, (case, rate) in enumerate(CASES.items()):
                    every = [simulate(make(), rate, schedule, [chosen.seeds[0], number_, i]) for i in range(runs)]
                    found[case] = _summary(case, every)
            except Exception as why:  # noqa: BLE001 - a judge that fails is a row of the table
                cells.append([name, f"{type(why).__name__}: {why}", *[""] * (len(CASES) - 1)])
                figures.put(f"canary_{told}", None, str(why))
                continue
            data += [{"schedule": told, "judge": name, "case": case, **one} for case, one in found.items()]
            cells.append([name, *(_cell(one) for one in found.values())])
        texts.append(f"**Canary, {told}**: wrong % (undecided %) / requests / extra errors; {runs} runs\n\n"
                     + rows(["", *CASES], cells))  # fmt: skip
        _put(figures, told, data)
    return "\n\n".join(texts), data


def _summary(case: str, every: Sequence[Outcome]) -> dict[str, float]:
    wrong = "rollback" if case in ("equal", "better") else "promote"
    return {
        "wrong": 100 * sum(one.decision == wrong for one in every) / len(every),
        "undecided": 100 * sum(one.decision == "hold" for one in every) / len(every),
        "requests": sum(one.requests for one in every) / len(every),
        "extra": sum(one.extra for one in every) / len(every),
    }


def _cell(one: dict[str, float]) -> str:
    return f"{one['wrong']:.1f} ({one['undecided']:.0f}) / {one['requests']:,.0f} / {one['extra']:.1f}"


def _put(figures: Figures, told: str, data: Sequence[dict[str, Any]]) -> None:
    ours = [one for one in data if one["schedule"] == told and one["judge"] == "boucle.CanaryJudge"]
    if not ours:
        return
    worst = max(ours, key=lambda one: one["wrong"])
    figures.put(f"canary_{told}", worst["wrong"], worst["case"])
    extra = {one["judge"]: one["extra"] for one in data if one["schedule"] == told and one["case"] == "much worse"}
    ratio = extra["boucle.CanaryJudge"] / extra["threshold 6 %"]
    if told == "constant" or ratio > figures.values.get("canary_errors", 0):
        before = figures.notes.get("canary_errors", "")
        figures.put("canary_errors", ratio, (before + "; " if before else "") + f"{told} {number(ratio)}")
