"""Which version answers: a stable hash of the routing key against the challenger's share.

The same key gives the same version in every process and after every restart. Raising the share only adds keys to the
challenger; nobody on it is sent back.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Generic, TypeVar

from boucle.core.deployment import Route
from boucle.core.errors import NotFound
from boucle.core.observation import Role

Version = TypeVar("Version")


@dataclass(frozen=True, slots=True)
class Served(Generic[Version]):
    """A route with its loaded versions by number; ``champion`` and ``challenger`` are among them."""

    route: Route
    versions: dict[int, Version]
    champion: Version | None
    challenger: Version | None = None


@dataclass(frozen=True, slots=True)
class Choice(Generic[Version]):
    """The version that answers, in which role, and the one that answers into the log only."""

    version: Version
    role: Role
    shadow: Version | None = None


def point(salt: str, key: str) -> float:
    """Return the place of ``key`` in [0, 1): uniform, and independent between salts."""
    digest = blake2b(key.encode(), digest_size=8, key=blake2b(salt.encode(), digest_size=16).digest()).digest()
    return (int.from_bytes(digest, "big") >> 11) / (1 << 53)


def choose(served: Served[Version], key: str, pinned: int | None = None) -> Choice[Version]:
    """Choose by ``key``, or take the ``pinned`` version; raises NotFound when that is not loaded."""
    route = served.route
    if pinned is not None:
        if pinned not in served.versions:
            known = [str(number) for number in sorted(served.versions)]
            listing = f"GET /v2/models/{route.model} (loaded: {', '.join(known) or 'none'})"
            raise NotFound.of(f"loaded version of {route.model}:", str(pinned), known, listing=listing)
        return Choice(served.versions[pinned], "pinned")
    champion, challenger = served.champion, served.challenger
    if champion is None:
        raise NotFound(f"{route.model} has no loaded version.", code="not_ready")
    if challenger is None or route.challenger is None:
        return Choice(champion, "champion")
    if route.shadow:
        return Choice(champion, "champion", challenger)
    taken = point(f"{route.model}/{route.challenger.version}", key) < route.share
    return Choice(challenger, "challenger") if taken else Choice(champion, "champion")
