"""What people do in the console: asked about once, done in their name, told with the command and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from boucle.core.access import Role, may
from boucle.core.errors import BoucleError
from boucle.loop.project import Project
from boucle.ui.draw.glyphs import escape, icon

if TYPE_CHECKING:
    from boucle.ui.shell import Shell

TOASTED = 10.0
"""Seconds for which the way back is offered; afterwards it stands in the history."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of an action: a sentence, the command that goes on from there, and the action that takes it back.

    ``file`` is a name and a text that the reader's browser keeps.
    """

    told: str
    command: str = ""
    undo: Action | None = None
    file: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Action:
    """One deed. ``label`` is its verb and object, and stands on the button; ``says`` what will happen.

    ``command`` does the same in a terminal, ``undo`` takes it back; empty means it cannot be. ``act`` is called in a
    thread with the project in the reader's name. ``holds`` says whether what the reader saw is still so. A ``reason``
    of so many characters is asked for and given to ``act``; ``typed`` has to be typed first. ``asks`` off does it at
    once: for what is taken back as easily. ``back`` says in words what takes it back where no command does.
    """

    label: str
    says: str
    command: str
    undo: str
    role: Role
    act: Callable[[Project, str], Done]
    model: str | None = None
    holds: Callable[[Project], bool] = lambda _: True
    reason: int = 0
    typed: str = ""
    danger: bool = False
    asks: bool = True
    back: str = ""


def command(text: str, copy: str, copied: str) -> str:
    """Show a command of the terminal with a button to copy it."""
    said = f'data-text="{escape(text)}" data-done="{escape(copied)}" aria-label="{escape(copy)}: {escape(text)}"'
    button = f'<button type="button" class="ib" data-do="copy" {said}>{icon("copy")}</button>'
    return f'<div class="cmd"><code>{escape(text)}</code>{button}</div>'


class Asker:
    """Asks one reader, checks again who it is, and does what was asked. ``deeds`` lets one be done at a time."""

    def __init__(self, shell: Shell, deeds: asyncio.Lock) -> None:
        self._shell = shell
        self._deeds = deeds
        self._dialog = ui.element("dialog").props('aria-labelledby="asked"')
        self._toast = ui.element("div").classes("toast").props('role="status"')
        self._toasted = 0

    def ask(self, action: Action) -> None:
        """Open the dialog of an action, or do it at once where nothing is asked."""
        if not action.asks:
            with self._toast.client:  # what is shown beside the button may be made anew before the deed is done
                ui.timer(0.0, lambda: self._do(action, ""), once=True)
            return
        say = self._shell.words
        self._dialog.clear()
        with self._dialog:
            ui.html(f'<h2 id="asked">{escape(action.label)}</h2><p>{escape(action.says)}</p>')
            reason = Field(say("dialog.why"), "textarea") if action.reason else None
            typed = Field(say("dialog.typed", name=action.typed), "input") if action.typed else None
            told = ui.html("", tag="p").classes("small").props('role="alert"').style("color: var(--fail)")
            ui.html(self._commands(action))
            self._buttons(action, reason, typed, told)
        self._dialog.run_method("showModal")

    def _buttons(self, action: Action, reason: Field | None, typed: Field | None, told: ui.html) -> None:
        say = self._shell.words

        async def confirm() -> None:
            why = reason.value.strip() if reason else ""
            if len(why) < action.reason:
                told.set_content(escape(say("dialog.short", action.reason)))
                return
            if typed is not None and typed.value.strip() != action.typed:
                told.set_content(escape(say("dialog.typed", name=action.typed)))
                return
            self._dialog.run_method("close")
            await self._do(action, why)

        with ui.element("div").classes("acts"):
            ui.html(escape(say("cancel")), tag="button").classes("btn").props('type="button" data-do="close"')
            look = "btn pri dan" if action.danger else "btn pri"
            done = ui.html(escape(action.label), tag="button").classes(look).props('type="button" data-confirm')
            if reason is None and typed is None:
                done.props("autofocus")
            done.on("click", confirm)

    def _commands(self, action: Action) -> str:
        say = self._shell.words
        shown = f"<h3>{escape(say('dialog.command'))}</h3>" + command(action.command, say("copy"), say("copied"))
        if action.undo:
            shown += f"<h3>{escape(say('dialog.undo'))}</h3>" + command(action.undo, say("copy"), say("copied"))
        else:
            told = action.back or say("dialog.final")
            shown += f'<p class="small soft" style="margin-top:12px">{escape(told)}</p>'
        return shown

    async def _do(self, action: Action, reason: str) -> None:
        """Do it, if who asks still may, and what was seen still holds."""
        shell, say = self._shell, self._shell.words
        caller = await asyncio.to_thread(shell.still_here)
        if caller is None:
            ui.navigate.to(f"/sign-in?to={quote(shell.link(shell.path))}")
            return
        if not may(caller, action.role, action.model):
            self.toast(Done(shell.needs(action.role)))
            return
        project = shell.project.acting(caller.actor)

        def done() -> Done:
            return action.act(project, reason) if action.holds(project) else Done(say("dialog.moved"))

        async with self._deeds:
            try:
                outcome = await asyncio.to_thread(done)
            except BoucleError as error:
                outcome = Done(f"{error.message} {error.hint or ''}".strip())
        shell.heart.hurry()
        self.toast(outcome)
        if outcome.file is not None:
            name, text = outcome.file
            ui.download.content(text, name, "text/csv")

    def toast(self, outcome: Done) -> None:
        """Tell what came of it, with the way back for a while."""
        self._toasted += 1
        number = self._toasted
        self._toast.clear()
        with self._toast:
            shown = escape(outcome.told)
            if outcome.command:
                shown += f"<br><code>{escape(outcome.command)}</code>"
            ui.html(shown, tag="span")
            if outcome.undo is not None:
                button = ui.element("button").classes("undo").props('type="button" data-undo="mine"')
                with button:
                    ui.html(
                        escape(outcome.undo.label if not outcome.undo.command else self._shell.words("undo")),
                        tag="span",
                    )
                undo = outcome.undo
                button.on("click", lambda: self._do(undo, ""))
            close = f'type="button" data-dismiss aria-label="{escape(self._shell.words("close"))}"'
            ui.html(icon("close"), tag="button").classes("undo").props(close).on(
                "click", lambda: self._toast.classes(remove="on")
            )
        self._toast.classes("on")
        with self._toast.client:
            ui.timer(TOASTED, lambda: self._toasted == number and self._toast.classes(remove="on"), once=True)


class Field:
    """A field to write in, with its label: plain HTML, which the stylesheet knows."""

    def __init__(self, label: str, tag: str) -> None:
        self.value = ""
        with ui.element("label").classes("field"):
            ui.html(escape(label), tag="span").classes("small soft")
            field: Element = ui.element(tag).props('maxlength="1000" autocomplete="off" autofocus')
        field.on("input", self._written, js_handler="(event) => emit(event.target.value)")

    def _written(self, event: GenericEventArguments) -> None:
        self.value = str(event.args)
