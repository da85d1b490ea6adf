"""Keeps the processes of a service running: starts them, starts again what dies, and ends all on a signal."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

HEALTHY = 10.0
MOST_RESTARTS = 5
PATIENCE = 35.0
MISUSE = 2


@dataclass(frozen=True, slots=True)
class Service:
    """One process: its name for messages, its command line after the interpreter."""

    name: str
    arguments: tuple[str, ...]


class Supervisor:
    """Runs services until told to stop. The last service is ended first, so that the data plane answers longest."""

    def __init__(self, services: Sequence[Service], say: Callable[[str], None]) -> None:
        self._services = services
        self._say = say
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._started: dict[str, float] = {}
        self._restarts: dict[str, int] = {}
        self._stopping = threading.Event()

    def start(self) -> None:
        for service in self._services:
            self._start(service)

    def _start(self, service: Service) -> None:
        self._running[service.name] = subprocess.Popen(
            [sys.executable, *service.arguments],
            stdin=subprocess.DEVNULL,
            start_new_session=os.name == "posix",
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
        self._started[service.name] = time.monotonic()

    def stop(self, *_: int | FrameType | None) -> None:
        self._stopping.set()

    def run(self) -> int:
        """Watch until a signal or until a service cannot be kept up; returns the exit code."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        code = 0
        while not self._stopping.wait(0.2):
            for service in self._services:
                ended = self._running[service.name].poll()
                if ended is not None and not self._again(service, ended):
                    code = ended if ended > 0 else 1
                    self._stopping.set()
                    break
        self.end()
        return code

    def _again(self, service: Service, code: int) -> bool:
        lasted = time.monotonic() - self._started[service.name]
        restarts = 0 if lasted > HEALTHY else self._restarts.get(service.name, 0) + 1
        if code == MISUSE or restarts > MOST_RESTARTS:
            self._say(f"{service.name} ended with exit code {code}; stopping all.")
            return False
        self._say(f"{service.name} ended with exit code {code}; starting it again.")
        self._restarts[service.name] = restarts
        if self._stopping.wait(min(5.0, 0.2 * 2**restarts)):
            return True
        self._start(service)
        return True

    def end(self) -> None:
        """End the services in reverse order; what does not end in time is killed."""
        for service in reversed(self._services):
            process = self._running.get(service.name)
            if process is None or process.poll() is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _end_with_parent() -> None:
    """Let the kernel send SIGTERM when the supervisor is killed, so that no service is left behind."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGTERM)
