"""The other ends of messages: a Slack-shaped webhook, and a mail server; both real servers on this machine."""

from __future__ import annotations

import json
import threading
from asyncio import Server
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

_KNOWN = {"text", "blocks", "attachments", "channel", "username", "icon_url", "icon_emoji", "mrkdwn", "link_names"}
_ATTACHED = {
    "fallback", "text", "title", "title_link", "color", "pretext", "footer", "footer_icon", "ts", "fields",
    "mrkdwn_in", "blocks", "actions", "callback_id",
}  # fmt: skip


def refusal(body: Any) -> str:
    """Say why Slack would refuse the payload of an incoming webhook; "" when it would take it."""
    if not isinstance(body, dict) or not set(body) <= _KNOWN:
        return "invalid_payload"
    attached = body.get("attachments", [])
    if not isinstance(attached, list) or not all(isinstance(a, dict) and set(a) <= _ATTACHED for a in attached):
        return "invalid_attachments"
    texts = [body.get("text"), *(a.get("text") or a.get("fallback") for a in attached)]
    if not all(isinstance(t, str) for t in texts if t is not None):
        return "invalid_payload"
    return "" if any(texts) or body.get("blocks") else "no_text"


@dataclass
class Webhook:
    """Keeps what was posted. ``status`` is answered to all that Slack would take; ``open`` unset makes callers wait."""

    url: str = ""
    status: int = 200
    got: list[tuple[str, Any]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    open: threading.Event = field(default_factory=threading.Event)
    arrived: threading.Event = field(default_factory=threading.Event)


@contextmanager
def webhook(slack: bool = True) -> Iterator[Webhook]:
    """Run a webhook that takes what Slack takes, or any JSON."""
    held = Webhook()
    held.open.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            held.open.wait(30)
            body = json.loads(raw)
            wrong = refusal(body) if slack else ""
            if wrong:
                held.refused.append(wrong)
            elif held.status == 200:
                held.got.append((self.path, body))
                held.arrived.set()
            answer = (wrong or "ok").encode()
            self.send_response(400 if wrong else held.status)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A caller that went away meanwhile is what is tested."""

    server = Quiet(("127.0.0.1", 0), Handler)
    held.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield held
    finally:
        held.open.set()
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass
class Mailbox:
    """A mail server's address, and what it was given. ``answer`` is said to each mail, such as a refusal."""

    address: str = ""
    port: int = 0
    answer: str = "250 OK"
    got: list[EmailMessage] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            found = BytesParser(policy=default).parsebytes(envelope.content)
            assert isinstance(found, EmailMessage)
            self.got.append(found)
            self.arrived.set()
        return self.answer


@contextmanager
def mailbox() -> Iterator[Mailbox]:
    """Run a mail server that keeps its mail."""
    held = Mailbox()
    controller = _OnFreePort(held, hostname="127.0.0.1", port=0)
    controller.start()
    try:
        assert isinstance(controller.server, Server)
        held.port = controller.server.sockets[0].getsockname()[1]
        held.address = f"127.0.0.1:{held.port}"
        yield held
    finally:
        controller.stop()


class _OnFreePort(Controller):
    def _trigger_server(self) -> None:
        """Knock on the port that was found free; the one of the base class knocks on the port asked for."""
        assert isinstance(self.server, Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
