"""Stores: the live state of the loop. Each noun has its own narrow port; one transaction spans them all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from boucle.core.access import Key
from boucle.core.alarm import Alarm
from boucle.core.deployment import Deployment
from boucle.core.event import Event
from boucle.core.observation import Feedback, Joined, Observation, Served, Window
from boucle.core.person import Person, Session
from boucle.core.profile import Counts
from boucle.core.verdict import Verdict


class Journal(Protocol):
    """The hash-chained history."""

    def append(self, event: Event) -> Event:
        """Seal ``event`` behind the last one and keep it; returns it with seq and digest."""
        ...

    def events(
        self,
        model: str | None = None,
        kinds: Sequence[str] = (),
        after: int = 0,
        since: float = 0.0,
        limit: int = 0,
        before: int = 0,
        actor: str = "",
    ) -> list[Event]:
        """Events oldest first; ``limit`` keeps the newest so many, 0 keeps all.

        ``after`` and ``before`` are the seqs they stand between (0: no end), ``actor`` who they are by ("": anybody).
        """
        ...

    def actors(self, model: str | None = None) -> list[str]:
        """Return who is in the history, by name, at most 100."""
        ...

    def head(self) -> int:
        """Return the seq of the newest event: how many there are; 0 without any."""
        ...

    def verify(self) -> int | None:
        """Return the seq of the first entry that breaks the chain, None if it holds."""
        ...


class Deployments(Protocol):
    """The release state, one row a model."""

    def get(self, model: str) -> Deployment:
        """Return the state; a model never released has an empty one."""
        ...

    def all(self) -> list[Deployment]: ...

    def put(self, deployment: Deployment) -> None:
        """Replace the row; raises Conflict unless its generation is the stored one or one above."""
        ...


class Observations(Protocol):
    """Served requests and what came back about them."""

    def ingest(
        self, observations: Iterable[Observation], feedback: Iterable[Feedback], cursors: dict[str, int]
    ) -> tuple[int, int]:
        """Keep new entries and, in the same transaction, how far each segment was read.

        An id seen before is not kept twice. Feedback may come before its observation, twice or out of order: the
        latest truth for a row wins, an event of the same id, name and time counts once. Returns how many were new.
        """
        ...

    def cursors(self) -> dict[str, int]: ...

    def forget(self, segments: Sequence[str]) -> None:
        """Drop the cursors of segments that are gone; none of them comes back."""
        ...

    def count(self, model: str, version: int | None = None, since: float = 0.0) -> int:
        """Rows (not requests) observed."""
        ...

    def answered(self, model: str, since: float = 0.0, until: float | None = None) -> dict[int, int]:
        """Rows (not requests) observed of each version, of requests made in [since, until).

        Every request is counted, so this is not for what is read often.
        """
        ...

    def rows(
        self, model: str, version: int | None = None, roles: Sequence[str] = (), after: int = 0, limit: int = 0
    ) -> list[tuple[int, Observation]]:
        """Observations in order of arrival with their position, from position ``after`` on."""
        ...

    def newest(self, model: str, version: int, limit: int) -> list[Observation]:
        """The newest ``limit`` requests that ``version`` answered as champion, in order of arrival."""
        ...

    def joined(
        self, model: str, version: int | None = None, since: float = 0.0, limit: int = 0, inputs: bool = False
    ) -> Joined:
        """Labelled rows in order of request time, from ``since`` on; ``limit`` keeps the newest so many."""
        ...

    def labelled(
        self, model: str, versions: Sequence[int], since: float, after: tuple[int, int]
    ) -> tuple[Joined, tuple[int, int]]:
        """Rows of requests made at ``since`` or later whose label or request arrived behind ``after``, by request time.

        Returns where that ends, to go on from; (0, 0) is the beginning. Each row comes once, with its truth of then: a
        correction does not come again.
        """
        ...

    def served(
        self, model: str, versions: Sequence[int], since: float, after: int, slow: float
    ) -> tuple[list[Served], int]:
        """Count requests behind position ``after``, and those that failed or took longer than ``slow`` seconds.

        Requests that were wrong themselves, pinned ones and fallbacks do not count. Returns where that ends.
        """
        ...

    def before(self, model: str, version: int, time: float, limit: int) -> list[tuple[float, str]]:
        """(latency, error) of the newest requests that ``served`` would count and that were made before ``time``."""
        ...

    def converted(
        self, model: str, versions: Sequence[int], event: str, since: float, until: float
    ) -> dict[int, tuple[int, int]]:
        """(requests made in [since, until), those that led to ``event``) by version; shadows do not count."""
        ...

    def earned(
        self, model: str, versions: Sequence[int], event: str, since: float, until: float, cap: float
    ) -> dict[int, tuple[int, float, float]]:
        """(requests made in [since, until), the sum of what each brought, the sum of its squares) by version.

        What a request brought is the summed value of its events, within 0 and ``cap``; shadows do not count.
        """
        ...

    def feedback_totals(self, model: str) -> dict[str, float]:
        """Counts: ``labels`` (rows with truth), ``unknown`` (no observation yet); ``delay`` (mean, seconds)."""
        ...

    def brought(
        self, model: str, event: str, since: float = 0.0, until: float | None = None
    ) -> list[tuple[int, float, int, int]]:
        """(version, amount, requests, events): how many requests made in [since, until) brought that amount.

        An amount is the summed value of a request's events, and ``events`` is how many those were, of all these
        requests. Requests without such an event are not told; shadows do not count. Ordered by version and amount.
        """
        ...

    def known(self, ids: Sequence[str]) -> set[str]:
        """Which of these observation ids are kept."""
        ...

    def oldest(self, model: str, before: float, upto: int, least: int, limit: int) -> list[tuple[int, str]]:
        """(position, id) of the oldest requests made before ``before``, up to position ``upto``, ``limit`` at most.

        The newest ``least`` requests of the model are none of them.
        """
        ...

    def strays(self, before: float, limit: int) -> list[str]:
        """Ids that feedback came back about before ``before``, and that no observation has."""
        ...

    def feedback(self, ids: Sequence[str]) -> list[Feedback]:
        """What came back about these ids: the newest truths, and every event."""
        ...

    def let_go(self, positions: Sequence[int], strays: Sequence[str] = ()) -> int:
        """Drop observations with the feedback on them, and that on ``strays``; returns how many rows they were.

        Feedback stays as long as any observation of its id does.
        """
        ...


class Windows(Protocol):
    """Profiles of closed windows and the verdicts about them."""

    def last(self, model: str, version: int) -> tuple[int, int]:
        """Return (number, end position) of the last closed window; (0, 0) when there is none."""
        ...

    def close(
        self, model: str, version: int, number: int, position: int, start: float, end: float, counts: Counts
    ) -> None:
        """Keep a closed window; closing the same number again does no harm."""
        ...

    def counts(self, model: str, version: int, last: int) -> list[tuple[Window, Counts]]:
        """The newest ``last`` windows, oldest first."""
        ...

    def record(self, model: str, version: int, kind: str, time: float, verdict: Verdict) -> None:
        """Keep a verdict as the newest of its kind."""
        ...

    def verdicts(self, model: str, kind: str = "", limit: int = 0) -> list[tuple[float, int, Verdict]]:
        """(time, version, verdict), oldest first; ``limit`` keeps the newest so many."""
        ...

    def spread(self, model: str, kind: str, since: float, until: float, most: int) -> list[tuple[float, int, Verdict]]:
        """(time, version, verdict) made in [since, until], oldest first: ``most`` of them at most, evenly thinned.

        The newest is always among them. What it costs is by ``most``, however many there are.
        """
        ...


class Alarms(Protocol):
    def unresolved(self, model: str | None = None) -> list[Alarm]: ...

    def all(self, model: str | None = None, limit: int = 0) -> list[Alarm]: ...

    def get(self, id: int) -> Alarm:
        """Raises NotFound."""
        ...

    def put(self, alarm: Alarm) -> Alarm:
        """Keep an alarm; id 0 gives it a new one. Returns it as kept."""
        ...


class Settings(Protocol):
    """Small named facts, such as a mute's end or a lease, as JSON."""

    def get(self, key: str) -> Any: ...

    def put(self, key: str, value: Any) -> None: ...


class Keys(Protocol):
    """API keys by the digest of their secret. None is ever removed: one that is over stays to be seen."""

    def all(self) -> list[Key]:
        """Every key, oldest first."""
        ...

    def put(self, key: Key) -> None:
        """Keep a key, in place of one with the same digest."""
        ...


class People(Protocol):
    """Those whom a provider has named, by its own name for them."""

    def all(self) -> list[Person]:
        """Everybody, by name."""
        ...

    def get(self, subject: str) -> Person | None: ...

    def put(self, person: Person) -> None:
        """Keep a person, in place of one with the same subject."""
        ...

    def remove(self, subject: str) -> None: ...


class Sessions(Protocol):
    """Sign-ins at the console, by the digest of their number."""

    def get(self, digest: str) -> Session | None: ...

    def live(self, created: float, seen: float) -> list[Session]:
        """Sessions that nobody has ended, made and seen after these times (Unix seconds), the newest first."""
        ...

    def put(self, session: Session) -> None:
        """Keep a session, in place of one with the same digest."""
        ...

    def forget(self, before: float) -> None:
        """Drop the sessions made before a time (Unix seconds)."""
        ...


class Transaction(Protocol):
    """Everything changed through one transaction is kept together or not at all."""

    @property
    def journal(self) -> Journal: ...
    @property
    def deployments(self) -> Deployments: ...
    @property
    def observations(self) -> Observations: ...
    @property
    def windows(self) -> Windows: ...
    @property
    def alarms(self) -> Alarms: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def people(self) -> People: ...
    @property
    def sessions(self) -> Sessions: ...


class State(Protocol):
    """The live state. ``begin`` commits when its block ends, undoes everything when it raises."""

    def begin(self, write: bool = True) -> AbstractContextManager[Transaction]:
        """Open a transaction; raises StoreError when the store is locked, full, read-only or corrupt.

        Writing ones take their turn. With ``write=False`` it waits for no writer, and refuses to change anything.
        """
        ...

    def stamp(self) -> int:
        """Return a number that is another one soon after somebody wrote, got without asking the store.

        A hint: two writes within a clock tick may share one. Always 0 where only asking would tell.
        """
        ...

    def close(self) -> None: ...
