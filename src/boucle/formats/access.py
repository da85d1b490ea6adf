"""Who may call, as a file: published by the loop, read by both planes, replaced whole, readable by its owner only.

Secrets are not in it. A key is kept as its BLAKE2b digest: it is 256 random bits, so there is no dictionary to try and
nothing to gain from a slow hash, which every request would pay for. A look-up by digest also tells nothing by its
time: who does not know the key cannot steer its digest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import msgspec

from boucle.core.access import Key, Role
from boucle.core.errors import StoreError
from boucle.core.json import dumps, loads
from boucle.formats.files import write_atomic

OWNER_ONLY = 0o600


def digest_of(secret: bytes) -> str:
    """Return what is kept of a key."""
    return blake2b(secret, digest_size=32).hexdigest()


@dataclass(frozen=True, slots=True)
class TokenRules:
    """Which signed tokens (JWT) are believed. ``jwks`` holds public keys as JSON objects (RFC 7517).

    ``roles`` maps values of the claim ``role_claim`` to roles; a claim inside another is named with a dot.
    ``models_claim`` names the models a caller is limited to; without that setting tokens are not limited.
    ``skew`` is how many seconds the clocks may differ.
    """

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    jwks: tuple[dict[str, Any], ...] = ()
    name_claim: str = "sub"
    role_claim: str = "roles"
    roles: dict[str, Role] = field(default_factory=lambda: {role.value: role for role in Role})
    models_claim: str | None = None
    skew: float = 60.0


@dataclass(frozen=True, slots=True)
class Access:
    """What a plane is told: whether credentials are required, and which are valid."""

    required: bool = False
    metrics_open: bool = False
    keys: tuple[Key, ...] = ()
    tokens: TokenRules | None = None


def write_access(path: Path, access: Access) -> None:
    """Replace the file at once; nobody but its owner may read it."""
    write_atomic(path, dumps(access), OWNER_ONLY)


def read_access(path: Path) -> Access | None:
    """Read the file, None when there is none; raises StoreError when it cannot be read."""
    try:
        return loads(path.read_bytes(), Access)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(
            f"The access file {path} cannot be read: {error}.", hint="boucle keys list writes it anew"
        ) from error
