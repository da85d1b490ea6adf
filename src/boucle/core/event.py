"""Event: what happened, in an append-only log where each entry carries the hash of the one before."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from boucle.core.json import dumps

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the history. ``data`` is the evidence: numbers, checks, the command that undoes it.

    ``actor`` is who or what did it: "keeper", "cli", "api", a person's name.
    """

    kind: str
    time: float
    reason: str
    model: str = ""
    version: int | None = None
    actor: str = "cli"
    data: dict[str, Any] = field(default_factory=dict)
    seq: int = 0
    previous: str = GENESIS
    digest: str = ""

    def sealed(self, seq: int, previous: str) -> Event:
        """Return this event at position ``seq`` behind the entry whose digest is ``previous``."""
        body = dumps(
            [seq, self.kind, self.time, self.reason, self.model, self.version, self.actor, self.data, previous]
        )
        digest = hashlib.sha256(body).hexdigest()
        return Event(
            self.kind, self.time, self.reason, self.model, self.version, self.actor, self.data, seq, previous, digest
        )


def first_break(events: list[Event], previous: str = GENESIS) -> int | None:
    """Return the ``seq`` of the first entry that does not follow from the one before, None if the chain holds."""
    expected = events[0].seq if events else 1
    for event in events:
        if event.seq != expected or event != event.sealed(event.seq, previous):
            return expected
        previous, expected = event.digest, expected + 1
    return None
