"""One look at a model: close the windows that are full, and judge what is new. Nothing is judged twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.profile import Profile
from boucle.core.verdict import Verdict
from boucle.formats.bundle import read_info, read_profile
from boucle.monitoring.drift import LONGEST, judge_drift
from boucle.monitoring.faults import judge_faults
from boucle.monitoring.labels import Labelled, labelled
from boucle.monitoring.quality import LOOKBACK, Quality, judge_quality
from boucle.monitoring.slo import judge_slo
from boucle.monitoring.windows import ROLES, ClosedWindow, close_windows
from boucle.ports.stores import Transaction
from boucle.project.settings import Settings

FEWEST_LABELS, MOST_LABELS = 200, 5000
"""Labelled rows that quality is judged on, at least and at most; in between it is the window's rows."""
_STEP = 10
"""Quality is judged anew when a tenth of its rows have got their truth."""


@dataclass(frozen=True, slots=True)
class Look:
    """The verdicts that are new, by kind (``fault``, ``drift``, ``slo``, ``quality``), and the windows closed.

    ``changed`` is the request time (Unix seconds) since which the losses are higher, when quality failed.
    """

    windows: int = 0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    changed: float | None = None
    closed: tuple[ClosedWindow, ...] = ()


def look(tx: Transaction, version: ModelVersion, bundle: Path, settings: Settings, now: float) -> Look:
    """Judge what has arrived for ``version`` since the last look, against the reference in its ``bundle``.

    Keeps windows and how far it has judged in ``tx``; a look that finds nothing new changes nothing and returns no
    verdict. Raises BundleCorrupt.
    """
    info, reference = read_info(bundle), read_profile(bundle)
    closed = close_windows(tx, version.name, version.number, reference, info.signature, settings.monitor, now)
    verdicts = _of_windows(tx, version, closed, reference, settings)
    quality = _quality(tx, version, info, settings)
    if quality is not None:
        verdicts["quality"] = quality.verdict
    return Look(len(closed), verdicts, quality.changed if quality else None, tuple(closed))


def _of_windows(
    tx: Transaction, version: ModelVersion, closed: list[ClosedWindow], reference: Profile, settings: Settings
) -> dict[str, Verdict]:
    if not closed:
        return {}
    monitor = settings.monitor
    # Drift looks back by itself; a fault or a breach in any of the windows closed at once must not be passed over.
    faults = [judge_faults(version.ref, w.profile, reference, monitor.drift.level) for w in closed]
    slos = [verdict for w in closed if (verdict := judge_slo(version.ref, w.profile.extra, monitor.slo))]
    recent = [profile for _, profile in tx.windows.profiles(version.name, version.number, LONGEST)]
    verdicts = {
        "fault": _worst(faults),
        "drift": judge_drift(version.ref, recent, reference, monitor.drift),
    }
    return {**verdicts, "slo": _worst(slos)} if slos else verdicts


def _worst(verdicts: list[Verdict]) -> Verdict:
    """Return the newest failed one, else the newest."""
    return next((v for v in reversed(verdicts) if v.status == "fail"), verdicts[-1])


def _quality(tx: Transaction, version: ModelVersion, info: BundleInfo, settings: Settings) -> Quality | None:
    """Judge the newest labelled rows if enough of them are new; None otherwise."""
    window = settings.monitor.window
    newest = min(max(window if isinstance(window, int) else 0, FEWEST_LABELS), MOST_LABELS)

    def latest(many: int) -> Labelled:
        joined = tx.observations.joined(version.name, version.number, limit=many)
        return labelled(joined, info.signature.task, info.signature.classes, ROLES)

    key = f"quality:{version.ref}"
    rows = latest(newest)
    if not _is_new(rows, tx.settings.get(key), newest // _STEP):
        return None
    tx.settings.put(key, {"rows": len(rows), "arrived": float(rows.arrived.max())})
    reference = {**info.metrics, **version.metrics}
    tolerance = settings.monitor.quality_tolerance
    return judge_quality(
        version.ref, latest(newest * LOOKBACK), newest, reference, settings.evaluate.metrics, tolerance
    )


def _is_new(rows: Labelled, before: dict[str, Any] | None, step: int) -> bool:
    """Say whether ``step`` rows have got their truth since quality was last judged; the first ones always count."""
    if before is None:
        return len(rows) > 0
    grown, arrived = len(rows) - int(before["rows"]), int((rows.arrived > before["arrived"]).sum())
    return max(grown, arrived) >= step
