"""What a browser may do with a page of the console: the headers, and a number on every script that is ours.

NiceGUI's pages need ``'unsafe-eval'``, for templates are compiled in the browser, and inline styles. Inline scripts run
only with the number, which is fresh for every answer.
"""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REFERRER = "same-origin"
"""Other sites learn nothing; with less, a browser says of our own forms that they come from nowhere."""
THEMES = ("light", "dark")
THEME_COOKIE = "boucle_theme"
_POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'; object-src 'none'"
)


class Pages:
    """Middleware around the console: the policy on every answer; on pages also the numbers and the reader's theme.

    The theme stands in the page as it is sent, so that no page is ever seen in the other one first.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        page: Message | None = None
        parts: list[bytes] = []

        async def sending(message: Message) -> None:
            nonlocal page
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("content-security-policy", _POLICY.format(nonce=nonce))
                headers.setdefault("referrer-policy", REFERRER)
                if headers.get("content-type", "").startswith("text/html"):
                    del headers["content-length"]
                    page = message
                    return
            elif page is not None:
                parts.append(message.get("body", b""))
                if message.get("more_body"):
                    return
                body = marked(b"".join(parts), nonce, theme_of(Headers(scope=scope)))
                MutableHeaders(scope=page)["content-length"] = str(len(body))
                await send(page)
                message = {"type": "http.response.body", "body": body}
            await send(message)

        await self._app(scope, receive, sending)


def marked(page: bytes, nonce: str, theme: str | None) -> bytes:
    """Put the number on each script of a page, and the theme on its root."""
    page = page.replace(b"<script", f'<script nonce="{nonce}"'.encode())
    return page.replace(b"<html", f'<html data-theme="{theme}"'.encode(), 1) if theme else page


def theme_of(headers: Headers) -> str | None:
    """Return the theme the reader has chosen; None leaves it to the browser."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(THEME_COOKIE)
    except CookieError:
        return None
    return found.value if found is not None and found.value in THEMES else None
