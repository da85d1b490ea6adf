"""People and sessions of the console, one row each."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from boucle.adapters.stores.bulk import replace_all
from boucle.adapters.stores.tables import people, sessions
from boucle.core.access import Role
from boucle.core.person import Person, Session


class SqlPeople:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[Person]:
        """Return everybody, by name."""
        rows = self._connection.execute(select(people).order_by(people.c.name, people.c.subject))
        return [Person(**{**row._asdict(), "role": Role(row.role) if row.role else None}) for row in rows]

    def get(self, subject: str) -> Person | None:
        return next((one for one in self.all() if one.subject == subject), None)

    def put(self, person: Person) -> None:
        """Keep a person, in place of one with the same subject."""
        row = {
            "subject": person.subject,
            "name": person.name,
            "role": None if person.role is None else person.role.value,
            "given": person.given,
            "first": person.first,
            "last": person.last,
        }
        replace_all(self._connection, people, [row])

    def remove(self, subject: str) -> None:
        self._connection.execute(delete(people).where(people.c.subject == subject))


class SqlSessions:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, digest: str) -> Session | None:
        row = self._connection.execute(select(sessions).where(sessions.c.digest == digest)).one_or_none()
        return None if row is None else Session(**row._asdict())

    def live(self, created: float, seen: float) -> list[Session]:
        """Return the sessions that nobody has ended, made and seen after these times, the newest first."""
        query = select(sessions).where(sessions.c.ended.is_(None), sessions.c.created > created, sessions.c.seen > seen)
        return [Session(**row._asdict()) for row in self._connection.execute(query.order_by(sessions.c.created.desc()))]

    def put(self, session: Session) -> None:
        """Keep a session, in place of one with the same digest."""
        row = {name: getattr(session, name) for name in Session.__dataclass_fields__}
        replace_all(self._connection, sessions, [row])

    def forget(self, before: float) -> None:
        """Drop the sessions made before a time."""
        self._connection.execute(delete(sessions).where(sessions.c.created < before))
