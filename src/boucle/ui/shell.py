"""The frame around every page, and what a page is made with.

A page is a module of ``pages`` with a tuple ``ROUTES``; nothing else has to be registered, and its French twin stands
under ``/fr`` by itself. ``pages/home.py`` is the example. A page reads as its order on the screen::

    ROUTES = (Route("/models/{name}/drift", "drift", drift),)

    async def drift(shell: Shell) -> None:
        view = await shell.read(views.drift, shell.given("name"), shell.asked("horizon", "4"))
        shell.heading(view, lambda seen: (shell.words.say(seen.heading), shell.words.say(seen.lead)))
        with shell.box("grid2"):
            shell.part(view, lambda seen: ranked(seen, shell.words), classes="card flush o1")
            shell.rebuilt(view, lambda seen: seen.actions, actions, classes="card o2")

* ``shell.read(function, *arguments)`` gives a ``Source``: one reading of ``function(project, *arguments)`` in a thread,
  shared by all tabs and read again while somebody looks. Arguments are plain values. A page never reads by itself.
* ``shell.part(source, draw)`` shows the HTML that ``draw(view)`` returns, drawn again when it changes; grey bars until
  there is a view, what failed when there is none. ``draw`` is a pure function of ``draw/``: names go through
  ``glyphs.escape``, words through ``Words``, numbers with interval and count. Nothing that takes the focus stands in a
  part that changes by the second.
* ``shell.rebuilt(source, key, build)`` calls ``build(view)`` to make buttons and the like, again only when
  ``key(view)`` changes. ``shell.button(label, action, role)`` asks once about an ``actions.Action`` and does it.
* Words stand in ``words/<page>.py`` as ``WORDS``, both languages side by side; links go through ``shell.link(path)``.
* Cards take ``o1`` … ``o6`` for their order on a phone; ``small-only`` and ``wide-only`` show one of two drawings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlencode

from fastapi import Request
from nicegui import ui
from nicegui.element import Element

from boucle.core.access import Caller, Role, may
from boucle.core.errors import BoucleError, NotFound
from boucle.loop.project import Project
from boucle.loop.turns import Turns
from boucle.ui import frame
from boucle.ui.actions import Action, Asker
from boucle.ui.draw.glyphs import escape
from boucle.ui.drawn import Drawings
from boucle.ui.live import Heart, Source
from boucle.ui.part import Part
from boucle.ui.routes import FRENCH
from boucle.ui.tab import Tab
from boucle.ui.words.catalogue import Words

if TYPE_CHECKING:
    from boucle.ui.mount import Console

V = TypeVar("V")
T = TypeVar("T")
BARS = '<div class="bars" aria-hidden="true"><i></i><i></i><i></i></div>'
_TOLD_EVERY = 30.0
"""Seconds between two sentences that a screen reader is told."""


class Shell:
    """One open page of one reader. ``path`` is where it stands, without the language."""

    def __init__(self, console: Console, request: Request, words: Words, caller: Caller, session: str | None) -> None:
        self.words = words
        self.caller = caller
        self.path = request.url.path.removeprefix(FRENCH) if words.language == "fr" else request.url.path
        self._console = console
        self._session = session
        self._request = request
        self._asker: Asker | None = None
        self._tab: Tab | None = None
        self._drawings = Drawings((str(request.url), words, caller), self, words)

    @property
    def project(self) -> Project:
        """The project, acting in the reader's name."""
        return self._console.project.acting(self.caller.actor)

    @property
    def heart(self) -> Heart:
        return self._console.heart

    @property
    def turns(self) -> Turns:
        return self._console.turns

    @property
    def tab(self) -> Tab:
        if self._tab is None:
            self._tab = Tab(ui.context.client)
        return self._tab

    @property
    def session(self) -> str | None:
        return self._session

    def given(self, name: str) -> str:
        """Return what stands in the path for ``{name}``."""
        return str(self._request.path_params[name])

    def asked(self, name: str, otherwise: str = "") -> str:
        """Return what stands behind the question mark for ``name``."""
        return self._request.query_params.get(name, otherwise)

    def link(self, path: str, **asked: object) -> str:
        """Return the address of a page in the reader's language; ``asked`` that are empty are left out."""
        before = FRENCH if self.words.language == "fr" else ""
        query = urlencode({name: value for name, value in asked.items() if value not in (None, "")})
        return f"{before}{path if path != '/' or not before else ''}{'?' + query if query else ''}"

    def may(self, role: Role, model: str | None = None) -> bool:
        return may(self.caller, role, model)

    def still_here(self) -> Caller | None:
        """Return who holds this page's session now; None when it has ended, also while the page stood open."""
        return self._console.sessions.caller(self._session)

    async def read(self, function: Callable[..., V], *arguments: Hashable) -> Source[V]:
        """Return the reading of ``function(project, *arguments)``, after a moment for the first one to be there."""
        source = self.heart.source(function, *arguments)
        await source.first()
        return source

    def require(self, source: Source[Any]) -> None:
        """Raise NotFound where the first reading found that there is no such thing: the page then says so."""
        if source.value is None and isinstance(source.error, NotFound):
            raise source.error

    def box(self, classes: str, tag: str = "div") -> Element:
        """Return an element to put others in."""
        return ui.element(tag).classes(classes)

    def html(self, content: str, classes: str = "", tag: str = "div") -> ui.html:
        """Show HTML that does not change."""
        return ui.html(content, tag=tag).classes(classes)

    def part(
        self,
        source: Source[V],
        draw: Callable[[V], str],
        *,
        classes: str = "card",
        tag: str = "section",
        label: str = "",
    ) -> Part:
        """Show what ``draw`` makes of the view, now and whenever it changes."""
        part = self.kept(source, lambda: self._drawn(source, draw), tag)
        part.classes(classes)
        if label:
            part.props(f'aria-label="{escape(label)}"')
        return part

    def kept(self, source: Source[Any], draw: Callable[[], str], tag: str = "div") -> Part:
        """Show what ``draw`` returns, asked again after each reading."""
        part = Part(tag=tag)
        self.follow(source, lambda: self.tab.show(source, part, draw()))
        return part

    def drawn(self, source: Source[Any], draw: Callable[[Any], T]) -> T:
        """Return ``draw(source.value)``, drawn once for all tabs that show this page to the like of this reader."""
        return self._drawings.draw(source, draw)

    def rebuilt(
        self,
        source: Source[V],
        key: Callable[[V], Hashable],
        build: Callable[[V], Any],
        *,
        classes: str = "",
        tag: str = "div",
    ) -> Element:
        """Show what ``build`` makes, made again when ``key`` of the view changes: the place for buttons."""
        element = self.box(classes, tag)
        shown: list[Hashable] = [self]

        def update() -> None:
            view = source.value
            wanted = None if view is None else key(view)
            if wanted == shown[0]:
                return
            shown[0] = wanted
            element.clear()
            with element:
                if view is None:
                    self.html(self._missing(source))
                else:
                    build(view)

        self.follow(source, update)
        return element

    def follow(self, source: Source[Any], update: Callable[[], None]) -> None:
        """Call ``update`` now and after each reading, as long as this page is open."""
        self.tab.follow(source, update)

    def heading(self, source: Source[V], tell: Callable[[V], tuple[str, str]], otherwise: str = "") -> None:
        """Head the page with the answer and what is known beside it; ``tell`` returns both as plain text."""
        with ui.element("div").classes("head"):
            title, lead = ui.html("", tag="h1"), ui.html("", tag="p").classes("lead")
        told = [0.0]

        def update() -> None:
            if source.value is None:
                title.set_content(escape(otherwise or "Boucle"))
                return
            said, beside = self.drawn(source, tell)
            changed = escape(said) != title.content
            title.set_content(escape(said))
            lead.set_content(escape(beside))
            lead.set_visibility(bool(beside))
            if changed:
                ui.page_title(f"{said} · Boucle")
                if told[0] and time.monotonic() - told[0] > _TOLD_EVERY:
                    ui.run_javascript(f"document.getElementById('said').textContent = {said!r}")
                told[0] = time.monotonic()

        self.follow(source, update)

    def title(self, said: str, lead: str = "") -> None:
        """Head a page whose sentence does not change."""
        self.html(f"<h1>{escape(said)}</h1>" + (f'<p class="lead">{escape(lead)}</p>' if lead else ""), "head")
        ui.page_title(f"{said} · Boucle")

    def button(
        self, label: str, action: Callable[[], Action], role: Role, model: str | None = None, *, look: str = ""
    ) -> None:
        """Put a button that asks before it does ``action()``; who may not sees it, and which role it takes."""
        button = ui.element("button").classes(f"btn {look}").props('type="button"')
        allowed = self.may(role, model)
        with button:
            needed = "" if allowed else f' <span class="small">· {escape(self.needs(role))}</span>'
            ui.html(escape(label) + needed, tag="span")
        if not allowed:
            button.props("disabled")
            return
        button.on("click", lambda: self.ask(action()))

    def undo(self, label: str, action: Callable[[], Action], *, mine: bool = False) -> None:
        """Put the small button that takes something back."""
        button = ui.element("button").classes("undo").props(f'type="button" aria-label="{escape(label)}"')
        if mine:
            button.props("data-undo=mine")
        with button:
            ui.html(escape(self.words("undo")), tag="span")
        button.on("click", lambda: self.ask(action()))

    def needs(self, role: Role) -> str:
        return self.words("needs", role=self.words(f"role.{role.value}"))

    def ask(self, action: Action) -> None:
        """Ask once about an action, then do it in the reader's name."""
        assert self._asker is not None
        self._asker.ask(action)

    def begin(self, entry: str) -> Element:
        """Draw the frame; returns the element the page goes into."""
        body = frame.draw(self, entry)
        self._asker = Asker(self, self._console.deeds)
        if self._session:
            self._stay(self._session)
        return body

    def _stay(self, session: str) -> None:
        """Leave for the door when the session ends, though the page stands open."""
        shown, client = self._console.shown.setdefault(session, {}), ui.context.client
        shown[client.id] = lambda: client.open(f"/sign-in?to={quote(self.link(self.path))}")
        client.on_delete(lambda: shown.pop(client.id, None))

    def _drawn(self, source: Source[V], draw: Callable[[V], str]) -> str:
        if source.value is None:
            return self._missing(source)
        drawn = self.drawn(source, draw)
        if source.error is None:
            return drawn
        old = self.words("bar.stale", span=self.words.span(time.time() - source.at))
        return f'{drawn}<p class="small soft" style="margin-top:8px">{escape(old)}: {escape(source.error)}</p>'

    def _missing(self, source: Source[Any]) -> str:
        if source.error is None:
            return BARS
        error, say = source.error, self.words
        told = error.message if isinstance(error, BoucleError) else type(error).__name__
        hint = getattr(error, "hint", None) or ""
        since = say("part.since", time=say.moment(source.failed_since, time.time(), seconds=True))
        code = getattr(error, "code", "internal")
        return (
            f'<p class="fail why"><b>{escape(say("part.failed"))}</b> {escape(told)} {escape(since)}</p>'
            f'<p class="small soft" style="margin-top:8px">{escape(hint)} <code>{escape(code)}</code></p>'
        )
