"""Signing in and out: plain pages and forms, which need no script and no socket."""

from __future__ import annotations

import asyncio
import importlib
import math
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from nicegui import __version__ as nicegui

from boucle.core.access import Rate
from boucle.core.errors import MissingExtra, RateLimited, Unauthenticated
from boucle.loop.attempts import Attempts
from boucle.loop.project import Project
from boucle.ui import frame
from boucle.ui.csp import REFERRER, theme_of
from boucle.ui.draw.glyphs import MARK, escape
from boucle.ui.language import inside, words_of
from boucle.ui.sessions import COOKIE, LONGEST, Sessions

if TYPE_CHECKING:
    from boucle.ui.provider import Provider

STATE_COOKIE = "boucle_state"
SLOW = Rate(5, 60)
"""Failed attempts before the next ones have to wait."""
LONGEST_FORM = 10_000
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; font-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
To = Annotated[str, Query()]


def router(project: Project, sessions: Sessions) -> APIRouter:
    """Return the routes of signing in and out."""
    door = _Door(project, sessions)
    found = APIRouter(include_in_schema=False)
    found.add_api_route("/sign-in", door.page, methods=["GET"])
    found.add_api_route("/sign-in", door.enter, methods=["POST"])
    found.add_api_route("/sign-in/provider", door.leave_for, methods=["GET"])
    found.add_api_route("/sign-in/back", door.back, methods=["GET"])
    found.add_api_route("/sign-out", door.out, methods=["POST"])
    return found


class _Door:
    def __init__(self, project: Project, sessions: Sessions) -> None:
        self._project = project
        self._sessions = sessions
        self._attempts = Attempts(SLOW)
        self._provider = _provider(project)

    def page(self, request: Request, to: To = "/") -> Response:
        """Show the form; who needs not sign in is sent on."""
        if self._sessions.caller(request.cookies.get(COOKIE), deed=False) is not None:
            return RedirectResponse(inside(to), 303)
        return self._page(request, to)

    async def enter(self, request: Request) -> Response:
        """Open a session for the holder of a key."""
        form = parse_qs((await request.body())[:LONGEST_FORM].decode(errors="replace"))
        key, to = form.get("key", [""])[0], form.get("to", ["/"])[0]
        say = words_of(request)
        address = request.client.host if request.client else ""
        try:
            number = await asyncio.to_thread(self._sessions.sign_in, key)
        except Unauthenticated:
            wait = self._attempts.failed(address, self._project.clock.now())
            if wait:
                return self._page(request, to, say("signin.slow", span=say.span(math.ceil(wait))), 429)
            return self._page(request, to, say("signin.wrong"), 401)
        except RateLimited as error:
            return self._page(request, to, error.message, 429)
        return self._entered(request, number, to)

    def leave_for(self, request: Request, to: To = "/") -> Response:
        """Send the reader to the provider."""
        if self._provider is None:
            return RedirectResponse("/sign-in", 303)
        try:
            url, state = self._provider.begin(f"{_origin(request)}/sign-in/back", inside(to))
        except Unauthenticated as error:
            return self._page(request, to, error.message, 502)
        answer = RedirectResponse(url, 303)
        # Lax: the provider's redirect is a navigation, and brings it back.
        answer.set_cookie(STATE_COOKIE, state, max_age=600, httponly=True, samesite="lax", secure=_tls(request))
        return answer

    def back(self, request: Request, state: str = "", code: str = "") -> Response:
        """Open a session for whom the provider names."""
        say = words_of(request)
        if self._provider is None or not state or request.cookies.get(STATE_COOKIE) != state:
            return self._page(request, "/", say("signin.provider.failed"), 401)
        try:
            person, to = self._provider.finish(state, code)
        except Unauthenticated as error:
            return self._page(request, "/", error.message, 401)
        if person.role is None:
            return self._page(request, to, say("signin.refused", name=person.name), 403)
        answer = self._entered(request, self._sessions.begin(person.name, "provider", person.subject), to)
        answer.delete_cookie(STATE_COOKIE)
        return answer

    def out(self, request: Request) -> Response:
        """End the session."""
        self._sessions.end(request.cookies.get(COOKIE))
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE)
        return answer

    def _entered(self, request: Request, number: str, to: str) -> Response:
        answer = RedirectResponse(inside(to), 303)
        answer.set_cookie(COOKIE, number, max_age=int(LONGEST), httponly=True, samesite="lax", secure=_tls(request))
        return answer

    def _page(self, request: Request, to: str, wrong: str = "", status: int = 200) -> Response:
        say = words_of(request)
        theme = theme_of(request.headers)
        told = f'<p class="why fail small" role="alert" style="margin-top:12px">{escape(wrong)}</p>' if wrong else ""
        other = ""
        if self._provider is not None:
            label = escape(say("signin.provider", name=self._provider.name))
            other = f'<a class="btn" href="/sign-in/provider?to={escape(quote(inside(to)))}">{label}</a>'
        body = (
            f'<!doctype html><html lang="{say.language}"{f" data-theme={theme}" if theme else ""}><head>'
            f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{escape(say('signin.title'))} · Boucle</title>"
            f'<link rel="stylesheet" href="/_nicegui/{nicegui}/static/fonts.css">{frame.style()}</head><body>'
            f'<main class="door"><div class="card"><div class="brand">{MARK}Boucle</div>'
            f"<h1>{escape(say('signin.title'))}</h1>"
            f'<p class="soft" style="margin-top:4px">{escape(say("signin.lead"))}</p>{told}'
            f'<form method="post" action="/sign-in"><input type="hidden" name="to" value="{escape(inside(to))}">'
            f'<label class="field"><span class="small soft">{escape(say("signin.key"))}</span>'
            f'<input type="password" name="key" autocomplete="current-password" required autofocus></label>'
            f'<button class="btn pri" type="submit">{escape(say("signin.do"))}</button></form>{other}'
            f'<p class="small soft" style="margin:20px 0 6px">{escape(say("signin.make"))}</p>'
            f'<div class="cmd"><code>boucle keys add NAME --role operator</code></div></div></main></body></html>'
        )
        return HTMLResponse(body, status, {"content-security-policy": _POLICY, "referrer-policy": REFERRER})


def _provider(project: Project) -> Provider | None:
    settings = project.settings.serve.auth.oidc
    if settings is None:
        return None
    if find_spec("authlib") is None:
        raise MissingExtra.of("authlib", "oidc")
    # authlib is an extra of its own, which only projects that name a provider need.
    provider: Provider = importlib.import_module("boucle.ui.provider").Provider(project, settings)
    return provider


def _origin(request: Request) -> str:
    found = urlsplit(str(request.base_url))
    return f"{found.scheme}://{found.netloc}"


def _tls(request: Request) -> bool:
    return request.url.scheme == "https"
