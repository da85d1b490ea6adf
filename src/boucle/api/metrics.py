"""The control plane's own Prometheus metrics: what the keeper has found out. The data plane counts requests itself."""

from __future__ import annotations

from collections.abc import Iterator

from boucle.core.json import from_data, to_data
from boucle.loop.lease import Held
from boucle.loop.project import Project
from boucle.monitoring.burn import budgets
from boucle.monitoring.meter import Metered
from boucle.project.values import seconds
from boucle.views import models as views

_HELP = {
    "boucle_quality_ratio": "gauge newest measured quality of a version",
    "boucle_quality_ratio_lower": "gauge lower end of its interval",
    "boucle_quality_ratio_upper": "gauge upper end of its interval",
    "boucle_drift_effect": "gauge effect size of the newest window by column",
    "boucle_drift_alarm": "gauge 1 while the newest window drifts",
    "boucle_data_fault_alarm": "gauge 1 while the newest window has broken data",
    "boucle_quality_alarm": "gauge 1 while the newest verdict says that quality is lost",
    "boucle_alarms_open": "gauge alarms that are not resolved, by state",
    "boucle_keeper_beats_total": "counter signs of life of the keeper that acts, about one a second",
    "boucle_error_budget_used_ratio": "gauge used share of an error budget over its period; 1 is all of it",
    "boucle_error_budget_burn_rate": "gauge error budget used in the last hour; at 1 it lasts exactly its period",
    "boucle_traffic_share_ratio": "gauge share of the traffic by version and role",
    "boucle_business_value_total": "counter summed values of business events",
    "boucle_feedback_total": "counter labelled rows",
    "boucle_feedback_delay_seconds": "gauge mean time from answer to truth",
    "boucle_decisions_total": "counter decisions by action and cause",
}


def render(project: Project) -> str:
    """Return the metrics in Prometheus's text format 0.0.4."""
    lines: dict[str, list[str]] = {}
    for name, labels, value in _samples(project):
        text = ",".join(f'{k}="{_escaped(str(v))}"' for k, v in labels.items())
        lines.setdefault(name, []).append(f"{name}{{{text}}} {value}")
    out = []
    for name, samples in lines.items():
        kind, text = _HELP[name].split(" ", 1)
        out += [f"# HELP {name} {text}", f"# TYPE {name} {kind}", *samples]
    return "\n".join(out) + "\n"


def _samples(project: Project) -> Iterator[tuple[str, dict[str, object], float]]:
    for model in views.status(project).models:
        name = model.name
        version = model.champion["version"] if model.champion else 0
        for check in model.quality["checks"]:
            labels = {"model": name, "version": version, "metric": check["name"]}
            for suffix, key in (("", "observed"), ("_lower", "low"), ("_upper", "high")):
                if check[key] is not None:
                    yield f"boucle_quality_ratio{suffix}", labels, check[key]
        for check in model.drift["checks"]:
            if check["observed"] is not None:
                yield "boucle_drift_effect", {"model": name, "column": check["name"]}, check["observed"]
        yield "boucle_drift_alarm", {"model": name}, float(model.drift["status"] == "fail")
        yield "boucle_data_fault_alarm", {"model": name}, float(model.fault["status"] == "fail")
        yield "boucle_quality_alarm", {"model": name}, float(model.quality["status"] == "fail")
        for state in ("open", "acknowledged"):
            count = sum(alarm.state == state for alarm in model.alarms)
            yield "boucle_alarms_open", {"model": name, "state": state}, float(count)
        share = model.rollout["share"] if model.rollout and model.challenger else 0.0
        if model.champion:
            yield "boucle_traffic_share_ratio", {"model": name, "version": version, "role": "champion"}, 1.0 - share
        if model.challenger:
            labels = {"model": name, "version": model.challenger, "role": "challenger"}
            yield "boucle_traffic_share_ratio", labels, share
        for measure in model.business:
            labels = {"model": name, "version": measure.version, "event": measure.event}
            yield "boucle_business_value_total", labels, measure.count if measure.value is None else measure.value
        yield "boucle_feedback_total", {"model": name}, model.traffic["labels"]
        yield "boucle_feedback_delay_seconds", {"model": name}, model.traffic["delay"]
    yield from _keeper(project)
    yield from _budgets(project)
    yield from _decisions(project)


def _keeper(project: Project) -> Iterator[tuple[str, dict[str, object], float]]:
    with project.state.begin(write=False) as tx:
        kept = tx.settings.get(f"lease:{project.name}")
    if kept:
        yield "boucle_keeper_beats_total", {"model": project.name}, float(from_data(kept, Held).beat)


def _budgets(project: Project) -> Iterator[tuple[str, dict[str, object], float]]:
    slo = project.settings.monitor.slo
    with project.state.begin(write=False) as tx:
        kept = Metered(tx, project.name, project.clock.now())
    for budget in budgets(kept.counted, slo, seconds(slo.period)):
        labels: dict[str, object] = {"model": project.name, "promise": budget.name}
        yield "boucle_error_budget_used_ratio", labels, budget.used
        yield "boucle_error_budget_burn_rate", labels, budget.burn


def _decisions(project: Project) -> Iterator[tuple[str, dict[str, object], float]]:
    counts: dict[tuple[str, str, str], int] = {}
    for event in views.history(project, None, ["decision"], 0):
        data = to_data(event.data)
        key = (event.model, str(data.get("action")), str(data.get("cause")))
        counts[key] = counts.get(key, 0) + 1
    for (model, action, cause), count in counts.items():
        yield "boucle_decisions_total", {"model": model, "action": action, "reason": cause}, float(count)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
