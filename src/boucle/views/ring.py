"""The loop of one model as nine stages, each with its state and one fact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from boucle.core.verdict import Verdict
from boucle.loop.telling.said import Said, said
from boucle.monitoring.service import latencies, quantile
from boucle.views.newest import Newest

StageState = Literal["pass", "warn", "fail", "running", "inconclusive", "idle"]
Told = tuple[StageState, Said]
NOTHING = said("stage.none")


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: ``name`` is data, train, evaluate, register, release, serve, observe, judge or act."""

    name: str
    state: StageState
    fact: Said


def ring(seen: Newest) -> tuple[Stage, ...]:
    """Return the nine stages in their order."""
    return tuple(Stage(name, *tell(seen)) for name, tell in _STAGES.items())


def _data(seen: Newest) -> Told:
    fault = seen.verdict("fault")
    if fault is not None and fault.status == "fail":
        return "fail", said("data.fault", n=len({c.evidence.get("column", c.name) for c in fault.failed}))
    rows = seen.trained.data.get("rows") if seen.trained else None
    return ("idle", NOTHING) if rows is None else ("pass", said("data.rows", n=int(rows)))


def _train(seen: Newest) -> Told:
    if seen.training:
        return "running", said("train.running", span=seen.now - float(seen.training.get("since", seen.now)))
    done = seen.trained.time if seen.trained else 0.0
    if seen.failed is not None and seen.failed.time > done:
        return "warn", said("train.failed")
    if seen.trained is None:
        return "idle", NOTHING
    return "pass", said("train.version", model=seen.held.model, version=seen.trained.version)


def _evaluate(seen: Newest) -> Told:
    verdict = seen.trained.data.get("verdict") if seen.trained else None
    if not verdict:
        return "idle", NOTHING
    first = next((c for c in verdict["checks"] if c.get("observed") is not None), None)
    state: StageState = verdict["status"]
    if first is None:
        return state, said("evaluate.status", status=said(f"verdict.{state}"))
    return state, said("evaluate.metric", metric=first["name"], value=first["observed"])


def _register(seen: Newest) -> Told:
    if seen.trained is None or seen.trained.version is None:
        return "idle", NOTHING
    return "pass", said("register.version", version=seen.trained.version)


def _release(seen: Newest) -> Told:
    held, rollout = seen.held, seen.held.rollout
    approval = next((one for one in seen.alarms if one.cause == "approval"), None)
    if held.challenger is not None and rollout is not None:
        told = {"version": rollout.challenger, "share": rollout.share}
        if rollout.phase == "holding":
            return "inconclusive", said("release.holding", **told)
        return "running", said("release.shadow" if rollout.phase == "shadow" else "release.share", **told)
    if approval is not None:
        return "warn", said("release.waits", version=approval.version)
    if held.champion is None:
        return "idle", NOTHING
    since = seen.released.time if seen.released is not None else seen.now
    return "pass", said("release.version", version=held.champion, span=seen.now - since)


def _serve(seen: Newest) -> Told:
    if seen.held.champion is None:
        return "idle", NOTHING
    if not seen.held.enabled:
        return "fail", said("serve.off")
    failed = seen.status("slo") == "fail"
    if not seen.requests:
        return ("fail" if failed else "idle"), said("serve.quiet")
    buckets = latencies(seen.counts.extra) if seen.counts is not None else []
    told = {"rate": seen.requests}
    fact = said("serve.rate.p99", p99=quantile(buckets, 0.99) * 1000.0, **told) if buckets else said(
        "serve.rate", **told
    )  # fmt: skip
    return ("fail" if failed else "pass"), fact


def _observe(seen: Newest) -> Told:
    if seen.labels:
        quality = seen.verdict("quality")
        delay = quality.inputs.get("delay") if quality is not None else None
        if delay is None:
            return "pass", said("observe.labels.plain", n=seen.labels)
        return "pass", said("observe.labels", n=seen.labels, delay=float(delay))
    if seen.window is not None:
        return "inconclusive", said("observe.rows", n=seen.window.rows)
    return "idle", NOTHING


def _judge(seen: Newest) -> Told:
    quality, drift = seen.verdict("quality"), seen.verdict("drift")
    states = [seen.status(kind) for kind in ("quality", "slo", "floor")]
    if seen.status("fault") == "fail":
        return "fail", said("judge.fault")
    if "fail" in states:
        return "fail", _measured(quality)
    if drift is not None and drift.status == "fail":
        return "warn", said("judge.drift", n=len(drift.failed))
    if quality is not None and quality.checks:
        return quality.status, _measured(quality)
    if not seen.verdicts:
        return "idle", NOTHING
    return ("pass" if seen.status("drift") == "pass" else "inconclusive"), said("judge.quiet")


def _measured(quality: Verdict | None) -> Said:
    first = quality.checks[0] if quality is not None and quality.checks else None
    if first is None or first.observed is None:
        return said("judge.quiet")
    return said("judge.metric", metric=first.name, value=first.observed)


def _act(seen: Newest) -> Told:
    if seen.training:
        return "running", said("act.retrain")
    if seen.held.challenger is not None:
        return "running", said("act.release")
    if seen.decided is None:
        return "idle", said("act.none")
    action = said(f"act.{seen.decided.data.get('action', 'none')}")
    if seen.decided.data.get("waits") is not None and any(one.state == "open" for one in seen.alarms):
        return "warn", said("act.waits", action=action)
    return "pass", action


_STAGES: dict[str, Callable[[Newest], Told]] = {
    "data": _data,
    "train": _train,
    "evaluate": _evaluate,
    "register": _register,
    "release": _release,
    "serve": _serve,
    "observe": _observe,
    "judge": _judge,
    "act": _act,
}
