"""Turns asked for over HTTP: started in a process of their own, asked about by number."""

from __future__ import annotations

import threading
from typing import Any

from boucle.core.errors import Conflict, NotFound
from boucle.loop.project import Project
from boucle.ports.engine import Work


class Turns:
    """The turns this process has started; the history keeps what became of them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._work: list[tuple[Work, dict[str, Any]]] = []

    def start(self, reason: str, with_feedback: bool) -> dict[str, Any]:
        """Start one; raises Conflict while another of ours is under way."""
        with self._lock:
            for number, (work, _) in enumerate(self._work, 1):
                if work.poll() is None:
                    raise Conflict(f"Turn {number} is under way.", hint="wait for it to end", turn=number)
            arguments = ["train", "--reason", reason, *(["--with-feedback"] if with_feedback else [])]
            number = len(self._work) + 1
            log = self._project.root / "logs" / f"turn-{number}.log"
            work = self._project.engine.start(arguments, self._project.directory, log)
            self._work.append((work, {}))
        return {"turn": number, "state": "running"}

    def get(self, number: int) -> dict[str, Any]:
        """Return how a turn stands; raises NotFound."""
        with self._lock:
            if not 1 <= number <= len(self._work):
                raise NotFound(f"There is no turn {number}.", hint="the history has all turns: boucle history")
            work, ended = self._work[number - 1]
            if not ended:
                outcome = work.poll()
                if outcome is None:
                    return {"turn": number, "state": "running"}
                ended.update(turn=number, state="ended", exit_code=outcome.code, result=outcome.answer)
            return ended
