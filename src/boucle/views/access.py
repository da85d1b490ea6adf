"""Settings: who may do what, and who is told? Keys without their secrets, addresses without their passwords."""

from __future__ import annotations

from dataclasses import dataclass, field

from boucle.core.access import Caller, Key, Role
from boucle.core.person import Person as Known
from boucle.formats import used
from boucle.loop import access, outbox, usage
from boucle.loop.project import Project

KEYS = 50


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key; ``ends`` is when it stops working (Unix seconds), None never.

    ``used`` is when it was last used at either plane, to a minute; None for one that never was.
    """

    name: str
    role: str
    models: tuple[str, ...] | None
    fingerprint: str
    created: float
    ends: float | None
    revoked: float | None
    live: bool
    used: float | None


@dataclass(frozen=True, slots=True)
class KeysView:
    """``asked`` says that callers are asked who they are; ``more`` keys are not shown."""

    time: float
    asked: bool
    rows: tuple[KeyRow, ...]
    more: int


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who has acted, or has signed in through a provider.

    Who has signed in has a ``subject``, and a role unless nobody gave them one; ``given`` says who did, the provider or
    an admin. ``last`` is when they last signed in (Unix seconds); ``actor`` is what the history calls them.
    """

    name: str
    acted: bool
    subject: str = ""
    role: str | None = None
    given: str = ""
    last: float | None = None
    actor: str = ""


@dataclass(frozen=True, slots=True)
class PeopleView:
    """``issuer`` is where people sign in with tokens, empty where they do not.

    ``provider`` is where they sign in to the console, and ``words`` the roles its words stand for.
    """

    time: float
    asked: bool
    issuer: str
    people: tuple[Person, ...]
    provider: str = ""
    words: dict[str, str] = field(default_factory=dict)


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
    with project.state.begin(write=False) as tx:
        seen = usage.used(tx)
        sessions = {one.holder: one.seen for one in reversed(tx.sessions.live(0.0, 0.0)) if one.by == "key"}
    marks = used.folder_of(access.file_of(project).parent)

    def last(key: Key) -> float | None:
        return _newest(seen.get(key.name), sessions.get(key.digest), used.marked(marks, key.digest))

    rows = tuple(_row(key, now, last(key)) for key in found[: -KEYS - 1 : -1])
    return KeysView(now, project.settings.serve.auth.on, rows, len(found) - len(rows))


def people(project: Project) -> PeopleView:
    """Return who has acted on this project or signed in through a provider, by name."""
    auth = project.settings.serve.auth
    with project.state.begin(write=False) as tx:
        acting, signed = set(tx.journal.actors()), tx.people.all()
    found = [_person(one, acting) for one in signed]
    found += [Person(name, True, actor=name) for name in sorted(acting - {one.actor for one in found})]
    issuer = auth.jwt.issuer if auth.jwt is not None else ""
    words: dict[str, str] = {}
    if auth.oidc is not None and auth.oidc.roles is not None:
        words.update(auth.oidc.roles)
    provider = auth.oidc.issuer if auth.oidc is not None else ""
    return PeopleView(project.clock.now(), auth.on, issuer, tuple(found), provider, words)


def _person(one: Known, acting: set[str]) -> Person:
    actor = Caller(one.name, Role.VIEWER, None, "person").actor
    role = one.role.value if one.role is not None else None
    return Person(one.name, actor in acting, one.subject, role, one.given, one.last, actor)


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


def _newest(*times: float | None) -> float | None:
    return max((time for time in times if time is not None), default=None)


def _row(key: Key, now: float, last: float | None) -> KeyRow:
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
        used=last,
    )
