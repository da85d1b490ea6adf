"""Who uses the console: signed in with an API key or by a provider, known afterwards by a cookie with a number.

The number is random and kept only as its digest; the row behind it has the name and when it ends. What a session may
do is looked up at every deed: a key that was revoked, or whose role has changed, is so in the same second.
"""

from __future__ import annotations

import hashlib
import secrets

from boucle.core.access import LOCAL, Caller
from boucle.loop.access import file_of
from boucle.loop.project import Project
from boucle.serving.guard import Followed

COOKIE = "boucle_session"
IDLE, LONGEST = 8 * 3600.0, 24 * 3600.0
"""Seconds after which a session that does nothing ends, and after which each does."""


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

    def caller(self, number: str | None) -> Caller | None:
        """Return who holds the session, None when it has ended or there is none."""
        return LOCAL if self.open else None


def fresh() -> str:
    """Return the number of a new session."""
    return secrets.token_urlsafe(32)


def digest(number: str) -> str:
    return hashlib.sha256(number.encode()).hexdigest()
