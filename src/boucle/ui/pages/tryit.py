"""Try it: what does it answer?"""

from __future__ import annotations

import asyncio
import json
import shlex
from typing import Any
from urllib.parse import quote

from nicegui import ui
from nicegui.events import GenericEventArguments

from boucle.core.access import Role, may
from boucle.core.errors import BoucleError
from boucle.ui import asking
from boucle.ui.actions import command
from boucle.ui.draw.answer import answer
from boucle.ui.draw.glyphs import escape, status
from boucle.ui.live import Source
from boucle.ui.pages import parts
from boucle.ui.pages.opinion import Opinion, press
from boucle.ui.pages.row import Row
from boucle.ui.pages.several import Several
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.views.contract import ContractView, contract
from boucle.views.corrections import Waiting, corrections
from boucle.views.overview import ModelCard, overview


async def first(shell: Shell) -> None:
    """Try the project's own model."""
    await show(shell, shell.asked("model") or shell.project.name)


async def one(shell: Shell) -> None:
    await show(shell, shell.given("name"))


async def show(shell: Shell, model: str) -> None:
    """Head with what is asked; then the inputs, filled with a typical row, and beside them what comes out."""
    say = shell.words
    parts.reach(shell, model)
    seen, models = await shell.read(contract, model), await shell.read(overview, shell.caller.models)
    await seen.refresh() if seen.value is None else None
    shell.require(seen)
    shell.title(say("try.title", model=model), say("try.lead"))
    card = next((card for card in models.value.models if card.name == model), None) if models.value else None
    if seen.value is None or card is None or seen.value.version is None:
        text = seen.value.trouble if seen.value is not None and seen.value.trouble else say("try.none", model=model)
        told = command("boucle train", say("copy"), say("copied"))
        shell.html(f'<div class="card empty"><p>{escape(text)}</p>{told}</div>')
        return
    waiting = await shell.read(corrections)
    names = [one.name for one in models.value.models] if models.value else []
    _Desk(shell, seen.value, card).build(names, waiting)


class _Desk:
    """One reader's question and its answers."""

    def __init__(self, shell: Shell, view: ContractView, card: ModelCard) -> None:
        self._shell, self._view, self._card = shell, view, card
        self._who = "champion"
        self._row = Row(shell, view.fields)

    def build(self, models: list[str], waiting: Source[Waiting]) -> None:
        """Put the question on the left and the answer on the right."""
        shell, say = self._shell, self._shell.words
        if len(models) > 1:
            links = "".join(
                f'<a href="{escape(shell.link(f"/models/{name}/try"))}"'
                f"{' aria-current=true' if name == self._view.model else ''}>{escape(name)}</a>"
                for name in models
            )
            label = escape(say("try.model"))
            shell.html(f'<div class="seg" role="group" aria-label="{label}">{links}</div>', "fit").style(
                "margin-bottom: 16px"
            )
        with shell.box("grid2 even"):
            with shell.box("stack"):
                with shell.box("card o1", "section"):
                    self._question()
                self._snippet = shell.html("", "o3")
            with shell.box("card o2", "section"):
                shell.html(f"<h2>{escape(say('try.answer'))}</h2>", "top")
                self._answer = shell.html(f'<p class="soft">{escape(say("try.waiting"))}</p>').props('role="status"')
                self._told = shell.box("feedback")
                shell.part(waiting, lambda view: self._waiting(view), classes="small soft below", tag="p")
        if all(one.dtype != "image" for one in self._view.fields):
            with shell.box("card", "section"):
                Several(shell, self._view, self._let_in).build()

    def _waiting(self, view: Waiting) -> str:
        """Say how many corrections have not found their request yet."""
        if not view.corrections:
            return ""
        return escape(self._shell.words("try.corrections", view.corrections, more="+" if view.more else ""))

    def _question(self) -> None:
        shell, say = self._shell, self._shell.words
        with shell.box("top"):
            shell.html(f"<h2>{escape(say('try.inputs'))}</h2>")
            shell.box("grow", "span")
            for key, fill in (("typical", self._row.typical), ("odd", self._row.odd), ("clear", self._row.clear)):
                press(shell, escape(say(f"try.{key}")), fill)
        with ui.element("form").props('novalidate autocomplete="off"') as form:
            self._row.build()
            with shell.box("acts").style("margin-top: 18px"):
                if self._card.challenger is not None:
                    self._whom()
                ui.html(escape(say("try.ask")), tag="button").classes("btn pri").props('type="submit"')
        form.on("submit", self._ask, js_handler="(event) => { event.preventDefault(); emit(); }")

    def _whom(self) -> None:
        """Let the reader choose who answers: with a rollout under way there are two."""
        say = self._shell.words
        options = {
            "champion": say("try.champion", version=self._card.version),
            "challenger": say("try.challenger", version=self._card.challenger),
            "both": say("try.both"),
        }
        with self._shell.box("field whom"), ui.element("select") as field:
            field.props(f'aria-label="{escape(say("try.version"))}"')
            for value, word in options.items():
                ui.html(escape(word), tag="option").props(f'value="{value}"')
        field.on("change", self._chosen, js_handler="(event) => emit(event.target.value)")

    def _chosen(self, event: GenericEventArguments) -> None:
        self._who = str(event.args)

    def _versions(self) -> list[int]:
        found = {"champion": [self._card.version], "challenger": [self._card.challenger]}.get(
            self._who, [self._card.version, self._card.challenger]
        )
        return [version for version in found if version is not None]

    async def _ask(self) -> None:
        """Ask, and show what came of it; what is wrong with a field stands under it."""
        shell, say = self._shell, self._shell.words
        row = self._row.read()
        if row is None:
            return
        if not await self._let_in():
            return
        self._answer.set_content(f'<p class="soft">{escape(say("try.asking"))}</p>')
        self._told.clear()
        found: list[asking.Answered] = []
        try:
            for version in self._versions():
                model, fields = self._view.model, self._view.fields
                found.append(await asyncio.to_thread(asking.ask, shell.project, model, version, fields, row))
        except BoucleError as error:
            self._failed(error)
            return
        self._answer.set_content("".join(map(self._drawn, found)))
        self._snippet.set_content(await asyncio.to_thread(self._caller, row))
        with self._told:
            Opinion(shell, self._view, found[0], self._let_in).build()

    async def _let_in(self) -> bool:
        """Look again who asks: their session may have ended since."""
        shell = self._shell
        caller = await asyncio.to_thread(shell.still_here)
        if caller is None:
            ui.navigate.to(f"/sign-in?to={quote(shell.link(shell.path))}")
            return False
        return may(caller, Role.VIEWER, self._view.model)

    def _failed(self, error: BoucleError) -> None:
        say, after = self._shell.words, str(error.facts.get("retry_after") or "")
        more = f" {say('try.after', after=after)}" if after else ""
        told = f"{error.message} {error.hint or ''}{more}"
        head = status("fail", say("try.trouble"))
        self._answer.set_content(f'{head}<p class="why fail small" style="margin-top:8px">{escape(told)}</p>')
        self._row.blame(str(error.facts.get("field") or ""), error.message)

    def _drawn(self, found: asking.Answered) -> str:
        say, view = self._shell.words, self._view
        second = found.version == self._card.challenger
        key = "try.challenger" if second else "try.champion"
        classes = view.outputs[0].categories if view.outputs else ()
        shares = list(zip(classes, found.probabilities, strict=False))
        who = say(key, version=f"{view.model}/{found.version}")
        return answer(who, second, found.prediction, shares, (found.id, found.seconds), say)

    def _caller(self, row: dict[str, Any]) -> str:
        """Write the same question as a caller asks it."""
        say, project = self._shell.words, self._shell.project
        plain = {name: "…" if isinstance(value, bytes) else value for name, value in row.items()}
        key = ' -H "x-api-key: $BOUCLE_KEY"' if project.settings.serve.auth.on else ""
        body = shlex.quote(json.dumps(plain, ensure_ascii=False))
        curl = f"curl{key} {asking.url_of(project)}/predict/{self._view.model} -d {body}"
        note = f'<p class="small soft" style="margin:0 0 6px">{escape(say("try.caller.note"))}</p>'
        title = escape(say("try.caller"))
        return f"<details><summary>{title}</summary>{note}{command(curl, say('copy'), say('copied'))}</details>"


ROUTES = (Route("/try", "try", first), Route("/models/{name}/try", "try", one))
