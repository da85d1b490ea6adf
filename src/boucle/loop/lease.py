"""The lease: of several keepers of one project, on however many machines, one acts; the others wait.

The holder counts up a number in the live state (its heartbeat). Who waits compares what it reads with what it read
before, by its own steady clock: no clock is compared with another's, so clocks may jump. A heartbeat that stands still
for ``TERM`` seconds belongs to a dead keeper, and the lease is taken with the next fencing number. Every writing
transaction of a keeper checks that number first (``fenced``): one that was only slow, and has lost the lease without
knowing, changes nothing any more (Kleppmann, 2016: fencing tokens).
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from boucle.core.errors import BoucleError, Conflict
from boucle.core.json import from_data, to_data
from boucle.ports.stores import State, Transaction

TERM = 5.0
"""Seconds without a heartbeat after which a lease may be taken."""
BEAT = 1.0
HANGING = 300.0
"""Seconds without a look after which a keeper's heart no longer beats, though its process lives."""


class LeaseLost(Conflict):
    """Another keeper has taken over; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Held:
    """The lease as it is kept. ``number`` rises with every holder, ``beat`` with every heartbeat; "" is nobody."""

    number: int = 0
    beat: int = 0
    holder: str = ""


class Lease:
    """One keeper's claim on the lease ``name`` in ``state``. ``try_take`` is asked again and again until it is true."""

    def __init__(self, state: State, name: str, term: float = TERM) -> None:
        self._state, self._key, self._term = state, f"lease:{name}", term
        self._number: int | None = None
        self._seen: tuple[Held, float] | None = None
        self._worked = time.monotonic()
        self.me = f"{socket.gethostname()}:{os.getpid()}"

    @property
    def held(self) -> bool:
        """Whether this keeper holds the lease, as far as it knows."""
        return self._number is not None

    def holder(self) -> str:
        """Return who holds the lease, as host:process; "" when nobody does."""
        with self._state.begin(write=False) as tx:
            return self._read(tx).holder

    def try_take(self) -> bool:
        """Take the lease if it is free, or its holder's heart has stood still for the term; returns whether it is ours.

        Has to be asked at least once a second or so: only what is watched can be seen to stand still.
        """
        if self.held:
            return True
        with self._state.begin(write=False) as tx:
            found = self._read(tx)
        if found.holder and not self._still(found):
            return False
        with self._state.begin() as tx:
            if self._read(tx) != found:
                return False
            tx.settings.put(self._key, to_data(Held(found.number + 1, 0, self.me)))
        self._number = found.number + 1
        self._worked = time.monotonic()
        return True

    def _still(self, found: Held) -> bool:
        now = time.monotonic()
        if self._seen is None or self._seen[0] != found:
            self._seen = found, now
        return now - self._seen[1] >= self._term

    def check(self, tx: Transaction) -> None:
        """Raise LeaseLost unless the lease is still ours; inside the transaction that acts."""
        found = self._read(tx)
        if self._number is None or found.number != self._number:
            self._number = None
            raise LeaseLost(
                f"Another keeper has taken over ({found.holder or 'nobody'} holds the lease).",
                hint="this one waits, and takes over when that one ends",
            )

    def worked(self) -> None:
        """Say that the keeper is still at work; without that its heart stops beating after a while."""
        self._worked = time.monotonic()

    def beat(self) -> None:
        """Renew the lease; raises LeaseLost."""
        with self._state.begin() as tx:
            self.check(tx)
            found = self._read(tx)
            tx.settings.put(self._key, to_data(replace(found, beat=found.beat + 1)))

    def give_back(self) -> None:
        """Let the next keeper begin at once."""
        if self._number is None:
            return
        with self._state.begin() as tx:
            if self._read(tx).number == self._number:
                tx.settings.put(self._key, to_data(Held(self._number)))
        self._number = None

    @contextmanager
    def beating(self) -> Iterator[None]:
        """Renew the lease in the background for the block, then give it back."""
        stop = threading.Event()
        thread = threading.Thread(target=self._beats, args=(stop,), name="lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()
            with suppress(BoucleError):  # the state is away: the lease ends by itself
                self.give_back()

    def _beats(self, stop: threading.Event) -> None:
        while not stop.wait(BEAT):
            if not self.held or time.monotonic() - self._worked > HANGING:
                continue
            with suppress(BoucleError):  # lost, which the next transaction says, or the state is away for a moment
                self.beat()

    def _read(self, tx: Transaction) -> Held:
        kept = tx.settings.get(self._key)
        return from_data(kept, Held) if kept else Held()


class Fenced:
    """A state whose writing transactions all check the lease first."""

    def __init__(self, state: State, lease: Lease) -> None:
        self._state, self._lease = state, lease

    @contextmanager
    def begin(self, write: bool = True) -> Iterator[Transaction]:
        """Open a transaction; a writing one raises LeaseLost when the lease is another keeper's."""
        with self._state.begin(write) as tx:
            if write:
                self._lease.check(tx)
            yield tx

    def close(self) -> None:
        self._state.close()
