"""What people do beside releases: mute a model's messages for a while, revoke a key, give a role, send a test."""

from __future__ import annotations

import shlex
from dataclasses import replace

from boucle.core.access import Role
from boucle.core.errors import NotFound
from boucle.core.event import Event
from boucle.loop import access, alarms, people
from boucle.loop.project import Project
from boucle.ui.actions import Action, Done
from boucle.ui.words.catalogue import Words
from boucle.views.access import Person

NOBODY = "none"
"""The role of somebody who may do nothing."""

SPANS = (("2h", 7200.0), ("8h", 28800.0), ("1d", 86400.0), ("7d", 604800.0))
"""For how long messages are muted: as the command writes it, and in seconds. It always ends by itself."""


def mute(say: Words, model: str, written: str, seconds: float) -> Action:
    """Send no messages about a model for a while; nothing is asked, for it is taken back as easily."""

    def act(project: Project, _: str) -> Done:
        until = project.clock.now() + seconds
        alarms.mute(project, model, until)
        told = say("did.muted", model=model, until=say.moment(until, project.clock.now()))
        return Done(told, f"boucle mute {model} --until 0s", unmute(say, model))

    command = f"boucle mute {model} --until {written}"
    label = say("do.mute", span=say.span(seconds))
    return Action(label, "", command, f"boucle mute {model} --until 0s", Role.OPERATOR, act, model, asks=False)


def unmute(say: Words, model: str) -> Action:
    """Send messages about a model again."""

    def act(project: Project, _: str) -> Done:
        alarms.mute(project, model, project.clock.now())
        return Done(say("did.unmuted", model=model), f"boucle mute {model} --until 2h")

    command = f"boucle mute {model} --until 0s"
    return Action(say("do.unmute"), "", command, "", Role.OPERATOR, act, model, asks=False)


def revoke(say: Words, name: str, fingerprint: str) -> Action:
    """End a key for ever; what it is known by has to be typed."""

    def act(project: Project, _: str) -> Done:
        access.revoke(project, name)
        return Done(say("did.revoked", name=name), "boucle history --kind key_revoked")

    return Action(
        say("do.revoke", name=name),
        say("do.revoke.says", name=name),
        f"boucle keys revoke {name}",
        "",
        Role.ADMIN,
        act,
        typed=fingerprint,
        danger=True,
    )


def give_role(say: Words, one: Person, role: str) -> Action:
    """Give somebody who signs in through a provider another role; it counts above the provider's word."""

    def act(project: Project, _: str) -> Done:
        wanted = None if role == NOBODY else Role(role)
        person, before = people.give(project, one.subject, wanted)
        known = before.value if before is not None else NOBODY
        back = give_role(say, replace(one, role=None if wanted is None else role), known)
        return Done(say("did.role", name=person.name, role=say(f"role.{role}")), back.command, back)

    was = one.role or NOBODY
    return Action(
        say("do.role", name=one.name),
        say("do.role.says", name=one.name, role=say(f"role.{role}"), before=say(f"role.{was}")),
        f"boucle people give {shlex.quote(one.name)} --role {role}",
        f"boucle people give {shlex.quote(one.name)} --role {was}",
        Role.ADMIN,
        act,
        danger=role in (NOBODY, Role.ADMIN.value),
    )


def send_test(say: Words, digest: str, kind: str) -> Action:
    """Send one message to an address of boucle.yaml, and say whether it arrived."""

    def act(project: Project, _: str) -> Done:
        notifier = project.notifiers.get(digest)
        if notifier is None:
            raise NotFound("This address is not in boucle.yaml any more.", hint="boucle check")
        title = say("test.title", model=project.name)
        failed = notifier.send(title, say("test.body", who=project.actor))
        reason = f"a test to {kind} ({digest}) " + ("could not be sent" if failed else "was sent")
        with project.state.begin() as tx:
            now, data = project.clock.now(), {"to": digest, "kind": kind, "sent": not failed}
            tx.journal.append(Event("message_tested", now, reason, project.name, None, project.actor, data))
        return Done(say("did.test.failed" if failed else "did.test", kind=kind))

    return Action(say("do.test"), "", "", "", Role.OPERATOR, act, asks=False)
