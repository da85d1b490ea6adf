"""How long one answer takes."""

from __future__ import annotations

import time

import numpy as np

from boucle.evaluation.scored import Scored

CALLS, SECONDS = 200, 0.4


def latency_ms(scored: Scored) -> tuple[dict[str, float], int]:
    """Time predictions of single rows in this process; returns milliseconds (p50, p99) and the calls behind them.

    At most 200 calls or 0.4 s, after three that warm up; a model that needs longer for one answer is warm after it.
    Raises ValueError without rows.
    """
    if not len(scored):
        raise ValueError("there is no row to time")
    rows = [scored.take(np.array([i % len(scored)])).batch for i in range(min(CALLS, max(len(scored), 20)))]
    begun = time.perf_counter()
    for batch in rows[:3]:
        scored.predictor.predict(batch)
        if time.perf_counter() - begun > SECONDS:
            break
    spent: list[float] = []
    ends = time.perf_counter() + SECONDS
    for batch in rows:
        began = time.perf_counter()
        scored.predictor.predict(batch)
        now = time.perf_counter()
        spent.append((now - began) * 1000.0)
        if now > ends:
            break
    p50, p99 = np.percentile(spent, [50, 99])
    return {"p50": round(float(p50), 4), "p99": round(float(p99), 4)}, len(spent)
