"""What a reader thinks of an answer: right or wrong, and what it should have been."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui
from nicegui.events import GenericEventArguments

from boucle.core.errors import BoucleError
from boucle.core.event import Event
from boucle.loop.project import Project
from boucle.ui import asking
from boucle.ui.actions import Field
from boucle.ui.draw.answer import shown
from boucle.ui.draw.glyphs import escape, status
from boucle.ui.pages.row import native, written
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.contract import ContractView, FieldRow

Asked = Callable[[], Awaitable[bool]]
"""Looks again who asks, and whether they may."""
ROUTES: tuple[Route, ...] = ()


class Opinion:
    """What the reader thinks of an answer: a thumb, and what it should have been."""

    def __init__(
        self, shell: Shell, view: ContractView, found: asking.Answered, let_in: Callable[[], Awaitable[bool]]
    ) -> None:
        self._shell, self._view, self._found, self._let_in = shell, view, found, let_in
        self._truth = ""

    def build(self) -> None:
        """Put the two thumbs; the correction comes behind the second."""
        shell, say = self._shell, self._shell.words
        with shell.box("told"):
            ref = f"{self._view.model}/{self._found.version}"
            shell.html(f"<h3>{escape(say('try.was', ref=ref))}</h3>")
            with shell.box("acts"):
                self._right = press(shell, status("pass", say("try.right")), lambda: self._thumb(True), look="btn")
                self._wrong = press(shell, status("fail", say("try.wrong")), lambda: self._thumb(False), look="btn")
            self._more = shell.box("")
            self._kept = shell.html("", "small").props('role="status"')

    @property
    def _output(self) -> FieldRow:
        return self._view.outputs[0]

    async def _thumb(self, right: bool) -> None:
        self._right.props(f"aria-pressed={str(right).lower()}")
        self._wrong.props(f"aria-pressed={str(not right).lower()}")
        self._more.clear()
        truth = self._found.prediction if right and self._output.categories else None
        await self._send(lambda project: asking.tell(project, self._found.id, truth, right))
        if not right:
            with self._more:
                self._correction()

    def _correction(self) -> None:
        say = self._shell.words
        with ui.element("label").classes("field").style("margin: 0 0 10px; max-width: 420px"):
            ui.html(escape(say("try.should")), tag="span").classes("small soft")
            if self._output.categories:
                said = shown(self._found.prediction, say)
                with ui.element("select") as field:
                    for value in ("", *(one for one in self._output.categories if one != said)):
                        ui.html(escape(value or "–"), tag="option").props(f'value="{escape(value)}"')
            else:
                field = ui.element("textarea" if self._output.dtype == "text" else "input")
        field.on("input", self._written, js_handler="(event) => emit(event.target.value)")
        comment = Field(say("try.comment"), "textarea")
        with self._shell.box("acts").style("margin-top: 10px"):
            press(self._shell, escape(say("try.send")), lambda: self._correct(comment.value.strip()), look="btn pri")

    def _written(self, event: GenericEventArguments) -> None:
        self._truth = str(event.args)

    async def _correct(self, comment: str) -> None:
        say = self._shell.words
        try:
            truth = native(self._output, self._truth) if self._truth.strip() else None
        except ValueError:
            self._kept.set_content(f'<span class="bad">{escape(say("try.number"))}</span>')
            return
        if truth is None and not comment:
            self._kept.set_content(escape(say("try.should")))
            return

        def keep(project: Project) -> None:
            if truth is not None:
                asking.tell(project, self._found.id, truth)
            if comment:
                _note(project, self._view.model, self._found, comment)

        await self._send(keep)

    async def _send(self, keep: Callable[[Project], None]) -> None:
        say = self._shell.words
        if not await self._let_in():
            return
        try:
            await asyncio.to_thread(keep, self._shell.project)
        except BoucleError as error:
            self._kept.set_content(f"{status('fail', error.message)} {escape(error.hint or '')}")
            return
        kept, more = say("try.kept", id=written(self._found.id)), say("try.kept.more")
        self._kept.set_content(f'{status("pass", kept)}<br><span class="soft">{escape(more)}</span>')


def _note(project: Project, model: str, found: asking.Answered, comment: str) -> None:
    """Let a comment stand in the history, beside the name of who wrote it."""
    with project.state.begin() as tx:
        now, data = project.clock.now(), {"id": found.id, "prediction": found.prediction}
        tx.journal.append(Event("feedback_noted", now, comment[:1000], model, found.version, project.actor, data))


def press(shell: Shell, inside: str, act: Callable[[], Any], *, look: str = "undo") -> ui.element:
    """Put a button that does something at once."""
    button = ui.element("button").classes(look).props('type="button"')
    with button:
        shell.html(inside, tag="span")
    button.on("click", act)
    return button
