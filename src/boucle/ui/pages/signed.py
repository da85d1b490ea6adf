"""Who signs in through a provider, and their roles, which an admin may change."""

from __future__ import annotations

from collections.abc import Hashable

from nicegui import ui
from nicegui.events import GenericEventArguments

from boucle.core.access import Role
from boucle.ui import upkeep
from boucle.ui.actions import command
from boucle.ui.draw.glyphs import escape
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.access import PeopleView, Person

ROUTES: tuple[Route, ...] = ()


def shown(view: PeopleView) -> Hashable:
    """Return what this part depends on."""
    return view.provider, tuple(one for one in view.people if one.subject)


def build(shell: Shell, view: PeopleView) -> None:
    """Put a line for each of them, with the choice of a role for admins."""
    say = shell.words
    people = [one for one in view.people if one.subject]
    if not people and not view.provider:
        shell.html(escape(say("people.signed.off")), "small soft", tag="p").style("margin-bottom: 8px")
        shell.html(command("serve: {auth: {oidc: {issuer: …, client_id: …}}}", say("copy"), say("copied")))
        return
    if view.words:
        told = ", ".join(f"{word} → {say(f'role.{role}')}" for word, role in view.words.items())
        shell.html(escape(say("people.words", words=told)), "small soft", tag="p")
    if not people:
        shell.html(escape(say("people.signed.none", provider=view.provider)), "soft", tag="p")
    for one in people:
        with shell.box("keyrow"):
            shell.html(_told(one, view.time, shell))
            _role(shell, one)


def _told(one: Person, now: float, shell: Shell) -> str:
    say, facts = shell.words, [shell.words(f"people.given.{one.given}")]
    if one.last:
        facts.append(say("people.last", time=say.moment(one.last, now)))
    return f'<b>{escape(one.name)}</b><div class="small soft">{escape(" · ".join(facts))}</div>'


def _role(shell: Shell, one: Person) -> None:
    """Show a role; an admin chooses another one, and is asked before it counts."""
    say, own = shell.words, one.role or upkeep.NOBODY
    if not shell.may(Role.ADMIN) or shell.caller.models is not None:
        shell.html(escape(say(f"role.{own}")), tag="span")
        return

    def chosen(event: GenericEventArguments) -> None:
        wanted = str(event.args)
        if wanted != own and wanted in (*(role.value for role in Role), upkeep.NOBODY):
            shell.ask(upkeep.give_role(say, one, wanted))

    with shell.box("field"), ui.element("select") as field:
        field.props(f'aria-label="{escape(say("people.role.of", name=one.name))}"')
        for value in (upkeep.NOBODY, *(role.value for role in Role)):
            mark = " selected" if value == own else ""
            shell.html(escape(say(f"role.{value}")), tag="option").props(f'value="{value}"{mark}')
    field.on("change", chosen, js_handler="(event) => emit(event.target.value)")
