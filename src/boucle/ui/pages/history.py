"""History: who or what decided, and why?"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from itertools import groupby

from nicegui import ui
from nicegui.events import GenericEventArguments

from boucle.core.errors import BoucleError
from boucle.ui.actions import command
from boucle.ui.deeds import undo
from boucle.ui.draw.evidence_of import evidence_of
from boucle.ui.draw.glyphs import escape, icon, status
from boucle.ui.draw.lists import decision_icon, reason_of
from boucle.ui.live import Source
from boucle.ui.routes import Route
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import Words
from boucle.views.decisions import Decision
from boucle.views.history import KINDS, EventView, HistoryView, event, history

DAY = 86400.0
_TOGGLE = """(pressed) => {
  const row = pressed.target.closest('[data-seq]');
  if (!row || pressed.ctrlKey || pressed.metaKey || pressed.shiftKey) return;
  pressed.preventDefault();
  row.setAttribute('aria-expanded', row.getAttribute('aria-expanded') !== 'true');
  emit(Number(row.dataset.seq));
}"""


async def page(shell: Shell) -> None:
    """Head with how many there are; then the filters, whether the chain holds, and a page of entries by day."""
    say = shell.words
    asked = {name: shell.asked(name) for name in ("model", "kind", "actor", "refused", "before")}
    wanted = _number(shell.asked("event"))
    before = _number(asked["before"]) or (wanted + 1 if wanted else 0)
    refused = asked["refused"] != "no"
    seen = await shell.read(
        history, asked["model"], asked["kind"], asked["actor"], refused, before, shell.caller.models
    )
    shell.require(seen)
    shell.heading(seen, lambda view: (say.sentence(view.heading), ""))
    with shell.box("split mid").style("margin-bottom: 16px"):
        shell.rebuilt(seen, lambda view: (view.models, view.actors), lambda view: _filters(shell, view, asked))
        shell.part(seen, lambda view: _chain(view, say), classes="chain", tag="div")
    await _Entries(shell, wanted).show(seen)
    shell.part(seen, lambda view: _pages(view, shell, asked, before), classes="acts below", tag="div")


def _number(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 16 else 0


def _chain(view: HistoryView, say: Words) -> str:
    chain = view.chain
    if chain.ok:
        told = status("pass", say("history.verified", chain.events, time=say.moment(chain.time, view.time)))
    else:
        told = status("fail", say("history.broken.at", at=chain.broken_at))
    return f'<div class="small">{told}</div>{command("boucle history --verify", say("copy"), say("copied"))}'


def _filters(shell: Shell, view: HistoryView, asked: dict[str, str]) -> None:
    """Put the four filters; each choice is another address, so that what is shown can be linked."""
    say = shell.words
    kinds = [(name, say(f"history.kind.{name}")) for name in view.kinds]
    if asked["kind"] and asked["kind"] not in KINDS:
        kinds.append((asked["kind"], asked["kind"]))
    choices = {
        "model": [("", say("history.all.models")), *((name, name) for name in view.models)],
        "kind": [("", say("history.all.kinds")), *kinds],
        "actor": [("", say("history.all.actors")), *((name, _who(name, say)) for name in view.actors)],
        "refused": [("", say("history.filter.refused.with")), ("no", say("history.filter.refused.without"))],
    }
    with shell.box("filters").props(f'role="group" aria-label="{escape(say("history.filter"))}"'):
        for name, options in choices.items():
            _filter(shell, name, options, asked)
        if any(asked.values()):
            link = f'<a class="link small" href="{escape(shell.link("/history"))}">{escape(say("history.clear"))}</a>'
            shell.html(link, "clear")


def _filter(shell: Shell, name: str, options: list[tuple[str, str]], asked: dict[str, str]) -> None:
    def go(event: GenericEventArguments) -> None:
        ui.navigate.to(shell.link("/history", **{**asked, "before": "", name: str(event.args)}))

    with ui.element("label").classes("field"):
        shell.html(escape(shell.words(f"history.filter.{name}")), "small soft", tag="span")
        with ui.element("select") as field:
            for value, word in options:
                chosen = " selected" if value == asked[name] else ""
                shell.html(escape(word), tag="option").props(f'value="{escape(value)}"{chosen}')
    field.on("change", go, js_handler="(event) => emit(event.target.value)")


def _who(actor: str, say: Words) -> str:
    return say("history.keeper") if actor == "keeper" else actor


class _Entries:
    """A page of entries. Which are open is kept, so that they stay so when something new stands above them."""

    def __init__(self, shell: Shell, wanted: int) -> None:
        self._shell = shell
        self._wanted = wanted
        self._open: dict[int, EventView] = {}
        self._places: dict[int, ui.html] = {}

    async def show(self, seen: Source[HistoryView]) -> None:
        """Show the entries by day; the one asked for is open."""
        if self._wanted:
            await self._fetch(self._wanted)
        element = self._shell.rebuilt(seen, _key, self._build, classes="days")
        element.on("click", self._toggle, js_handler=_TOGGLE)

    async def _fetch(self, seq: int) -> None:
        try:
            found = await asyncio.to_thread(event, self._shell.project, seq)
        except BoucleError:
            return  # the row stays closed; the list says what there is
        models = self._shell.caller.models
        if models is None or found.decision.model in models:
            self._open[seq] = found

    async def _toggle(self, pressed: GenericEventArguments) -> None:
        seq = int(pressed.args)
        if self._open.pop(seq, None) is None:
            await self._fetch(seq)
        if seq in self._places:
            self._places[seq].set_content(self._evidence(seq))

    def _evidence(self, seq: int) -> str:
        return evidence_of(self._open[seq], self._shell.words) if seq in self._open else ""

    def _build(self, view: HistoryView) -> None:
        shell, say = self._shell, self._shell.words
        self._places.clear()
        if not view.entries:
            key = "history.empty.some" if view.chain.events else "history.empty"
            shown = "" if view.chain.events else command("boucle train", say("copy"), say("copied"))
            shell.html(f'<div class="card empty"><p>{escape(say(key))}</p>{shown}</div>')
            return
        today = _day(view.time, say)
        for day, entries in groupby(view.entries, key=lambda one: _day(one.time, say)):
            told = list(entries)
            with shell.box("card", "section"):
                shell.html(escape(_named(today - day, told[0].time, say)), "day", tag="h2")
                for one in told:
                    self._row(one, broken=one.seq == view.chain.broken_at)

    def _row(self, one: Decision, *, broken: bool) -> None:
        shell, say = self._shell, self._shell.words
        look = " ".join(["ev", *["no"] * one.refused, *["broken"] * broken])
        with shell.box(look).props(f'id="event-{one.seq}"'):
            shell.html(_when(one, say), "when")
            shell.html(decision_icon(one), "mark")
            shell.html(self._told(one), "body")
            with shell.box("end"):
                self._undo(one)
            self._places[one.seq] = shell.html(self._evidence(one.seq), "evidence")

    def _told(self, one: Decision) -> str:
        say, shell = self._shell.words, self._shell
        link = escape(shell.link("/history", event=one.seq))
        opened = "true" if one.seq in self._open else "false"
        who = escape(_who(one.actor, say))
        return (
            f'<div class="what"><a class="line" href="{link}" data-seq="{one.seq}" aria-expanded="{opened}">'
            f'{escape(say.sentence(one.what))}{icon("open")}</a><span class="soft small">· {who}</span></div>'
            f'<div class="small soft reason">{escape(reason_of(one, say))}</div>'
        )

    def _undo(self, one: Decision) -> None:
        shell = self._shell
        action = undo(shell.words, one.undo) if one.undo else None
        if action is not None and shell.may(action.role, one.model):
            label = shell.words("undo.what", what=shell.words.say(one.what))
            shell.undo(label, lambda: action, mine=one.actor == shell.caller.actor)


def _key(view: HistoryView) -> Hashable:
    return tuple((one.seq, one.undo) for one in view.entries), view.chain.broken_at


def _day(time: float, say: Words) -> int:
    return int((time + say.offset(time)) // DAY)


def _named(ago: int, time: float, say: Words) -> str:
    """Name a day: today, yesterday, or its date."""
    return say("history.today") if ago == 0 else say("history.yesterday") if ago == 1 else say.day(time)


def _when(one: Decision, say: Words) -> str:
    return f'<time class="small soft num" title="{escape(say.date(one.time))}">{escape(say.clock(one.time))}</time>'


def _pages(view: HistoryView, shell: Shell, asked: dict[str, str], before: int) -> str:
    say, links = shell.words, []
    if before:
        links.append((shell.link("/history", **{**asked, "before": ""}), say("history.newest")))
    if view.before is not None:
        links.append((shell.link("/history", **{**asked, "before": view.before}), say("history.older")))
    return "".join(f'<a class="btn" href="{escape(path)}">{escape(name)}</a>' for path, name in links)


ROUTES = (Route("/history", "history", page),)
