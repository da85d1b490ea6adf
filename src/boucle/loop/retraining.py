"""Retraining away from the keeper: a turn in a process of its own, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass

from boucle.core.event import Event
from boucle.loop.project import Project
from boucle.ports.engine import Outcome, Work


class Retraining:
    """At most one turn at a time; its start is kept in the state, so a killed keeper's turn is noticed."""

    @dataclass(frozen=True, slots=True)
    class Ended:
        """``version`` is None when nothing was registered; ``reason`` says why it ended so."""

        version: int | None
        passed: bool
        reason: str

    def __init__(self, project: Project) -> None:
        self._project = project
        self._work: Work | None = None
        self._key = f"training:{project.name}"

    @property
    def running(self) -> bool:
        return self._work is not None

    def start(self, reason: str) -> None:
        """Start a turn on the project's data and the feedback."""
        project = self._project
        now = project.clock.now()
        with project.state.begin() as tx:
            tx.settings.put(self._key, {"since": now, "reason": reason})
            tx.journal.append(Event("retraining", now, reason, project.name, None, project.actor))
        log = project.root / "logs" / f"retrain-{int(now)}.log"
        self._work = project.engine.start(["train", "--with-feedback", "--reason", reason], project.directory, log)

    def poll(self) -> Ended | None:
        """Return what became of the turn once it has ended."""
        if self._work is None:
            return None
        outcome = self._work.poll()
        if outcome is None:
            return None
        self._work = None
        with self._project.state.begin() as tx:
            tx.settings.put(self._key, None)
        return _ended(outcome)

    def recover(self) -> None:
        """Note a turn that an earlier keeper started and did not see end; one still running ends by itself."""
        project = self._project
        with project.state.begin() as tx:
            lost = tx.settings.get(self._key)
            if not lost:
                return
            tx.settings.put(self._key, None)
            reason = f"the keeper ended during a retraining ({lost['reason']})"
            tx.journal.append(Event("retraining_lost", project.clock.now(), reason, project.name, None, project.actor))

    def stop(self) -> None:
        if self._work is not None:
            self._work.stop()
            self._work = None
            with self._project.state.begin() as tx:
                tx.settings.put(self._key, None)


def _ended(outcome: Outcome) -> Retraining.Ended:
    answer = outcome.answer or {}
    if outcome.code == 0 and "version" in answer:
        version = int(answer["version"])
        return Retraining.Ended(version, True, f"retrained: {answer['model']}/{version} passed its gate")
    if outcome.code == 1 and "version" in answer:
        checks = [c for c in answer["verdict"]["checks"] if c["status"] != "pass"]
        why = "; ".join(f"{c['name']} {c['observed']} (bound {c['bound']})" for c in checks[:3])
        return Retraining.Ended(int(answer["version"]), False, f"the retrained version's gate did not pass: {why}")
    last = outcome.messages.strip().splitlines()
    told = answer.get("error") or (last[-1] if last else f"exit code {outcome.code}")
    return Retraining.Ended(None, False, f"the retraining failed: {told}")
