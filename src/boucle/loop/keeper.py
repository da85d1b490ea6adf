"""The keeper: looks at what the data plane has observed, judges it, acts on it, and says why."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from croniter import croniter

from boucle.core.alarm import Alarm
from boucle.core.deployment import Deployment
from boucle.core.errors import BoucleError
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.verdict import Verdict
from boucle.formats.bundle import read_info
from boucle.formats.files import exclusive
from boucle.loop import access, alarms, memory
from boucle.loop.memory import Memory
from boucle.loop.policy import Decision, Known, decide
from boucle.loop.project import Project
from boucle.loop.retraining import Retraining
from boucle.loop.rollouts import judge_rollout
from boucle.loop.upkeep import Upkeep, collected_seldom
from boucle.monitoring.ingest import ingest
from boucle.monitoring.look import Look, look
from boucle.ports.stores import Transaction

_PASSING = ("training", "rollout")


@dataclass(frozen=True, slots=True)
class Looked:
    """One look: what was read, the verdicts that are new, and what was done."""

    observations: int
    feedback: int
    verdicts: list[Verdict] = field(default_factory=list)
    actions: list[Decision] = field(default_factory=list)


class Keeper:
    """Keeps one project's loop turning. Every step is idempotent: killed anywhere, the next look goes on."""

    def __init__(self, project: Project, say: Callable[[str], None] = lambda _: None) -> None:
        self.project = project
        self._say = say
        self._retraining = Retraining(project)
        self._upkeep = Upkeep(project)
        self._untold: list[tuple[Alarm, str, str]] = []
        self._champions: dict[int, tuple[ModelVersion, BundleInfo, Path]] = {}

    def run(self, stop: threading.Event, interval: float = 1.0) -> None:
        """Look every ``interval`` seconds until ``stop`` is set; an error is told and does not end the keeper."""
        lock = self.project.root / "locks" / "keeper.lock"
        with exclusive(lock, f"A keeper of {self.project.name}"), collected_seldom():
            self._retraining.recover()
            failing = ""
            while not stop.is_set():
                try:
                    self.look()
                    failing = ""
                except BoucleError as error:
                    if str(error) != failing:
                        self._say(f"error: {error}")
                    failing = str(error)
                stop.wait(interval)
            self._retraining.stop()

    def look(self) -> Looked:
        """Look once: ingest, judge, decide, act."""
        project = self.project
        access.publish(project, fetch=True)
        project.delivery.reconcile(project.registry_champion)
        taken = ingest(project.state, project.segments)
        self._untold += self._upkeep.look(taken.dropped)
        with project.state.begin() as tx:
            held = tx.deployments.get(project.name)
        if held.champion is None:
            return Looked(taken.observations, taken.feedback)
        seen = self._judge(held)
        decisions = self._decide(held, seen)
        done = [d for d in decisions if self._act(held, d)]
        rollout = judge_rollout(project, held, self._about(held)[1].signature.classes)
        outcome = self._retraining.poll()
        if outcome is not None:
            self._after_training(outcome)
        self._tell()
        fresh = [*seen.verdicts.values(), *([rollout] if rollout else [])]
        return Looked(taken.observations, taken.feedback, fresh, done)

    def _judge(self, held: Deployment) -> Look:
        """Judge the champion's newest windows and labels; a verdict that changed is an event."""
        project = self.project
        version, _, bundle = self._about(held)
        with project.state.begin() as tx:
            seen = look(tx, version, bundle, project.settings, project.clock.now())
            before = memory.read(tx, held.model).under(held.champion)
            after = before.after(seen.verdicts, seen.windows)
            for kind, verdict in seen.verdicts.items():
                self._note(tx, held, kind, verdict, before)
                self._alarm(tx, held, kind, verdict, after, seen.windows)
            memory.write(tx, held.model, after)
        return seen

    def _about(self, held: Deployment) -> tuple[ModelVersion, BundleInfo, Path]:
        """Return the champion with its bundle, looked up and verified once: a version never changes."""
        assert held.champion is not None
        if held.champion not in self._champions:
            version = self.project.registry.version(held.model, held.champion)
            bundle = self.project.bundle(version)
            self._champions = {held.champion: (version, read_info(bundle), bundle)}
        return self._champions[held.champion]

    def _note(self, tx: Transaction, held: Deployment, kind: str, verdict: Verdict, before: Memory) -> None:
        tx.windows.record(held.model, held.champion or 0, kind, self.project.clock.now(), verdict)
        failing = before.streaks.get(kind, 0) > 0
        if (verdict.status == "fail") != failing and verdict.status != "inconclusive":
            self._event(tx, "verdict", held, f"{kind} {verdict.status}: {verdict.reason}", verdict=to_data(verdict))

    def _alarm(
        self, tx: Transaction, held: Deployment, kind: str, verdict: Verdict, after: Memory, windows: int
    ) -> None:
        react = self.project.settings.react
        confirm = react.drift.confirm if kind == "drift" else 1
        if verdict.status == "fail" and after.streaks.get(kind, 0) >= confirm:
            reason = f"{kind}: {verdict.reason}"
            opened = alarms.raise_alarm(
                self.project, tx, held.model, kind, reason, held.champion, {"verdict": to_data(verdict)}
            )
            if opened is not None:
                self._untold.append((opened, "see boucle history", ""))
        elif verdict.status == "pass" and windows:
            alarms.quieten(self.project, tx, held.model, kind, windows)

    def _decide(self, held: Deployment, seen: Look) -> list[Decision]:
        settings = self.project.settings
        with self.project.state.begin() as tx:
            kept = memory.read(tx, held.model)
            labels = len(tx.observations.joined(held.model, limit=settings.react.min_labels))
            newest = {
                kind: found[-1][2]
                for kind in ("fault", "quality", "drift", "slo")
                if (found := [v for v in tx.windows.verdicts(held.model, kind, limit=4) if v[1] == held.champion])
            }
        now = self.project.clock.now()
        known = Known(
            streaks=kept.streaks,
            idle=kept.idle,
            windows=kept.windows - kept.released,
            retrained_today=sum(now - t < 86400.0 for t in kept.fits),
            failed_gates=kept.failed_gates,
            labels=labels,
            training=self._retraining.running,
            rolling_out=held.challenger is not None,
            has_previous=held.previous is not None,
            schedule_due=self._due(kept, now),
        )
        return decide(newest, known, settings.react)

    def _due(self, kept: Memory, now: float) -> bool:
        """Say whether the schedule's next time after the last one has come; the first look only starts the count."""
        cron = self.project.settings.react.schedule
        if cron is None:
            return False
        if kept.scheduled == 0.0:
            self._remember(lambda m: replace(m, scheduled=now))
            return False
        return float(croniter(cron, kept.scheduled).get_next(float)) <= now

    def _act(self, held: Deployment, decision: Decision) -> bool:
        """Carry a decision out, or note once why it waits; returns whether something was done."""
        project, now = self.project, self.project.clock.now()
        key = f"{decision.cause}:{decision.action}"
        if decision.action == "alert" or decision.held:
            self._note_decision(held, decision, key, decision.held.kind if decision.held else "alert")
            return False
        with project.state.begin() as tx:
            kept = memory.read(tx, held.model).doing(decision.action, now)
            kept = replace(kept, noted={}, scheduled=now if decision.cause == "schedule" else kept.scheduled)
            memory.write(tx, held.model, kept)
            self._decided(tx, held, decision)
        if decision.action == "retrain":
            self._retraining.start(decision.reason)
        elif decision.action == "rollback":
            project.delivery.rollback(held.model, decision.reason)
        elif decision.action == "disable":
            project.delivery.disable(held.model, decision.reason)
        return True

    def _note_decision(self, held: Deployment, decision: Decision, key: str, kind: str) -> None:
        if kind in _PASSING:
            return
        with self.project.state.begin() as tx:
            kept = memory.read(tx, held.model)
            if kept.noted.get(key) == kind:
                return
            memory.write(tx, held.model, replace(kept, noted={**kept.noted, key: kind}))
            self._decided(tx, held, decision)

    def _decided(self, tx: Transaction, held: Deployment, decision: Decision) -> None:
        text = f"{decision.action} because of {decision.reason}"
        if decision.held:
            text = f"no {decision.action} although {decision.reason}: {decision.held.text}"
        self._event(
            tx, "decision", held, text, action=decision.action, cause=decision.cause, waits=to_data(decision.held)
        )

    def _after_training(self, outcome: Retraining.Ended) -> None:
        """Release the challenger, or count the failed gate."""
        project = self.project
        with project.state.begin() as tx:
            held = tx.deployments.get(project.name)
        if outcome.version is None or not outcome.passed:
            self._remember(lambda m: replace(m, failed_gates=m.failed_gates + 1))
            self._open_alarm(held, "gate", outcome.reason, "the champion stays")
            return
        self._remember(lambda m: replace(m, failed_gates=0))
        if outcome.version == held.champion:
            return
        if project.settings.release.require_approval:
            what = f"{held.model}/{outcome.version} passed its gate and waits for approval"
            self._open_alarm(held, "approval", what, f"approve with: boucle promote {held.model}/{outcome.version}")
            return
        project.delivery.promote(held.model, outcome.version, reason=outcome.reason)

    def _open_alarm(self, held: Deployment, cause: str, reason: str, done: str) -> None:
        with self.project.state.begin() as tx:
            opened = alarms.raise_alarm(self.project, tx, held.model, cause, reason, held.champion, {})
        if opened is not None:
            self._untold.append((opened, done, ""))

    def _remember(self, change: Callable[[Memory], Memory]) -> None:
        with self.project.state.begin() as tx:
            memory.write(tx, self.project.name, change(memory.read(tx, self.project.name)))

    def _event(self, tx: Transaction, kind: str, held: Deployment, reason: str, **data: object) -> None:
        self._say(reason)
        now = self.project.clock.now()
        tx.journal.append(Event(kind, now, reason, held.model, held.champion, self.project.actor, data))

    def _tell(self) -> None:
        """Send the messages that are due; one that fails is in the history, and the alarm is open all the same."""
        while self._untold:
            alarm, done, undo = self._untold.pop(0)
            failed = alarms.tell(self.project, alarm, done, undo)
            if failed:
                with self.project.state.begin() as tx:
                    held = tx.deployments.get(alarm.model)
                    self._event(
                        tx, "message_failed", held, f"alarm {alarm.id} could not be sent to {', '.join(failed)}"
                    )
