"""The guardrails of a rollout, judged beside its labels: failed requests, slow ones, and what came of the answers.

A challenger that fails to answer gets no labels, and one that sells less may well predict better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from boucle.core.deployment import Rollout
from boucle.core.observation import Served
from boucle.measures.contrasts import FALLS, Arm, Contrast
from boucle.measures.sequences import UNKNOWN, Band
from boucle.monitoring.canary_judge import FEWEST, Evidence
from boucle.ports.stores import Transaction
from boucle.project.settings import Settings
from boucle.project.values import seconds

ERRORS, LATENCY = "errors", "latency"
_PAST = 2000
_NARROWEST = 200.0
_HARM = 0.2
"""Share of its margin from which on a difference that is proven ends the rollout."""
_SLOWER = 2.0
_ENDLESS = 10**9
_NOTICED = 0.010
"""Seconds under which nobody minds an answer twice as slow."""


@dataclass(slots=True)
class Guards:
    """What the requests of one rollout have shown so far.

    ``position`` and ``until`` are how far requests and what came of them were read; ``slow`` is the latency in seconds
    above which an answer counts as slow, None while it is not known; ``rows`` those the challenger has answered.
    """

    rollout: str
    position: int = 0
    until: float = 0.0
    slow: float | None = None
    rows: int = 0
    contrasts: dict[str, Contrast] = field(default_factory=dict)


def count(
    tx: Transaction, guards: Guards, model: str, champion: int, rollout: Rollout, settings: Settings, now: float
) -> None:
    """Count what is new since the last time."""
    if not guards.contrasts:
        _begin(tx, guards, model, champion, rollout, settings)
    if guards.slow is None:
        guards.slow = _slow(tx, model, champion, now, settings)
    slow = math.inf if guards.slow is None else guards.slow
    versions = (champion, rollout.challenger)
    seen, guards.position = tx.observations.served(model, versions, rollout.started, guards.position, slow)
    first, second = _total(seen, champion), _total(seen, rollout.challenger)
    guards.rows += second.rows
    _add(guards, ERRORS, Arm.counted(first.failed, first.requests), Arm.counted(second.failed, second.requests))
    if guards.slow is not None and rollout.phase != "shadow":
        _add(guards, LATENCY, Arm.counted(first.slow, first.requests), Arm.counted(second.slow, second.requests))
    if rollout.phase != "shadow":
        _count_conversions(tx, guards, model, versions, rollout, settings, now)


def evidence(guards: Guards, settings: Settings, shadow: bool) -> list[Evidence]:
    """Return what is known of each guardrail. A shadow is not waited for and sells nothing: only its failures count."""
    found = []
    for name, one in guards.contrasts.items():
        cap, margin = _cap(name, settings), settings.release.guardrails[name]
        if name == ERRORS or not shadow:
            found.append(_evidence(name, one, margin) if cap is None else _of_amounts(name, one, margin, cap))
    return found


def _begin(tx: Transaction, guards: Guards, model: str, champion: int, rollout: Rollout, settings: Settings) -> None:
    past = tx.observations.before(model, champion, rollout.started, _PAST)
    failed = Arm.counted(float(sum(bool(error) for _, error in past)), float(len(past)))
    for name in settings.release.guardrails:
        if name == ERRORS:
            guards.contrasts[name] = Contrast(past=failed)
        else:
            guards.contrasts[name] = Contrast() if name == LATENCY else _came(name, settings)
    guards.until = rollout.started


def _cap(name: str, settings: Settings) -> float | None:
    """Return the most that one request counts for, None where requests are counted that led to the event."""
    return None if name in (ERRORS, LATENCY) else settings.monitor.business[name].cap


def _came(name: str, settings: Settings) -> Contrast:
    return Contrast(ratios=FALLS) if _cap(name, settings) is None else Contrast(binary=False)


def _slow(tx: Transaction, model: str, champion: int, now: float, settings: Settings) -> float | None:
    """Return the promised p99, else twice the champion's own; None while that has answered too little."""
    promised = settings.monitor.slo.latency_p99_ms
    if promised is not None:
        return promised / 1000.0
    past = [latency for latency, error in tx.observations.before(model, champion, now, _PAST) if not error]
    if len(past) < FEWEST:
        return None
    return max(_SLOWER * float(np.quantile(past, 0.99)), _NOTICED)


def _total(seen: list[Served], version: int) -> Served:
    own = [one for one in seen if one.version == version]
    sums = [sum(getattr(one, name) for one in own) for name in ("requests", "rows", "failed", "slow")]
    return Served(version, "", *sums)


def _add(guards: Guards, name: str, first: Arm, second: Arm) -> None:
    if name in guards.contrasts:
        guards.contrasts[name].add(first, second)


def _count_conversions(
    tx: Transaction, guards: Guards, model: str, versions: tuple[int, int], rollout: Rollout, settings: Settings,
    now: float,
) -> None:  # fmt: skip
    """Count requests old enough for what comes of them to have come, in one stratum a step at most."""
    names = [name for name in guards.contrasts if name not in (ERRORS, LATENCY)]
    until = now - seconds(settings.release.wait)
    if not names or until <= guards.until:
        return
    for name in names:
        event, cap = settings.monitor.business[name].event, _cap(name, settings)
        for start, end in _parts(guards.until, until, rollout.step_started):
            if cap is not None:
                paid = tx.observations.earned(model, versions, event, start, end, cap)
                guards.contrasts[name].add(*(_forgone(*paid.get(v, (0, 0.0, 0.0)), cap) for v in versions))
                continue
            found = tx.observations.converted(model, versions, event, start, end)
            arms = [Arm.counted(float(hits), float(n)) for n, hits in (found.get(v, (0, 0)) for v in versions)]
            guards.contrasts[name].add(arms[0], arms[1])
    guards.until = until


def _forgone(requests: int, amount: float, squares: float, cap: float) -> Arm:
    """Return what each request fell short of ``cap`` by, as losses."""
    return Arm(requests, requests * cap - amount, requests * cap * cap - 2.0 * cap * amount + squares)


def _parts(start: float, end: float, cut: float) -> list[tuple[float, float]]:
    return [(start, cut), (cut, end)] if start < cut < end else [(start, end)]


def _evidence(name: str, one: Contrast, margin: float) -> Evidence:
    band = one.band(_NARROWEST)
    if one.ratios == FALLS:
        band = Band(-band.estimate, -band.high, -band.low, band.rows, band.spread)
    first, second = one.first + one.waiting_first, one.second + one.waiting_second
    words = {ERRORS: "failed requests", LATENCY: "slow requests"}.get(name, f"requests without {name}")
    loss = 1.0 - first.mean if one.ratios == FALLS else first.mean
    return Evidence(
        f"{words}, challenger minus champion", band, margin, FEWEST, int(second.rows), int(first.rows), loss,
        _NARROWEST, one.best, harm=_HARM * margin, unit="requests",
    )  # fmt: skip


def _of_amounts(name: str, one: Contrast, margin: float, cap: float) -> Evidence:
    """Return what is known of amounts; ``margin`` is a share of what the champion's requests bring.

    A mean of bounded amounts has no exact e-process without betting row by row, so the asymptotic bound judges both
    ways, and only once there are rows worth thirty equal purchases: few large ones make it say too much.
    """
    first, second = one.first + one.waiting_first, one.second + one.waiting_second
    brought = cap - first.mean if first.rows else 0.0
    worth = (first.variance / brought**2) if brought > 0.0 else math.inf
    required = math.ceil(min(FEWEST * max(worth, 1.0), _ENDLESS))
    missing = "" if brought > 0.0 else "nothing has come of the champion's answers"
    few = min(first.rows, second.rows) < required
    return Evidence(
        f"{name} a request, champion minus challenger", UNKNOWN if few else one.band(_NARROWEST), margin * brought,
        required, int(second.rows), int(first.rows), first.mean, max(_NARROWEST, required), None, missing,
        unit="requests",
    )  # fmt: skip
