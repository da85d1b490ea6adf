"""What is asked of a server, with which generator, and what one loop of it costs the server."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.serving.cases import Case
from benchmarks.serving.client import Connection, request
from benchmarks.serving.environments import Unavailable
from benchmarks.serving.processes import LOAD_CORE, Server, busy

_HERE = Path(__file__).parent
_CHECKED_CONNECTIONS = 8


@dataclass(frozen=True)
class Load:
    """So many connections, each asking for so many rows at once, written in one of the ``Wire``'s forms."""

    connections: int
    rows: int = 1
    form: str = "rows"

    def __str__(self) -> str:
        rows = "" if self.rows == 1 else f" {self.rows} rows"
        return f"c{self.connections}{rows}" + ("" if self.form == "rows" else f" {self.form}")


@dataclass(frozen=True)
class Wire:
    """How a server wants to be asked, and where its answers are in what it says."""

    path: str
    body: Callable[[Case, np.ndarray, str], object]
    answers: Callable[[object], list[float]]
    checked: bool = True

    def bodies(self, case: Case, load: Load) -> list[bytes]:
        """Return one body for every row of the case, each with the ``load.rows`` rows from there on."""
        ring = np.concatenate([case.rows, case.rows])
        starts = range(len(case.rows))
        return [json.dumps(self.body(case, ring[n : n + load.rows], load.form)).encode() for n in starts]


@dataclass(frozen=True)
class Sample:
    """One loop. ``us`` is CPU microseconds of the server's tree per answer, ``others`` what else its core did."""

    us: float
    rate: float
    p50: float
    p99: float
    others: float
    load_share: float


def first_answer(server: Server, port: int, wire: Wire, case: Case, patience: float) -> float:
    """Ask until the first right answer and return the server's CPU seconds then; raises Unavailable."""
    body, until, said = wire.bodies(case, Load(1))[0], time.monotonic() + patience, "nothing"
    while time.monotonic() < until:
        if server.ended:
            raise Unavailable(f"it ended: {server.tail()}")
        try:
            status, answer = ask(port, wire.path, body)
        except (OSError, http.client.HTTPException):
            time.sleep(0.02)
            continue
        if status == 200:
            if wire.checked and not case.right(wire.answers(json.loads(answer))):
                raise Unavailable(f"its first answer is not scikit-learn's: {answer[:200]!r}")
            return server.cpu()
        said = f"{status} {answer[:300].decode(errors='replace')}"
        if status == 422:
            break
        time.sleep(0.05)
    raise Unavailable(f"no right answer in {patience:.0f} s; it said {said} | {server.tail()}")


def ask(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    """Ask once on a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def check(port: int, wire: Wire, case: Case, load: Load) -> None:
    """Ask every body at once on several connections; raises Unavailable when an answer belongs to another question."""
    bodies = wire.bodies(case, load)
    lines = [Connection(port) for _ in range(_CHECKED_CONNECTIONS)]
    for start in range(0, len(bodies), len(lines)):
        places = range(start, min(start + len(lines), len(bodies)))
        for line, place in zip(lines, places, strict=False):
            line.send(request(wire.path, bodies[place]), 0.0)
        for line, place in zip(lines, places, strict=False):
            while (answer := line.receive()) is None:
                pass
            if wire.checked and not (answer[0] == 200 and case.right(wire.answers(json.loads(answer[1])), place)):
                raise Unavailable(f"a wrong answer to row {place} at {load}: {answer[0]} {answer[1][:200]!r}")


def measure(
    server: Server, port: int, wire: Wire, case: Case, load: Load, seconds: int, folder: Path, rate: float = 0.0
) -> Sample:
    """Run one loop; raises Unavailable when a request was refused or lost."""
    bodies = folder / "bodies"
    bodies.write_bytes(b"\n".join(wire.bodies(case, load)) + b"\n")
    before, around, begun, ours = server.cpu(), busy(), time.perf_counter(), os.times()
    figures = generate(port, wire.path, bodies, load.connections, seconds, rate)
    wall, spent, used = time.perf_counter() - begun, server.cpu() - before, os.times()
    if figures["failed"] or figures["refused"] or not figures["answered"]:
        raise Unavailable(
            f"at {load}: {figures['answered']} answered, {figures['refused']} refused, {figures['failed']} lost"
        )
    generator = (used.children_user + used.children_system - ours.children_user - ours.children_system) / wall
    return Sample(
        us=spent / figures["answered"] * 1e6,
        rate=figures["answered"] / figures["seconds"],
        p50=figures["p50"] * 1e3,
        p99=figures["p99"] * 1e3,
        others=max(0.0, (busy() - around - spent) / wall),
        load_share=generator,
    )


def generate(
    port: int, path: str, bodies: Path, connections: int, seconds: int, rate: float, own: bool = False
) -> dict[str, float]:
    """Run a generator and return its figures: wrk, or our own at a fixed rate and where ``own`` says so."""
    wrk = shutil.which("wrk")
    if wrk and not rate and not own:
        command = [
            wrk, "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(_HERE / "load.lua"),
            f"http://127.0.0.1:{port}{path}", "--", str(bodies),
        ]  # fmt: skip
    else:
        options = {
            "port": port, "path": path, "bodies": str(bodies), "connections": connections, "seconds": seconds,
            "rate": rate,
        }  # fmt: skip
        command = [sys.executable, str(_HERE / "client.py"), json.dumps(options)]
    done = subprocess.run(command, capture_output=True, text=True)
    lines = [line for line in done.stdout.splitlines() if line.lstrip("JSON").startswith("{")]
    if done.returncode or not lines:
        raise Unavailable(f"the load generator failed: {(done.stderr or done.stdout).strip()[-300:]}")
    figures: dict[str, float] = json.loads(lines[-1].removeprefix("JSON"))
    return figures


def stay_on(core: int = LOAD_CORE) -> None:
    """Keep this process, and with it every generator it starts, on the load's core."""
    os.sched_setaffinity(0, {core} & os.sched_getaffinity(0) or os.sched_getaffinity(0))
