"""Turns that people ask for: each runs in a process of its own, one at a time, and the history says by whom."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from boucle.core.errors import Conflict, NotFound
from boucle.core.event import Event
from boucle.core.ground import ground_of
from boucle.loop.project import Project
from boucle.ports.engine import Outcome, Work
from boucle.ports.stores import Transaction

ENDS = ("trained", "training_failed", "data_refused")
ASKED = "turn_asked"
LONGEST = 86400.0
"""Seconds after which a turn without an end is taken to be gone: the machine may have stopped."""
_LOOK = 0.5


@dataclass(slots=True)
class _Turn:
    work: Work
    asked: Event
    stopped: bool = False
    ended: dict[str, Any] = field(default_factory=dict)


class Turns:
    """The turns this process has started; the history keeps what became of them."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._lock = threading.Lock()
        self._turns: list[_Turn] = []

    def start(self, reason: str, with_feedback: bool, actor: str | None = None) -> dict[str, Any]:
        """Start one in the name of ``actor``; raises Conflict while another of ours is under way."""
        project = self._project
        with self._lock:
            for number, turn in enumerate(self._turns, 1):
                if self._look(turn) is None:
                    raise Conflict(f"Turn {number} is under way.", hint="wait for it to end", turn=number)
            number = len(self._turns) + 1
            started = {"turn": number, "state": "running"}
            with project.state.begin() as tx:
                now, who = project.clock.now(), actor or project.actor
                data = {**started, "with_feedback": with_feedback, "ground": ground_of(reason, who)}
                asked = tx.journal.append(Event(ASKED, now, reason, project.name, None, who, data))
            arguments = ["train", "--reason", reason, *(["--with-feedback"] if with_feedback else [])]
            log = project.root / "logs" / f"turn-{number}.log"
            turn = _Turn(project.engine.start(arguments, project.directory, log), asked)
            self._turns.append(turn)
        threading.Thread(target=self._follow, args=(turn,), name=f"turn-{number}", daemon=True).start()
        return started

    def stop(self, number: int, actor: str) -> None:
        """End a turn that is under way; raises NotFound, and Conflict when it is over."""
        with self._lock:
            turn = self._get(number)
            if self._look(turn) is not None:
                raise Conflict(f"Turn {number} is over.", hint="what it made answers nothing until it is promoted")
            turn.stopped = True
        turn.work.stop()
        self._note(turn, f"the turn was stopped by {actor}", actor)

    def get(self, number: int) -> dict[str, Any]:
        """Return how a turn stands; raises NotFound."""
        with self._lock:
            turn = self._get(number)
            return self._look(turn) or {"turn": number, "state": "running"}

    def _get(self, number: int) -> _Turn:
        if not 1 <= number <= len(self._turns):
            raise NotFound(f"There is no turn {number}.", hint="the history has all turns: boucle history")
        return self._turns[number - 1]

    def _look(self, turn: _Turn) -> dict[str, Any] | None:
        """Return what became of a turn, None while it runs; the caller holds the lock."""
        if not turn.ended and (outcome := turn.work.poll()) is not None:
            number = turn.asked.data["turn"]
            turn.ended = {"turn": number, "state": "ended", "exit_code": outcome.code, "result": outcome.answer}
            if not turn.stopped:
                self._silent(turn, outcome)
        return turn.ended or None

    def _silent(self, turn: _Turn, outcome: Outcome) -> None:
        """Say in the history why a turn ended that could not say so itself."""
        project = self._project
        with project.state.begin(write=False) as tx:
            if tx.journal.events(project.name, ENDS, after=turn.asked.seq, limit=1):
                return
        last = outcome.messages.strip().splitlines()
        told = (outcome.answer or {}).get("error") or (last[-1] if last else f"exit code {outcome.code}")
        self._note(turn, f"the turn ended without a version: {told}", turn.asked.actor)

    def _note(self, turn: _Turn, reason: str, actor: str) -> None:
        project = self._project
        data = {"turn": turn.asked.data["turn"], "stopped": turn.stopped}
        with project.state.begin() as tx:
            tx.journal.append(Event("training_failed", project.clock.now(), reason, project.name, None, actor, data))

    def _follow(self, turn: _Turn) -> None:
        """Look until a turn is over, so that its end stands in the history though nobody asks."""
        pause = threading.Event()
        while True:
            with self._lock:
                if self._look(turn) is not None:
                    return
            pause.wait(_LOOK)


def running(tx: Transaction, model: str, now: float) -> Event | None:
    """Return the newest turn that somebody asked for and that has not ended, None without one."""
    asked = tx.journal.events(model, (ASKED,), limit=1)
    if not asked or now - asked[0].time > LONGEST or tx.journal.events(model, ENDS, after=asked[0].seq, limit=1):
        return None
    return asked[0]
