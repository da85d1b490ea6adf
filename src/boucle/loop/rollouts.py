"""Rollouts under way: judge the live evidence, then go on, stop, or wait."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from boucle.core.deployment import Deployment, Rollout, Strategy
from boucle.core.errors import Conflict
from boucle.core.event import Event
from boucle.core.json import from_data, to_data
from boucle.core.model import ModelVersion
from boucle.core.observation import Joined
from boucle.core.signature import Label
from boucle.core.verdict import Verdict
from boucle.delivery.release import Change
from boucle.loop.project import Project
from boucle.loop.replay import replay
from boucle.monitoring import canary, guard
from boucle.monitoring.canary import Progress
from boucle.monitoring.canary_judge import Decided, conclude
from boucle.monitoring.guard import Guards
from boucle.ports.stores import Transaction
from boucle.project.values import seconds

_PAST = 1000
_NARROWEST = 1000.0
"""Labels of the challenger at which the bound is narrowest, at least: a tenth of a loss takes thousands."""


def begin(
    project: Project,
    version: ModelVersion | int,
    strategy: Strategy | None = None,
    reason: str = "",
    *,
    override: bool = False,
) -> Change:
    """Begin to roll ``version`` out, once it has answered what was asked of the champion before.

    A number is one of the project's own model. Raises Conflict when it fails on requests that the champion answered;
    ``override`` releases it all the same.
    """
    if isinstance(version, int):
        version = project.registry.version(project.name, version)
    verdict = replay(project, version)
    if verdict is not None and verdict.status == "fail" and not override:
        _refused(project, version, verdict)
        raise Conflict(
            f"{version.ref} is not rolled out: {verdict.reason}.",
            hint="mend it, or release it all the same: --override --reason WHY",
            version=version.ref,
        )
    return project.delivery.promote(version.name, version.number, strategy, reason, verdict)


def _refused(project: Project, version: ModelVersion, verdict: Verdict) -> None:
    data = {"verdict": to_data(verdict)}
    event = Event(
        "rollout_refused", project.clock.now(), verdict.reason, version.name, version.number, project.actor, data
    )
    with project.state.begin() as tx:
        tx.journal.append(event)


def judge_rollout(project: Project, held: Deployment, classes: Sequence[Label] | None) -> Verdict | None:
    """Judge the rollout of one model and move it; returns the verdict when there is a new one.

    The evidence of all steps counts, one sequence over the whole rollout; each step asks for its own labels on top.
    Undecided at ``release.deadline``, the champion stays. ``classes`` are the labels in the order of the probabilities.
    """
    rollout = held.rollout
    if rollout is None or not rollout.live or rollout.phase == "holding" or held.champion is None:
        return None
    with project.state.begin() as tx:
        evidence = _Evidence(project, tx, held, rollout, classes)
        fresh = evidence.take()
        decided = evidence.decide()
        late = decided.decision == "hold" and evidence.late()
        if late:
            decided = replace(decided, inputs={**decided.inputs, "inconclusive": True})
        if not fresh and not late and decided.decision == "hold":
            return None
        tx.windows.record(held.model, rollout.challenger, "rollout", project.clock.now(), decided)
    if decided.decision == "promote":
        project.delivery.advance(held.model, decided)
    elif decided.decision == "rollback":
        project.delivery.abort(held.model, decided.reason, decided)
    elif late:
        why = f"inconclusive after {_told(project.settings.release.deadline)}, the champion stays: {decided.reason}"
        project.delivery.abort(held.model, why, decided)
    return decided


class _Evidence:
    """What one rollout has shown, kept in the state between looks: a look costs what is new."""

    def __init__(
        self, project: Project, tx: Transaction, held: Deployment, rollout: Rollout, classes: Sequence[Label] | None
    ) -> None:
        assert held.champion is not None  # the caller sees to it
        self._settings = project.settings
        self._now = project.clock.now()
        self._tx = tx
        self._model = held.model
        self._champion = held.champion
        self._rollout = rollout
        self._classes = classes
        self._paired = rollout.phase == "shadow"
        self._key = f"rollout:{held.model}"
        kept = tx.settings.get(self._key)
        if kept is None or kept["progress"]["rollout"] != rollout.id:
            self._progress = canary.begin(rollout.id, self._settings, self._past(), classes)
            self._guards = Guards(rollout.id)
            self._step = {"number": rollout.step, "rows": 0}
        else:
            self._progress = from_data(kept["progress"], Progress)
            self._guards = from_data(kept["guards"], Guards)
            self._step = kept["step"]

    def _past(self) -> Joined:
        found = self._tx.observations.joined(self._model, self._champion, limit=_PAST)
        return found.take([i for i, time in enumerate(found.times) if time < self._rollout.started])

    def take(self) -> bool:
        """Read what is new, and say whether labels are."""
        before = self._guards.position
        fresh = self._labels()
        guard.count(self._tx, self._guards, self._model, self._champion, self._rollout, self._settings, self._now)
        if self._step["number"] != self._rollout.step:
            self._step = {"number": self._rollout.step, "rows": self._guards.rows}
        if fresh or self._guards.position != before:
            kept = {"progress": self._progress, "guards": self._guards, "step": self._step}
            self._tx.settings.put(self._key, to_data(kept))
        return fresh

    def _labels(self) -> bool:
        new, after = self._read()
        learnt = canary.learn(self._progress, new, self._settings, paired=self._paired, classes=self._classes)
        if learnt is None:
            self._progress = canary.plain(self._rollout.id)
            new, after = self._read()
            canary.learn(self._progress, new, self._settings, paired=self._paired, classes=self._classes)
        self._progress.after = after
        return len(new) > 0

    def _read(self) -> tuple[Joined, tuple[int, int]]:
        versions = (self._champion, self._rollout.challenger)
        return self._tx.observations.labelled(self._model, versions, self._rollout.started, self._progress.after)

    def decide(self) -> Decided:
        rollout = self._rollout
        others = guard.evidence(self._guards, self._settings, self._paired)
        quality = canary.evidence(
            self._progress,
            self._settings,
            required=rollout.required * max(1, rollout.step),
            planned=max(_NARROWEST, rollout.required * len(rollout.steps)),
            paired=self._paired,
            metrics=1 + len(others),
        )
        passed = self._now - rollout.started
        pace = quality.rows / passed if passed > 0 and quality.rows else None
        return conclude(f"{self._model}/{rollout.challenger}", [quality, *others], pace=pace)

    def late(self) -> bool:
        """Say whether this step has been undecided for too long."""
        deadline = self._settings.release.deadline
        if isinstance(deadline, int):
            return self._guards.rows - int(self._step["rows"]) >= deadline
        return self._now - self._rollout.step_started > seconds(deadline)


def _told(deadline: int | str) -> str:
    return f"{deadline} rows" if isinstance(deadline, int) else deadline
