"""Heavy work in a process of its own on this machine, at low priority."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from boucle.ports.engine import Outcome

_TAIL = 4000


class ProcessWork:
    """A child process; its answer is the last thing on its standard output, its messages go to a log file."""

    def __init__(self, process: subprocess.Popen[bytes], answer: Path, log: Path) -> None:
        self._process, self._answer, self._log = process, answer, log

    @property
    def pid(self) -> int:
        return self._process.pid

    def poll(self) -> Outcome | None:
        code = self._process.poll()
        if code is None:
            return None
        answer: dict[str, Any] | None
        try:
            answer = json.loads(self._answer.read_text())
        except (OSError, ValueError):
            answer = None
        messages = self._log.read_text(errors="replace")[-_TAIL:] if self._log.exists() else ""
        self._answer.unlink(missing_ok=True)
        return Outcome(code, answer, messages)

    def stop(self) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


class ProcessEngine:
    name = "process"

    def start(self, arguments: Sequence[str], directory: Path, log: Path) -> ProcessWork:
        """Run ``boucle ARGUMENTS --json --project DIRECTORY`` with this interpreter."""
        log.parent.mkdir(parents=True, exist_ok=True)
        answer = log.with_suffix(".json")
        command = [sys.executable, "-m", "boucle", *arguments, "--json", "--project", str(directory)]
        out: IO[bytes]
        with answer.open("wb") as out, log.open("ab") as messages:
            process = subprocess.Popen(
                command,
                cwd=directory,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=messages,
                env={**os.environ, "NO_COLOR": "1"},
                preexec_fn=_gentle if os.name == "posix" else None,
            )
        return ProcessWork(process, answer, log)


def _gentle() -> None:
    """Give way to the data plane."""
    os.nice(5)
