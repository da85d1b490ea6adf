"""What was decided and why: an entry of the history as people read it, with the command that takes it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from boucle.core.event import Event
from boucle.loop.telling.phrases import PHRASES
from boucle.loop.telling.reasons import why
from boucle.loop.telling.said import Said, said
from boucle.ports.stores import Transaction
from boucle.views.kept import Kept

DECISIONS = (
    "trained", "adopted", "optimized", "distilled",
    "gate_failed", "training_failed", "retraining", "retraining_lost", "release",
    "rollout_started", "rollout_step", "rollout_done", "rollout_aborted", "rollout_paused", "rollout_resumed",
    "rollout_refused", "rollback", "alias_moved", "disabled", "enabled", "decision", "action_failed",
    "turn_asked", "labels_asked",
)  # fmt: skip
"""Kinds of events that move something, or that say why nothing was moved."""
REFUSED = ("rollout_refused", "data_refused", "gate_failed", "training_failed", "action_failed", "retraining_lost")


@dataclass(frozen=True, slots=True)
class Decision:
    """One entry. ``what`` is subject, verb and object; ``reason`` the verdict with its numbers, as it was written.

    ``why`` is the reason told from those numbers, in either language; None where only the text tells it.
    ``time`` is in Unix seconds; ``undo`` is a command, empty where nothing is to be undone any more.
    """

    seq: int
    time: float
    kind: str
    model: str
    version: int | None
    actor: str
    what: Said
    reason: str
    undo: str = ""
    refused: bool = False
    why: Said | None = None


def decisions(tx: Transaction, model: str | None, limit: int, kinds: Sequence[str] = DECISIONS) -> list[Decision]:
    """Return the newest decisions, the newest first; only the last change of a release can be undone."""
    found = [one for one in tx.journal.events(model, kinds, limit=2 * limit) if not _empty(one)]
    told = [decided(one) for one in reversed(found)]
    return list(undoable(tx, told))[:limit]


def decided(event: Event) -> Decision:
    """Return one event of the history as a decision; its undo is the one it was written with."""
    return _DECIDED.get(event.digest, lambda: _decided(event), inf) if event.digest else _decided(event)


_DECIDED: Kept[str, Decision] = Kept(2000)


def _decided(event: Event) -> Decision:
    data: dict[str, Any] = event.data
    refused = event.kind in REFUSED or data.get("waits") is not None
    undo = str(data.get("undo") or "")
    return Decision(
        event.seq, event.time, event.kind, event.model, event.version, event.actor, _what(event), event.reason, undo,
        refused, why(event),
    )  # fmt: skip


def undoable(tx: Transaction, found: Sequence[Decision]) -> list[Decision]:
    """Keep the undo of each model's newest change of release alone: an older command would undo something else."""
    seen: set[str] = set()
    kept = []
    for one in found:
        live = bool(one.undo) and one.kind in _CHANGES and one.model not in seen
        if one.kind in _CHANGES:
            live = live and tx.journal.events(one.model, _CHANGES, after=one.seq, limit=1) == []
            seen.add(one.model)
        kept.append(one if live or not one.undo else _without_undo(one))
    return kept


_CHANGES = (
    "release", "rollout_started", "rollout_step", "rollout_done", "rollout_aborted", "rollout_paused",
    "rollout_resumed", "rollback", "alias_moved", "disabled", "enabled",
)  # fmt: skip


def _without_undo(one: Decision) -> Decision:
    return replace(one, undo="")


def _empty(event: Event) -> bool:
    """Say whether a decision only repeats what the event behind it tells, as "retrain" before "retraining"."""
    return event.kind == "decision" and event.data.get("waits") is None and event.data.get("action") in _REPEATED


_REPEATED = ("retrain", "rollback", "disable")


def _what(event: Event) -> Said:
    ref = f"{event.model}/{event.version}" if event.version else event.model or event.actor
    values: dict[str, Any] = {"ref": ref, "model": event.model, "actor": event.actor, "name": event.data.get("name")}
    after = event.data.get("after") or {}
    rollout = after.get("rollout") or {}
    if event.kind == "decision":
        action = said(f"act.{event.data.get('action', 'none')}")
        if event.data.get("waits") is not None:
            return said("event.waits", action=action, **values)
        key = f"event.decided.{event.data.get('action')}"
        return said(key if key in PHRASES else "event.decided", action=action, **values)
    if event.kind == "verdict" and (told := _judged(event)) is not None:
        return told
    if event.kind in ("rollout_started", "rollout_step", "rollout_resumed"):
        if rollout.get("phase") == "shadow":
            return said("event.shadow", **values)
        return said("event.share", share=float(rollout.get("share") or 0.0), **values)
    if event.kind in ("rollback", "alias_moved", "rollout_aborted"):
        champion = after.get("champion")
        values["champion"] = f"{event.model}/{champion}" if champion else event.model
    return said(f"event.{event.kind}" if event.kind in KNOWN else "event.other", kind=event.kind, **values)


KNOWN = frozenset((
    "trained", "adopted", "optimized", "distilled",
    "gate_failed", "training_failed", "retraining", "retraining_lost", "release", "rollout_done",
    "rollout_aborted", "rollout_paused", "rollout_refused", "rollback", "alias_moved", "disabled", "enabled",
    "action_failed", "data_refused", "verdict", "alarm_opened", "alarm_acknowledged", "alarm_resolved", "muted",
    "message_failed", "turn_asked", "labels_asked", "feedback_noted", "message_tested", "key_added", "key_rotated",
    "key_revoked", "role_given",
))  # fmt: skip


def _judged(event: Event) -> Said | None:
    verdict = event.data.get("verdict")
    kind = verdict.get("kind", "") if isinstance(verdict, dict) else ""
    if not isinstance(verdict, dict) or f"cause.{kind}" not in PHRASES:
        return None
    failed = [c for c in verdict.get("checks", ()) if c.get("status") == "fail"]
    title = said(f"cause.{kind}")
    if not failed:
        return said("event.verdict.pass", title=title)
    more = f" + {len(failed) - 2}" if len(failed) > 2 else ""
    return said("event.verdict.fail", title=title, checks=", ".join(c["name"] for c in failed[:2]) + more)
