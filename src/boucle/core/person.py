"""People at the console: those who signed in through a provider, and everybody's sessions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from boucle.core.access import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a provider has named. ``subject`` is the provider's own name for them and never changes.

    Without a ``role`` a person may do nothing; ``given`` says whether it came from the provider or from an admin, whose
    word stands. Times are Unix seconds.
    """

    subject: str
    name: str
    role: Role | None = None
    given: Literal["provider", "admin"] = "provider"
    first: float = 0.0
    last: float = 0.0


@dataclass(frozen=True, slots=True)
class Session:
    """One sign-in at one browser, known by the ``digest`` of the number in its cookie.

    ``by`` says how: with an API key, whose digest is in ``holder``, or through a provider, then it is the subject.
    ``seen`` is when it last did something (Unix seconds).
    """

    digest: str
    name: str
    by: Literal["key", "provider"]
    holder: str
    created: float
    seen: float
    ended: float | None = None
