"""The actions of people: each calls what the command line and the API call, and knows its way back.

What a reader saw of the release state goes with the action, which is refused when it has moved on since.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass

from boucle.core.access import Role
from boucle.core.deployment import Deployment
from boucle.core.ground import in_console
from boucle.delivery.release import Change
from boucle.loop import alarms, operations
from boucle.loop.project import Project
from boucle.ui.actions import Action, Done
from boucle.ui.words.catalogue import Words


@dataclass(frozen=True, slots=True)
class Seen:
    """The release state of a model as a page showed it."""

    model: str
    champion: int | None
    challenger: int | None
    phase: str = ""
    share: float = 0.0

    @classmethod
    def of(cls, held: Deployment) -> Seen:
        rollout = held.rollout if held.challenger is not None else None
        phase, share = (rollout.phase, rollout.share) if rollout else ("", 0.0)
        return cls(held.model, held.champion, held.challenger, phase, share)

    def holds(self, project: Project) -> bool:
        """Say whether it is so still."""
        with project.state.begin(write=False) as tx:
            return Seen.of(tx.deployments.get(self.model)) == self


def rollback(say: Words, seen: Seen, previous: int | None = None) -> Action:
    """End the rollout under way, or let the champion before answer again."""
    if seen.challenger is not None:
        label = say("do.abort", version=seen.champion)
        says = say(
            "do.abort.says", challenger=f"{seen.model}/{seen.challenger}", champion=f"{seen.model}/{seen.champion}"
        )
        undo = f"boucle promote {seen.model}/{seen.challenger}"
    else:
        label = say("do.rollback", version=previous) if previous else say("do.rollback.plain", model=seen.model)
        says = say("do.rollback.says", champion=f"{seen.model}/{seen.champion}")
        undo = f"boucle rollback {seen.model}"

    def act(project: Project, _: str) -> Done:
        return _done(say, project.delivery.rollback(seen.model, say_reason(project)))

    command = f"boucle rollback {seen.model}"
    return Action(label, says, command, undo, Role.OPERATOR, act, seen.model, seen.holds, danger=True)


def promote(say: Words, seen: Seen, version: int, *, override: bool = False) -> Action:
    """Roll a version out; against its verdict it takes an approver and a reason."""
    ref = f"{seen.model}/{version}"

    def act(project: Project, why: str) -> Done:
        reason = why or say_reason(project)
        return _done(say, operations.promote(project, ref, reason=reason, override=override))

    command = f"boucle promote {ref}" + (" --override --reason …" if override else "")
    role, reason = (Role.APPROVER, operations.SHORTEST_REASON) if override else (Role.OPERATOR, 0)
    says = say("do.override.says" if override else "do.promote.says", ref=ref)
    label = say("do.promote", ref=ref)
    return Action(label, says, command, f"boucle rollback {seen.model}", role, act, seen.model, seen.holds, reason)


def release_now(say: Words, seen: Seen) -> Action:
    """Let the challenger answer everything before the evidence has spoken."""
    ref = f"{seen.model}/{seen.challenger}"

    def act(project: Project, why: str) -> Done:
        return _done(say, operations.promote(project, ref, "direct", why, override=True))

    command = f"boucle promote {ref} --strategy direct --override --reason …"
    return Action(
        say("do.now", version=seen.challenger),
        say("do.now.says", ref=ref),
        command,
        f"boucle rollback {seen.model}",
        Role.APPROVER,
        act,
        seen.model,
        seen.holds,
        operations.SHORTEST_REASON,
    )


def pause(say: Words, seen: Seen) -> Action:
    """Let the rollout stand still; nothing is asked, for resuming is as easy."""

    def act(project: Project, _: str) -> Done:
        return _done(say, project.delivery.pause(seen.model, say_reason(project)))

    return _switch(say, "pause", seen, act, f"boucle resume {seen.model}")


def resume(say: Words, seen: Seen) -> Action:
    def act(project: Project, _: str) -> Done:
        return _done(say, project.delivery.resume(seen.model, say_reason(project)))

    return _switch(say, "resume", seen, act, f"boucle pause {seen.model}")


def _switch(say: Words, verb: str, seen: Seen, act: Callable[[Project, str], Done], undo: str) -> Action:
    label, says = say(f"do.{verb}"), say(f"do.{verb}.says")
    command = f"boucle {verb} {seen.model}"
    return Action(label, says, command, undo, Role.OPERATOR, act, seen.model, seen.holds, asks=False)


def disable(say: Words, seen: Seen) -> Action:
    """Stop answering; its name has to be typed."""

    def act(project: Project, _: str) -> Done:
        return _done(say, project.delivery.disable(seen.model, say_reason(project)))

    return Action(
        say("do.disable", model=seen.model),
        say("do.disable.says"),
        f"boucle disable {seen.model}",
        f"boucle enable {seen.model}",
        Role.OPERATOR,
        act,
        seen.model,
        typed=seen.model,
        danger=True,
    )


def enable(say: Words, seen: Seen) -> Action:
    def act(project: Project, _: str) -> Done:
        return _done(say, project.delivery.enable(seen.model, say_reason(project)))

    command, undo = f"boucle enable {seen.model}", f"boucle disable {seen.model}"
    return Action(
        say("do.enable", model=seen.model), say("do.enable.says"), command, undo, Role.OPERATOR, act, seen.model
    )


def acknowledge(say: Words, number: int, model: str) -> Action:
    """Say that somebody has seen an alarm."""

    def act(project: Project, _: str) -> Done:
        alarms.acknowledge(project, number)
        return Done(say("did.acknowledged", number=number))

    label = say("do.acknowledge")
    return Action(label, "", f"boucle ack {number}", "", Role.OPERATOR, act, model, asks=False)


def undo(say: Words, command: str, holds: Callable[[Project], bool] = lambda _: True) -> Action | None:
    """Return the action that an undo command names; None for a command that the console does not know."""
    words = shlex.split(command)
    if len(words) < 3 or words[0] != "boucle" or words[1] not in _VERBS:
        return None
    verb, (model, _, version) = words[1], words[2].partition("/")

    def act(project: Project, _: str) -> Done:
        return _done(say, _VERBS[verb](project, model, version))

    label, says = say("do.undo"), say("do.undo.says", command=command)
    return Action(label, says, command, "", Role.OPERATOR, act, model, holds)


_VERBS: dict[str, Callable[[Project, str, str], Change]] = {
    "rollback": lambda project, model, _: project.delivery.rollback(model, say_reason(project)),
    "promote": lambda project, model, version: operations.promote(project, f"{model}/{version}"),
    "disable": lambda project, model, _: project.delivery.disable(model, say_reason(project)),
    "enable": lambda project, model, _: project.delivery.enable(model, say_reason(project)),
    "pause": lambda project, model, _: project.delivery.pause(model, say_reason(project)),
    "resume": lambda project, model, _: project.delivery.resume(model, say_reason(project)),
}


def say_reason(project: Project) -> str:
    """Return the reason that stands in the history where none was asked for."""
    return in_console(project.actor)


def _done(say: Words, change: Change) -> Done:
    """Tell what changed, and offer the way back."""
    held = change.deployment
    seen = Seen.of(held)
    told = say("did.champion", champion=f"{held.model}/{held.champion}" if held.champion else held.model)
    if not held.enabled:
        told = say("did.disabled", model=held.model)
    elif held.challenger is not None and held.rollout is not None:
        ref, share = f"{held.model}/{held.challenger}", say.percent(held.rollout.share)
        told = (
            say("did.paused", ref=ref) if held.rollout.phase == "holding" else say("did.rollout", ref=ref, share=share)
        )
    return Done(told, change.undo, undo(say, change.undo, seen.holds))
