"""The quick way over HTTP: requests to models are answered inside uvicorn's protocol, all of one loop turn at once.

What is a POST to a model, on a connection where nothing else is under way, never becomes an ASGI task. Everything else
falls through to the application, which answers the same. This is the one module that knows uvicorn's insides.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Iterable
from threading import get_ident
from time import perf_counter
from types import ModuleType
from typing import Any

from httptools import HttpParserError, HttpParserUpgrade
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.server import ServerState

from boucle.core.errors import BoucleError, RequestError
from boucle.serving.batcher import Job, late
from boucle.serving.calls import Endpoint, Head, admit, endpoint, question, whole
from boucle.serving.desk import new_id
from boucle.serving.http import Response, failed, too_large
from boucle.serving.messages import JSON, Answer, Encoded
from boucle.serving.plane import Plane
from boucle.serving.residency import Asleep

NAP = 0.05
KNOWN_HEADS, LONGEST_HEAD = 512, 2048
_KNOWN_PATHS = 4096
_BLANK = b"\r\n\r\n"
log = logging.getLogger("boucle.serving")


class InFlight:
    """The request a connection waits for; to uvicorn it looks like one of its own cycles."""

    __slots__ = ("counted", "disconnected", "job", "keep_alive", "message_event", "protocol", "response_complete")

    def __init__(self) -> None:
        self.response_complete = True
        self.counted = False
        self.disconnected = False
        self.keep_alive = True
        self.message_event = self
        self.job: Job | None = None
        self.protocol: ModuleType | None = None

    def set(self) -> None:
        """Be the event that uvicorn sets when the connection is gone; nobody waits for it."""


class Turn:
    """What arrived in one turn of the event loop, for all connections of a process."""

    def __init__(self, plane: Plane) -> None:
        self.plane = plane
        self.options = plane.options
        self.thread = get_ident()
        self.known: dict[bytes, Head] = {}
        self._arrived: list[tuple[Connection, Head, bytes]] = []
        self._done: deque[tuple[Connection, Job]] = deque()
        self._endpoints: dict[bytes, Endpoint | None] = {}
        self._heads: dict[int, bytes] = {}
        self._defaults: Any = None

    def endpoint(self, url: bytes) -> Endpoint | None:
        """Return what a request target asks, None for what the application has to look at."""
        try:
            return self._endpoints[url]
        except KeyError:
            found = None if b"%" in url or b"?" in url or not url.isascii() else endpoint(url.decode("ascii"))
            if len(self._endpoints) < _KNOWN_PATHS:
                self._endpoints[url] = found
            return found

    def remember(self, data: bytes, end: int, head: Head) -> None:
        """Keep a head of ``end`` bytes that was parsed, for the next request that begins with the very same bytes."""
        own = b"x-request-id" in head.headers or b"traceparent" in head.headers  # it will not come again
        if end <= LONGEST_HEAD and not own and data.startswith(b"POST "):
            if len(self.known) >= KNOWN_HEADS:
                self.known.clear()
            self.known[data[:end]] = head

    def take(self, connection: Connection, head: Head, body: bytes) -> None:
        """Keep a whole request until the end of this turn."""
        if not self._arrived:
            connection.loop.call_soon(self.answer)
        self._arrived.append((connection, head, body))

    def answer(self) -> None:
        """Ask for everything that has arrived, and let the quick models answer."""
        self.thread = get_ident()
        arrived, self._arrived = self._arrived, []
        desk, snapshot, guarded = self.plane.desk, self.plane.engine.snapshot, not self.plane.access.guard.open
        now = perf_counter()
        for connection, head, body in arrived:
            waits = connection.waits
            if waits.disconnected:
                continue
            try:
                if guarded:
                    admit(head.asked, head.headers, self.plane)
                job = desk.ask(question(head, body, snapshot), connection.answered, now)
                if not waits.response_complete:
                    waits.job = job
            except Asleep as error:
                self._nap(connection, head, body, error)
            except BoucleError as error:
                self._refuse(connection, head, error)
            except Exception:  # a fault of ours: told in the log, not to the caller
                log.exception("a request to %s failed", head.asked.model)
                fault = BoucleError("The server failed on this request.", code="internal")
                self._refuse(connection, head, fault)
        desk.flush()
        slow = [one[0].waits for one in arrived if not (one[0].waits.response_complete or one[0].waits.counted)]
        if slow:
            self.plane.metrics.add("requests_in_progress", value=len(slow))
            for waits in slow:
                waits.counted = True

    def head(self, state: ServerState, version: int) -> bytes:
        """Return the first lines of a right answer as JSON, up to the value of its content-length."""
        defaults = state.default_headers  # a new list every second, for the date
        if defaults is not self._defaults:
            self._defaults = defaults
            self._heads = {}
        found = self._heads.get(version)
        if found is None:
            lines = b"".join(b"%b: %b\r\n" % pair for pair in defaults)
            found = (
                b"HTTP/1.1 200 OK\r\n%bcontent-type: application/json\r\nx-model-version: %d\r\ncontent-length: "
                % (
                    lines,
                    version,
                )
            )
            self._heads[version] = found
        return found

    def later(self, connection: Connection, job: Job) -> None:
        """Bring a job answered on a model's thread back to the event loop; one wake-up for all that are there."""
        first = not self._done
        self._done.append((connection, job))
        if first:
            with contextlib.suppress(RuntimeError):  # a loop that has ended has nobody waiting
                connection.loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        while self._done:
            connection, job = self._done.popleft()
            connection.reply(job)

    def sweep(self, connections: Iterable[Any]) -> None:
        """End what takes too long; called a few times a second."""
        now = perf_counter()
        for connection in list(connections):
            if isinstance(connection, Connection):
                connection.check(now)
        self.plane.gauge()

    def _nap(self, connection: Connection, head: Head, body: bytes, error: Asleep) -> None:
        """Ask again shortly: the model is being loaded."""
        if connection.waiting() > self.options.deadline:
            self._refuse(connection, head, error)
        else:
            connection.loop.call_later(NAP, self.take, connection, head, body)

    def _refuse(self, connection: Connection, head: Head, error: BoucleError) -> None:
        response = failed(error)
        self.plane.refused(head.asked.model, error)
        if not any(name == b"x-request-id" for name, _ in response.headers):
            bad = error.facts.get("code") == "bad_id"
            given = b"" if bad else head.headers.get(b"x-request-id", b"")
            response.headers.append((b"x-request-id", given or new_id().encode()))
        connection.send(response)


class Connection(HttpToolsProtocol):
    """One connection of a client."""

    def __init__(self, turn: Turn, config: Config, server_state: ServerState, app_state: dict[str, Any]) -> None:
        super().__init__(config=config, server_state=server_state, app_state=app_state)
        self.turn = turn
        self.waits = InFlight()
        self.answered = self._answered
        self._asked: Endpoint | None = None
        self._named: dict[bytes, bytes] = {}
        self._parsed: Head | None = None
        self._body: bytes | bytearray = b""
        self._in_head = True
        self._head_size = 0
        self._messages = 0
        self._receiving = False
        self._since = perf_counter()
        self._stuck_since = 0.0

    def data_received(self, data: bytes) -> None:
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        end = 0
        if not self._receiving and (self.cycle is None or self.cycle.response_complete):
            end = data.find(_BLANK) + len(_BLANK)
            head = self.turn.known.get(data[:end])
            if head is not None and len(data) - end == head.size:  # the same bytes mean the same
                self._since = perf_counter()
                self._take(head, data[end:])
                return
        self._parse(data)
        if self._parsed is not None:
            if len(data) - end == self._parsed.size and end:
                self.turn.remember(data, end, self._parsed)
            self._parsed = None

    def _parse(self, data: bytes) -> None:
        same = self._messages
        try:
            self.parser.feed_data(data)
        except HttpParserUpgrade:
            self._unsupported_upgrade_warning()
        except HttpParserError:
            self._end(RequestError("This is not an HTTP request.", code="malformed"))
        if self._in_head and self._receiving and self._messages == same:
            self._head_size += len(data)
            if self._head_size > self.turn.options.head_bytes:
                self._end(RequestError("The head of the request is too long.", code="head_too_long"))

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._asked = None
        self._receiving = True
        self._messages += 1
        self._since = perf_counter()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_size = 0
        if self.cycle is None or self.cycle.response_complete:
            asked = self.turn.endpoint(self.url)
            if asked is not None and not self.expect_100_continue and self._fits():
                self._asked = asked
                self._body = b""
                return
        url, headers, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(headers)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if self._asked is None:
            super().on_body(body)
        elif not self._body:
            self._body = body
        else:
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += body
            if len(self._body) > self.turn.options.max_body:
                self._end(too_large(self.turn.options.max_body))
                self._body = b""

    def on_message_complete(self) -> None:
        self._receiving = False
        self._in_head = True
        asked = self._asked
        if asked is None:
            super().on_message_complete()
            return
        self._asked = None
        head = Head(asked, self._named)
        self.waits.keep_alive = self.parser.should_keep_alive()
        if self.waits.keep_alive and b"transfer-encoding" not in self._named:
            head.size = int(self._named.get(b"content-length", b"0"))
            self._parsed = head
        self._take(head, bytes(self._body))

    def _take(self, head: Head, body: bytes) -> None:
        if self.transport.is_closing():
            return
        waits = self.waits
        waits.response_complete = False
        waits.protocol = head.asked.protocol
        self.cycle = waits  # type: ignore[assignment]
        self.turn.take(self, head, body)

    def send(self, response: Response) -> None:
        """Write a response that is not the usual one, and go on."""
        lines = [STATUS_LINE[response.status]]
        own = [(b"content-type", response.content_type), (b"content-length", b"%d" % len(response.body))]
        for pair in (*self.server_state.default_headers, *own, *response.headers):
            lines.append(b"%b: %b\r\n" % pair)
        lines += (b"\r\n" if self.waits.keep_alive else b"connection: close\r\n\r\n", response.body)
        self.transport.write(b"".join(lines))
        self._next()

    def reply(self, job: Job) -> None:
        """Write the answer to the request this connection waits for."""
        waits, protocol = self.waits, self.waits.protocol
        if job.given_up or waits.disconnected or protocol is None:
            return
        try:
            said: Answer = job.version.answer(job)
            found: Encoded = protocol.encode(job.asked, said)
        except BoucleError as error:
            response = failed(error)
            response.headers += [(b"x-request-id", job.id.encode()), (b"x-model-version", b"%d" % job.version.number)]
            self.send(response)
            return
        if found.headers or not waits.keep_alive or found.content_type is not JSON:
            self.send(whole(found, said))
            return
        body, head = found.body, self.turn.head(self.server_state, said.version)
        self.transport.write(b"%b%d\r\nx-request-id: %b\r\n\r\n%b" % (head, len(body), said.id.encode(), body))
        self._next()

    def waiting(self) -> float:
        """Return the seconds since the request that is under way began."""
        return perf_counter() - self._since

    def pause_writing(self) -> None:
        """Read no more requests from a client that does not take its answers."""
        super().pause_writing()
        self._stuck_since = perf_counter()
        self.flow.pause_reading()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.flow.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.waits.disconnected = True
        if self.waits.job is not None:
            self.waits.job.given_up = True
        self._uncount()
        super().connection_lost(exc)

    def check(self, now: float) -> None:
        """End what takes too long: a request that does not arrive, an answer that is not taken, an idle connection."""
        options, waits = self.turn.options, self.waits
        if self.flow.write_paused:
            if now - self._stuck_since > options.slow:
                self.transport.abort()
        elif not waits.response_complete:
            job = waits.job
            if job is not None and now > job.due and not job.given_up:
                self._give_up(job)
        elif self._receiving:
            if now - self._since > options.slow:
                self._end(RequestError("The request did not arrive in time.", code="too_slow"))
        elif now - self._since > options.idle and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()

    def _fits(self) -> bool:
        """Say whether the quick way takes the request whose headers are there, and keep these."""
        parser, named = self.parser, dict(self.headers)
        if parser.get_method() != b"POST" or parser.should_upgrade():
            return False
        length = named.get(b"content-length", b"0")
        self._named = named
        return len(length) < 10 and int(length) <= self.turn.options.max_body

    def _answered(self, job: Job) -> None:
        if get_ident() == self.turn.thread:
            self.reply(job)
        else:
            self.turn.later(self, job)

    def _next(self) -> None:
        """Be ready for the next request."""
        waits = self.waits
        waits.response_complete = True
        waits.job = None
        if waits.counted:
            self._uncount()
        self.server_state.total_requests += 1
        if not waits.keep_alive:
            self.transport.close()
        elif self.pipeline:
            super().on_response_complete()

    def _uncount(self) -> None:
        if self.waits.counted:
            self.waits.counted = False
            self.turn.plane.metrics.add("requests_in_progress", value=-1)

    def _give_up(self, job: Job) -> None:
        job.given_up = True
        response = failed(late())
        response.headers += [(b"x-request-id", job.id.encode()), (b"x-model-version", b"%d" % job.version.number)]
        self.send(response)

    def _end(self, error: RequestError) -> None:
        """Say what is wrong, if nothing else is being said, and close the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.waits.keep_alive = False
            self.send(failed(error))
        else:
            self.cycle.disconnected = True  # what is still being answered has nobody to go to
        self.transport.close()


def protocol(turn: Turn) -> Callable[..., asyncio.Protocol]:
    """Return what uvicorn makes its connections with."""

    def connect(config: Config, server_state: ServerState, app_state: dict[str, Any], **_: Any) -> Connection:
        return Connection(turn, config, server_state, app_state)

    return connect
