"""Latencies and errors of a window as counts that add up, kept in ``Profile.extra``.

Latencies stand in logarithmic buckets, so that a quantile is right within 2 % whatever the range (DDSketch: Masson,
Rim and Lee, 2019).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from boucle.core.observation import REFUSED, Observation

_ACCURACY = 0.02
_GROWTH = (1.0 + _ACCURACY) / (1.0 - _ACCURACY)
_SHORTEST = 1e-6
_LATENCY = "latency_"


def service_counts(observations: Iterable[Observation]) -> dict[str, float]:
    """Count requests, errors, refusals and latencies."""
    found: Counter[str] = Counter()
    for seen in observations:
        if seen.error == REFUSED:
            found["refused"] += 1
            continue
        found["requests"] += 1
        found["errors"] += bool(seen.error)
        found[f"{_LATENCY}{_bucket(seen.latency)}"] += 1
    return {name: float(count) for name, count in found.items()}


def latencies(extra: Mapping[str, float]) -> list[tuple[float, float]]:
    """Return (seconds, requests) of every bucket, shortest first."""
    buckets = sorted((int(k.removeprefix(_LATENCY)), n) for k, n in extra.items() if k.startswith(_LATENCY))
    return [(2.0 * _SHORTEST * _GROWTH**i / (_GROWTH + 1.0), n) for i, n in buckets]


def quantile(buckets: list[tuple[float, float]], q: float) -> float:
    """Return the q-quantile in seconds; NaN without requests."""
    wanted = q * sum(n for _, n in buckets)
    below = 0.0
    for seconds, n in buckets:
        below += n
        if below >= wanted:
            return seconds
    return math.nan


def _bucket(seconds: float) -> int:
    held = min(max(seconds, _SHORTEST), 1e6) if seconds == seconds else _SHORTEST
    return math.ceil(math.log(held / _SHORTEST) / math.log(_GROWTH) - 1e-9)
