"""One look at the labels of a version: what is new is judged, and remembered in the live state."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from boucle.core.expected import QualityReference
from boucle.core.json import from_data, to_data
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Joined
from boucle.monitoring.blocks import Blocks
from boucle.monitoring.labels import Labelled, labelled
from boucle.monitoring.quality import Judge, Quality
from boucle.monitoring.quarantine import Spans, quarantined, within
from boucle.monitoring.windows import ROLES
from boucle.ports.stores import Transaction
from boucle.project.settings import Settings

FEWEST_LABELS, MOST_LABELS = 200, 5000
"""Labelled rows of a block, at least and at most; in between it is the window's rows."""
MOST_READ = 50_000
"""Labelled rows read in one look, the newest ones: no look is without bound after a year of labels came at once."""
AHEAD = 300.0
"""Seconds that a clock may be ahead; rows whose requests are further in the future wait until their time has come."""
_STEP = 10
_NEVER = 1e18


@dataclass(frozen=True, slots=True)
class _Memory:
    """How far labels were judged (``after``, see ``Observations.labelled``), and what of them is remembered."""

    after: tuple[int, int] = (0, 0)
    blocks: Blocks = field(default_factory=Blocks)


def look_at_quality(
    tx: Transaction,
    version: ModelVersion,
    info: BundleInfo,
    settings: Settings,
    now: float,
    reference: QualityReference | None = None,
) -> Quality | None:
    """Judge the labels that have come; None when fewer than a tenth of a block are new (the first ones always count).

    Remembers in ``tx`` the e-CUSUM and the newest blocks, so a look reads what is new, and when that is enough the
    last few blocks, however long the version has been live.
    """
    key = f"quality:{version.ref}"
    memory = _recall(tx.settings.get(key))
    size = _size(settings)
    usable = _Usable(info, now, quarantined(tx, version.name))
    late, after = _news(tx, version, usable, memory)
    if memory is not None and len(late) < max(1, size // _STEP):
        return None
    blocks = None if memory is None else memory.blocks
    rows, covered = _newest(tx, version, usable, blocks.since if blocks else 0.0, reference)
    if not len(rows):
        return None
    known = {**info.metrics, **version.metrics}
    judge = Judge(version.ref, known, settings.evaluate.metrics, settings.monitor.quality_tolerance, size, reference)
    found = judge.judge(rows, blocks, covered, late.take(late.times < covered))
    tx.settings.put(key, to_data(_Memory(after, found.blocks)))
    return found


def _size(settings: Settings) -> int:
    window = settings.monitor.window
    return min(max(window if isinstance(window, int) else 0, FEWEST_LABELS), MOST_LABELS)


def _news(
    tx: Transaction, version: ModelVersion, usable: _Usable, memory: _Memory | None
) -> tuple[Labelled, tuple[int, int]]:
    """Return the rows whose label or request has come since the last judgement; none of them at the first one."""
    since = _NEVER if memory is None else 0.0
    news, after = tx.observations.labelled(version.name, (version.number,), since, memory.after if memory else (0, 0))
    return usable.rows(news), after


def _newest(
    tx: Transaction,
    version: ModelVersion,
    usable: _Usable,
    since: float,
    reference: QualityReference | None,
) -> tuple[Labelled, float]:
    """Return the labelled rows that are counted anew, and from which request time on they are all there are."""
    sliced = bool(reference is not None and reference.slices)
    joined = tx.observations.joined(version.name, version.number, since=since, limit=MOST_READ, inputs=sliced)
    covered = joined.times[0] if len(joined) == MOST_READ else since
    return usable.rows(joined), covered


@dataclass(frozen=True, slots=True)
class _Usable:
    """What rows have to be to count: not from the future, and not of a window whose data was broken."""

    info: BundleInfo
    now: float
    apart: Spans

    def rows(self, joined: Joined) -> Labelled:
        found = labelled(joined, self.info.signature.task, self.info.signature.classes, ROLES)
        return found.take((found.times <= self.now + AHEAD) & ~within(found.times, self.apart))


def _recall(kept: object) -> _Memory | None:
    """Return what is remembered; what another version of this program wrote is forgotten."""
    try:
        return None if kept is None else from_data(kept, _Memory)
    except msgspec.ValidationError:
        return None
