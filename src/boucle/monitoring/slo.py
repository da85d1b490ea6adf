"""Service level objectives of a window: latency and errors, as counted while it was open."""

from __future__ import annotations

from collections.abc import Mapping

from boucle.core.verdict import Check, Status, Verdict
from boucle.measures.intervals import wilson
from boucle.measures.special import binomial_tail
from boucle.monitoring.service import latencies, quantile
from boucle.project.watching import Slo

ENOUGH = 100
_SURE = 0.01
"""Chance of calling a service that just keeps its promise in breach, per window and promise."""
_TAIL = 0.01


def judge_slo(subject: str, extra: Mapping[str, float], slo: Slo) -> Verdict | None:
    """Judge a window's service counts; None when nothing was promised.

    In breach when more requests are slow, or have failed, than a service that keeps the promise has by chance (exact
    binomial). Under 100 requests a window that looks well is inconclusive.
    """
    requests = extra.get("requests", 0.0)
    checks = []
    if slo.latency_p99_ms is not None:
        checks.append(_latency(extra, requests, slo.latency_p99_ms))
    if slo.error_rate is not None:
        checks.append(_errors(extra.get("errors", 0.0), requests, slo.error_rate))
    return Verdict.of(subject, "slo", checks) if checks else None


def _latency(extra: Mapping[str, float], requests: float, bound: float) -> Check:
    buckets = latencies(extra)
    slow = sum(n for seconds, n in buckets if seconds * 1000.0 > bound)
    p99 = quantile(buckets, 1.0 - _TAIL) * 1000.0 if buckets else None
    return Check(
        "latency_p99_ms",
        _status(slow, requests, _TAIL),
        p99,
        f"<= {bound:g}",
        n=int(requests),
        note=_note(requests) or f"{slow / requests:.1%} of the requests are slower",
        evidence={"slow": slow, "p50_ms": quantile(buckets, 0.5) * 1000.0 if buckets else None},
    )


def _errors(failed: float, requests: float, bound: float) -> Check:
    low, high = wilson(failed, requests)
    return Check(
        "error_rate",
        _status(failed, requests, bound),
        failed / requests if requests else None,
        f"<= {bound:g}",
        low,
        high,
        int(requests),
        _note(requests),
    )


def _status(bad: float, requests: float, allowed: float) -> Status:
    if bad and binomial_tail(bad, requests, allowed) <= _SURE:
        return "fail"
    return "pass" if requests >= ENOUGH else "inconclusive"


def _note(requests: float) -> str:
    return "" if requests >= ENOUGH else f"few requests: {requests:.0f} of {ENOUGH}"
