"""Who uses the console: signed in with an API key or by a provider, known afterwards by a cookie with a number.

The number is random and kept only as its digest; the row behind it has the name and when it ends. What a session may
do is looked up at every deed: a key that was revoked, or whose role has changed, is so in the same second.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import replace
from typing import Literal

from boucle.core.access import LOCAL, Caller
from boucle.core.errors import Unauthenticated
from boucle.core.person import Session
from boucle.formats.access import digest_of
from boucle.loop.access import file_of
from boucle.loop.project import Project
from boucle.ports.stores import Transaction
from boucle.serving.guard import Followed

COOKIE = "boucle_session"
IDLE, LONGEST = 8 * 3600.0, 24 * 3600.0
"""Seconds after which a session that does nothing ends, and after which each does."""
_TOUCHED = 60.0
"""Seconds between two notes that a session is in use."""


class Sessions:
    """Opens, knows and ends sessions. Where the planes ask nobody who they are, everybody is ``LOCAL``."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._followed = Followed(file_of(project), project.settings.serve.auth.on)

    @property
    def open(self) -> bool:
        """Say whether nobody has to sign in: the console then listens on this machine alone."""
        self._followed.look()
        return self._followed.guard.open

    def sign_in(self, key: str) -> str:
        """Return the number of a new session for the holder of an API key; raises Unauthenticated and RateLimited."""
        self._followed.look()
        caller = self._followed.guard.admit(b"", key.strip().encode(), "", self._project.clock.now())
        if caller.by != "key":
            raise Unauthenticated("This is no API key.", hint="make one with: boucle keys add NAME --role operator")
        return self.begin(caller.name, "key", digest_of(key.strip().encode()))

    def begin(self, name: str, by: Literal["key", "provider"], holder: str) -> str:
        """Return the number of a new session; those that are long over are forgotten."""
        number, now = secrets.token_urlsafe(32), self._project.clock.now()
        with self._project.state.begin() as tx:
            tx.sessions.forget(now - 30 * LONGEST)
            tx.sessions.put(Session(digest(number), name, by, holder, now, now))
        return number

    def caller(self, number: str | None, *, deed: bool = True) -> Caller | None:
        """Return who holds the session, None when it has ended or there is none.

        A ``deed`` keeps it from ending for idleness; only looking at an open page does not.
        """
        if self.open:
            return LOCAL
        if not number:
            return None
        now = self._project.clock.now()
        with self._project.state.begin(write=False) as tx:
            session = tx.sessions.get(digest(number))
            if session is None or not alive(session, now):
                return None
            caller = _holder(tx, session, now)
        if caller is not None and deed and now - session.seen > _TOUCHED:
            with self._project.state.begin() as tx:
                tx.sessions.put(replace(session, seen=now))
        return caller

    def end(self, number: str | None) -> None:
        """End a session; one that is over or was never there stays so."""
        if not number:
            return
        with self._project.state.begin() as tx:
            session = tx.sessions.get(digest(number))
            if session is not None and session.ended is None:
                tx.sessions.put(replace(session, ended=self._project.clock.now()))


def digest(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()


def alive(session: Session, now: float) -> bool:
    """Say whether a session goes on at ``now`` (Unix seconds)."""
    return session.ended is None and now < session.created + LONGEST and now < session.seen + IDLE


def _holder(tx: Transaction, session: Session, now: float) -> Caller | None:
    """Return what the holder of a session may do now; None for one who may do nothing any more."""
    if session.by == "provider":
        person = tx.people.get(session.holder)
        return None if person is None or person.role is None else Caller(person.name, person.role, None, "person")
    key = next((one for one in tx.keys.all() if one.digest == session.holder), None)
    if key is None or not key.live(now):
        return None
    return Caller(key.name, key.role, None if key.models is None else frozenset(key.models), "key")
