"""What people who look do to those who ask: predictions while fifty tabs are open, beside none."""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.console.served import Served
from benchmarks.console.tabs import Tabs

RATE = 100.0
"""Predictions a second: far from what the plane can do, so that latency is its own."""
ROW = {"contract": "one year", "monthly_charges": 63.0, "tenure": 20, "internet": "dsl", "senior": False}


_Turn = tuple[list[float], int]
"""Seconds of each prediction, and how many failed."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Seconds at the 50th and 99th of a hundred; ``failed`` requests of ``count``."""

    p50: float
    p99: float
    count: int
    failed: int


def ask(served: Served, seconds: float) -> Asked:
    """Ask at a fixed rate; a prediction's time counts from when it was due, so that falling behind cannot hide."""
    return _summed([_asked(served, seconds)])


def beside(served: Served, count: int, seconds: float, rounds: int) -> tuple[Asked, Asked]:
    """Ask while the control plane stands still, and while it serves ``count`` tabs, by turns of so many seconds.

    The turns are short and the same tabs stay open, so that what else the machine does falls on both alike.
    """
    alone: list[_Turn] = []
    watched: list[_Turn] = []
    ask(served, 2)
    with Tabs(served.url, "/", count):
        time.sleep(2)
        for _ in range(rounds):
            os.kill(served.pid, signal.SIGSTOP)
            try:
                alone.append(_asked(served, seconds))
            finally:
                os.kill(served.pid, signal.SIGCONT)
            time.sleep(0.5)  # what it has missed is not what it does
            watched.append(_asked(served, seconds))
    return _summed(alone), _summed(watched)


def killed(served: Served, seconds: float) -> Asked:
    """Kill the console's process, which `boucle up` starts again, and ask all the while."""
    os.kill(served.pid, signal.SIGKILL)
    return ask(served, seconds)


def _asked(served: Served, seconds: float) -> _Turn:
    at = urlsplit(served.data)
    line = http.client.HTTPConnection(at.hostname or "", at.port, timeout=10)
    body = json.dumps(ROW)
    taken, failed, begun = [], 0, time.perf_counter()
    for number in range(int(seconds * RATE)):
        due = begun + number / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        try:
            line.request("POST", "/predict", body, {"content-type": "application/json"})
            answer = line.getresponse()
            answer.read()
            failed += answer.status != 200
        except (OSError, http.client.HTTPException):
            failed += 1
            line.close()
        taken.append(time.perf_counter() - due)
    line.close()
    return taken, failed


def _summed(turns: list[_Turn]) -> Asked:
    taken = [one for times, _ in turns for one in times]
    marks = statistics.quantiles(taken, n=100)
    return Asked(marks[49], marks[98], len(taken), sum(failed for _, failed in turns))
