"""What people who look do to those who ask: predictions while fifty tabs are open, beside none."""

from __future__ import annotations

import http.client
import json
import os
import signal
import statistics
import time
from contextlib import nullcontext
from dataclasses import dataclass
from urllib.parse import urlsplit

from benchmarks.console.served import Served
from benchmarks.console.tabs import Tabs

RATE = 100.0
"""Predictions a second: far from what the plane can do, so that latency is its own."""
ROW = {"contract": "one year", "monthly_charges": 63.0, "tenure": 20, "internet": "dsl", "senior": False}


@dataclass(frozen=True, slots=True)
class Asked:
    """Seconds at the 50th and 99th of a hundred; ``failed`` requests of ``count``."""

    p50: float
    p99: float
    count: int
    failed: int


def ask(served: Served, seconds: float) -> Asked:
    """Ask at a fixed rate; a prediction's time counts from when it was due, so that falling behind cannot hide."""
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
    marks = statistics.quantiles(taken, n=100)
    return Asked(marks[49], marks[98], len(taken), failed)


def beside(served: Served, count: int, seconds: float, rounds: int) -> tuple[Asked, Asked]:
    """Ask without anybody looking and with ``count`` tabs, in turn; returns the best of each: noise only adds."""
    alone: list[Asked] = []
    watched: list[Asked] = []
    ask(served, 2)
    for number in range(2 * rounds):
        looked = number % 2
        with Tabs(served.url, "/", count) if looked else nullcontext():
            time.sleep(1)
            (watched if looked else alone).append(ask(served, seconds))
    return _best(alone), _best(watched)


def killed(served: Served, seconds: float) -> Asked:
    """Kill the console's process, which `boucle up` starts again, and ask all the while."""
    os.kill(served.pid, signal.SIGKILL)
    return ask(served, seconds)


def _best(seen: list[Asked]) -> Asked:
    return Asked(
        min(one.p50 for one in seen),
        min(one.p99 for one in seen),
        sum(one.count for one in seen),
        sum(one.failed for one in seen),
    )
