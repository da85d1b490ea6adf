"""Several worker processes on one listening socket: what dies is started again, a signal ends all."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time

from boucle.core.json import dumps
from boucle.serving.options import ServeOptions

PATIENCE = 35.0
LOOK = 0.2
HEALTHY = 10.0
MOST_RESTARTS = 5
log = logging.getLogger("boucle.serving")


class Pool:
    """Runs ``options.workers`` processes. Each gets the socket by its descriptor and ends when this process does."""

    def __init__(self, options: ServeOptions, sock: socket.socket) -> None:
        self._options = options
        self._sock = sock
        self._members: list[subprocess.Popen[bytes]] = []
        self._stop = threading.Event()
        self._short_lives = 0
        self._born: dict[int, float] = {}

    def run(self) -> int:
        """Keep the workers up until SIGTERM or SIGINT; returns 0 when all of them ended well.

        Gives up with 1 when workers die again and again before they have lived for ten seconds.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self._members = [self._start() for _ in range(self._options.workers)]
        while not self._stop.wait(LOOK):
            self._members = [self._kept(member) for member in self._members]
        for member in self._members:
            member.send_signal(signal.SIGTERM)
        worst = max((self._ended(member) for member in self._members), default=0)
        return max(worst, int(self._short_lives > MOST_RESTARTS))

    def _start(self) -> subprocess.Popen[bytes]:
        handle = self._sock.fileno()
        member = subprocess.Popen(
            [sys.executable, "-m", "boucle.serving.worker", dumps(self._options).decode(), str(handle)],
            stdin=subprocess.PIPE,
            pass_fds=[handle],
            start_new_session=True,
            env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **os.environ},  # the workers share the cores
        )
        self._born[member.pid] = time.monotonic()
        return member

    def _kept(self, member: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Return the member, or the one started in its place."""
        code = member.poll()
        if code is None:
            return member
        if member.stdin is not None:
            member.stdin.close()
        lived = time.monotonic() - self._born.pop(member.pid, 0.0)
        self._short_lives = 0 if lived > HEALTHY else self._short_lives + 1
        if self._short_lives > MOST_RESTARTS:
            log.error("worker %s ended with %s, as those before it; stopping all", member.pid, code)
            self._stop.set()
            return member
        log.error("worker %s ended with %s; another is started", member.pid, code)
        return self._start()

    def _ended(self, member: subprocess.Popen[bytes]) -> int:
        """Wait for a member that was told to end; one that had not begun yet is ended by the signal itself."""
        try:
            code = member.wait(PATIENCE + self._options.grace)
        except subprocess.TimeoutExpired:
            log.error("worker %s did not end in time and was killed", member.pid)
            member.kill()
            code = member.wait()
        return 0 if code == -signal.SIGTERM else abs(code)
