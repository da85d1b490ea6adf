"""Settings: who may do what, and who is told? Keys without their secrets, addresses without their passwords."""

from __future__ import annotations

from dataclasses import dataclass

from boucle.core.access import Key
from boucle.loop import access, outbox
from boucle.loop.project import Project

KEYS = 50


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key; ``ends`` is when it stops working (Unix seconds), None never."""

    name: str
    role: str
    models: tuple[str, ...] | None
    fingerprint: str
    created: float
    ends: float | None
    revoked: float | None
    live: bool


@dataclass(frozen=True, slots=True)
class KeysView:
    """``asked`` says that callers are asked who they are; ``more`` keys are not shown."""

    time: float
    asked: bool
    rows: tuple[KeyRow, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has acted, or may sign in."""

    name: str
    acted: bool


@dataclass(frozen=True, slots=True)
class PeopleView:
    """``issuer`` is where people sign in with tokens, empty where they do not."""

    time: float
    asked: bool
    issuer: str
    people: tuple[Person, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """One address by its kind and digest; ``waiting`` messages have not reached it, after ``attempts`` tries."""

    digest: str
    kind: str
    waiting: int
    attempts: int
    failed: float | None


@dataclass(frozen=True, slots=True)
class NotifiersView:
    """``muted`` is until when no messages are sent (Unix seconds), None when they are."""

    time: float
    language: str
    addresses: tuple[Address, ...]
    muted: float | None


def keys(project: Project, every: bool = False) -> KeysView:
    """Return the newest 50 keys, with those that are over if ``every``."""
    now = project.clock.now()
    found = access.listing(project, every)
    rows = tuple(_row(key, now) for key in reversed(found[-KEYS:]))
    return KeysView(now, project.settings.serve.auth.on, rows, len(found) - len(rows))


def people(project: Project) -> PeopleView:
    """Return who has acted on this project, by name."""
    auth = project.settings.serve.auth
    with project.state.begin(write=False) as tx:
        names = tx.journal.actors()
    found = tuple(Person(name, True) for name in names)
    return PeopleView(project.clock.now(), auth.on, auth.jwt.issuer if auth.jwt is not None else "", found)


def notifiers(project: Project) -> NotifiersView:
    """Return who is told, and what has not reached them."""
    now, model = project.clock.now(), project.name
    with project.state.begin(write=False) as tx:
        waiting = outbox.waiting(tx, model)
        failed = tx.journal.events(model, ("message_failed",), limit=1)
        until = tx.settings.get(outbox.muting(model)) or 0.0
    last = failed[0].time if failed else None
    rows = []
    for digest, url in project.addresses.items():
        own = [one for one in waiting if one.to == digest]
        tried = max((one.attempts for one in own), default=0)
        rows.append(Address(digest, url.partition(":")[0], len(own), tried, last if own else None))
    return NotifiersView(now, project.settings.language, tuple(rows), until if until > now else None)


def _row(key: Key, now: float) -> KeyRow:
    told = key.about()
    ends = key.expires if key.revoked is None else key.revoked
    return KeyRow(
        name=key.name,
        role=key.role.value,
        models=None if key.models is None else tuple(key.models),
        fingerprint=told["fingerprint"],
        created=key.created,
        ends=ends,
        revoked=key.revoked,
        live=ends is None or ends > now,
    )
