"""Canary and shadow: is the challenger, on live traffic, no worse than the champion?

Both judgements hold however often they are made, so the keeper may ask after every label. Without data the answer is
"hold", never "promote".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from boucle.core.observation import Joined
from boucle.core.signature import Label
from boucle.core.verdict import Check, Status, Verdict
from boucle.measures.metrics import Floats, default_metrics, metric_of
from boucle.measures.sequences import (
    LEVEL,
    UNKNOWN,
    Band,
    Marks,
    difference_sequence,
    mean_sequence,
    rate_process,
    rows_until,
)
from boucle.monitoring.labels import Labelled, labelled
from boucle.project.settings import Settings

FEWEST = 30
"""Labelled rows of the challenger under which the asymptotic bounds say nothing."""
RELATIVE_MARGIN = 0.1
_UNUSABLE = 0.05
"""Share of the challenger's labelled answers that are no usable answer, from which on nothing is promoted."""

Decision = Literal["promote", "rollback", "hold"]


@dataclass(frozen=True, slots=True)
class Judged:
    """The verdict with what follows from it. ``needed`` is an estimate of labelled challenger rows still to come."""

    verdict: Verdict
    decision: Decision
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class _Evidence:
    """The difference of losses (challenger minus champion), the champion's mean loss, and rows of each.

    ``proof`` is the e-value of "the challenger errs more often", for 0/1 losses.
    """

    band: Band
    champion_loss: float
    champion_rows: int
    rows: int
    unusable: int
    proof: float | None = None


def judge(
    champion: Joined,
    challenger: Joined,
    settings: Settings,
    *,
    required: int,
    paired: bool = False,
    subject: str = "",
    classes: Sequence[Label] | None = None,
) -> Judged:
    """Judge the labelled rows of both versions since the step began.

    Promotes when the upper end of the confidence sequence of the difference in loss is below the margin and
    ``required`` rows of the challenger are labelled. Rolls back when the difference is surely above the margin (the
    sequence's lower end); for 0/1 losses already when it is surely above zero (an exact e-process) and looks larger
    than the margin. Each of the two is wrong in at most 5 % of the rollouts.
    ``paired`` compares both versions' answers to the same rows, as a shadow gives them. The margin is
    ``release.margin``, else ``evaluate.champion.margin``, in the metric's unit, else a tenth of the champion's loss.
    """
    metric = (settings.evaluate.metrics or default_metrics(settings.task))[0]
    roles = ("champion", "shadow") if paired else ("champion", "challenger")
    first = labelled(champion, settings.task, classes, ("champion",))
    second = labelled(challenger, settings.task, classes, roles[1:])
    same = _same_losses(metric, first, second)
    seen = (_paired if paired else _side_by_side)(metric if same else _plain(metric), first, second, required)
    margin = _margin(metric, settings, seen.champion_loss)
    return _decide(metric, seen, margin, required, subject)


def _same_losses(metric: str, first: Labelled, second: Labelled) -> bool:
    """Say whether both have what the metric's loss needs: with probabilities on one side only, errors are compared."""
    return (first.probabilities is None) == (second.probabilities is None) or not len(first) or not len(second)


def _plain(metric: str) -> str:
    return "accuracy" if metric_of(metric).loss in ("log", "brier") else metric


def _side_by_side(metric: str, first: Labelled, second: Labelled, required: int) -> _Evidence:
    """Compare rows that either version answered, over the same time."""
    losses = np.concatenate((first.losses(metric), second.losses(metric)))
    is_second = np.concatenate((np.zeros(len(first), dtype=bool), np.ones(len(second), dtype=bool)))
    order = np.argsort(np.concatenate((first.times, second.times)), kind="stable")
    losses, is_second = losses[order], is_second[order]
    band = difference_sequence(losses, is_second, required)
    proof = _proof(losses, is_second) if _errors_only(losses) else None
    return _Evidence(band, _mean(losses[~is_second]), len(first), len(second), second.dropped, proof)


def _paired(metric: str, first: Labelled, second: Labelled, required: int) -> _Evidence:
    """Compare both versions' answers to the same rows."""
    place = {key: i for i, key in enumerate(first.keys)}
    pairs = [(place[key], i) for i, key in enumerate(second.keys) if key in place]
    mine, theirs = first.losses(metric)[[p for p, _ in pairs]], second.losses(metric)[[s for _, s in pairs]]
    return _Evidence(mean_sequence(theirs - mine, required), _mean(mine), len(pairs), len(pairs), second.dropped)


def _errors_only(losses: Floats) -> bool:
    return bool(np.isin(losses, (0.0, 1.0)).all())


def _proof(errors: Floats, second: Marks) -> float:
    return float(rate_process(errors > 0.5, second).max(initial=1.0))


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan


def _margin(metric: str, settings: Settings, champion_loss: float) -> float:
    """Return how much more loss is let through; NaN while the champion has no loss to compare with."""
    declared = settings.evaluate.champion.margin if settings.release.margin is None else settings.release.margin
    if not declared:
        return max(RELATIVE_MARGIN * champion_loss, 1e-3 if metric_of(metric).loss == "zero_one" else 1e-12)
    if metric == "rmse":
        return float((math.sqrt(champion_loss) + declared) ** 2 - champion_loss)
    return declared


def _decide(metric: str, seen: _Evidence, margin: float, required: int, subject: str) -> Judged:
    band = seen.band if seen.rows >= FEWEST and seen.champion_rows >= FEWEST else UNKNOWN
    enough = seen.rows >= required and seen.unusable <= _UNUSABLE * (seen.rows + seen.unusable)
    proven = seen.proof is not None and seen.proof >= 1.0 / LEVEL and seen.band.estimate > margin
    worse = proven or band.low > margin
    status: Status = "inconclusive"
    decision: Decision = "hold"
    needed = None
    if enough and band.high < margin:
        status, decision, note = (
            "pass",
            "promote",
            f"the challenger's loss is at most {margin:.3g} above the champion's",
        )
    elif worse:
        status, decision, note = "fail", "rollback", "the challenger is worse than the champion"
    else:
        needed = _needed(seen, band, margin, required)
        note = _waiting(seen, band, margin, required, needed)
    evidence = {"champion_loss": _told(seen.champion_loss), "champion_rows": seen.champion_rows, "e_value": seen.proof}
    check = Check(
        f"{metric_of(metric).loss} loss, challenger minus champion",
        status,
        _told(band.estimate),
        f"< {margin:.4g}" if margin == margin else "",
        _told(band.low),
        _told(band.high),
        seen.rows,
        note,
        evidence,
    )
    return Judged(Verdict.of(subject, "rollout", [check], required=required, needed=needed), decision, needed)


def _needed(seen: _Evidence, band: Band, margin: float, required: int) -> int | None:
    """Estimate how many more labelled challenger rows decide, if the difference stays; None when none would."""
    short = max(0, required - seen.rows)
    if not band.rows or not band.estimate < margin:
        return short or None
    share = band.rows / seen.rows
    wanted = rows_until(band, margin, required * share)
    if wanted is None:
        return short or None
    return max(short, math.ceil(wanted / share) - seen.rows, 1)


def _waiting(seen: _Evidence, band: Band, margin: float, required: int, needed: int | None) -> str:
    if not seen.rows or not seen.champion_rows:
        who = "challenger" if not seen.rows else "champion"
        return f"no labelled rows of the {who} yet; {required} of the challenger are needed"
    if seen.unusable > _UNUSABLE * (seen.rows + seen.unusable):
        return f"{seen.unusable} of the challenger's labelled answers are no usable answer"
    if needed is None:
        return f"the difference is not below the margin of {margin:.3g}, and not surely above zero"
    return f"needs about {needed} more labels"


def _told(value: float) -> float | None:
    return value if math.isfinite(value) else None
