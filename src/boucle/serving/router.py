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


def leader(served: Served[Version]) -> Version:
    """Return the champion; raises NotFound while it is not loaded."""
    if served.champion is None:
        raise NotFound(
            f"{served.route.model} has no version that can answer yet.",
            hint=f"GET /v2/models/{served.route.model}/ready says why",
            code="not_ready",
        )
    return served.champion


def numbered(served: Served[Version], number: int) -> Version:
    """Return a version by its number; raises NotFound when it is not loaded."""
    if number not in served.versions:
        known = [str(known) for known in sorted(served.versions)]
        model = served.route.model
        listing = f"GET /v2/models/{model} (loaded: {', '.join(known) or 'none'})"
        raise NotFound.of("loaded version", f"{model}/{number}", known, listing=listing)
    return served.versions[number]


def choose(served: Served[Version], key: str, pinned: int | None = None) -> Choice[Version]:
    """Choose by ``key``, or take the ``pinned`` version; raises NotFound when that is not loaded."""
    if pinned is not None:
        return Choice(numbered(served, pinned), "pinned")
    champion, challenger, route = leader(served), served.challenger, served.route
    if challenger is None or route.challenger is None:
        return Choice(champion, "champion")
    if route.shadow:
        return Choice(champion, "champion", challenger)
    taken = point(f"{route.model}/{route.challenger.version}", key) < route.share
    return Choice(challenger, "challenger") if taken else Choice(champion, "champion")
