"""Deployment: which versions of a model may answer, and the steps by which traffic moves.

Every change is one of the pure transitions below; what is not in the tables is refused.

    planned → shadow → stepping ⇄ holding → done | aborted
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from boucle.core.errors import Conflict, NotFound

Strategy = Literal["canary", "shadow", "blue-green", "direct"]
Phase = Literal["shadow", "stepping", "holding", "done", "aborted"]

_NEXT: dict[Phase, tuple[Phase, ...]] = {
    "shadow": ("stepping", "holding", "done", "aborted"),
    "stepping": ("stepping", "holding", "done", "aborted"),
    "holding": ("shadow", "stepping", "done", "aborted"),
    "done": (),
    "aborted": (),
}


@dataclass(frozen=True, slots=True)
class Rollout:
    """The way of one challenger to all the traffic. ``share`` is a fraction of requests, ``steps`` the shares to come.

    ``required`` is the feedback needed per step, in labelled rows; times are Unix seconds.
    """

    id: str
    challenger: int
    strategy: Strategy
    phase: Phase
    started: float
    step_started: float
    share: float = 0.0
    step: int = 0
    steps: tuple[float, ...] = ()
    required: int = 0
    reason: str = ""
    held_from: Phase = "stepping"
    ended: float | None = None

    @property
    def live(self) -> bool:
        return bool(_NEXT[self.phase])

    def to(self, phase: Phase, now: float, **changes: Any) -> Rollout:
        """Move to ``phase``; raises Conflict when the table does not allow it."""
        if phase not in _NEXT[self.phase]:
            raise Conflict(f"A rollout that is {self.phase} cannot become {phase}.", rollout=self.id)
        ended = now if not _NEXT[phase] else None
        return replace(self, phase=phase, ended=ended, **changes)


@dataclass(frozen=True, slots=True)
class Deployment:
    """The release state of one model: one row, replaced whole; ``generation`` rises with every change."""

    model: str
    generation: int = 0
    enabled: bool = True
    champion: int | None = None
    previous: int | None = None
    rollout: Rollout | None = None
    alias_synced: bool = True

    @property
    def challenger(self) -> int | None:
        return self.rollout.challenger if self.rollout and self.rollout.live else None

    def _changed(self, **changes: Any) -> Deployment:
        return replace(self, generation=self.generation + 1, **changes)

    def released(self, version: int) -> Deployment:
        """Let ``version`` answer everything at once; a rollout under way is ended by it."""
        previous = self.champion if self.champion != version else self.previous
        return self._changed(champion=version, previous=previous, rollout=None, enabled=True, alias_synced=False)

    def starting(self, rollout: Rollout) -> Deployment:
        """Begin a rollout; raises Conflict when one is under way or nothing answers yet."""
        if self.challenger is not None:
            raise Conflict(
                f"A rollout of {self.model}/{self.challenger} is under way.",
                hint=f"end it first: boucle rollback {self.model}",
                model=self.model,
            )
        if self.champion is None:
            raise Conflict(f"{self.model} has no champion to roll out against.", model=self.model)
        if self.champion == rollout.challenger:
            raise Conflict(f"{self.model}/{rollout.challenger} is the champion already.", model=self.model)
        return self._changed(rollout=rollout, alias_synced=False)

    def _live(self) -> Rollout:
        if self.rollout is None or not self.rollout.live:
            raise Conflict(
                f"{self.model} has no rollout under way.",
                hint=f"start one with: boucle promote {self.model}/VERSION",
                model=self.model,
            )
        return self.rollout

    def stepping(self, now: float) -> Deployment:
        """Take the next share; after the last one the challenger becomes champion."""
        rollout = self._live()
        if rollout.step >= len(rollout.steps):
            return self.completed(now)
        share = rollout.steps[rollout.step]
        return self._changed(rollout=rollout.to("stepping", now, share=share, step=rollout.step + 1, step_started=now))

    def completed(self, now: float) -> Deployment:
        rollout = self._live()
        return self._changed(
            champion=rollout.challenger,
            previous=self.champion,
            rollout=rollout.to("done", now, share=1.0),
            alias_synced=False,
        )

    def aborted(self, now: float, reason: str) -> Deployment:
        rollout = self._live()
        return self._changed(rollout=rollout.to("aborted", now, share=0.0, reason=reason), alias_synced=False)

    def paused(self, now: float) -> Deployment:
        rollout = self._live()
        return self._changed(rollout=rollout.to("holding", now, held_from=rollout.phase))

    def resumed(self, now: float) -> Deployment:
        rollout = self._live()
        if rollout.phase != "holding":
            raise Conflict(f"The rollout of {self.model}/{rollout.challenger} is not paused.", model=self.model)
        return self._changed(rollout=rollout.to(rollout.held_from, now, step_started=now))

    def rolled_back(self, now: float) -> Deployment:
        """Undo: end the rollout under way, or let the previous champion answer again."""
        if self.challenger is not None:
            return self.aborted(now, "rolled back")
        if self.previous is None:
            raise NotFound(f"{self.model} has no earlier champion to go back to.", hint=f"boucle show {self.model}")
        return self._changed(champion=self.previous, previous=self.champion, alias_synced=False)

    def switched(self, enabled: bool) -> Deployment:
        if self.enabled == enabled:
            raise Conflict(f"{self.model} is {'enabled' if enabled else 'disabled'} already.", model=self.model)
        return self._changed(enabled=enabled)

    def synced(self) -> Deployment:
        """Note that the registry's aliases say the same; not a change of what is served."""
        return replace(self, alias_synced=True)


@dataclass(frozen=True, slots=True)
class Target:
    """A version as the data plane needs it: where its bundle lies and the digest it must have."""

    version: int
    bundle: str
    digest: str


@dataclass(frozen=True, slots=True)
class Rule:
    """The answer ``then`` for rows whose ``column`` compares with ``value`` by ``op``: < <= > >= == != in missing."""

    column: str
    op: str
    value: Any
    then: Any


@dataclass(frozen=True, slots=True)
class Route:
    """What the data plane does with requests for one model. ``share`` is the challenger's fraction of routing keys.

    ``shadow`` copies requests to the challenger and returns only the champion's answers. ``warm`` versions stay
    loaded so that going back is instant. A disabled model is answered for by the ``standby`` version, one of the warm
    ones; else by the first of ``rules`` that holds, row by row, and by the constant ``fallback``, as far as declared.
    """

    model: str
    enabled: bool
    champion: Target
    challenger: Target | None = None
    share: float = 0.0
    shadow: bool = False
    warm: tuple[Target, ...] = ()
    fallback: Any = None
    rules: tuple[Rule, ...] = ()
    standby: int | None = None


@dataclass(frozen=True, slots=True)
class RouteTable:
    """The release state as one file: all the data plane ever reads of the control plane."""

    generation: int
    routes: tuple[Route, ...]
