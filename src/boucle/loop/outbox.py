"""The outbox: messages wait in the live state until they are sent, so that neither a kill nor a dead address loses one.

A message is posted in the transaction that opens its alarm, once for every address. Each address has a thread of its
own while a message is on its way; the keeper only starts it, and at a later look notes what became of it. So a notifier
that hangs holds up nobody but itself.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from boucle.core.alarm import Alarm
from boucle.core.event import Event
from boucle.core.json import from_data, to_data
from boucle.loop.project import Project
from boucle.ports.stores import Transaction

Compose = Callable[[Project, Alarm], Sequence[Any]]
"""Writes an alarm's message: what a notifier's ``send`` takes, the title and the body first."""

DEADLINE = 30.0
"""Seconds a message may be on its way before it counts as failed."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 900.0
GIVE_UP = 86400.0


@dataclass(frozen=True, slots=True)
class Message:
    """One alarm on its way to one address, ``to``, known by its digest. Times are Unix seconds."""

    alarm: int
    to: str
    posted: float
    due: float
    attempts: int = 0


def post(tx: Transaction, model: str, alarm: int, to: Iterable[str], now: float) -> None:
    """Leave an alarm's message for every address in ``to``."""
    new = [Message(alarm, address, now, now) for address in to]
    if new:
        _keep(tx, model, [*waiting(tx, model), *new])


def waiting(tx: Transaction, model: str) -> list[Message]:
    """Return the messages that are not sent yet, oldest first."""
    return from_data(tx.settings.get(f"outbox:{model}") or [], list[Message])


def _keep(tx: Transaction, model: str, messages: list[Message]) -> None:
    tx.settings.put(f"outbox:{model}", to_data(messages) if messages else None)


def muting(model: str) -> str:
    """Return the name of the setting that says until when no messages are sent."""
    return f"mute:{model}"


@dataclass(slots=True)
class _Sending:
    """A message on its way; ``failed`` is None until its thread has ended, ``given_up`` that nobody waits for it."""

    message: Message
    thread: threading.Thread
    began: float
    failed: list[list[str]] = field(default_factory=list)
    given_up: bool = False


class Outbox:
    """Sends what waits, to the project's ``notifiers``. Not more than one message is on its way to an address."""

    def __init__(self, project: Project, compose: Compose, deadline: float = DEADLINE) -> None:
        self._project, self._compose, self._deadline = project, compose, deadline
        self._sending: dict[str, _Sending] = {}

    def look(self) -> None:
        """Note what became of the messages on their way, and start those that are due."""
        ended = self._ended()
        project, model, now = self._project, self._project.name, self._project.clock.now()
        with project.state.begin(write=False) as tx:
            if not ended and not waiting(tx, model):
                return
        with project.state.begin() as tx:
            left = [m for m in waiting(tx, model) if m.to in project.addresses]
            for sent, failed in ended:
                left = self._settled(tx, left, sent, failed, now)
            left = self._unmuted(tx, left, now)
            if left != waiting(tx, model):
                _keep(tx, model, left)
            due = [(m, tx.alarms.get(m.alarm)) for m in self._due(left, now)]
        for message, alarm in due:
            self._send(message, alarm)

    def drain(self, seconds: float) -> None:
        """Wait up to ``seconds`` for what is on its way, then note what became of it: for when the keeper ends."""
        end = time.monotonic() + seconds
        for one in list(self._sending.values()):
            one.thread.join(max(0.0, end - time.monotonic()))
        self.look()

    def _ended(self) -> list[tuple[Message, list[str]]]:
        """Return the messages that are through, with the addresses that failed; one that takes too long has failed,
        until it arrives after all."""
        ended = []
        for to, one in list(self._sending.items()):
            over = time.monotonic() - one.began > self._deadline
            if one.thread.is_alive() and not over:
                continue
            late = not one.thread.is_alive() and one.failed == [[]]
            if late or not one.given_up:
                ended.append((one.message, one.failed[0] if one.failed else ["an address that does not answer"]))
            one.given_up = True
            if not one.thread.is_alive():
                del self._sending[to]  # a thread that hangs keeps its address to itself
        return ended

    def _settled(
        self, tx: Transaction, left: list[Message], sent: Message, failed: list[str], now: float
    ) -> list[Message]:
        """Drop a message that has arrived, or put off one that has not; say so when it first fails, and at the end."""
        rest = [m for m in left if (m.alarm, m.to) != (sent.alarm, sent.to)]
        if not failed:
            return rest
        over = now - sent.posted > GIVE_UP
        if over or not sent.attempts:
            then = "it is not tried any more" if over else "it is tried again"
            text = f"alarm {sent.alarm} could not be sent to {', '.join(failed)}; {then}"
            name, actor = self._project.name, self._project.actor
            tx.journal.append(Event("message_failed", now, text, name, None, actor, {"alarm": sent.alarm}))
        pause = min(FIRST_PAUSE * 2.0**sent.attempts, LONGEST_PAUSE)
        return rest if over else [*rest, replace(sent, attempts=sent.attempts + 1, due=now + pause)]

    def _unmuted(self, tx: Transaction, left: list[Message], now: float) -> list[Message]:
        """Put off what is muted; what has passed meanwhile is told no more. No clock puts off anything for long."""
        until = tx.settings.get(muting(self._project.name)) or 0.0
        if until > now:
            return [replace(m, due=until) for m in left]
        kept = [m for m in left if not (m.posted < until and _resolved(tx, m.alarm))]
        return [replace(m, due=min(m.due, now + LONGEST_PAUSE)) for m in kept]

    def _due(self, left: list[Message], now: float) -> list[Message]:
        """Return a message for each address that is free, of those that are due."""
        first: dict[str, Message] = {}
        for message in left:
            if message.due <= now and message.to not in self._sending:
                first.setdefault(message.to, message)
        return list(first.values())

    def _send(self, message: Message, alarm: Alarm) -> None:
        failed: list[list[str]] = []

        def run() -> None:
            try:
                told = self._compose(self._project, alarm)
                failed.append(self._project.notifiers[message.to].send(*told))
            except Exception as error:  # noqa: BLE001 - a plugin that breaks its promise must not lose the message
                failed.append([type(error).__name__])

        thread = threading.Thread(target=run, name=f"message-{message.alarm}", daemon=True)
        self._sending[message.to] = _Sending(message, thread, time.monotonic(), failed)
        thread.start()


def _resolved(tx: Transaction, number: int) -> bool:
    return tx.alarms.get(number).state == "resolved"
