"""Replay: the challenger answers what the champion was asked last, before it gets any traffic."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from boucle.core.errors import BoucleError
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Observation
from boucle.core.signature import Batch
from boucle.core.verdict import Check, Verdict
from boucle.data import fields
from boucle.loop.project import Project
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Predictor

_LEVELS = 12
_FEWEST = 10
_SLICES = 5
_MOVED = 0.5
"""Standard deviations of the champion's answers by which a number has to move to count as another answer."""


@dataclass(frozen=True, slots=True)
class _Answered:
    """One request with the challenger's answer, or what it failed with; times in seconds."""

    asked: Observation
    said: list[Any]
    error: str = ""
    champion_time: float = 0.0
    time: float = 0.0


def replay(project: Project, version: ModelVersion) -> Verdict | None:
    """Let ``version`` answer the newest ``release.replay`` requests of the champion; None when there are none.

    Fails when more than ``release.replay_errors`` of them fail that the champion answered. How many answers change, in
    which slices most, and how much longer they take is told and refuses nothing: that is for a canary to judge.
    """
    with project.state.begin(write=False) as tx:
        champion = tx.deployments.get(version.name).champion
        wanted = project.settings.release.replay
        if champion is None or champion == version.number or not wanted:
            return None
        asked = tx.observations.newest(version.name, champion, wanted)
    if not asked:
        return None
    try:
        first = project.predictor(project.registry.version(version.name, champion))
    except BoucleError as error:
        note = f"the champion cannot be asked here: {error}"
        return Verdict.of(version.ref, "replay", [Check("replay", "inconclusive", n=0, note=note)])
    second = project.predictor(version)
    unkept = _unkept(second[1], asked)
    if unkept:
        note = f"column '{unkept}' is not kept in the log, so nothing can be asked again"
        return Verdict.of(version.ref, "replay", [Check("replay", "inconclusive", n=0, note=note)])
    answered = [_answer(one, first, second) for one in asked]
    numbers = second[1].signature.classes is None
    verdict = Verdict.of(version.ref, "replay", _checks(answered, project.settings.release.replay_errors, numbers))
    with project.state.begin() as tx:
        tx.windows.record(version.name, version.number, "replay", project.clock.now(), verdict)
    return verdict


def _unkept(info: BundleInfo, asked: Sequence[Observation]) -> str:
    """Name an input that the log leaves out, as it does personal ones; empty when all are there."""
    kept = {name for one in asked for name in one.inputs}
    return next((f.name for f in info.signature.inputs if not f.optional and (f.pii or f.name not in kept)), "")


def _answer(
    asked: Observation, champion: tuple[Predictor, BundleInfo], challenger: tuple[Predictor, BundleInfo]
) -> _Answered:
    try:
        batch = _batch(asked, challenger[1])
        begun = time.perf_counter()
        said = challenger[0].predict(batch)
        taken = time.perf_counter() - begun
        found = np.asarray(said[challenger[1].signature.prediction.name]).tolist()
        broken = sum(isinstance(value, float) and not np.isfinite(value) for value in found)
    except Exception as error:  # noqa: BLE001 - whatever a model raises here it would raise on traffic
        return _Answered(asked, [], f"{type(error).__name__}: {error}")
    if broken or len(found) != asked.rows:
        return _Answered(asked, [], f"{broken or asked.rows - len(found)} of {asked.rows} answers are no usable answer")
    return _Answered(asked, found, "", _timed(asked, champion), taken)


def _timed(asked: Observation, champion: tuple[Predictor, BundleInfo]) -> float:
    """Return how long the champion takes for the same request here and now; 0 if it cannot be asked."""
    try:
        batch = _batch(asked, champion[1])
        begun = time.perf_counter()
        champion[0].predict(batch)
    except BoucleError:
        return 0.0
    return time.perf_counter() - begun


def _batch(asked: Observation, info: BundleInfo) -> Batch:
    frame = pd.DataFrame(asked.inputs, index=range(asked.rows))
    return to_batch(fields.conform(frame, info.signature.inputs), info.signature.inputs)


def _checks(answered: Sequence[_Answered], allowed: float, numbers: bool) -> list[Check]:
    failed = [one for one in answered if one.error]
    share = len(failed) / len(answered)
    note = f"such as {Counter(one.error for one in failed).most_common(1)[0][0]}" if failed else ""
    errors = Check(
        "new errors", "fail" if share > allowed else "pass", share, f"<= {allowed:g}", n=len(answered), note=note,
        evidence={"requests": [one.asked.id for one in failed[:10]]},
    )  # fmt: skip
    return [errors, *_told([one for one in answered if not one.error], numbers)]


def _told(answered: Sequence[_Answered], numbers: bool) -> list[Check]:
    """Tell what changes, of the requests that were answered."""
    if not answered:
        return []
    flips = _flips(answered, numbers)
    slices = _slices(answered, flips)
    worst = "; ".join(f"{name}: {share:.0%} of {n}" for name, share, n in slices[:3])
    evidence = {"slices": [{"slice": name, "flips": share, "rows": n} for name, share, n in slices]}
    times = [(one.champion_time, one.time) for one in answered if one.champion_time]
    ratio = float(np.median([b for _, b in times]) / np.median([a for a, _ in times])) if times else None
    return [
        Check("changed answers", "pass", float(flips.mean()), n=len(flips), note=worst, evidence=evidence),
        Check("time taken, times the champion's", "pass", ratio, n=len(times)),
    ]


def _flips(answered: Sequence[_Answered], numbers: bool) -> NDArray[np.bool_]:
    """Say for each row whether its answer is another one, shape (rows,)."""
    before = [value for one in answered for value in _logged(one.asked)]
    after = [value for one in answered for value in one.said]
    if not numbers:
        return np.array([str(a) != str(b) for a, b in zip(before, after, strict=True)], dtype=np.bool_)
    old, new = np.array(before, dtype=np.float64), np.array(after, dtype=np.float64)
    moved = np.abs(new - old) > _MOVED * float(np.nanstd(old))
    return np.asarray(moved | np.isnan(old), dtype=np.bool_)


def _logged(asked: Observation) -> list[Any]:
    told = asked.outputs.get("prediction") or next(iter(asked.outputs.values()), [])
    return [*told[: asked.rows], *[None] * (asked.rows - len(told))]


def _slices(answered: Sequence[_Answered], flips: NDArray[np.bool_]) -> list[tuple[str, float, int]]:
    """Return (level of a column with few of them, its share of changed answers, rows), most changed first."""
    found = []
    for name in sorted({name for one in answered for name in one.asked.inputs}):
        values = np.array(
            [str(v) for one in answered for v in one.asked.inputs.get(name, [None] * one.asked.rows)], dtype=object
        )
        levels, counts = np.unique(values, return_counts=True)
        if len(levels) <= _LEVELS:
            rows = [(str(level), int(n)) for level, n in zip(levels, counts, strict=True) if n >= _FEWEST]
            found += [(f"{name}={level}", float(flips[values == level].mean()), n) for level, n in rows]
    return sorted(found, key=lambda one: -one[1])[:_SLICES]
