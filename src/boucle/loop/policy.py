"""Which verdict leads to which action: the decision table, with cool-down, budget and reason.

| found                                   | done                                                            |
|-----------------------------------------|-----------------------------------------------------------------|
| hard floor broken                       | roll back a fresh release; else disable, if a fallback answers  |
| SLO breach soon after a release         | roll back to the previous champion                              |
| SLO breach otherwise                    | alert: going back would not help                                |
| data fault                              | alert; nothing retrains while it is open                        |
| quality loss                            | retrain on the rows since the change: gate, canary              |
| 4 and 10 windows after that             | retrain on the rows since the same change, as labels arrive     |
| drift, quality holding                  | alert                                                           |
| drift, quality not known                | ask for labels                                                  |
| an alert of others, `external:NAME`     | what `react.external` says, once while it lasts; else alert     |
| champion older than `stale`             | retrain                                                         |
| schedule due                            | retrain                                                         |
| two gates failed in a row               | page a person, and stop retraining until somebody acts          |

One action that moves something is carried out at a time; the others wait for the next look. Pure: what is known goes
in, decisions come out. The keeper carries them out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from boucle.core.verdict import Verdict
from boucle.project.watching import Answer, React, Reaction

Cause = Literal["floor", "slo", "fault", "quality", "drift"]
EXTERNAL = "external:"
"""What the causes of alerts from outside begin with; their name follows."""
ActionName = Literal["retrain", "rollback", "disable", "alert", "ask", "none"]
HoldKind = Literal[
    "fault", "training", "rollout", "disabled", "approval", "gates", "cooldown", "budget", "labels", "busy", "dry_run"
]
JUDGED: tuple[Cause, ...] = ("floor", "slo", "fault", "quality", "drift")
"""Causes that are kinds of verdicts, the most pressing first."""
RECENT_WINDOWS = 3
MOST_FAILED_GATES = 2
NOTES = {
    "": "",
    "unrecent": "; no release recent enough to go back on",
    "before": "; it was so before the release: going back would not help",
    "bare": "; no fallback is declared (serve.fallback), so the model goes on answering",
    "recent": "; the release is recent, and the version before it is there",
    "labels": "; labels would tell whether quality holds",
}
"""Why another action is taken than the one that is declared."""
MOVES = ("retrain", "rollback", "disable")


@dataclass(frozen=True, slots=True)
class Outside:
    """An alert of others that fires, and that nothing was done about; ``under_champion`` is true if it began with the
    version that answers now."""

    name: str
    text: str
    under_champion: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What the policy may take into account besides the verdicts.

    ``streaks``: failed windows of each kind among the newest 2 ``confirm`` - 1 (absent: one). ``idle``: windows closed
    since each action was last taken (absent: never). ``windows`` closed since the champion was released; ``breached``
    says that the SLO was in breach before that. ``fault_open``: its alarm is not resolved. ``retrained_today`` counts
    fits of the last 24 h. ``labels`` are the labelled rows a retraining could learn from, ``fresh`` those since the
    last one. ``follow_up`` is due, on rows since ``change`` (Unix seconds). ``age`` of the champion is in seconds.
    ``outside`` are alerts of others that no person has acknowledged.
    """

    streaks: Mapping[str, int] = field(default_factory=dict)
    idle: Mapping[str, int] = field(default_factory=dict)
    windows: int = 0
    breached: bool = False
    fault_open: bool = False
    retrained_today: int = 0
    failed_gates: int = 0
    labels: int = 0
    fresh: int | None = None
    follow_up: bool = False
    change: float | None = None
    age: float = 0.0
    stale_after: float | None = None
    training: bool = False
    rolling_out: bool = False
    approving: bool = False
    disabled: bool = False
    has_previous: bool = False
    has_fallback: bool = False
    schedule_due: bool = False
    outside: tuple[Outside, ...] = ()


@dataclass(frozen=True, slots=True)
class Hold:
    """Why an action waits; ``kind`` is stable, ``text`` has the numbers of the moment: ``n`` ``of`` so many."""

    kind: HoldKind
    text: str
    n: int | None = None
    of: int | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """One action and why; ``held`` says why it is not carried out now, None when it is.

    ``cause`` is a kind of verdict, ``external:NAME``, ``follow_up``, ``stale`` or ``schedule``. ``since`` is the
    request time (Unix seconds) from which on a retraining learns, None for all rows. ``note`` is a key of NOTES.
    """

    action: ActionName
    cause: str
    reason: str
    held: Hold | None = None
    since: float | None = None
    note: str = ""


def decide(verdicts: Mapping[str, Verdict], known: Known, react: React) -> list[Decision]:
    """Return what to do about the newest verdict of each kind, and about what is due; the most pressing first.

    Of the decisions that move something (retrain, rollback, disable) one at most is not held.
    """
    decisions = []
    busy = False
    every = (*_judged(verdicts, known, react), *_asked_for(verdicts, known, react), *_due(verdicts, known, react))
    for decision in every:
        moves = decision.action in MOVES and decision.held is None
        if moves and busy:
            decision = replace(decision, held=Hold("busy", "something else is done first"))
        busy = busy or moves
        decisions.append(decision)
    return decisions


def _judged(verdicts: Mapping[str, Verdict], known: Known, react: React) -> Iterator[Decision]:
    for cause in JUDGED:
        verdict, reaction = verdicts.get(cause), reaction_to(cause, react)
        if verdict is None or verdict.status != "fail" or reaction.action == "none":
            continue
        if known.streaks.get(cause, 1) >= reaction.confirm:
            yield _decision(cause, reaction, verdict, verdicts, known, react)


def _asked_for(verdicts: Mapping[str, Verdict], known: Known, react: React) -> Iterator[Decision]:
    """Yield what the project says about alerts of others; those it says nothing about are alarms and no more."""
    for alert in known.outside:
        answer = react.external.get(alert.name)
        if answer is None or answer.action in ("alert", "none"):
            continue
        action, note = _fitting(answer, alert, known, react)
        reason = f"alert from outside: {alert.text}{NOTES[note]}"
        held = _move_held(action, answer, known, react) if action in ("rollback", "disable") else None
        if action == "retrain":
            held = _retrain_held(verdicts, known, react, answer.cooldown, known.labels, react.min_labels)
        yield Decision(action, EXTERNAL + alert.name, reason, held, note=note)


def _fitting(answer: Answer, alert: Outside, known: Known, react: React) -> tuple[ActionName, str]:
    """Return what was asked for, or an alert and which of NOTES says why it would not help."""
    if answer.action == "rollback" and not known.rolling_out:
        if not (known.has_previous and known.windows <= RECENT_WINDOWS):
            return "alert", "unrecent"
        if not alert.under_champion:
            return "alert", "before"
    if answer.action == "disable" and not (known.has_fallback or react.hard_floor.without_fallback):
        return "alert", "bare"
    return answer.action, ""


def _due(verdicts: Mapping[str, Verdict], known: Known, react: React) -> Iterator[Decision]:
    """Yield the retrainings that the time has come for."""
    if known.follow_up:
        held = _retrain_held(verdicts, known, react, 0, known.labels if known.fresh is None else known.fresh, least=1)
        since = known.change if react.since_change else None
        yield Decision("retrain", "follow_up", "more labels since the last change have come", held, since)
    if known.stale_after is not None and known.age >= known.stale_after:
        held = _retrain_held(verdicts, known, react, react.quality_loss.cooldown)
        yield Decision("retrain", "stale", f"the champion is older than {react.stale}", held)
    if known.schedule_due:
        held = _retrain_held(verdicts, known, react)
        yield Decision("retrain", "schedule", f"the schedule '{react.schedule}' is due", held)


def reaction_to(cause: str, react: React) -> Reaction:
    """Return what the project says about a kind of verdict."""
    return {
        "floor": react.hard_floor,
        "slo": react.slo_breach,
        "fault": react.data_fault,
        "quality": react.quality_loss,
        "drift": react.drift,
    }[cause]


def _decision(
    cause: Cause, reaction: Reaction, verdict: Verdict, verdicts: Mapping[str, Verdict], known: Known, react: React
) -> Decision:
    action, note = _action(cause, reaction, verdicts, known, react)
    reason = f"{_WORDS[cause]}: {verdict.reason}{NOTES[note]}"
    if action == "retrain":
        held = _retrain_held(verdicts, known, react, reaction.cooldown, known.labels, react.min_labels)
        since = verdict.inputs.get("changed") if cause == "quality" and react.since_change else None
        return Decision(action, cause, reason, held, since, note)
    held = _move_held(action, reaction, known, react) if action in ("rollback", "disable") else None
    return Decision(action, cause, reason, held, note=note)


def _action(
    cause: Cause, reaction: Reaction, verdicts: Mapping[str, Verdict], known: Known, react: React
) -> tuple[ActionName, str]:
    """Return the action that fits what is known, and which of NOTES says why it is not the one asked for."""
    wanted: ActionName = reaction.action
    recent = known.has_previous and known.windows <= RECENT_WINDOWS
    if cause == "floor" and wanted == "disable":
        if recent:
            return "rollback", "recent"
        if not (known.has_fallback or react.hard_floor.without_fallback):
            return "alert", "bare"
    elif wanted == "rollback" and not recent:
        return "alert", "unrecent"
    elif wanted == "rollback" and known.breached:
        return "alert", "before"
    elif cause == "drift" and wanted == "alert":
        quality = verdicts.get("quality")
        if quality is None or quality.status == "inconclusive":
            return "ask", "labels"
    return wanted, ""


def _move_held(action: str, reaction: Answer, known: Known, react: React) -> Hold | None:
    if known.disabled:
        return Hold("disabled", "the model is disabled")
    cooling = _cooling(known, action, reaction.cooldown)
    if cooling is not None:
        return cooling
    return Hold("dry_run", "dry run") if react.dry_run else None


def _cooling(known: Known, action: str, cooldown: int) -> Hold | None:
    idle = known.idle.get(action)
    if idle is None or idle >= cooldown:
        return None
    return Hold("cooldown", f"cooling down: {idle} of {cooldown} windows since the last {action}", idle, cooldown)


def _retrain_held(
    verdicts: Mapping[str, Verdict], known: Known, react: React, cooldown: int = 0, labels: int = 0, least: int = 0
) -> Hold | None:
    """Say why a retraining has to wait, None when it need not."""
    fault = verdicts.get("fault")
    if fault is not None and fault.status == "fail":
        return Hold("fault", f"the data is broken ({fault.reason}): a model must not learn from it")
    if known.fault_open:
        return Hold("fault", "the alarm about broken data is not resolved: a model must not learn from it")
    if known.disabled:
        return Hold("disabled", "the model is disabled")
    if known.training:
        return Hold("training", "a training is under way")
    if known.rolling_out:
        return Hold("rollout", "a rollout is under way")
    if known.approving:
        return Hold("approval", "a version waits for approval; acknowledge its alarm to go on without it")
    if known.failed_gates >= MOST_FAILED_GATES:
        return Hold(
            "gates", f"{known.failed_gates} gates in a row have failed: a person has to look", known.failed_gates
        )
    cooling = _cooling(known, "retrain", cooldown)
    if cooling is not None:
        return cooling
    if known.retrained_today >= react.budget:
        return Hold("budget", f"the budget of {react.budget} retrainings a day is spent", of=react.budget)
    if labels < least:
        return Hold("labels", f"{labels} of {least} labelled rows to learn from", labels, least)
    return Hold("dry_run", "dry run") if react.dry_run else None


_WORDS: dict[Cause, str] = {
    "floor": "hard floor", "slo": "SLO breach", "fault": "data fault", "quality": "quality loss", "drift": "data drift",
}  # fmt: skip
