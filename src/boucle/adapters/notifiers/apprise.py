"""Messages through Apprise: Slack, e-mail, Teams, webhooks and the rest."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait

import apprise

PATIENCE = 8.0
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class AppriseNotifier:
    """``addresses`` are Apprise URLs; what fails is reported with its secrets masked.

    ``patience`` is how many seconds one message may take; a slower one counts as failed and goes on by itself.
    """

    def __init__(self, addresses: Sequence[str], patience: float = PATIENCE) -> None:
        self._patience = patience
        self._targets = [_Target(address) for address in addresses]
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="notify")

    def send(self, title: str, body: str) -> list[str]:
        """Send to all at once; returns the masked addresses that failed or took too long."""
        sending = {self._pool.submit(t.send, title, body): t for t in self._targets}
        done, late = wait(sending, timeout=self._patience)
        failed = [sending[f].masked for f in late]
        failed += [sending[f].masked for f in done if f.exception() is not None or not f.result()]
        return sorted(failed)


class _Target:
    def __init__(self, address: str) -> None:
        self._sender = apprise.Apprise()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # a plugin of its imports what Python is giving up
            known = self._sender.add(address)
        self.masked = (
            self._sender[0].url(privacy=True).split("?")[0] if known else f"{address.split(':', maxsplit=1)[0]}://…"
        )

    def send(self, title: str, body: str) -> bool:
        return len(self._sender) > 0 and bool(self._sender.notify(body=body, title=title))
