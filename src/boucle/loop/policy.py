"""Which verdict leads to which action: the decision table, with cool-down, budget and reason.

| found                                  | done                                                             |
|----------------------------------------|------------------------------------------------------------------|
| data fault                             | alert, and nothing may retrain while it is open                  |
| quality loss                           | retrain: gate, canary                                            |
| drift, quality holding                 | alert once it has been seen in `confirm` windows in a row        |
| SLO breach soon after a release        | roll back to the previous champion                               |
| SLO breach otherwise                   | alert: going back would not help                                 |
| two gates failed in a row              | alert a person, and stop retraining until somebody acts          |
| schedule due                           | retrain                                                          |

Pure: what is known goes in, decisions come out. The keeper carries them out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from boucle.core.verdict import Verdict
from boucle.project.settings import React, Reaction

Cause = Literal["fault", "quality", "drift", "slo", "schedule", "gate"]
ActionName = Literal["retrain", "rollback", "disable", "alert", "none"]
HoldKind = Literal["fault", "training", "rollout", "gates", "cooldown", "budget", "labels", "dry_run"]
RECENT_WINDOWS = 3
MOST_FAILED_GATES = 2


@dataclass(frozen=True, slots=True)
class Known:
    """What the policy may take into account besides the verdicts.

    ``streaks``: windows in a row each kind of verdict has failed. ``idle``: windows closed since each action was
    last taken (absent: never). ``windows`` closed since the champion was released. ``retrained_today`` counts fits
    of the last 24 h. ``labels`` are the labelled rows a retraining could learn from.
    """

    streaks: Mapping[str, int] = field(default_factory=dict)
    idle: Mapping[str, int] = field(default_factory=dict)
    windows: int = 0
    retrained_today: int = 0
    failed_gates: int = 0
    labels: int = 0
    training: bool = False
    rolling_out: bool = False
    has_previous: bool = False
    schedule_due: bool = False


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an action waits; ``kind`` is stable, ``text`` has the numbers of the moment."""

    kind: HoldKind
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One action and why; ``held`` says why it is not carried out now, None when it is."""

    action: ActionName
    cause: Cause
    reason: str
    held: Hold | None = None


def decide(verdicts: Mapping[str, Verdict], known: Known, react: React) -> list[Decision]:
    """Return what to do about the newest verdict of each kind: ``fault``, ``quality``, ``drift``, ``slo``."""
    decisions = []
    reactions: dict[Cause, Reaction] = {
        "fault": react.data_fault,
        "quality": react.quality_loss,
        "drift": react.drift,
        "slo": react.slo_breach,
    }
    for cause, reaction in reactions.items():
        verdict = verdicts.get(cause)
        if verdict is None or verdict.status != "fail":
            continue
        if known.streaks.get(cause, 1) < reaction.confirm:
            continue
        decisions.append(_decision(cause, reaction, verdict, verdicts, known, react))
    if known.schedule_due:
        held = _retrain_held(verdicts, known, react, cooldown=0, fresh=False)
        decisions.append(Decision("retrain", "schedule", f"the schedule '{react.schedule}' is due", held))
    return [d for d in decisions if d.action != "none"]


def _decision(
    cause: Cause, reaction: Reaction, verdict: Verdict, verdicts: Mapping[str, Verdict], known: Known, react: React
) -> Decision:
    action: ActionName = reaction.action
    reason = f"{_WORDS[cause]}: {verdict.reason}"
    if action == "rollback" and not (known.has_previous and known.windows <= RECENT_WINDOWS):
        action = "alert"
        reason += "; no release recent enough to go back on"
    held: Hold | None = None
    if action == "retrain":
        held = _retrain_held(verdicts, known, react, reaction.cooldown, fresh=True)
    elif action in ("rollback", "disable"):
        held = _cooling(known, action, reaction.cooldown)
        if held is None and react.dry_run:
            held = Hold("dry_run", "dry run")
    return Decision(action, cause, reason, held)


def _cooling(known: Known, action: str, cooldown: int) -> Hold | None:
    idle = known.idle.get(action)
    if idle is None or idle >= cooldown:
        return None
    return Hold("cooldown", f"cooling down: {idle} of {cooldown} windows since the last {action}")


def _retrain_held(
    verdicts: Mapping[str, Verdict], known: Known, react: React, cooldown: int, *, fresh: bool
) -> Hold | None:
    """Say why a retraining has to wait, None when it need not."""
    fault = verdicts.get("fault")
    if fault is not None and fault.status == "fail":
        return Hold("fault", f"the data is broken ({fault.reason}): a model must not learn from it")
    if known.training:
        return Hold("training", "a training is under way")
    if known.rolling_out:
        return Hold("rollout", "a rollout is under way")
    if known.failed_gates >= MOST_FAILED_GATES:
        return Hold("gates", f"{known.failed_gates} gates in a row have failed: a person has to look")
    cooling = _cooling(known, "retrain", cooldown)
    if cooling is not None:
        return cooling
    if known.retrained_today >= react.budget:
        return Hold("budget", f"the budget of {react.budget} retrainings a day is spent")
    if fresh and known.labels < react.min_labels:
        return Hold("labels", f"{known.labels} of {react.min_labels} labelled rows to learn from")
    return Hold("dry_run", "dry run") if react.dry_run else None


_WORDS = {"fault": "data fault", "quality": "quality loss", "drift": "data drift", "slo": "SLO breach"}
