"""Many open tabs without many browsers: each asks for the page and holds its socket as NiceGUI's script does.

A browser with fifty tabs would need the machine that the console is measured on; the server sees no difference.
"""

from __future__ import annotations

import asyncio
import re
import threading
import urllib.request
from concurrent.futures import Future
from types import TracebackType
from urllib.parse import urlencode
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

_CLIENT = re.compile(r"'client_id': '([0-9a-f-]+)', 'next_message_id': (\d+)")
_OPENING = 8
"""Tabs that are opened at the same time."""


class Tabs:
    """``count`` open tabs of a page while a block lasts; ``messages`` and ``size`` count what they were sent."""

    def __init__(self, url: str, path: str, count: int) -> None:
        self._url, self._path, self._count = url, path, count
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: list[ClientConnection] = []
        self._listening: list[asyncio.Task[None]] = []
        self.messages = 0
        self.size = 0

    def __enter__(self) -> Tabs:
        self._thread.start()
        self._do(self._all())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def alive(self) -> int:
        """How many are still connected."""
        return sum(not task.done() for task in self._listening)

    def _do(self, work: object) -> None:
        done: Future[None] = asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[arg-type]
        done.result(120)

    async def _all(self) -> None:
        doors = asyncio.Semaphore(_OPENING)
        await asyncio.gather(*(self._one(doors) for _ in range(self._count)))

    async def _one(self, doors: asyncio.Semaphore) -> None:
        async with doors:
            page = await asyncio.to_thread(self._fetch)
            found = _CLIENT.search(page)
            assert found is not None, page[:500]
            asked = {
                "client_id": found[1], "next_message_id": found[2], "implicit_handshake": "true",
                "document_id": str(uuid4()), "tab_id": str(uuid4()), "old_tab_id": "", "EIO": "4",
                "transport": "websocket",
            }  # fmt: skip
            where = f"{self._url.replace('http', 'ws', 1)}/_nicegui_ws/socket.io/?{urlencode(asked)}"
            socket = await connect(where, origin=self._url, max_size=None)  # type: ignore[arg-type]
            assert str(await socket.recv()).startswith("0")
            await socket.send("40")
            assert str(await socket.recv()).startswith("40")
        self._open.append(socket)
        self._listening.append(asyncio.create_task(self._listen(socket)))

    def _fetch(self) -> str:
        with urllib.request.urlopen(self._url + self._path, timeout=60) as answer:
            return str(answer.read().decode())

    async def _listen(self, socket: ClientConnection) -> None:
        try:
            async for told in socket:
                if told == "2":
                    await socket.send("3")
                else:
                    self.messages += 1
                    self.size += len(told)
        except ConnectionClosed:
            return

    async def _close(self) -> None:
        await asyncio.gather(*(socket.close() for socket in self._open))
        await asyncio.gather(*self._listening)
