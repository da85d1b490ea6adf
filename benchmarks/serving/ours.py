"""Boucle as a user has it: one project a model, adopted by the command line, answered by a fresh install.

Only the command line, the worker's options and HTTP are touched, so that this outlives what is behind them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.serving import environments
from benchmarks.serving.cases import Case
from benchmarks.serving.environments import Unavailable
from benchmarks.serving.load import Wire, first_answer
from benchmarks.serving.peers import Start, predictions
from benchmarks.serving.processes import free_port
from boucle.serving.options import ServeOptions

NAME = "boucle"
PROBE = 10.0  # seconds the serving-only environment gets to answer before the full one is taken
# What switches capture and metrics off, by the option's name; taken when the data plane has it.
OFF: dict[str, Any] = {"capture": False, "log": False, "record": False}


def body(case: Case, rows: np.ndarray, form: str) -> object:
    if form == "names":
        return [dict(zip(case.columns, row, strict=True)) for row in rows.tolist()]
    return {"inputs": rows.tolist()}


WIRE = Wire("/predict", body, predictions)


@dataclasses.dataclass
class Boucle:
    """One run's projects. ``slim`` is the serving-only environment; a model that needs more gets this one."""

    folder: Path
    slim: Path
    pythons: dict[str, Path] = dataclasses.field(default_factory=dict)
    notes: dict[str, str] = dataclasses.field(default_factory=dict)

    def adopt(self, case: Case) -> None:
        """Take the model into a project of its own; raises Unavailable with what the command line says."""
        project = self.folder / case.name
        project.mkdir(parents=True)
        consent = hashlib.sha256(case.pickle.read_bytes()).hexdigest()
        asked = [
            "adopt", str(case.pickle), "--data", str(case.sample), "--name", case.name, "--target", "truth",
            "--allow-pickle", consent, "--json",
        ]  # fmt: skip
        done = self._boucle(project, asked)
        if done.returncode not in (0, 1):
            raise Unavailable(f"boucle adopt: {done.stderr.strip()[-400:]}")
        if done.returncode == 1:  # the gate did not pass, which is not what is measured here
            self._boucle(
                project, ["promote", f"{case.name}/1", "--strategy", "direct", "--override", "--reason", "benchmark"]
            )
        self._choose(case)

    def start(self, case: Case, folder: Path, port: int, **options: Any) -> Start:
        """Return what starts the data plane of a case's project."""
        return self._start(case, self.pythons[case.name], port, **options)

    def switched_off(self) -> dict[str, Any]:
        """Return the options that switch capture and metrics off; raises Unavailable when there are none."""
        known = {one.name for one in dataclasses.fields(ServeOptions)}
        found = {name: value for name, value in OFF.items() if name in known}
        if not found:
            raise Unavailable("the data plane has no option that switches capture off")
        return found

    def _choose(self, case: Case) -> None:
        """Find which environment can serve the model: the slim one when it is compiled."""
        folder = self.folder / f"{case.name}-probe"
        folder.mkdir()
        port = free_port()
        server = self._start(case, self.slim / "bin/python", port).server(folder)
        try:
            first_answer(server, port, WIRE, case, PROBE)
            self.pythons[case.name] = self.slim / "bin/python"
            self.notes[case.name] = "served by the serving-only install"
        except Unavailable as why:
            self.pythons[case.name] = Path(sys.executable)
            self.notes[case.name] = f"not served by the serving-only install ({str(why)[-200:]})"
        finally:
            server.stop()
        self.notes[case.name] = f"{self._runtime(case)}; {self.notes[case.name]}"

    def _runtime(self, case: Case) -> str:
        """Return what the bundle says it is run by."""
        for place in (self.folder / case.name / ".boucle/bundles").glob("*/bundle.json"):
            info = json.loads(place.read_text())
            half = info.get("parity", {}).get("half")
            return f"runtime {info.get('runtime')}" + (", preprocessing as it is" if half else "")
        return "runtime unknown"

    def _start(self, case: Case, python: Path, port: int, **options: Any) -> Start:
        told = {"state": str(self.folder / case.name / ".boucle"), "port": port, **options}
        return Start([str(python), "-m", "boucle.serving.worker", json.dumps(told)])

    def _boucle(self, project: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "boucle", *arguments],
            cwd=project, capture_output=True, text=True,
        )  # fmt: skip


def install(folder: Path) -> tuple[float, dict[str, str]]:
    """Install what serving a compiled bundle needs into a fresh environment; returns MB and distributions."""
    environments.fresh(folder, ["--reinstall-package", "boucle", f"{environments.ROOT}[onnx]"])
    return environments.size(folder), environments.packages(folder)
