"""Prometheus rules from the contract in boucle.yaml: what was promised, what the loop has found, and the loop itself.

Promises become burn-rate alerts over a long and a short stretch both (Google, The Site Reliability Workbook, 2018,
chapter 5, table 5-8): the long one shows that it matters, the short one that it still goes on. Written for Prometheus
2.42 and newer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from boucle.project.settings import Settings
from boucle.serving.metrics import SECONDS

BURNS = (("page", 14.4, "1h", "5m"), ("page", 6.0, "6h", "30m"), ("ticket", 1.0, "3d", "6h"))
"""Severity, burn rate, long and short stretch: 2 % of a 30 days' budget, 5 %, and 10 %."""
OWN = "boucle"
"""Label ``told_by`` of alerts about what Boucle has raised an alarm for and told people itself."""
_STRETCHES = ("5m", "30m", "1h", "6h", "3d")
_SLOW = 0.01
"""Share of requests that a promise about the 99 % quantile allows to be slower."""
_LEAST = 2
"""Failures in the long stretch that are not enough to wake anybody, whatever their share."""

Rule = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Promise:
    """``bad`` and ``all`` are counters, of requests that broke the promise and of all."""

    name: str
    allowed: float
    bad: tuple[str, ...]
    all: str
    said: str


def rules(settings: Settings) -> dict[str, Any]:
    """Return the rule file of a project as plain data; ``groups`` with their recording and alerting rules."""
    model = json.dumps(settings.name)
    groups = [
        _group(promise.name, settings, [*_shares(promise, settings), *_burns(promise, settings)])
        for promise in _promises(settings, model)
    ]
    if settings.monitor.slo.saturation is not None:
        groups.append(_group("saturation", settings, [_full(settings, settings.monitor.slo.saturation)]))
    groups.append(_group("model", settings, list(_found(settings, model))))
    groups.append(_group("itself", settings, list(_itself(settings, model))))
    return {"groups": groups}


def _group(name: str, settings: Settings, held: list[Rule]) -> dict[str, Any]:
    return {"name": f"boucle-{settings.name}-{name}", "rules": held}


def _promises(settings: Settings, model: str) -> Iterator[_Promise]:
    slo = settings.monitor.slo
    asked = f"boucle_requests_total{{model={model}}}"
    failed = f'boucle_requests_total{{model={model},code=~"5.."}}'
    if slo.availability is not None or slo.error_rate is not None:
        allowed = slo.error_rate if slo.availability is None else 1.0 - slo.availability
        assert allowed is not None
        yield _Promise("availability", allowed, (failed,), asked, f"at most {allowed:.4g} of the requests fail")
    edge = _edge(slo.latency_p99_ms)
    if edge is not None:
        base = "boucle_request_duration_seconds"
        quick = f"{base}_bucket{{model={model},le=~{json.dumps(edge)}}}"
        whole = f"{base}_count{{model={model}}}"
        said = f"99 of 100 requests take at most {slo.latency_p99_ms:g} ms"
        yield _Promise("latency", _SLOW, (whole, quick), whole, said)


def _edge(milliseconds: float | None) -> str | None:
    """Return the next bucket's edge as an expression; None beyond the last: nothing is slower.

    The next one up, so that nothing within the promise is called slow. Prometheus 3 writes 1 as 1.0.
    """
    if milliseconds is None:
        return None
    edge = next((e for e in SECONDS if e * 1000.0 >= milliseconds * (1.0 - 1e-9)), None)
    if edge is None:
        return None
    return f"{edge:g}".replace(".", "[.]") + ("([.]0)?" if edge == int(edge) else "")


def _record(promise: _Promise, stretch: str) -> str:
    return f"boucle:{promise.name}_broken:ratio_rate{stretch}"


def _shares(promise: _Promise, settings: Settings) -> Iterator[Rule]:
    """Record the share of requests that broke the promise, over every stretch that an alert looks at."""
    for stretch in _STRETCHES:
        # A first failure's series begins with it, and before it there is none: nothing failed.
        bad = " - ".join(f"sum(rate({one}[{stretch}]))" for one in promise.bad)
        bad = bad if len(promise.bad) > 1 else f"{bad} or vector(0)"
        share = f"({bad}) / sum(rate({promise.all}[{stretch}]))"
        yield {"record": _record(promise, stretch), "expr": share, "labels": {"model": settings.name}}


def _burns(promise: _Promise, settings: Settings) -> Iterator[Rule]:
    for severity, burn, long, short in BURNS:
        # Where the budget is wide, all requests failing burns slower than this; that has to wake people all the same.
        bound = min(burn * promise.allowed, (1.0 + promise.allowed) / 2.0)
        chosen = f"{{model={json.dumps(settings.name)}}}"
        many = " - ".join(f"sum(increase({one}[{long}]))" for one in promise.bad)
        expr = (
            f"{_record(promise, long)}{chosen} > {bound:.6g} and {_record(promise, short)}{chosen} > {bound:.6g}"
            f" and on() ({many}) > {_LEAST}"
        )
        summary = f"{settings.name}: {promise.name} is below its promise over {long}"
        text = f"Broken by {{{{ $value | humanizePercentage }}}}, and as bad over {short}. Promised: {promise.said}."
        name = f"Boucle{promise.name.capitalize()}"
        yield _alert(name, expr, "0s", severity, summary, text, settings, stretch=long)


def _full(settings: Settings, share: float) -> Rule:
    """Return the alert for a service in which too much waits: it comes before requests are refused."""
    return _alert(
        "BoucleSaturation", f"max(boucle_saturation_ratio) > {share:.6g}", "5m", "page",
        f"{settings.name}: the service is nearly full",
        f"{{{{ $value | humanizePercentage }}}} of what may wait does, for 5 minutes. Promised: at most {share:.0%}.",
        settings,
    )  # fmt: skip


def _found(settings: Settings, model: str) -> Iterator[Rule]:
    """Yield what the keeper has found: it has told people already, if the project says whom."""
    name = settings.name
    for metric, alert, severity, said in (
        ("drift_alarm", "BoucleDrift", "ticket", "the inputs are no longer distributed as in the reference"),
        ("data_fault_alarm", "BoucleDataFault", "page", "the data that comes in is broken"),
        ("quality_alarm", "BoucleQualityLoss", "page", "the model errs more than it did"),
    ):
        expr = f"boucle_{metric}{{model={model}}} == 1"
        yield _alert(alert, expr, "0s", severity, f"{name}: {said}", "See: boucle alarms", settings, told_by=OWN)


def _itself(settings: Settings, model: str) -> Iterator[Rule]:
    """Yield what Boucle cannot be relied on to tell, as it is the one that has failed."""
    name = settings.name
    unready = f"absent(boucle_model_ready{{model={model}}} == 1)"
    yield _alert(
        "BoucleNotServing", unready, "1m", "page", f"{name}: nothing is ready to answer",
        "No data plane that can be reached has a version loaded. See: boucle status", settings,
    )  # fmt: skip
    yield _alert(
        "BoucleVersionNotLoaded", f"min by (model, version) (boucle_model_ready{{model={model}}}) == 0", "5m", "ticket",
        f"{name}: a released version is not loaded", "Version {{ $labels.version }} cannot answer.", settings,
    )  # fmt: skip
    away = f"absent(boucle_drift_alarm{{model={model}}})"
    yield _alert(
        "BoucleControlPlaneAway", away, "5m", "ticket", f"{name}: the control plane does not answer",
        "Predictions go on; nobody judges or acts. See: boucle up", settings,
    )  # fmt: skip
    beats = f"boucle_keeper_beats_total{{model={model}}}"
    yield _alert(
        "BoucleKeeperSilent", f"sum(changes({beats}[5m])) == 0 or absent({beats})", "5m", "page",
        f"{name}: the keeper has not looked for minutes", "Nobody judges or acts. See: boucle status", settings,
    )  # fmt: skip
    yield _alert(
        "BoucleCaptureDrops", "sum(increase(boucle_observations_dropped_total[10m])) > 0", "0s", "page",
        f"{name}: observations are lost", "Requests are answered, and not kept: is the disk full?", settings,
    )  # fmt: skip


def _alert(
    name: str, expr: str, lasting: str, severity: str, summary: str, text: str, settings: Settings, **labels: str
) -> Rule:
    return {
        "alert": name,
        "expr": expr,
        "for": lasting,
        "labels": {"model": settings.name, "severity": severity, **labels},
        "annotations": {"summary": summary, "description": text},
    }
