"""The scenarios of the fire drill: what goes wrong, what a good loop does about it, and what it must never do.

Everything is told in events of the history, so the table holds whatever detector or policy stands behind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from boucle.core.event import Event

Skill = Literal["champion", "retrained", "poisoned"]
"""How a version answers: as the champion does, as one that has learned the drifted concept, or wrongly."""


@dataclass(frozen=True, slots=True)
class Sign:
    """An event looked for in the history: one of ``kinds``, and for alarms and decisions one of ``causes`` (or any)."""

    name: str
    kinds: tuple[str, ...]
    causes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name

    def is_in(self, event: Event) -> bool:
        return event.kind in self.kinds and (not self.causes or event.data.get("cause") in self.causes)


def alarm(*causes: str) -> Sign:
    return Sign(f"{' or '.join(causes)} alarm", ("alarm_opened",), causes)


ANY_ALARM = Sign("alarm", ("alarm_opened",))
RETRAINING = Sign("retrain", ("retraining",))
ROLLBACK = Sign("rollback", ("rollback", "rollout_aborted"))
DISABLED = Sign("disable", ("disabled",))
ROLLOUT = Sign("release", ("rollout_started", "release"))
PROMOTED = Sign("promote", ("rollout_done",))
ACTIONS: Mapping[str, Sign] = {"retrain": RETRAINING, "rollback": ROLLBACK, "disable": DISABLED}
"""What an action of ``react`` looks like in the history; alerts and asking for labels are the alarm itself."""
SHOWN = (RETRAINING, ROLLOUT, PROMOTED, ROLLBACK, DISABLED)
_MOVES = (RETRAINING, ROLLBACK, DISABLED)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that happens to a service, beginning with a window the loop cannot know.

    ``fault`` names what is done to the traffic (``boucle.drill.faults``). ``right`` has to be seen, all of it;
    ``acts`` names a key of ``react`` whose declared action has to be seen too. ``forbidden`` may not be seen at all.
    ``released`` is the skill of a version released as the fault begins, ``rollout`` of one rolled out by the project's
    strategy; ``learned`` is what a retraining brings.
    """

    name: str
    summary: str
    fault: str = ""
    right: tuple[Sign, ...] = ()
    acts: str = ""
    forbidden: tuple[Sign, ...] = ()
    released: Skill | None = None
    rollout: Skill | None = None
    learned: Skill = "champion"


SCENARIOS = (
    Scenario(
        "clean",
        "nothing happens",
        forbidden=(ANY_ALARM, *_MOVES),
    ),
    Scenario(
        "unit-change",
        "a number arrives in another unit, a thousand times as large",
        fault="unit_change",
        right=(alarm("fault"),),
        acts="data_fault",
        forbidden=(RETRAINING,),
    ),
    Scenario(
        "mended-unit",
        "the same for three windows; its labels come when all has long been well again",
        fault="mended",
        right=(alarm("fault"),),
        forbidden=(RETRAINING,),
    ),
    Scenario(
        "null-surge",
        "a third of an input's values goes missing",
        fault="null_surge",
        right=(alarm("fault"),),
        acts="data_fault",
        forbidden=(RETRAINING,),
    ),
    Scenario(
        "new-category",
        "a level nobody has seen takes a tenth of an input",
        fault="new_category",
        right=(alarm("fault"),),
        acts="data_fault",
        forbidden=(RETRAINING,),
    ),
    Scenario(
        "covariate-shift",
        "other customers come, and the model is as good for them",
        fault="covariate_shift",
        right=(alarm("drift"),),
        forbidden=(*_MOVES, alarm("quality"), alarm("fault"), alarm("slo")),
    ),
    Scenario(
        "concept-drift",
        "what is right changes little by little, the inputs stay",
        fault="concept_drift",
        right=(alarm("quality"),),
        acts="quality_loss",
        forbidden=(ROLLBACK, alarm("fault"), alarm("drift"), alarm("slo")),
        learned="retrained",
    ),
    Scenario(
        "label-delay",
        "labels come windows late, all at once and twice",
        fault="label_delay",
        forbidden=(ANY_ALARM, *_MOVES),
    ),
    Scenario(
        "latency-spike",
        "answers take ten times the promised time, without a release",
        fault="latency_spike",
        right=(alarm("slo"),),
        forbidden=_MOVES,
    ),
    Scenario(
        "latency-after-release",
        "the same, and a version released just before is the reason",
        fault="slow_release",
        right=(alarm("slo"),),
        acts="slo_breach",
        forbidden=(RETRAINING,),
        released="champion",
    ),
    Scenario(
        "crash",
        "six requests in ten fail",
        fault="crash",
        right=(alarm("slo", "floor"),),
        forbidden=(RETRAINING,),
    ),
    Scenario(
        "poisoned-challenger",
        "a version that passed its gate is wrong on live traffic",
        right=(ROLLBACK,),
        forbidden=(PROMOTED, Sign("release", ("release",)), RETRAINING),
        rollout="poisoned",
    ),
)
