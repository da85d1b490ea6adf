"""Who may call: keys are made, rotated and revoked here, and published to both planes as one file."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from boucle.core.access import Key, Rate, Role
from boucle.core.errors import Conflict, NotFound, ProjectError, RequestError, StoreError
from boucle.core.event import Event
from boucle.formats.access import Access, TokenRules, digest_of, read_access, write_access
from boucle.formats.files import exclusive
from boucle.loop import issuers
from boucle.loop.project import Project
from boucle.ports.stores import Transaction
from boucle.project.answering import Jwt
from boucle.project.values import NAME, seconds

PREFIX = "boucle_"
RESERVED = frozenset(("admin", "api", "cli", "keeper", "local", "root"))
"""Names the history gives to others than keys."""


@dataclass(frozen=True, slots=True)
class Made:
    """A key with its secret, which is shown now and never again."""

    key: Key
    secret: str


def file_of(project: Project) -> Path:
    return project.root / "serving" / "access.json"


def add(
    project: Project,
    name: str,
    role: Role,
    models: Sequence[str] | None = None,
    rate: Rate | None = None,
    lasts: float | None = None,
) -> Made:
    """Make a key that ``lasts`` so many seconds (None: for ever); raises Conflict when the name has a live one."""
    _check_name(name)
    now = project.clock.now()
    secret = PREFIX + secrets.token_urlsafe(32)
    limited = None if models is None else tuple(sorted(set(models)))
    key = Key(name, digest_of(secret.encode()), role, limited, rate, now, _end(now, lasts))

    def change(tx: Transaction) -> None:
        if _live(tx, name, now):
            raise Conflict(f"There is a key '{name}' already.", hint=f"boucle keys rotate {name}", name=name)
        tx.keys.put(key)
        _note(project, tx, "key_added", f"key {name} with role {role.value}", key)

    _changed(project, change)
    return Made(key, secret)


def rotate(project: Project, name: str, grace: float = 0.0, lasts: float | None = None) -> Made:
    """Make a new secret for a key; the old one works ``grace`` seconds longer. Raises NotFound.

    The new one lasts as long as the old one was made for, unless ``lasts`` says otherwise.
    """
    now = project.clock.now()
    secret = PREFIX + secrets.token_urlsafe(32)
    made: list[Key] = []

    def change(tx: Transaction) -> None:
        old = _known(tx, name, now)[-1]
        span = old.expires - old.created if lasts is None and old.expires is not None else lasts
        key = replace(old, digest=digest_of(secret.encode()), created=now, expires=_end(now, span))
        for one in _live(tx, name, now):
            tx.keys.put(replace(one, expires=min(one.until, now + grace)))
        tx.keys.put(key)
        _note(project, tx, "key_rotated", f"key {name} has a new secret", key, old=old.digest[:12], grace=grace)
        made.append(key)

    _changed(project, change)
    return Made(made[0], secret)


def revoke(project: Project, name: str) -> list[Key]:
    """End every secret of a name now; raises NotFound."""
    now = project.clock.now()
    revoked: list[Key] = []

    def change(tx: Transaction) -> None:
        for one in _known(tx, name, now):
            ended = replace(one, revoked=now)
            tx.keys.put(ended)
            revoked.append(ended)
        _note(project, tx, "key_revoked", f"key {name} is revoked", revoked[-1], secrets=len(revoked))

    _changed(project, change)
    return revoked


def listing(project: Project, every: bool = False) -> list[Key]:
    """Return the keys that work, or all there ever were; publishes them as well."""
    publish(project)
    now = project.clock.now()
    with project.state.begin(write=False) as tx:
        return [key for key in tx.keys.all() if every or key.live(now)]


def publish(project: Project, fetch: bool = False) -> bool:
    """Write the access file if it says something else; returns whether it did. Does nothing twice.

    With ``fetch`` the keys of token issuers are read again when they are due. Raises ProjectError when they cannot be
    read at all; once published, they go on counting.
    """
    auth = project.settings.serve.auth
    path = file_of(project)
    jwks = () if auth.jwt is None else _jwks(project, auth.jwt, path, fetch)
    rules = None if auth.jwt is None else _rules(auth.jwt, jwks)
    with exclusive(project.root / "locks" / "access.lock", "Publishing who may call", wait=True):
        now = project.clock.now()
        with project.state.begin(write=False) as tx:
            keys = tuple(key for key in tx.keys.all() if key.live(now))
        new = Access(auth.on, auth.metrics == "open", keys if auth.keys else (), rules)
        if new == _published(path):
            return False
        write_access(path, new)
    return True


def _jwks(project: Project, jwt: Jwt, path: Path, fetch: bool) -> issuers.Keys:
    kept, now = project.root / "serving" / "jwks.json", project.clock.now()
    try:
        return issuers.current(jwt.jwks, project.directory, kept, seconds(jwt.refresh) if fetch else None, now)
    except ProjectError:
        old = _published(path)
        if old is None or old.tokens is None:
            raise
        return old.tokens.jwks


def _rules(jwt: Jwt, jwks: issuers.Keys) -> TokenRules:
    roles = {role.value: role for role in Role} if jwt.roles is None else {k: Role(v) for k, v in jwt.roles.items()}
    return TokenRules(
        jwt.issuer,
        jwt.audience,
        tuple(jwt.algorithms),
        jwks,
        jwt.name_claim,
        jwt.role_claim,
        roles,
        jwt.models_claim,
        seconds(jwt.skew),
    )


def _published(path: Path) -> Access | None:
    try:
        return read_access(path)
    except StoreError:
        return None  # unreadable: a new file takes its place


def _changed(project: Project, change: Callable[[Transaction], None]) -> None:
    with project.state.begin() as tx:
        change(tx)
    publish(project)


def _live(tx: Transaction, name: str, now: float) -> list[Key]:
    return [key for key in tx.keys.all() if key.name == name and key.live(now)]


def _known(tx: Transaction, name: str, now: float) -> list[Key]:
    found = _live(tx, name, now)
    if not found:
        raise NotFound.of("live key", name, {key.name for key in tx.keys.all() if key.live(now)}, "boucle keys list")
    return found


def _note(project: Project, tx: Transaction, kind: str, reason: str, key: Key, **more: Any) -> None:
    data = key.about() | more
    tx.journal.append(Event(kind, project.clock.now(), reason, actor=project.actor, data=data))


def _check_name(name: str) -> None:
    if not re.fullmatch(NAME, name) or name in RESERVED:
        raise RequestError(
            f"A key cannot be called '{name[:100]}'.",
            hint="letters, digits, dot, dash and underscore; not " + ", ".join(sorted(RESERVED)),
            field="name",
        )


def _end(now: float, lasts: float | None) -> float | None:
    return None if lasts is None else now + lasts
