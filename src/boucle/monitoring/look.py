"""One look at a model: close the windows that are full, and judge what is new. Nothing is judged twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from boucle.core.expected import QualityReference
from boucle.core.model import ModelVersion
from boucle.core.observation import Window
from boucle.core.verdict import Verdict
from boucle.formats.bundle import read_info, read_profile, read_quality
from boucle.measures.law import Law
from boucle.monitoring.drift import LONGEST, Finding, Seen, drift_verdict, fault_verdict, findings
from boucle.monitoring.estimate import look_at_estimate
from boucle.monitoring.quality_look import look_at_quality
from boucle.monitoring.slo import judge_slo
from boucle.monitoring.windows import ClosedWindow, close_windows
from boucle.ports.stores import Transaction
from boucle.project.settings import Settings

_GUESSED = 1000
"""Newest requests that quality is estimated on."""


@dataclass(frozen=True, slots=True)
class Look:
    """The verdicts that are new by kind (``fault``, ``drift``, ``slo``, ``quality``, ``estimate``) and closed windows.

    ``changed`` is the request time (Unix seconds) since which the losses are higher, when quality failed. ``broken``
    are the closed windows with a data fault.
    """

    windows: int = 0
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    changed: float | None = None
    closed: tuple[ClosedWindow, ...] = ()
    broken: tuple[Window, ...] = ()


def look(tx: Transaction, version: ModelVersion, bundle: Path, settings: Settings, now: float) -> Look:
    """Judge what has arrived for ``version`` since the last look, against the reference in its ``bundle``.

    Keeps windows and how far it has judged in ``tx``; a look that finds nothing new changes nothing and returns no
    verdict. Raises BundleCorrupt.
    """
    info, law = read_info(bundle), law_of(bundle)
    closed = close_windows(tx, version.name, version.number, law, info.signature, settings.monitor, now)
    verdicts, broken = _of_windows(tx, version, closed, law, settings)
    quality = look_at_quality(tx, version, info, settings, now, quality_of(bundle))
    if quality is not None:
        verdicts["quality"] = quality.verdict
    guess = look_at_estimate(tx, version, info, quality_of(bundle), _GUESSED) if closed else None
    if guess is not None:
        verdicts["estimate"] = guess
    return Look(len(closed), verdicts, quality.changed if quality else None, tuple(closed), broken)


def _of_windows(
    tx: Transaction, version: ModelVersion, closed: list[ClosedWindow], law: Law, settings: Settings
) -> tuple[dict[str, Verdict], tuple[Window, ...]]:
    if not closed:
        return {}, ()
    monitor, drift = settings.monitor, settings.monitor.drift
    # Drift looks back by itself; a fault or a breach in any of the windows closed at once must not be passed over.
    slos = [verdict for w in closed if (verdict := judge_slo(version.ref, w.counts.extra, monitor.slo))]
    kept = tx.windows.counts(version.name, version.number, LONGEST)
    recent = [Seen(counts, law.phase(w.number - 1, (w.start + w.end) / 2.0)) for w, counts in kept]
    found = findings(law, recent, drift.level, drift.effect)
    longer = [f for f in found if f.windows > 1]
    faults = [_faults(version, w, law, drift.level, drift.effect, longer if w is closed[-1] else []) for w in closed]
    verdicts = {"fault": _worst(faults), "drift": drift_verdict(version.ref, law, recent, found, drift.effect)}
    broken = tuple(w.window for w, fault in zip(closed, faults, strict=True) if fault.status == "fail")
    return ({**verdicts, "slo": _worst(slos)} if slos else verdicts), broken


@lru_cache(8)
def law_of(bundle: Path) -> Law:
    """Return what the reference in a bundle teaches; a bundle never changes. Raises BundleCorrupt."""
    return Law(read_profile(bundle))


@lru_cache(8)
def quality_of(bundle: Path) -> QualityReference | None:
    """Return what the losses of a bundle's model are expected to be, None where that is not known."""
    return read_quality(bundle)


def _faults(
    version: ModelVersion, closed: ClosedWindow, law: Law, level: float, effect: float, longer: list[Finding]
) -> Verdict:
    """Judge one window by itself, with what was found over the ``longer`` horizons that end with it."""
    window = closed.window
    seen = Seen(closed.counts, law.phase(window.number - 1, (window.start + window.end) / 2.0))
    found = findings(law, [seen], level, effect, least=1)
    return fault_verdict(version.ref, law, closed.counts, [*found, *longer])


def _worst(verdicts: list[Verdict]) -> Verdict:
    """Return the newest failed one, else the newest."""
    return next((v for v in reversed(verdicts) if v.status == "fail"), verdicts[-1])
