"""More models in the same state: for a home page with many, and for measuring it. Nothing serves them."""

from __future__ import annotations

from boucle.core.alarm import Alarm
from boucle.core.deployment import Deployment, Rollout
from boucle.core.event import Event
from boucle.core.verdict import Check, Verdict
from boucle.loop.project import Project
from boucle.ports.stores import Transaction

HOUR = 3600.0
KNOWN = ("credit-risk", "wine-quality", "review-sentiment", "product-photos", "support-chat")


def settle(project: Project, count: int) -> None:
    """Put ``count`` models beside the project's own: one rolls out, one is watched, the others are fine."""
    now = project.clock.now()
    names = [*KNOWN[:count], *(f"model-{number:02d}" for number in range(count - len(KNOWN)))]
    with project.state.begin() as tx:
        for place, name in enumerate(names):
            _settle(tx, name, place, now)


def _settle(tx: Transaction, name: str, place: int, now: float) -> None:
    version, value = 3 + place % 9, 0.95 - 0.013 * (place % 7)
    rollout = None
    if place == 0:
        begun = now - 5 * HOUR
        rollout = Rollout(f"{name}#2", version + 1, "canary", "stepping", begun, begun, 0.1, 1, (0.1, 0.5), 200)
    held = Deployment(name, 1, True, version, version - 1, rollout)
    tx.deployments.put(held)
    gate = {"status": "pass", "checks": [{"name": "accuracy", "observed": value, "status": "pass"}]}
    made = Event("trained", now - 9 * 24 * HOUR, f"{name}/{version} was trained", name, version, "keeper")
    tx.journal.append(_with(made, {"verdict": gate, "rows": 8420, "metrics": {"accuracy": value}}))
    tx.journal.append(Event("release", now - 9 * 24 * HOUR, "passed its gate", name, version, "keeper"))
    _judged(tx, name, version, value, now)
    if place == 0:
        needed = Verdict.of(f"{name}/{version + 1}", "rollout", [Check("loss", "inconclusive", n=850)], needed=1150)
        tx.windows.record(name, version + 1, "rollout", now - 60, needed)
    if place == 3:
        near = Verdict.of(f"{name}/{version}", "drift", [Check("brightness", "fail", 0.13, "< 0.1", 0.11, 0.15, 500)])
        tx.windows.record(name, version, "drift", now - 60, near)
        tx.alarms.put(Alarm(0, name, "drift", now - 2 * HOUR, near.reason, version, "acknowledged", changed=now - HOUR))


def _judged(tx: Transaction, name: str, version: int, value: float, now: float) -> None:
    for hour in range(48, 0, -3):
        seen = value + 0.004 * ((hour * 7) % 5 - 2)
        check = Check("accuracy", "pass", seen, ">= 0.86", seen - 0.008, seen + 0.008, 500)
        time = now - hour * HOUR
        verdict = Verdict.of(f"{name}/{version}", "quality", [check], end=time - HOUR, late=HOUR, labels=500)
        tx.windows.record(name, version, "quality", time, verdict)


def _with(event: Event, data: dict[str, object]) -> Event:
    return Event(event.kind, event.time, event.reason, event.model, event.version, event.actor, data)
