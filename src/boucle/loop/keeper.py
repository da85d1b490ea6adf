"""The keeper: looks at what the data plane has observed, judges it, acts on it, and says why."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from boucle.core.deployment import Deployment
from boucle.core.errors import BoucleError, Conflict
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.verdict import Verdict
from boucle.formats.bundle import read_info
from boucle.loop import access, alarms, memory, messages, promises
from boucle.loop.acting import Hands
from boucle.loop.lease import TERM, Fenced, Lease, LeaseLost
from boucle.loop.memory import Memory
from boucle.loop.outbox import Outbox
from boucle.loop.policy import JUDGED, Decision, decide, reaction_to
from boucle.loop.project import Project
from boucle.loop.rollouts import judge_rollout
from boucle.loop.situation import known, newest_verdicts
from boucle.loop.upkeep import Upkeep, collected_seldom
from boucle.monitoring.ingest import Ingested, ingest
from boucle.monitoring.look import Look, look
from boucle.monitoring.meter import Meter
from boucle.monitoring.quarantine import quarantine
from boucle.ports.stores import Transaction
from boucle.project.values import seconds

GOODBYE = 5.0
"""Seconds the keeper waits at its end for messages that are on their way."""


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
        self._hands = Hands(project, say)
        self._upkeep = Upkeep(project)
        self._champions: dict[int, tuple[ModelVersion, BundleInfo, Path]] = {}
        promised = project.settings.monitor.slo
        self._meter = Meter(None if promised.latency_p99_ms is None else promised.latency_p99_ms / 1000.0)
        self._outbox = Outbox(project, messages.compose)

    def run(self, stop: threading.Event, interval: float = 1.0) -> None:
        """Look every ``interval`` seconds until ``stop`` is set; an error is told and does not end the keeper.

        Of several keepers of one project one looks; the others wait for it to end, and take over in seconds if it dies.
        """
        lease = Lease(self.project.state, self.project.name)
        with self._fenced(lease), lease.beating(), collected_seldom():
            while not stop.is_set():
                if self._take(lease, stop):
                    self._hands.retraining.recover()
                    self._look_on(lease, stop, interval)
                    self._hands.retraining.stop()
            if lease.held:
                self._outbox.drain(GOODBYE)

    def once(self, patience: float = 2 * TERM) -> Looked:
        """Look once, as the only keeper; raises Conflict when another one is at work."""
        lease = Lease(self.project.state, self.project.name)
        end = time.monotonic() + patience
        with self._fenced(lease), lease.beating():
            while not lease.try_take():
                if time.monotonic() > end:
                    raise Conflict(
                        f"Another keeper ({lease.holder()}) looks after {self.project.name}.",
                        hint="it does what this one would do: boucle status",
                    )
                time.sleep(0.2)
            self._hands.retraining.recover()
            looked = self.look()
            self._outbox.drain(GOODBYE)
            return looked

    def _take(self, lease: Lease, stop: threading.Event) -> bool:
        """Wait for the lease; returns whether it is ours."""
        told = ""
        while not stop.is_set():
            try:
                if lease.try_take():
                    return True
                if not told:
                    told = f"another keeper ({lease.holder()}) looks after {self.project.name}; this one waits"
                    self._say(told)
            except BoucleError as error:
                if str(error) != told:
                    told = str(error)
                    self._say(f"error: {told}")
            stop.wait(0.5)
        return False

    def _look_on(self, lease: Lease, stop: threading.Event, interval: float) -> None:
        """Look again and again while the lease is ours."""
        failing = ""
        while not stop.is_set() and lease.held:
            lease.worked()
            try:
                self.look()
                failing = ""
            except LeaseLost as lost:
                self._say(str(lost))
                return
            except BoucleError as error:
                if str(error) != failing:
                    self._say(f"error: {error}")
                failing = str(error)
            stop.wait(interval)

    @contextmanager
    def _fenced(self, lease: Lease) -> Iterator[None]:
        """Let no transaction of this project write without the lease, for the block."""
        parts = self.project.origin.__dict__
        plain = self.project.state
        parts["state"] = Fenced(plain, lease)
        self.project.__dict__.pop("delivery", None)  # it holds on to the state it was made with
        try:
            yield
        finally:
            parts["state"] = plain
            self.project.__dict__.pop("delivery", None)

    def look(self) -> Looked:
        """Look once: ingest, judge, decide, act."""
        project = self.project
        access.publish(project, fetch=True)
        project.delivery.reconcile(project.registry_champion)
        taken = self._ingest()
        self._hands.finish()
        with project.state.begin(write=False) as tx:
            held = tx.deployments.get(project.name)
        if held.champion is None:
            self._outbox.look()
            return Looked(taken.observations, taken.feedback)
        seen = self._judge(held)
        signature = self._about(held)[1].signature
        done = [d for d in self._decide(held) if self._hands.act(held, d, signature)]
        rollout = judge_rollout(project, held, signature.classes)
        self._hands.after_training()
        self._outbox.look()
        fresh = [*seen.verdicts.values(), *([rollout] if rollout else [])]
        return Looked(taken.observations, taken.feedback, fresh, done)

    def _ingest(self) -> Ingested:
        project = self.project
        period = seconds(project.settings.monitor.slo.period)
        now = project.clock.now()
        taken = ingest(project.state, project.segments, meter=self._meter, now=now, period=period)
        self._upkeep.look(taken.dropped)
        return taken

    def _judge(self, held: Deployment) -> Look:
        """Judge the champion's newest windows and labels; a verdict that changed is an event."""
        project, now = self.project, self.project.clock.now()
        version, info, bundle = self._about(held)
        with project.state.begin() as tx:
            kept = memory.read(tx, held.model)
            before = kept.at(now).under(held.champion)
            seen = look(tx, version, bundle, project.settings, now)
            more = promises.judge(tx, project.settings, version, info, seen, now, before.failing("slo"))
            seen = replace(seen, verdicts={**seen.verdicts, **more})
            after = self._hands.heed(tx, held, before.after(seen.verdicts, seen.windows))
            for kind, verdict in seen.verdicts.items():
                self._note(tx, held, kind, verdict, before)
                if kind in JUDGED:
                    self._alarm(tx, held, kind, after, seen)
            after = self._taken_in(tx, held, after, seen, now)
            if after != kept:
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
        now = self.project.clock.now()
        tx.windows.record(held.model, held.champion or 0, kind, now, verdict)
        if (verdict.status == "fail") != before.failing(kind) and verdict.status != "inconclusive":
            reason = f"{kind} {verdict.status}: {verdict.reason}"
            self._say(reason)
            data = {"verdict": to_data(verdict)}
            tx.journal.append(Event("verdict", now, reason, held.model, held.champion, self.project.actor, data))

    def _alarm(self, tx: Transaction, held: Deployment, kind: str, after: Memory, seen: Look) -> None:
        verdict, confirm = seen.verdicts[kind], reaction_to(kind, self.project.settings.react).confirm
        if verdict.status == "fail" and after.failures(kind, confirm) >= confirm:
            data = {"verdict": to_data(verdict), **_first_window(seen)}
            alarms.raise_alarm(self.project, tx, held.model, kind, f"{kind}: {verdict.reason}", held.champion, data)
        elif verdict.status == "pass" and seen.windows:
            alarms.quieten(self.project, tx, held.model, kind, seen.windows)

    def _taken_in(self, tx: Transaction, held: Deployment, after: Memory, seen: Look, now: float) -> Memory:
        """Note how far the data are judged and which of them nobody may learn from, and start the schedule's count."""
        for window in seen.broken:
            quarantine(tx, held.model, window.start, window.end)
        judged = max((one.window.end for one in seen.closed), default=0.0)
        return replace(after, judged=max(after.judged, judged), scheduled=after.scheduled or now)

    def _decide(self, held: Deployment) -> list[Decision]:
        project = self.project
        version, info, _ = self._about(held)
        with project.state.begin(write=False) as tx:
            kept = memory.read(tx, held.model)
            verdicts = newest_verdicts(tx, held)
            facts = known(project, tx, held, kept, verdicts, max(version.created, info.created))
        training = facts.training or self._hands.retraining.running
        return decide(verdicts, replace(facts, training=training), project.settings.react)


def _first_window(seen: Look) -> dict[str, object]:
    if not seen.closed:
        return {}
    window = seen.closed[0].window
    return {"window": {"start": window.start, "end": window.end}}
