"""What the history of a scenario shows against what it should: right, wrong, missing, late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from boucle.core.event import Event
from boucle.drill.scenarios import ACTIONS, ANY_ALARM, SHOWN, Scenario, Sign
from boucle.project.settings import Settings
from boucle.project.watching import Reaction

Outcome = Literal["pass", "fail", "not applicable"]


@dataclass(frozen=True, slots=True)
class Result:
    """What one scenario showed. ``delay`` is in windows: 0 is the first one with the fault, None never.

    ``false_alarms`` were opened before the fault. ``actions`` were taken, ``right`` should have been seen; ``missing``
    of those was not, ``wrong`` was and must not be. ``why`` says in words why it failed or does not apply.
    """

    name: str
    status: Outcome
    summary: str
    delay: int | None = None
    false_alarms: int = 0
    actions: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A whole drill; ``notes`` say where it departs from the project's settings."""

    project: str
    version: int
    seed: int
    windows: int
    rows: int
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return all(result.status != "fail" for result in self.results)


@dataclass(slots=True)
class History:
    """Events with the window they fell in: 1 is the first one with the fault, 0 the last one before."""

    seen: list[tuple[int, Event]] = field(default_factory=list)

    def first(self, sign: Sign, since: int | None = None) -> int | None:
        """Return the first window, from ``since`` on, in which the sign is seen; None if it never is."""
        return next((w for w, event in self.seen if (since is None or w >= since) and sign.is_in(event)), None)


def judged(scenario: Scenario, settings: Settings, history: History) -> Result:
    right = _right(scenario, settings)
    places = {str(sign): history.first(sign, 1) for sign in right}
    missing = tuple(name for name, place in places.items() if place is None)
    wrong = tuple(str(s) for s in scenario.forbidden if history.first(s) is not None)
    early = sum(window < 1 and ANY_ALARM.is_in(event) for window, event in history.seen)
    failed = bool(missing or wrong or early)
    first = places.get(str(right[0])) if right else None
    return Result(
        scenario.name,
        "fail" if failed else "pass",
        scenario.summary,
        None if first is None else first - 1,
        early,
        _taken(history),
        tuple(places),
        missing,
        wrong,
        _why(history, missing, wrong, early),
    )


def _right(scenario: Scenario, settings: Settings) -> tuple[Sign, ...]:
    """Return the signs to be seen: those of the table, and the action the project declares."""
    if not scenario.acts:
        return scenario.right
    reaction: Reaction = getattr(settings.react, scenario.acts)
    action = ACTIONS.get(reaction.action)
    return (*scenario.right, action) if action else scenario.right


def _taken(history: History) -> tuple[str, ...]:
    causes = dict.fromkeys(f"{e.data['cause']} alarm" for w, e in history.seen if w > 0 and ANY_ALARM.is_in(e))
    return (*causes, *(str(sign) for sign in SHOWN if history.first(sign, 1) is not None))


def _why(history: History, missing: Sequence[str], wrong: Sequence[str], early: int) -> str:
    words = [f"no {name}" for name in missing] + [f"{name}, which is wrong here" for name in wrong]
    if early:
        first = next(event for window, event in history.seen if window < 1 and ANY_ALARM.is_in(event))
        words.append(f"alarm before anything happened: {first.reason}")
    return "; ".join(words)
