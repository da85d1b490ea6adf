"""What people ask to see, as frozen views: the same for the command line, the API, the console and Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from boucle.core.alarm import Alarm
from boucle.core.deployment import Deployment
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.verdict import Verdict
from boucle.formats.bundle import verify
from boucle.loop.project import Project
from boucle.monitoring.business import Measure, measure_business
from boucle.ports.stores import Transaction
from boucle.views.newest import asked_turn


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model at a glance; quality and drift are the newest verdicts about its champion.

    ``estimate`` is what quality is guessed to be before labels come, None where that cannot be.
    """

    name: str
    enabled: bool
    champion: dict[str, Any] | None
    challenger: int | None
    rollout: dict[str, Any] | None
    quality: dict[str, Any]
    drift: dict[str, Any]
    fault: dict[str, Any]
    slo: dict[str, Any]
    business: list[Measure]
    traffic: dict[str, Any]
    alarms: list[Alarm]
    training: dict[str, Any] | None = None
    estimate: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Status:
    project: str
    time: float
    models: list[ModelStatus] = field(default_factory=list)


def status(project: Project) -> Status:
    """Return the state of every model, from the live state alone: the registry is not asked."""
    with project.state.begin(write=False) as tx:
        held = tx.deployments.all() or [tx.deployments.get(project.name)]
        return Status(project.name, project.clock.now(), [_model_status(project, tx, d) for d in held])


def _model_status(project: Project, tx: Transaction, held: Deployment) -> ModelStatus:
    newest = {kind: _newest(tx, held, kind) for kind in ("quality", "drift", "fault", "slo")}
    champion = None
    if held.champion is not None:
        releases = [e for e in tx.journal.events(held.model, limit=200) if e.version == held.champion]
        since = [e.time for e in releases if e.kind in ("release", "rollout_done", "rollback", "alias_moved")]
        champion = {"version": held.champion, "since": since[-1] if since else None, "previous": held.previous}
    totals = tx.observations.feedback_totals(held.model)
    drift = newest["drift"]
    return ModelStatus(
        name=held.model,
        enabled=held.enabled,
        champion=champion,
        challenger=held.challenger,
        rollout=_rollout(held),
        quality=_verdict(newest["quality"]),
        drift={**_verdict(drift), "columns": [c.name for c in drift.failed] if drift else []},
        fault=_verdict(newest["fault"]),
        slo=_verdict(newest["slo"]),
        business=measure_business(tx, held.model, project.settings.monitor.business),
        traffic={"rows": tx.observations.count(held.model), **totals},
        alarms=tx.alarms.unresolved(held.model),
        training=tx.settings.get(f"training:{held.model}") or asked_turn(tx, held.model, project.clock.now()),
        estimate=None if (guess := _newest(tx, held, "estimate")) is None else _verdict(guess),
    )


def _newest(tx: Transaction, held: Deployment, kind: str) -> Verdict | None:
    found = [v for _, version, v in tx.windows.verdicts(held.model, kind, limit=8) if version == held.champion]
    return found[-1] if found else None


def _verdict(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        return {"status": "inconclusive", "reason": "no data yet", "checks": []}
    return {"status": verdict.status, "reason": verdict.reason, "checks": to_data(verdict.checks)}


def _rollout(held: Deployment) -> dict[str, Any] | None:
    rollout = held.rollout
    if rollout is None:
        return None
    return {
        "id": rollout.id,
        "challenger": rollout.challenger,
        "strategy": rollout.strategy,
        "phase": rollout.phase,
        "share": rollout.share,
        "steps": list(rollout.steps),
        "started": rollout.started,
        "reason": rollout.reason,
    }


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version with what it is, where it came from and what it answered."""

    version: ModelVersion
    aliases: list[str]
    info: BundleInfo
    lineage: dict[str, Any]
    verdict: dict[str, Any]
    answered_rows: int
    history: list[Event]


def listing(project: Project) -> list[dict[str, Any]]:
    """Return every model of the registry with its versions, champion first in mind."""
    found = []
    for name in project.registry.models():
        aliases = project.registry.aliases(name)
        rows = [
            {
                "version": v.number,
                "aliases": sorted(a for a, n in aliases.items() if n == v.number),
                "passed": v.passed,
                "digest": v.digest,
                "created": v.created,
                "runtime": v.runtime,
                "metrics": v.metrics,
            }
            for v in project.registry.versions(name)
        ]
        found.append({"name": name, "aliases": aliases, "versions": rows})
    return found


def show(project: Project, ref: str) -> VersionView:
    """Return one version with its lineage: data → run → version → release → what it answered."""
    version = project.resolve(ref)
    info = verify(project.bundle(version), version.digest)
    aliases = sorted(a for a, n in project.registry.aliases(version.name).items() if n == version.number)
    with project.state.begin(write=False) as tx:
        events = [e for e in tx.journal.events(version.name) if e.version == version.number]
        answered = tx.observations.count(version.name, version.number)
    trained = next((e for e in events if e.kind in ("trained", "adopted", "optimized", "distilled")), None)
    releases = [e.seq for e in events if e.kind in ("release", "rollout_done", "rollback", "alias_moved")]
    lineage = {**info.lineage, "version": version.ref, "digest": version.digest, "releases": releases}
    lineage["answered_rows"] = answered
    verdict = trained.data.get("verdict", {}) if trained else {}
    return VersionView(version, aliases, info, lineage, verdict, answered, events)


def compare(project: Project, left: str, right: str) -> dict[str, Any]:
    """Return two versions side by side: metrics, data, contract and parameters that differ."""
    a, b = show(project, left), show(project, right)
    names = sorted(set(a.version.metrics) | set(b.version.metrics))
    fields = {f.name: f for f in a.info.signature.inputs}
    other = {f.name: f for f in b.info.signature.inputs}
    return {
        "left": a.version.ref,
        "right": b.version.ref,
        "metrics": {n: [a.version.metrics.get(n), b.version.metrics.get(n)] for n in names},
        "fingerprints": [a.version.fingerprint, b.version.fingerprint],
        "same_data": a.version.fingerprint == b.version.fingerprint,
        "runtimes": [a.version.runtime, b.version.runtime],
        "fields": [
            {"name": n, "left": to_data(fields.get(n)), "right": to_data(other.get(n))}
            for n in sorted(set(fields) | set(other))
            if fields.get(n) != other.get(n)
        ],
        "note": "metrics are of each version's own test rows; "
        + f"same rows: boucle evaluate {b.version.ref} --against {a.version.ref}",
    }


def history(project: Project, model: str | None, kinds: list[str], limit: int) -> list[Event]:
    with project.state.begin(write=False) as tx:
        return tx.journal.events(model, kinds, limit=limit)


def verify_history(project: Project) -> dict[str, Any]:
    """Check the hash chain; says how many events hold, or where it breaks."""
    with project.state.begin(write=False) as tx:
        broken = tx.journal.verify()
        count = len(tx.journal.events())
    return {"ok": broken is None, "events": count, "broken_at": broken}
