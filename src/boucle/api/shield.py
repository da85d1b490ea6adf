"""What holds for every answer of the control plane: headers a browser obeys, and no fault told to a stranger."""

from __future__ import annotations

import logging
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from boucle.api.problems import problem
from boucle.loop.exposure import is_loopback

LARGEST = 1_048_576
_SAFE = ("GET", "HEAD", "OPTIONS")
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_HSTS = "max-age=31536000"
log = logging.getLogger("boucle.api")


class Shield:
    """Middleware around the whole application. ``local`` also refuses names that are not this machine's own.

    Without authentication a page could otherwise have its own name lead here (DNS rebinding), and act.
    """

    def __init__(self, app: ASGIApp, *, tls: bool, local: bool) -> None:
        self._app = app
        self._headers = HEADERS | ({"strict-transport-security": _HSTS} if tls else {})
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket" and self._foreign(Headers(scope=scope)):
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)  # the page to try it on has a policy of its own
            await send(message)

        refused = self._refused(scope["method"], Headers(scope=scope))
        try:
            await (refused or self._app)(scope, receive, sending)
        except Exception:  # a fault of ours: told in the log, and by its number only to the caller
            number = secrets.token_hex(8)
            log.exception("fault %s: %s %s", number, scope["method"], scope["path"])
            if begun:
                raise
            told = problem(500, "internal", "The server failed on this request.", f"the log has it as {number}")
            await told(scope, receive, sending)

    def _foreign(self, headers: Headers) -> bool:
        """Say whether a socket is opened by another site's page, or by a name that is not this machine's."""
        host, origin = headers.get("host", ""), headers.get("origin")
        if self._local and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return True
        return bool(origin) and urlsplit(origin or "").netloc != host

    def _refused(self, method: str, headers: Headers) -> ASGIApp | None:
        """Refuse what another site's page sends through a browser, and bodies nobody needs."""
        host = headers.get("host", "")
        if self._local and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            hint = "ask it by 127.0.0.1 or localhost; for other names set serve.auth.required or serve.insecure"
            return problem(421, "foreign_host", f"This server is not {host[:100]}.", hint)
        if method in _SAFE:
            return None
        origin = headers.get("origin")
        if origin and urlsplit(origin).netloc != host:
            return problem(403, "foreign_origin", "A page of another site may not do this.")
        if "transfer-encoding" in headers:
            return problem(411, "no_length", "A body has to come with its length.")
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length[:20]) > LARGEST:
            return problem(413, "too_large", f"The body is larger than {LARGEST} bytes.")
        return None
