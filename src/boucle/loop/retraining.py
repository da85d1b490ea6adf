"""Retraining away from the keeper: a turn in a process of its own, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from boucle.core.errors import Conflict
from boucle.core.event import Event
from boucle.formats.files import exclusive
from boucle.loop.project import Project
from boucle.ports.engine import Outcome, Work
from boucle.ports.stores import Transaction

GRACE = 30.0
"""Seconds a turn may take until it holds its lock: before that, a free lock does not mean that it is gone."""
LOST = -1
_ENDS = ("trained", "training_failed", "data_refused")


@dataclass(frozen=True, slots=True)
class Lessons:
    """What a retraining learns from: labelled rows requested from ``since`` on and before ``until`` (Unix seconds).

    With ``alone`` these rows are all it learns from, if there are enough; else the project's own data come first.
    """

    since: float = 0.0
    until: float | None = None
    alone: bool = False

    def arguments(self) -> list[str]:
        given = ["--with-feedback"]
        given += ["--since", repr(self.since)] if self.since else []
        given += ["--until", repr(self.until)] if self.until is not None else []
        return given + (["--alone"] if self.alone else [])


class Retraining:
    """At most one turn at a time; its start is kept in the state, so a killed keeper's turn is noticed."""

    @dataclass(frozen=True, slots=True)
    class Ended:
        """``version`` is None when nothing was registered; ``reason`` says why it ended so.

        ``lost`` says that the turn is gone without a word, its keeper having been killed: it may be tried again.
        """

        version: int | None
        passed: bool
        reason: str
        lost: bool = False

    def __init__(self, project: Project) -> None:
        self._project = project
        self._work: Work | None = None
        self._key = f"training:{project.name}"

    @property
    def running(self) -> bool:
        return self._work is not None

    def begin(self, tx: Transaction, reason: str, evidence: Mapping[str, object] | None = None) -> None:
        """Note, in the transaction that decides it, that a turn is starting: whoever reads that starts no other."""
        now, name, actor = self._project.clock.now(), self._project.name, self._project.actor
        begun = tx.journal.append(Event("retraining", now, reason, name, None, actor, dict(evidence or {})))
        tx.settings.put(self._key, {"since": now, "reason": reason, "event": begun.seq})

    def start(self, reason: str, lessons: Lessons) -> None:
        """Start the turn that ``begin`` has noted, on the project's data and the feedback."""
        project = self._project
        log = project.root / "logs" / f"retrain-{int(project.clock.now())}.log"
        arguments = ["train", *lessons.arguments(), "--reason", reason]
        self._work = project.engine.start(arguments, project.directory, log)

    def poll(self) -> Ended | None:
        """Return what became of the turn once it has ended."""
        if self._work is None:
            return None
        outcome = self._work.poll()
        if outcome is None:
            return None
        self._work = None
        return _ended(outcome)

    def settle(self, tx: Transaction, ended: Ended) -> None:
        """Note that the turn is over, in the transaction that decides what comes of it: killed before, it is followed
        again."""
        tx.settings.put(self._key, None)
        if ended.lost:
            now, name, actor = self._project.clock.now(), self._project.name, self._project.actor
            tx.journal.append(Event("retraining_lost", now, ended.reason, name, None, actor))

    def recover(self) -> None:
        """Follow a turn that an earlier keeper started and did not see end."""
        with self._project.state.begin(write=False) as tx:
            begun = tx.settings.get(self._key)
        if begun:
            self._work = Orphan(self._project, begun)

    def stop(self) -> None:
        """End the turn under way; the next keeper finds that it is gone, and tries again."""
        if self._work is not None:
            self._work.stop()
            self._work = None


class Orphan:
    """A turn whose keeper is gone: the history says when it has ended, its lock that it is gone too."""

    def __init__(self, project: Project, begun: Mapping[str, Any]) -> None:
        self._project = project
        self._since, self._reason, self._event = begun["since"], begun["reason"], begun.get("event", 0)

    def poll(self) -> Outcome | None:
        project = self._project
        with project.state.begin(write=False) as tx:
            found = tx.journal.events(project.name, _ENDS, after=self._event)
        for event in found:
            if event.kind != "trained":
                return Outcome(1, {"error": event.reason}, "")
            answer = {"model": project.name, "version": event.version, "verdict": event.data["verdict"]}
            return Outcome(0 if answer["verdict"]["status"] == "pass" else 1, answer, "")
        if abs(project.clock.now() - self._since) < GRACE:
            return None
        try:
            with exclusive(project.root / "locks" / "train.lock", "A training"):
                return Outcome(LOST, None, f"the keeper ended during a retraining ({self._reason})")
        except Conflict:
            return None

    def stop(self) -> None:
        """Do nothing: it is nobody's child."""


def _ended(outcome: Outcome) -> Retraining.Ended:
    if outcome.code == LOST:
        return Retraining.Ended(None, False, outcome.messages, lost=True)
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
