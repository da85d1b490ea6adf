"""The roles of people who sign in through a provider: an admin's word stands above the provider's."""

from __future__ import annotations

from dataclasses import replace

from boucle.core.access import Role
from boucle.core.errors import Conflict, NotFound
from boucle.core.event import Event
from boucle.core.person import Person
from boucle.loop.project import Project
from boucle.ports.stores import Transaction

GIVEN = "role_given"


def give(project: Project, who: str, role: Role | None) -> tuple[Person, Role | None]:
    """Give a person a role, or with None none; returns them and the role they had.

    ``who`` is a name or a subject. Raises NotFound, and Conflict when nobody would be left who may give roles.
    """
    with project.state.begin() as tx:
        known = _find(tx, who)
        now = project.clock.now()
        person = replace(known, role=role, given="admin")
        tx.people.put(person)
        if known.role is Role.ADMIN and role is not Role.ADMIN and not _admins(tx, now):
            raise Conflict("Nobody would be left who may give roles.", hint="give somebody else the role admin first")
        word, before = (one.value if one is not None else "none" for one in (role, known.role))
        data = {"subject": known.subject, "name": known.name, "role": word, "before": before}
        reason = f"{known.name} has the role {word}, before: {before}"
        tx.journal.append(Event(GIVEN, now, reason, actor=project.actor, data=data))
    return person, known.role


def listing(project: Project) -> list[Person]:
    """Return everybody who has signed in through a provider, by name."""
    with project.state.begin(write=False) as tx:
        return tx.people.all()


def _find(tx: Transaction, who: str) -> Person:
    everybody = tx.people.all()
    found = [one for one in everybody if who in (one.subject, one.name)]
    if not found:
        names = {one.name for one in everybody}
        raise NotFound.of("person", who, names, "boucle people list; people are known once they have signed in")
    if len(found) > 1:
        subjects = ", ".join(one.subject for one in found)
        raise Conflict(f"{len(found)} people are called {who}.", hint=f"name one by the subject: {subjects}")
    return found[0]


def _admins(tx: Transaction, now: float) -> bool:
    """Say whether anybody may still give roles."""
    if any(one.role is Role.ADMIN for one in tx.people.all()):
        return True
    return any(key.role is Role.ADMIN and key.models is None and key.live(now) for key in tx.keys.all())
