"""One run: rounds in which every server is started, asked and stopped in turn, and the figures that are no loop."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.serving import environments, figures, ours
from benchmarks.serving.cases import Case, make
from benchmarks.serving.environments import Unavailable
from benchmarks.serving.figures import C8, C64, OURS
from benchmarks.serving.load import Load, Sample, Wire, check, first_answer, measure
from benchmarks.serving.overload import overload
from benchmarks.serving.peers import BY_NAME, PATIENCE, Start
from benchmarks.serving.processes import LOAD_CORE, SERVER_CORE, Server, free_port

Key = tuple[str, str, str]  # case, server, loop
OPEN = "open loop"
PAIRS = 5  # loops of each server in a round of the open loop


@dataclass
class Session:
    """What is measured so far. ``seconds`` is the length of a loop; ``failures`` say why a server has no figure."""

    cache: Path
    folder: Path
    seconds: int
    parts: Sequence[str]
    peers: Sequence[str]
    samples: dict[Key, list[Sample]] = field(default_factory=lambda: defaultdict(list))
    ready: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    pss: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))
    processes: dict[tuple[str, str], int] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    single: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    distributions: dict[str, dict[str, str]] = field(default_factory=dict)

    def prepare(self) -> None:
        """Install what is needed, fit the models, adopt them."""
        for name in dict.fromkeys(filter(None, (BY_NAME[peer].environment for peer in self._asked()))):
            say(f"environment of {name}")
            try:
                self.distributions[name] = environments.packages(environments.environment(self.cache, name))
            except Unavailable as why:
                self.failures |= {("", peer): str(why) for peer in self.peers if BY_NAME[peer].environment == name}
        say("environment of boucle")
        slim = self.cache / "environments" / OURS
        size, self.distributions[OURS] = ours.install(slim)
        if "install" in self.parts:
            self.single["install_mb"], self.single["install_distributions"] = [size], [len(self.distributions[OURS])]
        self.boucle = ours.Boucle(self.folder / "projects", slim)
        wanted = [part for part in ("linear", "forest", "uncompiled", "overload") if part in self.parts]
        if {"latency", "capture", "workers"} & set(self.parts) and "linear" not in wanted:
            wanted.append("linear")
        self.cases = make(self.folder / "cases", wanted)
        for name, case in self.cases.items():
            say(f"boucle adopt {name}")
            try:
                self.boucle.adopt(case)
            except Unavailable as why:
                self.failures[name, OURS] = str(why)
        self.notes |= self.boucle.notes

    def _asked(self) -> list[str]:
        """Return the peers that the parts asked for need."""
        servers = figures.loads(self.parts, self.peers, self.cost).values()
        also = ("mlflow", "nginx") if "latency" in self.parts else ()
        return [name for name in BY_NAME if name in also or any(name in found for found in servers)]

    def round(self, number: int) -> None:
        """Go through every server once, in an order that turns with the rounds."""
        cases = [case for case in self.cases if case in self.parts and case != "overload"]
        for case, servers in figures.loads(cases, self.peers, self.cost).items():
            order = list(servers)
            order = order[number % len(order) :] + order[: number % len(order)]
            for name in order:
                self._visit(self.cases[case], name, servers[name])
        takes = {
            "latency": self._latency, "overload": self._overload, "capture": self._capture, "workers": self._workers,
        }  # fmt: skip
        for part, take in takes.items():
            if part in self.parts:
                try:
                    take()
                except Unavailable as why:
                    self.notes[_KEYS[part]] = str(why)
        if "decode" in self.parts:
            self._decode()

    def cost(self, case: str, server: str, load: Load) -> float | None:
        """Return the median CPU microseconds of a loop, None when it was not run."""
        found = self.samples.get((case, server, str(load)))
        return statistics.median(one.us for one in found) if found else None

    def why(self, case: str, server: str) -> str:
        """Return what kept a figure from being taken, or what is to be said about it."""
        reason = self.failures.get((case, server)) or self.failures.get(("", server)) or self.notes.get(server, "")
        reason = " ".join(reason.split())
        return f"{server}: {reason}" if reason and case else reason

    def lines(self) -> list[figures.Line]:
        """Return the table."""
        for case in ("linear", "forest"):
            self.single[f"{case}_ready_s"] = self.ready.get((case, OURS), [])
            self.single[f"{case}_pss_mb"] = self.pss.get((case, OURS), [])
        values = {key: statistics.median(every) for key, every in self.single.items() if every}
        return figures.lines(self.cost, values, self.why)

    def as_json(self) -> dict[str, Any]:
        """Return everything, for machines."""
        return {
            "machine": machine(),
            "table": [asdict(line) | {"verdict": line.verdict} for line in self.lines()],
            "loops": [
                {"case": case, "server": server, "load": load, "rounds": [asdict(one) for one in every]}
                for (case, server, load), every in self.samples.items()
            ],
            "servers": [
                {"case": case, "server": server, "ready_cpu_s": every, "pss_mb": self.pss[case, server],
                 "processes": self.processes.get((case, server))}
                for (case, server), every in self.ready.items()
            ],
            "single": self.single,
            "notes": self.notes,
            "failures": {" ".join(filter(None, key)): why for key, why in self.failures.items()},
            "distributions": self.distributions,
        }  # fmt: skip

    def _visit(self, case: Case, name: str, loads: Sequence[Load]) -> None:
        """Start one server, run its loops, stop it; a failure is kept, and the server is not tried again."""
        if self.failures.get((case.name, name)) or self.failures.get(("", name)):
            return
        try:
            with self._running(case, name) as (server, port, wire):
                for load in dict.fromkeys((C8, *(one for one in loads if one.rows > 1))):
                    check(port, wire, case, load)
                measure(server, port, wire, case, loads[0], 1, self.folder)  # warm up: caches, adaptive batching
                for load in loads:
                    sample = measure(server, port, wire, case, load, self.seconds, self.folder)
                    self.samples[case.name, name, str(load)].append(sample)
                    say(f"{case.name:10} {name:18} {load!s:12} {sample.us:9,.1f} µs {sample.rate:9,.0f}/s")
                memory, self.processes[case.name, name] = server.pss()
                self.pss[case.name, name].append(memory)
        except Unavailable as why:
            self.failures[case.name, name] = str(why)
            say(f"{case.name:10} {name:18} not measured: {why}")

    def _running(self, case: Case, name: str, cores: Sequence[int] = (SERVER_CORE,), **options: Any) -> _Running:
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        port = free_port()
        if name == OURS:
            start, wire = self.boucle.start(case, folder, port, **options), ours.WIRE
        else:
            start, wire = BY_NAME[name].start(case, self.cache, folder, port), BY_NAME[name].wire
        return _Running(self, case, name, start, wire, folder, port, cores, plain=not options and len(cores) == 1)

    def _latency(self) -> None:
        """At the most that MLflow answered: p99 of ours over that of nginx, from when a request was due.

        Both servers stand ready and are asked in turn. Whatever else the machine does only ever adds to a p99, so each
        server's least one of all its loops counts; the medians are told as well.
        """
        case, rate = self.cases["linear"], self._peak()
        with self._running(case, OURS) as one, self._running(case, "nginx") as other:
            servers = {OURS: one, "nginx": other}
            for server, port, wire in servers.values():
                measure(server, port, wire, case, C64, 1, self.folder)
            for pair in range(PAIRS):
                for name in sorted(servers, reverse=bool(pair % 2)):
                    server, port, wire = servers[name]
                    sample = measure(server, port, wire, case, C64, self.seconds, self.folder, rate)
                    self.samples["linear", name, OPEN].append(sample)
        every = {name: self.samples["linear", name, OPEN] for name in servers}
        least = {name: min(one.p99 for one in found) for name, found in every.items()}
        self.single["p99_ratio"] = [least[OURS] / least["nginx"]]
        told = "; ".join(
            f"{name} p99 {least[name]:.2f} ms at least, {statistics.median(one.p99 for one in found):.2f} median, "
            f"p50 {statistics.median(one.p50 for one in found):.2f}"
            for name, found in every.items()
        )
        others = statistics.median(one.others for found in every.values() for one in found)
        self.notes["p99_ratio"] = (
            f"{rate:,.0f}/s, {len(every[OURS])} loops each in turn: {told}; others on the core {others:.2f}"
        )

    def _peak(self) -> float:
        """Return the most MLflow has answered of the linear model, in requests a second; asks it if nobody has yet."""

        def rates() -> list[float]:
            return [one.rate for load in (C8, C64) for one in self.samples.get(("linear", "mlflow", str(load)), [])]

        if not rates():
            self._visit(self.cases["linear"], "mlflow", [C8, C64])
        if not rates():
            raise Unavailable(f"it needs MLflow's most requests a second: {self.why('linear', 'mlflow')}")
        return max(rates())

    def _overload(self) -> None:
        """A model that is not compiled, asked half of what it can do and five times as much."""
        case = self.cases["overload"]
        with self._running(case, OURS) as (_, port, wire):
            found = overload(port, wire, case, self.seconds, self.folder)
        self.single["overload_ratio"].append(found.ratio)
        self.notes["overload_ratio"] = f"last round: {found}"

    def _capture(self) -> None:
        """The same loop with capture and metrics on and off, one after the other."""
        case, off, cost = self.cases["linear"], self.boucle.switched_off(), {}
        for told, options in (("on", {}), ("off", off)):
            with self._running(case, OURS, **options) as (server, port, wire):
                measure(server, port, wire, case, C64, 1, self.folder)
                cost[told] = measure(server, port, wire, case, C64, self.seconds, self.folder).us
        self.single["capture_percent"].append((cost["on"] / cost["off"] - 1) * 100)
        self.notes["capture_percent"] = f"last round: {cost['on']:.1f} µs on, {cost['off']:.1f} off ({', '.join(off)})"

    def _workers(self) -> None:
        """One worker and two, both on all cores with the generator beside them."""
        case, cost, rate, share = self.cases["linear"], {}, {}, {}
        cores = sorted({SERVER_CORE, *({LOAD_CORE} if (os.cpu_count() or 1) < 3 else {2})})
        for workers in (1, 2):
            places = cores if workers == 2 else cores[:1]
            with self._running(case, OURS, cores=places, workers=workers) as (server, port, wire):
                measure(server, port, wire, case, C64, 1, self.folder)
                sample = measure(server, port, wire, case, C64, self.seconds, self.folder)
                cost[workers], rate[workers], share[workers] = sample.us, sample.rate, sample.load_share
        self.single["two_workers"].append(2 * cost[1] / cost[2])
        self.notes["two_workers"] = (
            f"last round: {cost[1]:.1f} and {cost[2]:.1f} µs; wall {rate[1]:,.0f} and {rate[2]:,.0f}/s, generator "
            f"{share[1]:.2f} and {share[2]:.2f} of a core, of {os.cpu_count()}"
        )

    def _decode(self) -> None:
        python = self.cache / "environments" / OURS / "bin/python"
        done = subprocess.run(
            ["taskset", "-c", str(SERVER_CORE), str(python), str(Path(__file__).parent / "codec.py")],
            capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            self.notes["decode_us"] = f"codec.py does not fit this data plane: {done.stderr.strip().splitlines()[-1]}"
            return
        found = json.loads(done.stdout)
        self.single["decode_us"].append(max(found.values()))
        self.notes["decode_us"] = ", ".join(f"{kind} {us:.2f} µs" for kind, us in found.items())


@dataclass
class _Running:
    """A server between its first right answer and its end; what the start cost is kept when it is a plain one."""

    session: Session
    case: Case
    name: str
    start: Start
    wire: Wire
    folder: Path
    port: int
    cores: Sequence[int]
    plain: bool

    def __enter__(self) -> tuple[Server, int, Wire]:
        self.server = self.start.server(self.folder, self.cores)
        try:
            spent = first_answer(self.server, self.port, self.wire, self.case, PATIENCE)
        except BaseException:
            self.server.stop()
            raise
        if self.plain:
            self.session.ready[self.case.name, self.name].append(spent)
        return self.server, self.port, self.wire

    def __exit__(self, *_: object) -> None:
        self.server.stop()


_KEYS = {"latency": "p99_ratio", "overload": "overload_ratio", "capture": "capture_percent", "workers": "two_workers"}


def machine() -> dict[str, Any]:
    """Say what this was measured on."""
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())  # fmt: skip
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version(), "system": platform.release()}


def say(text: str) -> None:
    """Tell of the progress, on the error stream."""
    sys.stderr.write(text + "\n")
