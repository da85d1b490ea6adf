"""Delivery: lets versions answer, moves traffic by steps, and takes both back.

Each change is one transaction: the new release state and its event. Then the routes file, then the registry's
aliases; what a crash leaves undone of these two, ``reconcile`` does. Traffic does not wait for the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from boucle.core.deployment import Deployment, Rollout, Strategy, Target
from boucle.core.errors import BoucleError, Conflict, NotFound
from boucle.core.event import Event
from boucle.core.ground import ground_of
from boucle.core.json import to_data
from boucle.core.verdict import Verdict
from boucle.delivery.outside import MoveAliases, Outside
from boucle.delivery.routing import FindTarget
from boucle.ports.clock import Clock
from boucle.ports.stores import State
from boucle.project.answering import Release
from boucle.project.settings import Settings

_UNDO = {
    "rollout_aborted": "boucle promote {model}/{version}",
    "disabled": "boucle enable {model}",
    "enabled": "boucle disable {model}",
    "rollout_paused": "boucle resume {model}",
    "rollout_resumed": "boucle pause {model}",
}


@dataclass(frozen=True, slots=True)
class Change:
    """What was changed: the new state, the command that takes it back, and the events it left.

    ``pending`` says what is still to be done by ``reconcile``, such as aliases of a registry that is away.
    """

    deployment: Deployment
    undo: str
    events: tuple[Event, ...]
    pending: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Repair:
    """What ``reconcile`` did: releases taken over from the registry, whether routes were written, what is left."""

    changes: tuple[Change, ...] = ()
    published: bool = False
    pending: tuple[str, ...] = ()


class _Late(Conflict):
    """Another process released the first version in between."""


class Delivery:
    """Changes the release state of models. Raises NotFound and Conflict, and then nothing is changed.

    ``routes`` is the file the data plane reads, ``target`` finds a version's bundle, ``aliases`` moves the registry's.
    """

    def __init__(
        self,
        state: State,
        clock: Clock,
        routes: Path,
        target: FindTarget,
        aliases: MoveAliases,
        actor: str = "cli",
        settings: Settings | None = None,
    ) -> None:
        self._state = state
        self._clock = clock
        self._target = target
        self._actor = actor
        self._outside = Outside(state, routes, target, aliases, settings)
        self._release = settings.release if settings else Release.model_validate({})

    def admit(self, name: str, version: int, verdict: Verdict) -> Change | None:
        """Let the first version that passed its gate answer; None when nothing was to be done."""
        with self._state.begin(write=False) as tx:
            first = tx.deployments.get(name).champion is None
        if not first or verdict.status != "pass" or self._release.require_approval:
            return None
        reason = f"first version of {name}: {verdict.reason}"

        def change(before: Deployment) -> Deployment:
            if before.champion is not None:
                raise _Late(f"{name} has a champion by now.")
            return before.released(version)

        try:
            return self._commit(name, "release", change, reason, verdict, version, self._target(name, version))
        except _Late:
            return None

    def promote(
        self,
        name: str,
        version: int,
        strategy: Strategy | None = None,
        reason: str = "",
        verdict: Verdict | None = None,
    ) -> Change:
        """Begin the rollout of ``version``, or release it at once (blue-green, direct, or the first ever)."""
        how = strategy or self._release.strategy
        if how == "canary" and not self._release.steps:
            how = "direct"
        target = self._target(name, version)

        def change(before: Deployment) -> Deployment:
            if before.champion is None or how in ("direct", "blue-green"):
                return self._released(before, version, "direct" if before.champion is None else how)
            if not before.enabled:
                raise Conflict(f"{name} is disabled, a rollout would see no traffic.", hint=f"boucle enable {name}")
            return before.starting(self._rollout(before, version, how))

        def kind(before: Deployment, after: Deployment) -> str:
            return "release" if after.challenger is None else "rollout_started"

        return self._commit(name, kind, change, reason or f"promoted by {self._actor}", verdict, version, target)

    def advance(self, name: str, verdict: Verdict | None = None, reason: str = "") -> Change:
        """Take the rollout's next step; after the last one the challenger is champion."""

        def change(before: Deployment) -> Deployment:
            if before.rollout is not None and before.rollout.phase == "holding":
                raise Conflict(f"The rollout of {name} is paused.", hint=f"boucle resume {name}")
            return before.stepping(self._clock.now())

        def kind(before: Deployment, after: Deployment) -> str:
            return "rollout_done" if after.challenger is None else "rollout_step"

        return self._commit(name, kind, change, reason or _why(verdict), verdict)

    def abort(self, name: str, reason: str, verdict: Verdict | None = None) -> Change:
        """End the rollout; the champion answers everything again."""
        return self._commit(name, "rollout_aborted", lambda d: d.aborted(self._clock.now(), reason), reason, verdict)

    def rollback(self, name: str, reason: str = "", verdict: Verdict | None = None) -> Change:
        """End the rollout under way, or let the previous champion answer again."""
        now, why = self._clock.now(), reason or f"rolled back by {self._actor}"

        def change(before: Deployment) -> Deployment:
            return before.aborted(now, why) if before.challenger is not None else before.rolled_back(now)

        def kind(before: Deployment, after: Deployment) -> str:
            return "rollout_aborted" if before.challenger is not None else "rollback"

        return self._commit(name, kind, change, why, verdict)

    def disable(self, name: str, reason: str = "", verdict: Verdict | None = None) -> Change:
        """Stop answering: the kill switch."""
        return self._commit(name, "disabled", lambda d: _released(d).switched(False), reason, verdict)

    def enable(self, name: str, reason: str = "") -> Change:
        return self._commit(name, "enabled", lambda d: _released(d).switched(True), reason)

    def pause(self, name: str, reason: str = "") -> Change:
        """Let the rollout stand still at its share."""
        return self._commit(name, "rollout_paused", lambda d: d.paused(self._clock.now()), reason)

    def resume(self, name: str, reason: str = "") -> Change:
        return self._commit(name, "rollout_resumed", lambda d: d.resumed(self._clock.now()), reason)

    def reconcile(
        self, champion_alias: Callable[[str], int | None] | None = None, models: Iterable[str] = ()
    ) -> Repair:
        """Finish what a crash left undone, and take over a champion alias that was moved in the registry.

        ``champion_alias`` reads it; ``models`` are more names to look at. Running it twice does no harm.
        """
        changes: list[Change] = []
        pending: list[str] = []
        if champion_alias:
            with self._state.begin(write=False) as tx:
                known = {one.model: one for one in tx.deployments.all()}
            for name in sorted(known.keys() | set(models)):
                try:
                    changes += self._adopted(known.get(name, Deployment(name)), champion_alias)
                except BoucleError as error:
                    pending.append(f"The champion alias of {name} could not be followed: {error}")
        published = self._outside.publish()
        return Repair(tuple(changes), published or bool(changes), (*pending, *self._outside.sync()))

    def _adopted(self, known: Deployment, champion_alias: Callable[[str], int | None]) -> list[Change]:
        if not known.alias_synced:
            return []  # the registry is behind, not ahead
        moved = champion_alias(known.model)
        if moved == known.champion:
            return []
        if moved is None:
            self._outside.write_aliases(known)
            return []

        def change(before: Deployment) -> Deployment:
            if before.generation != known.generation:
                raise Conflict(f"{known.model} was changed meanwhile.", hint="the next look sees it")
            return before.released(moved)

        reason = f"the champion alias was moved to {moved} in the registry"
        target = self._target(known.model, moved)
        return [self._commit(known.model, "alias_moved", change, reason, None, moved, target)]

    def _released(self, before: Deployment, version: int, how: Strategy) -> Deployment:
        if before.champion == version:
            raise Conflict(f"{before.model}/{version} is the champion already.", model=before.model)
        after = before.released(version)
        if how != "blue-green":
            return after
        now = self._clock.now()
        return replace(after, rollout=Rollout(_id(before, version), version, how, "done", now, now, 1.0, ended=now))

    def _rollout(self, before: Deployment, version: int, how: Strategy) -> Rollout:
        now = self._clock.now()
        steps = tuple(step / 100 for step in self._release.steps)
        required = self._release.min_feedback
        if how == "shadow":
            return Rollout(_id(before, version), version, how, "shadow", now, now, steps=steps, required=required)
        return Rollout(_id(before, version), version, how, "stepping", now, now, steps[0], 1, steps, required)

    def _commit(
        self,
        name: str,
        kind: str | Callable[[Deployment, Deployment], str],
        change: Callable[[Deployment], Deployment],
        reason: str,
        verdict: Verdict | None = None,
        version: int | None = None,
        target: Target | None = None,
    ) -> Change:
        with self._state.begin() as tx:
            before = tx.deployments.get(name)
            after = change(before)
            if target is not None:
                self._outside.remember(tx, name, target)
            self._outside.check(tx, after)
            what = kind if isinstance(kind, str) else kind(before, after)
            about = version or before.challenger or after.champion
            undo = _undo(what, after, about)
            data = {"before": to_data(before), "after": to_data(after), "verdict": to_data(verdict), "undo": undo}
            why = reason or f"by {self._actor}"
            data["ground"] = ground_of(why, self._actor)
            event = Event(what, self._clock.now(), why, name, about, self._actor, data)
            tx.deployments.put(after)
            event = tx.journal.append(event)
        self._outside.publish()
        return Change(after, undo, (event,), self._outside.sync())


def _released(one: Deployment) -> Deployment:
    if one.champion is None:
        raise NotFound(f"{one.model} has no champion.", hint=f"release one with: boucle promote {one.model}/VERSION")
    return one


def _why(verdict: Verdict | None) -> str:
    return verdict.reason if verdict else ""


def _undo(kind: str, after: Deployment, version: int | None) -> str:
    if kind in ("release", "alias_moved") and after.previous is None:
        return f"boucle disable {after.model}"
    return _UNDO.get(kind, "boucle rollback {model}").format(model=after.model, version=version)


def _id(before: Deployment, version: int) -> str:
    return f"{before.model}/{version}#{before.generation + 1}"
