"""Messages through Apprise: Slack, e-mail, Teams, webhooks and the rest."""

from __future__ import annotations

import logging
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import apprise
from apprise.attachment.memory import AttachMemory

PATIENCE = 8.0
PICTURE = "change.png"
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class AppriseNotifier:
    """``addresses`` are Apprise URLs; what fails is reported with its secrets masked.

    ``patience`` is how many seconds one message may take. A slower one counts as failed and goes on by itself; until it
    has ended, its address gets no other and counts as failed at once, so that threads do not pile up.
    """

    def __init__(self, addresses: Sequence[str], patience: float = PATIENCE) -> None:
        self._patience = patience
        self._targets = [_Target(address) for address in addresses]

    def send(self, title: str, body: str, html: str = "", picture: bytes = b"") -> list[str]:
        """Send to all at once; returns the masked addresses that failed or took too long."""
        end = time.monotonic() + self._patience
        sending = [(target, target.start(title, body, html, picture)) for target in self._targets]
        return sorted(target.masked for target, sent in sending if not (sent and sent.arrived(end)))


class _Sending:
    """One message on its way to one address, in a thread that does not keep the process from ending."""

    def __init__(self, send: Callable[[], bool]) -> None:
        self._send, self._told = send, False
        self.thread = threading.Thread(target=self._run, name="notify", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self._told = self._send()
        except Exception:  # noqa: BLE001 hundreds of plugins, each with errors of its own: all mean "not sent"
            self._told = False

    def arrived(self, end: float) -> bool:
        """Wait until ``end`` at most; says whether the message has arrived."""
        self.thread.join(max(0.0, end - time.monotonic()))
        return self._told and not self.thread.is_alive()


class _Target:
    def __init__(self, address: str) -> None:
        self._sender = apprise.Apprise()
        self._sending: _Sending | None = None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a plugin of its imports what Python is giving up
            known = self._sender.add(address)
        self._rich = known and self._sender[0].notify_format == apprise.NotifyFormat.HTML
        if known and hasattr(self._sender[0], "inline"):
            self._sender[0].inline = True  # e-mail: the picture stands in the message, not behind a paper clip
        self.masked = (
            self._sender[0].url(privacy=True).split("?")[0] if known else f"{address.split(':', maxsplit=1)[0]}://…"
        )

    def start(self, title: str, body: str, html: str, picture: bytes) -> _Sending | None:
        """Begin to send; None while the message before is still on its way."""
        if self._sending is not None and self._sending.thread.is_alive():
            return None
        self._sending = _Sending(partial(self._send, title, body, html, picture))
        return self._sending

    def _send(self, title: str, body: str, html: str, picture: bytes) -> bool:
        """Send in the form the address takes: HTML with the picture, or the text."""
        rich = self._rich and bool(html)
        attached = AttachMemory(content=picture, name=PICTURE, mimetype="image/png") if rich and picture else None
        told = self._sender.notify(
            body=html if rich else body,
            title=title,
            body_format=apprise.NotifyFormat.HTML if rich else apprise.NotifyFormat.TEXT,
            attach=attached,
        )
        return len(self._sender) > 0 and bool(told)
