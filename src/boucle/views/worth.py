"""What each version is worth, in all and over time.

What is long over is read seldom: only late events move it. What is new is read every minute.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from boucle.loop.project import Project
from boucle.monitoring.business import Measure, Takings, measures, take
from boucle.monitoring.worth import Stretch, measured, stretches
from boucle.ports.stores import Transaction
from boucle.project.values import seconds
from boucle.views.kept import MINUTE, Kept

VERSIONS = 4
DAY = 86400.0
_Key = tuple[Path, str, str, tuple[int, ...], tuple[float, float]]
_known: Kept[_Key, tuple[Stretch, ...]] = Kept()
_taken: Kept[tuple[Path, str, tuple[str, ...], float, float | None], Takings] = Kept(100)


@dataclass(frozen=True, slots=True)
class Worth:
    """One measure over time, by version. ``share`` says that it is a share of requests, else a value a request."""

    name: str
    share: bool
    stretches: tuple[Stretch, ...]


def totals(project: Project, tx: Transaction, model: str, now: float) -> tuple[Measure, ...]:
    """Return every declared measure for every version that something came back for.

    Requests of whole days that are over are read once a day, later ones once a minute, ``now`` in Unix seconds.
    """
    declared = project.settings.monitor.business
    if not declared:
        return ()
    events = tuple(sorted({one.event for one in declared.values()}))
    settled = (now - seconds(project.settings.release.wait) - DAY) // DAY * DAY

    def taken(since: float, until: float | None, good_for: float) -> Takings:
        key = (project.root, model, events, since, until)
        return _taken.get(key, partial(take, tx, model, declared, since, until), good_for)

    return tuple(measures(declared, taken(0.0, settled, DAY) + taken(settled, None, MINUTE)))


def worth(
    project: Project, tx: Transaction, model: str, business: Sequence[Measure], since: float, now: float
) -> tuple[Worth, ...]:
    """Return every declared measure of the newest four versions from ``since`` to ``now`` (Unix seconds)."""
    found = []
    for name, declared in project.settings.monitor.business.items():
        own = [one for one in business if one.name == name]
        versions = tuple(sorted({one.version for one in own})[-VERSIONS:])
        cut = declared.cap or max((one.cut for one in own if one.cut), default=0.0)
        told: list[Stretch] = []
        late = seconds(project.settings.release.wait)
        for stretch in stretches(since, now) if versions else ():
            if stretch[1] > now - late:
                continue  # its events are still coming in: it would look worth nothing
            key = (project.root, model, name, versions, stretch)
            lasting = stretch[1] + max(late, 86400.0) < now
            read = partial(measured, tx, model, declared, versions, stretch, cut)
            told += _known.get(key, read, (60 if lasting else 1) * MINUTE)
        found.append(Worth(name, declared.value is None, tuple(told)))
    return tuple(one for one in found if one.stretches)
