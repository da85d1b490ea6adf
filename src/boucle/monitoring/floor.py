"""The hard floor: a model so wrong, or failing so often, that its fallback is better. Told by evidence, not by chance.

Both checks are e-detectors (``measures/detectors``): the mean time between false alarms is at least ``SURE`` looks for
a model that is exactly at its floor, and far more for one that is well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from boucle.core.verdict import Check, Status, Verdict
from boucle.measures.detectors import Floats, count_growth, loss_growth, replay
from boucle.measures.metrics import metric_of
from boucle.monitoring.labels import Labelled

SURE = 1e5
ENOUGH = 100
"""Labelled rows, or requests of the newest window, from which on nothing found means that all is well."""
_BLOCK = 25
"""Labelled rows that make one look."""
_CUT = 20.0
"""Losses are cut at as many times their floor, so that one row decides nothing: three at the very least."""
_LEAST_SHARE, _MOST_SHARE = 0.02, 0.95


def judge_floor(
    subject: str,
    rows: Labelled | None,
    metric: str,
    reference: Mapping[str, float],
    times: float | None,
    services: Sequence[Mapping[str, float]],
    failures: float | None,
) -> Verdict | None:
    """Judge the newest labelled ``rows`` and the service counts of the newest windows; None when nothing can be.

    Broken when the mean loss is surely above ``times`` the reference error of ``metric``, or the share of failed
    requests surely above ``failures``.
    """
    checks = []
    limit = None if times is None else loss_limit(metric, reference, times)
    if limit is not None and rows is not None and len(rows):
        checks.append(_errors(rows, metric, limit, times or 0.0))
    if failures is not None and any(extra.get("requests") for extra in services):
        checks.append(_failures(services, failures))
    return Verdict.of(subject, "floor", checks) if checks else None


def loss_limit(metric: str, reference: Mapping[str, float], times: float) -> float | None:
    """Return the mean loss per row at ``times`` the reference error; None when no reference says what that is."""
    loss = metric_of(metric).loss
    known = {name: value for name, value in reference.items() if math.isfinite(value)}
    if loss == "squared" and ("rmse" in known or "mse" in known):
        return times**2 * known.get("mse", known.get("rmse", 0.0) ** 2) or None
    if loss == "absolute" and "mae" in known:
        return times * known["mae"] or None
    if loss == "zero_one" and "accuracy" in known:
        return min(max(times * (1.0 - known["accuracy"]), _LEAST_SHARE), _MOST_SHARE)
    names = {"log": "log_loss", "brier": "brier"}
    return times * known[names[loss]] or None if names.get(loss) in known else None


def _errors(rows: Labelled, metric: str, limit: float, times: float) -> Check:
    losses = rows.losses(metric)
    losses = losses[np.isfinite(losses)]
    cut = 1.0 if metric_of(metric).loss == "zero_one" else _CUT * limit
    shares = np.minimum(losses / cut, 1.0)
    starts = range(0, len(shares), _BLOCK)
    evidence = replay([(float(i), loss_growth(shares[i : i + _BLOCK], limit / cut)) for i in starts]).evidence
    newest = float(losses[-_BLOCK:].mean()) if len(losses) else None
    note = f"{times:g} times the reference error"
    return Check("mean loss", _status(evidence, len(losses)), newest, f"<= {limit:.4g}", n=len(losses), note=note)


def _failures(services: Sequence[Mapping[str, float]], allowed: float) -> Check:
    looks: list[tuple[float, Floats]] = []
    for i, extra in enumerate(services):
        looks.append((float(i), count_growth(extra.get("errors", 0.0), extra.get("requests", 0.0), allowed)))
    newest = services[-1]
    requests = newest.get("requests", 0.0)
    share = newest.get("errors", 0.0) / requests if requests else None
    return Check(
        "failed requests", _status(replay(looks).evidence, requests), share, f"<= {allowed:g}", n=int(requests)
    )


def _status(evidence: float, n: float) -> Status:
    if evidence >= math.log(SURE):
        return "fail"
    return "pass" if n >= ENOUGH else "inconclusive"
