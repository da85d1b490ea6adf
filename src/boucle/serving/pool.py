"""Several worker processes on one port: what dies is started again, a signal ends all.

The models are loaded once, then the workers are forked, so that they share their memory. Each worker has a listening
socket of its own (SO_REUSEPORT), which this process keeps open: what a dying worker leaves unaccepted, the one in its
place takes.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

from boucle.serving.options import ServeOptions

PATIENCE = 35.0
LOOK = 0.1
WITHIN, MOST_DEATHS = 10.0, 8
Work = Callable[[socket.socket], int]
log = logging.getLogger("boucle.serving")


@dataclass
class Member:
    """One worker; ``place`` is its socket's."""

    pid: int
    place: int


class Pool:
    """Runs one forked process per socket; each calls ``work`` with its own and ends when this process does."""

    def __init__(self, options: ServeOptions, sockets: Sequence[socket.socket], work: Work) -> None:
        self._options = options
        self._sockets = sockets
        self._work = work
        self._members: dict[int, Member] = {}
        self._stopping = False
        self._deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        self._gave_up = False
        self._life, self._held = os.pipe()  # its other end closes with this process

    def run(self) -> int:
        """Keep the workers up until SIGTERM or SIGINT; returns 0 when all of them ended well.

        Gives up with 1 when workers die faster than anything but a fault of ours would kill them.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        for place in range(len(self._sockets)):
            self._start(place)
        while not self._stopping:
            self._replace_the_dead()
            time.sleep(LOOK)
        for pid in [pid for pid in self._members if os.waitpid(pid, os.WNOHANG)[0]]:
            del self._members[pid]  # it died a moment ago, and need not be replaced any more
        for pid in self._members:
            os.kill(pid, signal.SIGTERM)
        time.sleep(self._options.grace)
        for sock in self._sockets:
            sock.close()  # from here on nobody waits at a door that nobody opens
        worst = max([self._ended(pid) for pid in self._members], default=0)
        return max(worst, int(self._gave_up))

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True

    def _start(self, place: int) -> None:
        gc.freeze()  # what is shared must not be written to by the collector
        pid = os.fork()
        if pid == 0:
            os._exit(self._live(place))
        self._members[pid] = Member(pid, place)

    def _live(self, place: int) -> int:
        """Be a worker; returns its exit code."""
        try:
            os.setsid()
            os.close(self._held)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            own = self._sockets[place]
            for sock in self._sockets:
                if sock is not own:
                    sock.close()
            threading.Thread(target=_follow, args=(self._life,), name="parent", daemon=True).start()
            return self._work(own)
        except BaseException:
            log.exception("a worker failed")
            return 1
        finally:
            sys.stderr.flush()

    def _replace_the_dead(self) -> None:
        for member in list(self._members.values()):
            pid, status = os.waitpid(member.pid, os.WNOHANG)
            if not pid:
                continue
            del self._members[pid]
            code = os.waitstatus_to_exitcode(status)
            now = time.monotonic()
            self._deaths.append(now)
            if len(self._deaths) == MOST_DEATHS and now - self._deaths[0] < WITHIN:
                log.error("worker %s ended with %s, as those before it; stopping all", pid, code)
                self._stopping = self._gave_up = True
                return
            log.error("worker %s ended with %s; another is started", pid, code)
            self._start(member.place)

    def _ended(self, pid: int) -> int:
        """Wait for a member that was told to end; one that had not begun yet is ended by the signal itself."""
        end = time.monotonic() + PATIENCE + self._options.grace
        while time.monotonic() < end:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found:
                code = os.waitstatus_to_exitcode(status)
                return 0 if code == -signal.SIGTERM else abs(code)
            time.sleep(LOOK / 2)
        log.error("worker %s did not end in time and was killed", pid)
        os.kill(pid, signal.SIGKILL)
        return abs(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _follow(life: int) -> None:
    """End when the parent is gone."""
    os.read(life, 1)
    os.kill(os.getpid(), signal.SIGTERM)
