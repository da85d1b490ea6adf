"""Making a key: asked for once, its secret shown once."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from nicegui import ui
from nicegui.events import GenericEventArguments

from boucle.core.access import Role, may
from boucle.core.errors import BoucleError
from boucle.loop import access
from boucle.project.values import seconds
from boucle.ui.actions import Field, command
from boucle.ui.draw.glyphs import escape
from boucle.ui.routes import Route
from boucle.ui.shell import Shell

ROUTES: tuple[Route, ...] = ()
LASTS = ("90d", "30d", "365d", "never")


class NewKey:
    """The dialog that makes a key."""

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        self._role, self._lasts = Role.VIEWER.value, LASTS[0]
        self._dialog = ui.element("dialog").props('aria-labelledby="newkey"')
        self._dialog.on("close", self._dialog.clear)  # no secret stays in a page

    def open(self) -> None:
        """Ask who it is for, what they may do, and for how long."""
        say = self._shell.words
        self._role, self._lasts = Role.VIEWER.value, LASTS[0]
        self._dialog.clear()
        with self._dialog:
            ui.html(f'<h2 id="newkey">{escape(say("keys.new.title"))}</h2>')
            self._name = Field(say("keys.new.name"), "input")
            roles = [(role.value, say(f"role.{role.value}")) for role in Role]
            self._choice("role", roles)
            self._choice("lasts", [(one, say(f"keys.lasts.{one}")) for one in LASTS])
            self._trouble = ui.html("", tag="p").classes("small").props('role="alert"').style("color: var(--fail)")
            self._command = ui.html("").style("margin-top: 16px")
            self._told()
            with ui.element("div").classes("acts"):
                ui.html(escape(say("cancel")), tag="button").classes("btn").props('type="button" data-do="close"')
                made = ui.html(escape(say("keys.new.do")), tag="button").classes("btn pri")
                made.props('type="button" data-confirm').on("click", self._make)
        self._dialog.run_method("showModal")

    def _choice(self, name: str, options: list[tuple[str, str]]) -> None:
        with ui.element("label").classes("field"):
            ui.html(escape(self._shell.words(f"keys.new.{name}")), tag="span").classes("small soft")
            with ui.element("select") as field:
                for value, word in options:
                    ui.html(escape(word), tag="option").props(f'value="{escape(value)}"')

        def chosen(event: GenericEventArguments) -> None:
            setattr(self, f"_{name}", str(event.args))
            self._told()

        field.on("change", chosen, js_handler="(event) => emit(event.target.value)")

    def _told(self) -> None:
        """Show the command that does the same."""
        say = self._shell.words
        lasts = "" if self._lasts == "never" else f" --expires {self._lasts}"
        shown = command(f"boucle keys add NAME --role {self._role}{lasts}", say("copy"), say("copied"))
        undo = command("boucle keys revoke NAME", say("copy"), say("copied"))
        heads = [f"<h3>{escape(say(key))}</h3>" for key in ("dialog.command", "dialog.undo")]
        self._command.set_content(f"{heads[0]}{shown}{heads[1]}{undo}")

    async def _make(self) -> None:
        """Make it, if who asks still may, and show its secret."""
        shell = self._shell
        caller = await asyncio.to_thread(shell.still_here)
        if caller is None:
            ui.navigate.to(f"/sign-in?to={quote(shell.link(shell.path))}")
            return
        if not may(caller, Role.ADMIN) or caller.models is not None:
            self._trouble.set_content(escape(shell.needs(Role.ADMIN)))
            return
        lasts = None if self._lasts == "never" else seconds(self._lasts)
        name, role = self._name.value.strip(), Role(self._role)
        try:
            project = shell.project.acting(caller.actor)
            made = await asyncio.to_thread(access.add, project, name, role, None, None, lasts)
        except BoucleError as error:
            self._trouble.set_content(escape(f"{error.message} {error.hint or ''}"))
            return
        shell.heart.hurry()
        self._show(made)

    def _show(self, made: access.Made) -> None:
        say, secret = self._shell.words, escape(made.secret)
        done = f'data-text="{secret}" data-done="{escape(say("copied"))}"'
        self._dialog.clear()
        with self._dialog:
            ui.html(
                f'<h2 id="newkey">{escape(say("keys.made", name=made.key.name))}</h2>'
                f"<p>{escape(say('keys.made.once'))}</p>"
            )
            label = escape(say("keys.made.secret"))
            ui.html(
                f'<label class="field"><span class="small soft">{label}</span>'
                f'<input class="mono secret" readonly value="{secret}"></label>'
            )
            ui.html(
                f'<div class="acts"><button type="button" class="btn" data-do="copy" {done} '
                f'aria-label="{escape(say("copy"))}">{escape(say("copy"))}</button>'
                f'<button type="button" class="btn pri" data-do="close">{escape(say("close"))}</button></div>'
            )
        self._dialog.client.run_javascript("document.querySelector('dialog[open] .secret')?.select()")
