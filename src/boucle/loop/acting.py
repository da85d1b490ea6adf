"""The keeper's hands: what was decided is carried out once, and noted with its reason, wherever the keeper is killed.

A retraining is noted in the transaction that decides it, and followed from there. A change of the release state is
noted with the generation it was decided at; one that is found undone is done then, unless the state has changed since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

from boucle.core.deployment import Deployment
from boucle.core.errors import BoucleError, StoreError
from boucle.core.event import Event
from boucle.core.json import to_data
from boucle.core.signature import Signature
from boucle.core.verdict import Verdict
from boucle.loop import alarms, memory, rollouts
from boucle.loop.lease import LeaseLost
from boucle.loop.memory import Memory, Pending
from boucle.loop.policy import JUDGED, MOST_FAILED_GATES, Decision
from boucle.loop.project import Project
from boucle.loop.retraining import Lessons, Retraining
from boucle.monitoring.asking import ask
from boucle.ports.stores import Transaction

LABELS_ASKED = 100
"""Rows whose truth is asked for when drift is found and quality is not known."""
_PASSING = ("training", "rollout", "busy")
"""Reasons to wait that end by themselves and are not worth an entry in the history."""


class Hands:
    """Carries out decisions about one project."""

    def __init__(self, project: Project, say: Callable[[str], None]) -> None:
        self._project = project
        self._say = say
        self.retraining = Retraining(project)

    def act(self, held: Deployment, decision: Decision, signature: Signature) -> bool:
        """Carry a decision out, or note once why it waits; returns whether something was done."""
        if decision.held or decision.action in ("alert", "ask"):
            self._note(held, decision, signature)
            return False
        project, react = self._project, self._project.settings.react
        with project.state.begin() as tx:
            kept = memory.read(tx, held.model).doing(decision, project.clock.now(), react.follow_up)
            done, undo = _told(held, decision)
            self._decided(tx, held, decision, undo)
            facts = {"acted": project.clock.now(), "action": decision.action, "rolling": held.challenger is not None}
            alarms.did(tx, held.model, decision.cause, done, undo, **facts)
            if decision.action == "retrain":
                self.retraining.begin(tx, decision.reason, evidence(tx, held, decision.cause))
            elif decision.action in ("rollback", "disable"):
                kept = replace(kept, pending=_pending(decision, held))
            memory.write(tx, held.model, kept)
        if decision.action == "retrain":
            alone = decision.since is not None
            self.retraining.start(decision.reason, Lessons(decision.since or 0.0, kept.judged or None, alone))
        self.finish()
        return True

    def finish(self) -> None:
        """Change the release state as was decided, by this keeper or by one that was killed."""
        project = self._project
        with project.state.begin(write=False) as tx:
            pending = memory.read(tx, project.name).pending
            held = tx.deployments.get(project.name)
        if pending is None:
            return
        failed = ""
        if held.generation == pending.generation:
            try:
                self._change(held.model, pending)
            except (StoreError, LeaseLost):
                raise  # to be done at the next look, or by somebody else
            except BoucleError as error:
                failed = f"{pending.action} could not be done: {error}"
        with project.state.begin() as tx:
            kept = replace(memory.read(tx, held.model), pending=None)
            if failed and pending.action == "promote":
                kept = self._failed(tx, held, kept, failed)
            elif failed:
                self._event(tx, "action_failed", held, failed)
                alarms.did(tx, held.model, pending.cause, failed)
            memory.write(tx, held.model, kept)

    def _change(self, model: str, pending: Pending) -> None:
        """Raises Conflict, NotFound and BundleError; then nothing was changed."""
        delivery = self._project.delivery
        with self._project.state.begin(write=False) as tx:
            verdict = judged(tx, tx.deployments.get(model), pending.cause)
        if pending.action == "rollback":
            delivery.rollback(model, pending.reason, verdict)
        elif pending.action == "disable":
            delivery.disable(model, pending.reason, verdict)
        elif pending.version is not None:
            rollouts.begin(self._project, pending.version, reason=pending.reason)

    def after_training(self) -> None:
        """See what became of the retraining: release the challenger, ask for approval, or count the failed gate."""
        outcome = self.retraining.poll()
        if outcome is None:
            return
        with self._project.state.begin() as tx:
            held = tx.deployments.get(self._project.name)
            kept = memory.read(tx, held.model)
            self.retraining.settle(tx, outcome)
            if outcome.lost:
                kept = replace(kept, acted={k: v for k, v in kept.acted.items() if k != "retrain"})
            elif outcome.version is None or not outcome.passed:
                kept = self._failed(tx, held, kept, outcome.reason, outcome.version)
            else:
                kept = self._passed(tx, held, kept, outcome.version, outcome.reason)
            memory.write(tx, held.model, kept)
        self.finish()

    def _passed(self, tx: Transaction, held: Deployment, kept: Memory, version: int, reason: str) -> Memory:
        kept = replace(kept, failed_gates=0)
        if version == held.champion:
            return kept
        if self._project.settings.release.require_approval:
            ref = f"{held.model}/{version}"
            data = {"done": "nothing yet", "approve": f"boucle promote {ref}", "ground": {"code": "approval"}}
            reason = f"{ref} passed its gate and waits for approval: boucle promote {ref}"
            alarms.raise_alarm(self._project, tx, held.model, "approval", reason, version, data)
            return kept
        return replace(kept, pending=Pending("promote", reason, held.generation, version))

    def _failed(
        self, tx: Transaction, held: Deployment, kept: Memory, reason: str, version: int | None = None
    ) -> Memory:
        failed = kept.failed_gates + 1
        told = f"{reason}; the champion stays ({failed} in a row)"
        self._event(tx, "gate_failed", held, told, made=version, failed=failed)
        if failed >= MOST_FAILED_GATES:
            data = {
                "done": "the champion stays, and nothing retrains until this alarm is acknowledged",
                "ground": {"code": "gates", "failed": failed},
            }
            told = f"{failed} retrainings in a row have failed: {reason}"
            alarms.raise_alarm(self._project, tx, held.model, "gate", told, held.champion, data)
        return replace(kept, failed_gates=failed)

    def heed(self, tx: Transaction, held: Deployment, kept: Memory) -> Memory:
        """Take notice of what people did about the alarms that wait for them."""
        approval, gate = (alarms.find(tx, held.model, cause) for cause in ("approval", "gate"))
        if approval is not None and approval.version in (held.champion, held.challenger):
            alarms.resolve(
                self._project, tx, approval, f"{held.model}/{approval.version} was released", code="released"
            )
        if gate is not None and (gate.state == "acknowledged" or not kept.failed_gates):
            reason, code = ("somebody has looked", "seen") if kept.failed_gates else ("a gate has passed", "passed")
            alarms.resolve(self._project, tx, gate, reason, code=code)
            return replace(kept, failed_gates=0, noted={})
        return kept

    def _note(self, held: Deployment, decision: Decision, signature: Signature) -> None:
        kind = decision.held.kind if decision.held else decision.action
        if kind in _PASSING:
            return
        key = f"{decision.cause}:{decision.action}"
        with self._project.state.begin(write=False) as tx:
            if memory.read(tx, held.model).noted.get(key) == kind:
                return
        with self._project.state.begin() as tx:
            kept = memory.read(tx, held.model)
            memory.write(tx, held.model, replace(kept, noted={**kept.noted, key: kind}))
            self._decided(tx, held, decision)
            if decision.held:
                told = f"no {decision.action} yet: {decision.held.text}"
                waits = to_data(decision.held)
                alarms.waits(tx, held.model, decision.cause, told, action=decision.action, waits=waits)
            elif decision.action == "ask":
                rows = ask(tx, held.model, held.champion or 0, signature, LABELS_ASKED, seed=kept.windows)
                done = f"{len(rows)} rows are chosen to be labelled first: boucle alarms --json"
                alarms.did(tx, held.model, decision.cause, done, label=to_data(rows), action="ask")

    def _decided(self, tx: Transaction, held: Deployment, decision: Decision, undo: str = "") -> None:
        text = f"{decision.action} because of {decision.reason}"
        if decision.held:
            text = f"no {decision.action} although {decision.reason}: {decision.held.text}"
        data = {
            "action": decision.action,
            "cause": decision.cause,
            "waits": to_data(decision.held),
            "since": decision.since,
            "note": decision.note,
            "undo": undo,
            **evidence(tx, held, decision.cause),
        }
        self._event(tx, "decision", held, text, **data)

    def _event(self, tx: Transaction, kind: str, held: Deployment, reason: str, **data: object) -> None:
        self._say(reason)
        now = self._project.clock.now()
        tx.journal.append(Event(kind, now, reason, held.model, held.champion, self._project.actor, data))


def judged(tx: Transaction, held: Deployment, cause: str) -> Verdict | None:
    """Return the newest verdict of a kind about the champion; None for causes that are no verdicts."""
    if cause not in JUDGED:
        return None
    found = [one for _, version, one in tx.windows.verdicts(held.model, cause, limit=4) if version == held.champion]
    return found[-1] if found else None


def evidence(tx: Transaction, held: Deployment, cause: str) -> dict[str, object]:
    """Return what an entry of the history has to hold so that its reason can be told in any language."""
    verdict = judged(tx, held, cause)
    return {"cause": cause, "evidence": None if verdict is None else alarms.told(verdict)}


def _pending(decision: Decision, held: Deployment) -> Pending:
    what: Literal["rollback", "disable"] = "rollback" if decision.action == "rollback" else "disable"
    return Pending(what, decision.reason, held.generation, cause=decision.cause)


def _told(held: Deployment, decision: Decision) -> tuple[str, str]:
    """Return what is being done, and the command that takes it back."""
    if decision.action == "rollback" and held.challenger is not None:
        return "the rollout is ended", f"boucle promote {held.model}/{held.challenger}"
    if decision.action == "rollback":
        return f"rolled back to {held.model}/{held.previous}", f"boucle promote {held.model}/{held.champion}"
    if decision.action == "disable":
        return "the model is disabled, its fallback answers", f"boucle enable {held.model}"
    return "a retraining has begun: what passes its gate is rolled out step by step", ""
