"""A server on a core of its own, and what its whole tree of processes costs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

SERVER_CORE, LOAD_CORE = 0, 1
_TICK = os.sysconf("SC_CLK_TCK")
_PATIENCE = 20.0


class Server:
    """A running server. Everything in its session, and everything that descends from it, is counted as it."""

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        cores: Sequence[int] = (SERVER_CORE,),
    ) -> None:
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def tail(self, lines: int = 5) -> str:
        """Return the end of what the server has said."""
        return " | ".join(self.log.read_text(errors="replace").strip().splitlines()[-lines:])

    def cpu(self) -> float:
        """Return CPU seconds, user and system, of the living processes and of the children they have waited for."""
        return sum(sum(map(int, fields[11:15])) for _, fields in self._tree()) / _TICK

    def pss(self) -> tuple[float, int]:
        """Return proportional memory in MB of the whole tree, and how many processes it is."""
        total, count = 0, 0
        for pid, _ in self._tree():
            try:
                text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            except OSError:  # gone, or a zombie without memory
                continue
            total += int(text.partition("\nPss:")[2].split()[0]) * 1024
            count += 1
        return total / 1e6, count

    def stop(self) -> None:
        """Ask the tree to end, then insist; only processes of this server are touched."""
        pids = [pid for pid, _ in self._tree()]
        if not self.ended:
            self._process.send_signal(signal.SIGTERM)
        until = time.monotonic() + 1.5
        while time.monotonic() < until and any(True for _ in self._tree()):
            self._process.poll()
            time.sleep(0.02)
        for pid in {*pids, *(pid for pid, _ in self._tree())} & {pid for pid, _ in self._tree()}:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait(_PATIENCE)

    def _tree(self) -> Iterator[tuple[int, list[str]]]:
        """Yield pid and the fields of /proc/PID/stat behind the name: state, ppid, pgrp, session, …"""
        known = dict(_processes())
        ours = {self._process.pid}
        while grown := {
            pid for pid, f in known.items() if pid not in ours and (int(f[1]) in ours or int(f[3]) == self._process.pid)
        }:
            ours |= grown
        yield from ((pid, known[pid]) for pid in ours if pid in known)


def _processes() -> Iterator[tuple[int, list[str]]]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                text = Path(f"/proc/{name}/stat").read_text()
            except OSError:
                continue
            yield int(name), text.rpartition(")")[2].split()


def busy(core: int = SERVER_CORE) -> float:
    """Return the seconds a core has been busy since the machine began, with whatever."""
    line = next(line for line in Path("/proc/stat").read_text().splitlines() if line.startswith(f"cpu{core} "))
    user, nice, system, _, _, irq, softirq, *_ = map(int, line.split()[1:])
    return (user + nice + system + irq + softirq) / _TICK


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
