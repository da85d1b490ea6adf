"""A load generator of our own, one process, one thread: ``client.py OPTIONS`` prints its figures as one line of JSON.

Closed loop (``rate`` 0): every connection asks again when it is answered; for machines without wrk.
Open loop: requests are due at a fixed rate whatever the server does, and latency counts from when one was due, so a
server that falls behind cannot hide it. It spins, for the system's timers are too coarse: give it a core of its own.
"""

from __future__ import annotations

import json
import re
import select
import socket
import statistics
import sys
import time
from collections import deque
from pathlib import Path

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_READ = 65536


class Connection:
    """One keep-alive connection with at most one request under way, ``due`` at a time of ``perf_counter``."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = b""
        self.due = self.sent = 0.0

    def fileno(self) -> int:
        return self._sock.fileno()

    def send(self, request: bytes, due: float) -> None:
        self.due, self.sent = due, time.perf_counter()
        self._sock.sendall(request)

    def receive(self) -> tuple[int, bytes] | None:
        """Return status and body when the answer is whole; raises ConnectionError when the server hangs up."""
        part = self._sock.recv(_READ)
        if not part:
            raise ConnectionError("the server hung up")
        self._buffer += part
        head, found, body = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return None
        length = _LENGTH.search(head)
        if length is None or len(body) < int(length[1]):
            return None
        self._buffer = b""
        return int(head[9:12]), body


def request(path: str, body: bytes) -> bytes:
    """Return a POST as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


def load(port: int, requests: list[bytes], connections: int, seconds: float, rate: float) -> dict[str, float]:
    """Ask for ``seconds``; returns counts, and latencies in seconds: ``taken99`` from when a request was sent, of
    those that were not refused.
    """
    poll, every = select.epoll(), [Connection(port) for _ in range(connections)]
    by_number = {one.fileno(): one for one in every}
    for one in every:
        poll.register(one, select.EPOLLIN)
    idle, spent, taken, refused, asked = deque(every), [], [], 0, 0
    begun = time.perf_counter()
    end = begun + seconds
    while (now := time.perf_counter()) < end:
        while idle and (not rate or begun + asked / rate <= now):
            due = begun + asked / rate if rate else time.perf_counter()
            idle.popleft().send(requests[asked % len(requests)], due)
            asked += 1
        for number, _ in poll.poll(0 if rate else 0.1):
            one = by_number[number]
            if (answer := one.receive()) is None:
                continue
            now = time.perf_counter()
            spent.append(now - one.due)
            if answer[0] == 200:
                taken.append(now - one.sent)
            else:
                refused += 1
            idle.append(one)
    took = time.perf_counter() - begun
    late = [end - (begun + n / rate) for n in range(asked, int(rate * seconds))]  # due, and never even sent
    cuts = statistics.quantiles(spent + late, n=100) if len(spent) > 1 else [0.0] * 99
    return {
        "answered": len(spent), "seconds": took, "p50": cuts[49], "p99": cuts[98], "refused": refused,
        "failed": 0, "unsent": len(late), "taken99": statistics.quantiles(taken, n=100)[98] if len(taken) > 1 else 0.0,
    }  # fmt: skip


def main() -> None:
    options = json.loads(sys.argv[1])
    bodies = Path(options["bodies"]).read_bytes().splitlines()
    requests = [request(options["path"], body) for body in bodies]
    figures = load(options["port"], requests, options["connections"], options["seconds"], options["rate"])
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
