"""The guard of a rollout: a challenger that fails to answer gets no labels, so its failed requests are judged."""

from __future__ import annotations

from boucle.core.verdict import Check, Verdict
from boucle.measures.sequences import LEVEL, rise_evidence
from boucle.monitoring.service import service_counts
from boucle.ports.stores import Transaction

_TOLERATED = 0.01
"""Share of failed requests that is let pass in any case, besides what the champion fails."""
_LOOKBACK = 8
_PAGE = 1000


def judge_errors(tx: Transaction, model: str, champion: int, challenger: int, subject: str = "") -> Verdict:
    """Judge whether the challenger fails more requests than the champion did in its newest windows.

    Fails when the evidence for a higher rate reaches 20 (an e-value: wrong in at most 5 % of the rollouts, however
    often one looks); without that it stays inconclusive, since errors alone promote nothing. Counts only what is new.
    """
    key = f"guard:{model}:{challenger}"
    kept = tx.settings.get(key) or {"position": 0, "requests": 0.0, "errors": 0.0}
    counted = _count(tx, model, challenger, kept)
    if counted != kept:
        tx.settings.put(key, counted)
    allowed = _TOLERATED + _rate(tx, model, champion)
    requests, errors = counted["requests"], counted["errors"]
    failed = rise_evidence(errors, requests, min(allowed, 0.99)) >= 1.0 / LEVEL
    check = Check(
        "failed requests of the challenger",
        "fail" if failed else "inconclusive",
        errors / requests if requests else None,
        f"<= {allowed:.3g}",
        n=int(requests),
    )
    return Verdict.of(subject, "rollout", [check])


def _count(tx: Transaction, model: str, challenger: int, kept: dict[str, float]) -> dict[str, float]:
    position, requests, errors = int(kept["position"]), kept["requests"], kept["errors"]
    while page := tx.observations.rows(model, challenger, ("challenger", "shadow"), after=position, limit=_PAGE):
        counts = service_counts(one for _, one in page)
        requests += counts.get("requests", 0.0)
        errors += counts.get("errors", 0.0)
        position = page[-1][0]
    return {"position": position, "requests": requests, "errors": errors}


def _rate(tx: Transaction, model: str, champion: int) -> float:
    """Return the champion's share of failed requests over its newest windows; 0 without one."""
    extras = [profile.extra for _, profile in tx.windows.counts(model, champion, _LOOKBACK)]
    requests = sum(extra.get("requests", 0.0) for extra in extras)
    return sum(extra.get("errors", 0.0) for extra in extras) / requests if requests else 0.0
