"""What is promised to customers and what is the least to be borne: burn rates, and the hard floor."""

from __future__ import annotations

from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.verdict import Verdict
from boucle.measures.metrics import default_metrics
from boucle.monitoring.burn import judge_burn
from boucle.monitoring.floor import judge_floor
from boucle.monitoring.labels import labelled
from boucle.monitoring.look import Look
from boucle.monitoring.meter import Metered
from boucle.monitoring.quarantine import quarantined, within
from boucle.monitoring.windows import ROLES
from boucle.ports.stores import Transaction
from boucle.project.settings import Settings

_ROWS, _WINDOWS = 1000, 16
"""Newest labelled rows and windows that the floor is judged on."""


def judge(
    tx: Transaction, settings: Settings, version: ModelVersion, info: BundleInfo, seen: Look, now: float, failing: bool
) -> dict[str, Verdict]:
    """Return the verdicts that are new, ``slo`` (with that of the windows) and ``floor``.

    ``failing`` says that the newest ``slo`` verdict failed: that it goes on is news only with another window.
    """
    verdicts = {}
    slo = _slo(tx, settings, version, seen, now, failing)
    if slo is not None:
        verdicts["slo"] = slo
    floor = _floor(tx, settings, version, info) if seen.windows or "quality" in seen.verdicts else None
    if floor is not None:
        verdicts["floor"] = floor
    return verdicts


def _slo(
    tx: Transaction, settings: Settings, version: ModelVersion, seen: Look, now: float, failing: bool
) -> Verdict | None:
    window = seen.verdicts.get("slo")
    burn = judge_burn(version.ref, Metered(tx, version.name, now).counted, settings.monitor.slo)
    if burn is None or (burn.status == "inconclusive" and window is not None):
        return window
    if window is not None:
        return Verdict.of(version.ref, "slo", [*window.checks, *burn.checks])
    return burn if seen.windows or (burn.status == "fail" and not failing) else None


def _floor(tx: Transaction, settings: Settings, version: ModelVersion, info: BundleInfo) -> Verdict | None:
    floor = settings.react.hard_floor
    if floor.action == "none":
        return None
    metric = (settings.evaluate.metrics or default_metrics(settings.task))[0]
    joined = tx.observations.joined(version.name, version.number, limit=_ROWS)
    rows = labelled(joined, info.signature.task, info.signature.classes, ROLES)
    rows = rows.take(~within(rows.times, quarantined(tx, version.name)))
    services = [counts.extra for _, counts in tx.windows.counts(version.name, version.number, _WINDOWS)]
    reference = {**info.metrics, **version.metrics}
    return judge_floor(version.ref, rows, metric, reference, floor.error, services, floor.failures)
