"""Messages through Apprise: Slack, e-mail, Teams, webhooks and the rest."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import apprise

_PATIENCE = 8.0
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class AppriseNotifier:
    """``addresses`` are Apprise URLs; what fails is reported with its secrets masked."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._targets = [_Target(address) for address in addresses]
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="notify")

    def send(self, title: str, body: str) -> list[str]:
        """Send to all at once; returns the masked addresses that failed or took longer than eight seconds."""
        sending = {self._pool.submit(t.send, title, body): t for t in self._targets}
        done, late = wait(sending, timeout=_PATIENCE)
        failed = [sending[f].masked for f in late]
        failed += [sending[f].masked for f in done if f.exception() is not None or not f.result()]
        return sorted(failed)


class _Target:
    def __init__(self, address: str) -> None:
        self._sender = apprise.Apprise()
        known = self._sender.add(address)
        self.masked = (
            self._sender[0].url(privacy=True).split("?")[0] if known else f"{address.split(':', maxsplit=1)[0]}://…"
        )

    def send(self, title: str, body: str) -> bool:
        return len(self._sender) > 0 and bool(self._sender.notify(body=body, title=title))
