"""One look at the labels of a version: what is new is judged, and remembered in the live state."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import msgspec

from boucle.core.expected import QualityReference
from boucle.core.json import from_data, to_data
from boucle.core.model import BundleInfo, ModelVersion
from boucle.monitoring.blocks import Blocks
from boucle.monitoring.labels import labelled
from boucle.monitoring.quality import Judge, Quality
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


@dataclass(frozen=True, slots=True)
class _Memory:
    judged: int = 0
    alarm: bool = False
    blocks: Blocks | None = field(default=None)


def look_at_quality(
    tx: Transaction,
    version: ModelVersion,
    info: BundleInfo,
    settings: Settings,
    now: float,
    reference: QualityReference | None = None,
) -> Quality | None:
    """Judge the labels that have come; None when too few are new: under a tenth of a block, and no alarm begins.

    Remembers in ``tx`` the e-CUSUM and the newest blocks, so a look reads a handful of blocks however long the
    version has been live.
    """
    key = f"quality:{version.ref}"
    memory = _recall(tx.settings.get(key))
    window = settings.monitor.window
    size = min(max(window if isinstance(window, int) else 0, FEWEST_LABELS), MOST_LABELS)
    since = memory.blocks.since if memory.blocks is not None else 0.0
    sliced = bool(reference is not None and reference.slices)
    joined = tx.observations.joined(version.name, version.number, since=since, limit=MOST_READ, inputs=sliced)
    rows = labelled(joined, info.signature.task, info.signature.classes, ROLES)
    rows = rows.take(rows.times <= now + AHEAD)
    covered = joined.times[0] if len(joined) == MOST_READ else -math.inf
    if not len(rows):
        return None
    judge = Judge(
        version.ref,
        {**info.metrics, **version.metrics},
        settings.evaluate.metrics,
        settings.monitor.quality_tolerance,
        size,
        reference,
    )
    found = judge.judge(rows, memory.blocks, covered)
    alarm = found.verdict.status == "fail"
    labels = found.labels
    if memory.judged and labels - memory.judged < size // _STEP and alarm == memory.alarm:
        return None
    tx.settings.put(key, to_data(_Memory(labels, alarm, found.blocks)))
    return found


def _recall(kept: object) -> _Memory:
    """Return what is remembered; what another version of this program wrote is forgotten."""
    try:
        return _Memory() if kept is None else from_data(kept, _Memory)
    except msgspec.ValidationError:
        return _Memory()
