"""Error budgets: how fast what may go wrong is being used up.

A promise of 99.9 % leaves a budget of 0.1 %. The burn rate is the share that went wrong over the budget; at 1 it lasts
exactly its period. A breach is a burn rate above a bound over a long and a short stretch both: the long one shows that
it matters, the short one that it still goes on (Google, The Site Reliability Workbook, 2018, chapter 5: 14.4 over 1 h
and 5 min, which is 2 % of a 30 days' budget; 6 over 6 h and 30 min, which is 5 % of it).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from boucle.core.verdict import Check, Status, Verdict
from boucle.measures.special import binomial_tail
from boucle.monitoring.meter import HOUR, MINUTE, Counts
from boucle.project.watching import Slo

PAIRS = ((14.4, HOUR, 5 * MINUTE), (6.0, 6 * HOUR, 30 * MINUTE))
"""Burn rate, long and short stretch in seconds."""
_SURE = 0.01
_SLOW = 0.01
"""Share of requests that a promise about the 99 % quantile allows to be slower."""
_ENOUGH = 100

Counted = Callable[[float], Counts]
"""Returns the counts of so many last seconds."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of an error budget: ``used`` of it, 1 is all; ``burn`` is the rate over the last hour."""

    name: str
    allowed: float
    used: float
    burn: float
    requests: int


@dataclass(frozen=True, slots=True)
class _Promise:
    name: str
    allowed: float
    bad: Callable[[Counts], int]


def judge_burn(subject: str, counted: Counted, slo: Slo) -> Verdict | None:
    """Judge how fast the budgets burn; None when nothing was promised.

    Needs more failures than a service that keeps its promise has by chance, too (exact binomial, 1 %): one failure of
    three requests at night is no outage. Under 100 requests in the longest stretch it is inconclusive, if not in
    breach.
    """
    checks = [_check(promise, pair, counted) for promise in _promises(slo) for pair in PAIRS]
    return Verdict.of(subject, "slo", checks) if checks else None


def budgets(counted: Counted, slo: Slo, period: float) -> list[Budget]:
    """Return each promise's budget over the last ``period`` seconds."""
    found = []
    for promise in _promises(slo):
        whole, hour = counted(period), counted(HOUR)
        used, burn = (_share(promise, n) / promise.allowed for n in (whole, hour))
        found.append(Budget(promise.name, promise.allowed, used, burn, whole.requests))
    return found


def _promises(slo: Slo) -> Iterator[_Promise]:
    if slo.availability is not None or slo.error_rate is not None:
        allowed = slo.error_rate if slo.availability is None else 1.0 - slo.availability
        assert allowed is not None
        yield _Promise("availability", allowed, lambda n: n.failed)
    if slo.latency_p99_ms is not None:
        yield _Promise("latency", _SLOW, lambda n: n.slow)


def _share(promise: _Promise, counts: Counts) -> float:
    return promise.bad(counts) / counts.requests if counts.requests else 0.0


def _check(promise: _Promise, pair: tuple[float, int, int], counted: Counted) -> Check:
    bound, long, short = pair
    # Where the budget is wide, even all requests failing burns slower than the bound: half of what there is counts.
    bound = min(bound, (1.0 + promise.allowed) / (2.0 * promise.allowed))
    counts = counted(long)
    rates = [_share(promise, n) / promise.allowed for n in (counts, counted(short))]
    burns = min(rates) >= bound and binomial_tail(promise.bad(counts), counts.requests, promise.allowed) <= _SURE
    status: Status = "fail" if burns else "pass" if counts.requests >= _ENOUGH else "inconclusive"
    note = f"burn rate over {long // HOUR} h; {rates[1]:.3g} over {short // MINUTE} min"
    return Check(f"{promise.name} budget", status, rates[0], f"< {bound:g}", n=counts.requests, note=note)
