"""Who may do what: roles, the callers who have them, and the keys by which callers are known."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal

from boucle.core.errors import RequestError

_RATE = re.compile(r"\s*([0-9]{1,7})\s*/\s*(s|min|h)\s*")
_SECONDS = {"s": 1, "min": 60, "h": 3600}


class Role(Enum):
    """What a caller may do; each role may do all that those before it may."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"

    def __ge__(self, other: Role) -> bool:
        return _RANK[self] >= _RANK[other]

    def __gt__(self, other: Role) -> bool:
        return _RANK[self] > _RANK[other]

    def __le__(self, other: Role) -> bool:
        return _RANK[self] <= _RANK[other]

    def __lt__(self, other: Role) -> bool:
        return _RANK[self] < _RANK[other]


_RANK = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who was recognised. ``models`` limits the caller to some models; None is every model, empty is none."""

    name: str
    role: Role
    models: frozenset[str] | None = None
    by: Literal["local", "key", "token", "person"] = "local"

    @property
    def actor(self) -> str:
        """Return the name for the history. No key can be named like a token's subject, or like a person."""
        return f"{self.name} ({self.by})" if self.by in ("token", "person") else self.name


LOCAL = Caller("local", Role.ADMIN)
"""Whoever can reach a plane that asks for no credentials: it listens on this machine only."""


def reaches(caller: Caller, model: str) -> bool:
    """Say whether ``model`` is one of those the caller is limited to."""
    return caller.models is None or model in caller.models


def may(caller: Caller, role: Role, model: str | None = None) -> bool:
    """Say whether a caller may do what needs ``role``, to ``model`` if it is done to one."""
    return caller.role >= role and (model is None or reaches(caller, model))


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``count`` requests at once, and ``count`` more in every ``seconds``: a bucket of tokens."""

    count: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``20/s``, ``600/min`` or ``5000/h``; raises RequestError."""
        found = _RATE.fullmatch(text)
        if not found or int(found[1]) == 0:
            raise RequestError(f"'{text}' is no rate.", hint="write for example 20/s, 600/min or 5000/h", field="rate")
        return cls(int(found[1]), _SECONDS[found[2]])

    def __str__(self) -> str:
        unit = next(unit for unit, seconds in _SECONDS.items() if seconds == self.seconds)
        return f"{self.count}/{unit}"


@dataclass(frozen=True, slots=True)
class Key:
    """One API key as it is kept: ``digest`` is its secret's, in hex (see ``formats.access``). Times are Unix seconds.

    After a rotation two keys of one name live side by side until the older one expires.
    """

    name: str
    digest: str
    role: Role
    models: tuple[str, ...] | None = None
    rate: Rate | None = None
    created: float = 0.0
    expires: float | None = None
    revoked: float | None = None

    def live(self, now: float) -> bool:
        return self.revoked is None and now < self.until

    @property
    def until(self) -> float:
        return math.inf if self.expires is None else self.expires

    def about(self) -> dict[str, Any]:
        """Return what people and the history are told of a key: enough to recognise it, nothing to use it."""
        return {
            "name": self.name,
            "role": self.role.value,
            "models": None if self.models is None else list(self.models),
            "rate": str(self.rate) if self.rate else None,
            "created": self.created,
            "expires": self.expires,
            "revoked": self.revoked,
            "fingerprint": self.digest[:12],
        }
