"""A rollout: may it go on? The evidence as it grew, what is still needed, and what would end it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from boucle.core.deployment import Rollout
from boucle.core.errors import NotFound
from boucle.core.event import Event
from boucle.core.json import from_data
from boucle.core.verdict import Check, Verdict
from boucle.loop.project import Project
from boucle.loop.telling.reasons import titled
from boucle.loop.telling.said import Said, said
from boucle.ports.stores import Transaction
from boucle.project.values import seconds
from boucle.views.decisions import Decision, decided, undoable
from boucle.views.newest import bound_of
from boucle.views.story import known

POINTS, MOVED = 600, 200
MOVES = (
    "rollout_started", "rollout_step", "rollout_paused", "rollout_resumed", "rollout_done", "rollout_aborted",
    "rollback",
)  # fmt: skip
ENDS = ("rollout_done", "rollout_aborted")
_QUIET = 12.0
"""Times the usual gap between labels after which none coming is told."""
_LEAST_QUIET = 120.0
_NUMBERS = ("squared loss", "absolute loss", "log loss", "brier loss")
"""Losses that are no share of anything."""

State = Literal["early", "going", "holding", "silent", "promoted", "ended"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``name`` is replay, shadow or share; ``state`` is done, now, ahead or ended; times in Unix seconds.

    ``n`` is how many rows or labels it took, or has so far.
    """

    name: str
    share: float
    state: str
    began: float | None = None
    ended: float | None = None
    n: int | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the evidence: the difference at so many labels of the challenger, with its band."""

    time: float
    n: int
    champion_n: int
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Guardrail:
    """One check: both versions' values, the difference with its band, and the margin it has to stay under.

    ``share`` says that values are shares, which differ in percentage points. ``odds`` is the evidence against the
    challenger as odds to one, ``ends_at`` those that end the rollout; None for losses that are not right or wrong.
    ``decided`` is since when the check has said what it says now (Unix seconds).
    """

    name: str
    title: Said
    status: str
    value: float | None
    low: float | None
    high: float | None
    margin: float | None
    champion: float | None
    challenger: float | None
    n: int
    champion_n: int
    unit: str
    share: bool
    odds: float | None
    ends_at: float | None
    needed: int | None
    required: int | None
    note: str
    decided: float | None


@dataclass(frozen=True, slots=True)
class RolloutView:
    """``path`` is the first check's difference as labels came, ``checks`` all of them as they stand.

    ``asked`` is the share the router was told, ``seen`` what it sent since the step began, None before any request.
    ``needed`` labels are still to come at ``pace`` a second; ``labelled`` is when the last one came. ``deadline`` is
    when the step ends undecided. ``decisive`` is the place of the check that ended it. Times are Unix seconds.
    """

    id: str
    model: str
    champion: int | None
    challenger: int
    strategy: str
    state: State
    status: str
    started: float
    ended: float | None
    heading: Said
    lead: tuple[Said, ...]
    steps: tuple[Step, ...]
    asked: float
    seen: float | None
    path: tuple[Look, ...]
    checks: tuple[Guardrail, ...]
    decisive: int | None
    needed: int | None
    lasting: float | None
    pace: float | None
    labelled: float | None
    deadline: float | None
    reason: str
    by_hand: str
    decisions: tuple[Decision, ...]


Verdicts = Sequence[tuple[float, int, Verdict]]


def rollout(project: Project, model: str, challenger: int | None = None) -> RolloutView:
    """Return the newest rollout of ``model``, or of one of its versions; raises NotFound when there was none."""
    now = project.clock.now()
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        one, told = _found(tx, model, challenger)
        until = one.ended or now
        found = _about(tx.windows.spread(model, "rollout", one.started, until, POINTS), one.challenger)
        replayed = _about(tx.windows.spread(model, "replay", 0.0, one.started, 1), one.challenger)
        champion = _champion(tx, model, told)
        done = undoable(tx, [decided(event) for event in reversed(told)])
    verdict = found[-1][2] if found else None
    deadline = project.settings.release.deadline
    ends = one.step_started + seconds(deadline) if one.live and not isinstance(deadline, int) else None
    return _viewed(
        _Facts(model, champion, one, tuple(told), found, replayed, verdict, now), tuple(done), ends
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Facts:
    model: str
    champion: int | None
    rollout: Rollout
    told: tuple[Event, ...]
    found: Verdicts
    replayed: Verdicts
    verdict: Verdict | None
    now: float

    @property
    def needed(self) -> int | None:
        value = self.verdict.inputs.get("needed") if self.verdict else None
        return None if value is None else int(value)

    @property
    def pace(self) -> float | None:
        value = self.verdict.inputs.get("pace") if self.verdict else None
        return None if value is None else float(value)

    @property
    def silent(self) -> bool:
        """Whether labels have stopped coming."""
        if not self.found or not self.pace or not self.rollout.live:
            return False
        return self.now - self.found[-1][0] > max(_LEAST_QUIET, _QUIET / self.pace)


def _about(found: Verdicts, version: int) -> list[tuple[float, int, Verdict]]:
    return [one for one in found if one[1] == version]


def _viewed(facts: _Facts, done: tuple[Decision, ...], deadline: float | None) -> RolloutView:
    one, checks = facts.rollout, _checks(facts)
    state = _state(facts)
    needed = facts.needed if one.live else None
    lasting = needed / facts.pace if needed is not None and facts.pace else None
    undo = f"boucle rollback {facts.model}" if one.live or one.phase == "done" else ""
    view = RolloutView(
        id=one.id,
        model=facts.model,
        champion=facts.champion,
        challenger=one.challenger,
        strategy=one.strategy,
        state=state,
        status=facts.verdict.status if facts.verdict else "inconclusive",
        started=one.started,
        ended=one.ended,
        heading=said(f"rollout.{state}", ref=f"{facts.model}/{one.challenger}", champion=facts.champion),
        lead=(),
        steps=_steps(facts),
        asked=one.share if one.live else 0.0,
        seen=_seen(facts),
        path=_path(facts.found),
        checks=checks,
        decisive=next((i for i, c in enumerate(checks) if c.status == "fail"), 0 if checks and one.ended else None),
        needed=needed,
        lasting=lasting,
        pace=facts.pace,
        labelled=facts.found[-1][0] if facts.found else None,
        deadline=deadline,
        reason=one.reason or (facts.told[-1].reason if facts.told else ""),
        by_hand=undo,
        decisions=done,
    )
    return replace(view, lead=tuple(_lead(view, facts)))


def _found(tx: Transaction, model: str, challenger: int | None) -> tuple[Rollout, list[Event]]:
    """Return the rollout as it stands, or as it ended, and the events of its way, oldest first."""
    told = tx.journal.events(model, MOVES, limit=MOVED)
    starts = [e for e in told if e.kind == "rollout_started" and challenger in (None, e.version)]
    if not starts:
        which = model if challenger is None else f"{model}/{challenger}"
        raise NotFound(
            f"There was no rollout of {which}.", hint=f"start one with: boucle promote {model}/VERSION", model=model
        )
    began = _rollout(starts[-1])
    way = []
    for event in told:
        if event.seq >= starts[-1].seq and (at := _rollout(event, began)).id == began.id:
            began = at
            way.append(event)
            if event.kind in ENDS:
                break
    held = tx.deployments.get(model).rollout
    return (held if held is not None and held.id == began.id else began), way


def _rollout(event: Event, before: Rollout | None = None) -> Rollout:
    try:
        return from_data(event.data["after"]["rollout"], Rollout)
    except (KeyError, TypeError, msgspec.ValidationError):
        if before is not None:
            return replace(before, id="")
        raise NotFound(f"Event {event.seq} does not tell of a rollout.", hint="boucle history --verify") from None


def _champion(tx: Transaction, model: str, told: Sequence[Event]) -> int | None:
    before = told[0].data.get("before") if told else None
    if isinstance(before, dict) and before.get("champion") is not None:
        return int(before["champion"])
    return tx.deployments.get(model).champion


def _state(facts: _Facts) -> State:
    one = facts.rollout
    if one.phase == "done":
        return "promoted"
    if not one.live:
        return "ended"
    if one.phase == "holding":
        return "holding"
    if facts.silent:
        return "silent"
    return "going" if facts.verdict is not None and facts.verdict.status == "pass" else "early"


def _steps(facts: _Facts) -> tuple[Step, ...]:
    one = facts.rollout
    began = {round(float(_share(e)), 6): e.time for e in facts.told if e.kind in ("rollout_started", "rollout_step")}
    steps = []
    if facts.replayed:
        time, _, verdict = facts.replayed[-1]
        state = "ended" if verdict.status == "fail" else "done"
        steps.append(Step("replay", 0.0, state, None, time, next((c.n for c in verdict.checks), None)))
    if one.strategy == "shadow":
        state = "now" if one.live and one.step == 0 else "done"
        steps.append(Step("shadow", 0.0, state, one.started, n=_count(facts)))
    shares = (*one.steps, 1.0) if one.strategy in ("canary", "shadow") else (1.0,)
    for number, share in enumerate(shares, start=1):
        state = _stepped(one, number, len(shares))
        since = one.ended if share == 1.0 and one.phase == "done" else began.get(round(share, 6))
        steps.append(Step("share", share, state, since, n=_count(facts) if state == "now" else None))
    return tuple(steps)


def _stepped(one: Rollout, number: int, last: int) -> str:
    if one.phase == "done":
        return "done"
    if number < one.step:
        return "done"
    if number > one.step or number == last:
        return "ahead"
    return "now" if one.live else "ended"


def _share(event: Event) -> float:
    after: dict[str, Any] = event.data.get("after") or {}
    return float((after.get("rollout") or {}).get("share") or 0.0)


def _count(facts: _Facts) -> int | None:
    return facts.verdict.checks[0].n if facts.verdict is not None and facts.verdict.checks else None


def _path(found: Verdicts) -> tuple[Look, ...]:
    looks = []
    for time, _, verdict in found:
        check = verdict.checks[0] if verdict.checks else None
        if check is not None and check.observed is not None:
            other = int(check.evidence.get("champion_rows", 0))
            looks.append(Look(time, int(check.n or 0), other, check.observed, check.low, check.high))
    return tuple(looks)


def _seen(facts: _Facts) -> float | None:
    """Return the challenger's share of the requests since the step began, as the guardrail of errors counts them."""
    counted = [(time, _requests(verdict)) for time, _, verdict in facts.found]
    known_ = [(time, pair) for time, pair in counted if pair is not None]
    if not known_ or facts.rollout.phase == "shadow":
        return None
    before = [pair for time, pair in known_ if time <= facts.rollout.step_started]
    old = before[-1] if before else (0, 0)
    ours, theirs = known_[-1][1][0] - old[0], known_[-1][1][1] - old[1]
    return ours / (ours + theirs) if ours + theirs > 0 else None


def _requests(verdict: Verdict) -> tuple[int, int] | None:
    check = next((c for c in verdict.checks if c.name.startswith("failed requests")), None)
    return None if check is None else (int(check.n or 0), int(check.evidence.get("champion_rows", 0)))


def _checks(facts: _Facts) -> tuple[Guardrail, ...]:
    if facts.verdict is None:
        return ()
    return tuple(_guardrail(check, _since(facts.found, check)) for check in facts.verdict.checks)


def _guardrail(check: Check, since: float | None) -> Guardrail:
    told, name = check.evidence, check.name.partition(",")[0]
    loss: float | None = told.get("champion_loss")
    answered = None if loss is None or check.observed is None else loss + check.observed
    return Guardrail(
        name=name,
        title=titled(name),
        status=check.status,
        value=check.observed,
        low=check.low,
        high=check.high,
        margin=bound_of(check)[0],
        champion=loss,
        challenger=answered,
        n=int(check.n or 0),
        champion_n=int(told.get("champion_rows", 0)),
        unit=str(told.get("unit", "labels")),
        share=name not in _NUMBERS,
        odds=told.get("e_value"),
        ends_at=told.get("ends_at"),
        needed=told.get("needed"),
        required=told.get("required"),
        note=check.note,
        decided=since,
    )


def _since(found: Verdicts, check: Check) -> float | None:
    """Return since when a check that has decided has said so."""
    if check.status == "inconclusive":
        return None
    since = None
    for time, _, verdict in reversed(found):
        status = next((c.status for c in verdict.checks if c.name == check.name), None)
        if status != check.status:
            break
        since = time
    return since


def _lead(view: RolloutView, facts: _Facts) -> list[Said]:
    first = view.checks[0] if view.checks else None
    if not facts.rollout.live:
        worst = next((c for c in view.checks if c.status == "fail" and c.value is not None), None)
        because = []
        if worst is not None and view.state == "ended":
            by = said("as.points" if worst.share else "as.number", value=worst.value)
            if worst.odds is not None and worst.ends_at is not None and worst.odds >= worst.ends_at:
                because = [said("rollout.odds", odds=worst.odds, ends=worst.ends_at)]
            because = [said("rollout.worse", check=worst.title, challenger=view.challenger, by=by, n=worst.n), *because]
        return [*because, said(f"rollout.{view.state}.lead", champion=view.champion, challenger=view.challenger)]
    shadow = facts.rollout.phase == "shadow"
    found = [said("rollout.shadowing" if shadow else "rollout.answers", share=view.asked)]
    if view.seen is not None and not shadow and abs(view.seen - view.asked) > max(0.05, 0.3 * view.asked):
        found.append(said("rollout.share", asked=view.asked, seen=view.seen))
    if view.state == "holding":
        return [*found, said("rollout.paused", model=view.model)]
    if view.state == "silent" and view.labelled is not None:
        return [*found, said("rollout.quiet", ago=facts.now - view.labelled)]
    if first is None or not first.n:
        found.append(said("rollout.unlabelled", n=facts.rollout.required))
    elif view.needed and first.margin is not None:
        found.append(_so_far(first, view.champion))
        if first.high is not None and first.high < first.margin:
            return [*found, said("rollout.step", needed=view.needed), said("rollout.until", champion=view.champion)]
        key = "rollout.needs.lasting" if view.lasting is not None else "rollout.needs"
        margin = said("as.points" if first.share else "as.number", value=first.margin)
        found.append(said(key, margin=margin, needed=view.needed, lasting=view.lasting or 0.0))
    elif view.state == "early":
        found.append(said("rollout.undecided"))
    else:
        found.append(said("rollout.passing"))
    found.append(said("rollout.until", champion=view.champion))
    return found


def _so_far(first: Guardrail, champion: int | None) -> Said:
    """Say which way the difference lies now, and that it may be chance while its band holds zero."""
    value = first.value or 0.0
    unsure = first.low is None or first.high is None or first.low <= 0.0 <= first.high
    key = "rollout.alike" if unsure else "rollout.lower" if value < 0.0 else "rollout.higher"
    by = said("as.points" if first.share else "as.number", value=abs(value))
    return said(key, champion=champion, by=by)
