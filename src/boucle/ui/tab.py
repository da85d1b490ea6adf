"""One open page: what it follows, and what it sends to its browser."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

from nicegui import Client

from boucle.ui.live import Source
from boucle.ui.part import Part

_REVISIONS = count(1)


class Tab:
    """What a page does when something it shows was read again; all that changes goes in one message."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._updates: dict[Source[Any], list[Callable[[], None]]] = {}
        self._looks: dict[Source[Any], Callable[[], None]] = {}
        self._changes: list[str] = []
        client.on_delete(self._leave)

    def follow(self, source: Source[Any], update: Callable[[], None]) -> None:
        """Call ``update`` now and after each reading, as long as this page is open."""
        if source not in self._looks:
            self._updates[source], self._looks[source] = [], partial(self._look, source)
            source.followers.append(self._looks[source])
        self._updates[source].append(update)
        update()

    def show(self, source: Source[Any], part: Part, html: str) -> None:
        """Show ``html``, drawn of ``source``; what differs is found once for all tabs that show the same."""
        if html == part.content:
            return
        if not self._client.has_socket_connection:
            part.set_content(html)
            return
        known = part.id, part.revision, part.content, html
        if known not in source.drawn:
            revision = next(_REVISIONS)
            source.drawn[known] = revision, part.change(html, revision)
        revision, change = source.drawn[known]
        self._changes.append(change)
        part.keep(html, revision)

    def _look(self, source: Source[Any]) -> None:
        with self._client:
            for update in self._updates[source]:
                update()
        if self._changes:
            self._client.outbox.enqueue_message("run_javascript", {"code": "".join(self._changes)}, self._client.id)
            self._changes.clear()

    def _leave(self) -> None:
        for source, look in self._looks.items():
            source.followers.remove(look)
            source.asked = time.monotonic()
