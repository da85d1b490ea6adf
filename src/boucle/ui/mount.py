"""Puts the console into the control plane: its pages, its heart, and what a browser may do with them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from nicegui import app as pages
from nicegui import ui
from starlette.routing import Match

from boucle.core.errors import NotFound
from boucle.loop.project import Project
from boucle.loop.turns import Turns
from boucle.loop.wording import Language
from boucle.ui import frame, signin
from boucle.ui.csp import Pages
from boucle.ui.draw.glyphs import FAVICON, escape
from boucle.ui.language import LANGUAGE_COOKIE, inside, reads_french, words_of
from boucle.ui.live import Heart
from boucle.ui.routes import FRENCH, Route, routes
from boucle.ui.sessions import COOKIE, Sessions
from boucle.ui.shell import Shell
from boucle.ui.words.catalogue import LANGUAGES
from boucle.views.overview import overview, renewed

YEAR = 31_536_000
log = logging.getLogger("boucle.ui")


LOOKED = 5.0
"""Seconds between two looks at whether the sessions of open pages go on."""


class Console:
    """What all pages of one process share. ``deeds`` lets people's actions happen one after the other.

    ``turns`` are those the API starts too. ``shown`` are the open pages of each session, each with what leaves it for
    the door.
    """

    def __init__(self, project: Project, turns: Turns) -> None:
        self.project = project
        self.turns = turns
        self.heart = Heart(project, renewals={overview: renewed})
        self.sessions = Sessions(project)
        self.deeds = asyncio.Lock()
        self.shown: dict[str, dict[str, Callable[[], None]]] = {}
        self._looked = 0.0
        self.heart.every_beat(self._look)

    async def _look(self) -> None:
        if time.monotonic() - self._looked < LOOKED:
            return
        self._looked = time.monotonic()
        self.shown = {number: pages for number, pages in self.shown.items() if pages}
        over = await asyncio.to_thread(self._ended, list(self.shown)) if self.shown else set()
        for leave in [leave for number in over for leave in self.shown[number].values()]:
            leave()

    def _ended(self, numbers: list[str]) -> set[str]:
        return {number for number in numbers if self.sessions.caller(number, deed=False) is None}


def install(app: FastAPI, project: Project) -> None:
    """Mount the console of ``project`` behind every route that ``app`` has; once in a process."""
    console = Console(project, getattr(app.state, "turns", None) or Turns(project))
    _doors(app, console)
    pages.add_static_files(frame.ASSETS, frame.STATIC, max_cache_age=YEAR)
    for route in routes():
        for language in LANGUAGES:
            _register(console, route, language)
    for language in LANGUAGES:
        _register(console, Route("/{path:path}", "", _nowhere), language)
    pages.add_middleware(Pages)
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def living(mounted: FastAPI) -> AsyncIterator[Any]:
        async with inner(mounted) as state:
            console.heart.start()
            try:
                yield state
            finally:
                await console.heart.stop()

    app.router.lifespan_context = living
    ui.run_with(
        app,
        title="Boucle",
        favicon=FAVICON,
        language="en-US",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=10,
        message_history_length=100,
        show_welcome_message=False,
    )


def _doors(app: FastAPI, console: Console) -> None:
    """Add the routes that are no pages, and let what the API does not have be answered by the API."""
    app.include_router(signin.router(console.project, console.sessions))

    @app.get("/language/{language}", include_in_schema=False)
    def tongue(language: Language, to: str = "/") -> Response:
        answer = RedirectResponse(inside(to), 303)
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=YEAR, samesite="lax")
        return answer

    @app.api_route("/api/{rest:path}", methods=["GET", "POST", "PUT", "DELETE"], include_in_schema=False)
    def unknown(rest: str, request: Request) -> Response:
        if any(route.matches(request.scope)[0] is Match.PARTIAL for route in app.routes):
            raise HTTPException(405)  # the path is there, for another method
        raise NotFound(f"There is no route /api/{rest[:200]}.", hint="the routes there are: /api/docs")


def _register(console: Console, route: Route, language: Language) -> None:
    """Register a page in one language. A page in English sends readers of French to its twin, unless they chose."""
    path = route.path if language == "en" else FRENCH + (route.path if route.path != "/" else "")

    async def page(request: Request) -> Response | None:
        if language == "en" and reads_french(request):
            query = f"?{request.url.query}" if request.url.query else ""
            return RedirectResponse(FRENCH + request.url.path.rstrip("/") + query, 303)
        session = request.cookies.get(COOKIE)
        caller = await asyncio.to_thread(console.sessions.caller, session)
        if caller is None:
            return RedirectResponse(f"/sign-in?to={quote(request.url.path)}", 303)
        await _shown(console, route, Shell(console, request, words_of(request, language), caller, session))
        return None

    title = "Boucle"
    ui.page(path, title=title, language="en-US" if language == "en" else "fr")(page)


async def _shown(console: Console, route: Route, shell: Shell) -> None:
    await console.heart.source(overview).first()
    with shell.begin(route.entry):
        try:
            await route.build(shell)
        except NotFound as error:
            _absent(shell, error)
        except Exception:  # one page of ours that fails keeps its frame, and the way to the others
            log.exception("the page %s could not be drawn", shell.path)
            shell.title(shell.words("failed.title"), shell.words("failed.lead"))


def _absent(shell: Shell, error: NotFound) -> None:
    """Say that there is no such thing, and what there is instead."""
    say, seen = shell.words, shell.heart.source(overview).value
    if "model" in error.facts and seen is not None:
        known = [one.name for one in seen.models]
        shell.title(say("missing.model", name=error.facts["model"]), say("missing.known", names=say.listed(known)))
    else:
        shell.title(error.message, error.hint or "")
    _way_home(shell)
    ui.context.client.status_code = 404


def _way_home(shell: Shell) -> None:
    shell.html(f'<a class="btn" href="{shell.link("/")}">{escape(shell.words("missing.home"))}</a>')


async def _nowhere(shell: Shell) -> None:
    shell.title(shell.words("missing.title"), shell.words("missing.lead", path=shell.path))
    _way_home(shell)
    ui.context.client.status_code = 404
