"""A project with a past, served; and what its control plane costs."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boucle.loop.project import Project
from boucle.loop.service import address

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "e2e" / "console")]
WITHIN = 120.0
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Served:
    """A control plane that answers at ``url``; ``data`` is where its data plane answers, if it has one."""

    folder: Path
    url: str
    data: str = ""

    @property
    def pid(self) -> int:
        """The process of the control plane now."""
        return int(json.loads((self.folder / ".boucle" / "serving" / "control.json").read_bytes())["pid"])

    def cpu(self) -> float:
        """Return the CPU seconds, user and system, that the control plane has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICK

    def memory(self) -> float:
        """Return its resident memory in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def _world() -> Any:
    return importlib.import_module("world")  # beside the console's tests, on the path only by what stands above


def told() -> Path:
    """Return a project that has lived through the story of the console's tests."""
    return Path(_world().kept(ROOT / "build"))


def copied(kept: Path, folder: Path, models: int = 1) -> Path:
    """Return a copy to serve, with so many models in all."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(kept, folder, ignore=shutil.ignore_patterns("control.json", "address.json"))
    if models > 1:
        project = Project.open(folder)
        _world().settle(project, models - 1)
        project.close()
    return folder


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve the control plane alone, so that nothing but the console is measured."""
    command = [sys.executable, "-m", "boucle.api.server", "--port", "0", "--project", str(folder)]
    with _run(command, folder) as url:
        yield Served(folder, url)


@contextmanager
def up(folder: Path) -> Iterator[Served]:
    """Serve all of it by `boucle up`."""
    command = [sys.executable, "-m", "boucle", "up", "--project", str(folder)]
    with _run(command, folder) as url:
        data = address(folder / ".boucle" / "serving" / "address.json", WITHIN)
        assert data is not None, (folder / "served.log").read_text()
        yield Served(folder, url, data)


@contextmanager
def _run(command: list[str], folder: Path) -> Iterator[str]:
    environ = {**os.environ, "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
    with (folder / "served.log").open("wb") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ, start_new_session=True
        )
    try:
        url = address(folder / ".boucle" / "serving" / "control.json", WITHIN)
        assert url is not None, (folder / "served.log").read_text()
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WITHIN)
