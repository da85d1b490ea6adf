"""Canary and shadow: is the challenger, on live traffic, no worse than the champion?

The evidence is kept as sums (``Progress``), so that a look costs what is new. Both judgements hold however often they
are made. Without data the answer is "hold", never "promote".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from boucle.core.observation import Joined
from boucle.core.signature import Label
from boucle.measures.contrasts import Arm, Contrast, Pairs
from boucle.measures.metrics import default_metrics, metric_of
from boucle.measures.sequences import LEVEL
from boucle.monitoring.canary_judge import Evidence, default_margin
from boucle.monitoring.labels import Labelled, labelled
from boucle.project.settings import Settings

_UNUSABLE = 0.05
"""Share of the challenger's labelled answers that are no usable answer, from which on nothing is promoted."""
_LEAST_LOSS = 1e-12


@dataclass(slots=True)
class Progress:
    """What the labels of one rollout have shown so far; ``after`` is how far they were read.

    ``sides`` compares rows that either version answered, ``pairs`` rows that both did, as in a shadow.
    """

    rollout: str
    metric: str
    after: tuple[int, int] = (0, 0)
    sides: Contrast = field(default_factory=Contrast)
    pairs: Pairs = field(default_factory=Pairs)
    paired_champion: Arm = field(default_factory=Arm)
    unusable: int = 0


def begin(rollout: str, settings: Settings, past: Joined, classes: Sequence[Label] | None = None) -> Progress:
    """Start the evidence of a rollout; ``past`` are the champion's labelled rows from before it."""
    metric = (settings.evaluate.metrics or default_metrics(settings.task))[0]
    before = labelled(past, settings.task, classes, ("champion",))
    if not len(before):
        return Progress(rollout, metric)
    if _needs_shares(metric) and before.probabilities is None:
        return Progress(rollout, "accuracy", sides=Contrast(past=Arm.of(before.losses("accuracy"))))
    return Progress(rollout, metric, sides=Contrast(past=Arm.of(before.losses(metric))))


def learn(
    progress: Progress, new: Joined, settings: Settings, *, paired: bool, classes: Sequence[Label] | None = None
) -> Progress | None:
    """Count newly labelled rows of both versions; ``paired`` only those that both answered.

    None if they cannot be scored by the metric so far, for want of probabilities: begin again with ``plain``.
    """
    roles = ("champion", "shadow") if paired else ("champion", "challenger")
    first = labelled(new, settings.task, classes, roles[:1])
    second = labelled(new, settings.task, classes, roles[1:])
    if _needs_shares(progress.metric) and any(len(one) and one.probabilities is None for one in (first, second)):
        return None
    progress.unusable += second.dropped
    (_learn_pairs if paired else _learn_sides)(progress, first, second)
    return progress


def plain(rollout: str) -> Progress:
    """Start again with errors, which every classifier can be compared by."""
    return Progress(rollout, "accuracy")


def evidence(
    progress: Progress, settings: Settings, *, required: int, planned: float, paired: bool, metrics: int = 1
) -> Evidence:
    """Return what is known of the difference in loss, for ``conclude`` with ``metrics`` in all.

    The margin is ``release.margin``, else ``evaluate.champion.margin``, in the metric's unit, else a tenth of the
    champion's loss. The bound is narrowest at ``planned`` rows of the challenger.
    """
    compared = progress.pairs if paired else progress.sides
    if paired:
        rows = champion = progress.pairs.rows
        loss = progress.paired_champion.mean
    else:
        seen = progress.sides
        rows = seen.second.rows + seen.waiting_second.rows
        champion, loss = seen.first.rows + seen.waiting_first.rows, (seen.first + seen.waiting_first).mean
    too_many = progress.unusable > _UNUSABLE * (rows + progress.unusable)
    missing = f"{progress.unusable} of the challenger's labelled answers are no usable answer" if too_many else ""
    return Evidence(
        f"{metric_of(progress.metric).loss} loss, challenger minus champion",
        replace(compared.band(planned), low=compared.band(planned, LEVEL / metrics).low),
        _margin(progress.metric, settings, loss),
        required,
        int(rows),
        int(champion),
        loss,
        planned,
        None if compared.e_value is None else compared.best,
        missing,
    )


def _needs_shares(metric: str) -> bool:
    return metric_of(metric).loss in ("log", "brier")


def _learn_sides(progress: Progress, first: Labelled, second: Labelled) -> None:
    losses = np.concatenate((first.losses(progress.metric), second.losses(progress.metric)))
    is_second = np.concatenate((np.zeros(len(first), dtype=bool), np.ones(len(second), dtype=bool)))
    order = np.argsort(np.concatenate((first.times, second.times)), kind="stable")
    progress.sides.add_rows(losses[order], is_second[order])


def _learn_pairs(progress: Progress, first: Labelled, second: Labelled) -> None:
    place = {key: i for i, key in enumerate(first.keys)}
    pairs = [(place[key], i) for i, key in enumerate(second.keys) if key in place]
    if not pairs:
        return
    champion = first.losses(progress.metric)[[mine for mine, _ in pairs]]
    progress.pairs.add(champion, second.losses(progress.metric)[[theirs for _, theirs in pairs]])
    progress.paired_champion += Arm.of(champion)


def _margin(metric: str, settings: Settings, champion_loss: float) -> float:
    """Return how much more loss is let through; NaN while the champion has no loss to compare with."""
    declared = settings.evaluate.champion.margin if settings.release.margin is None else settings.release.margin
    if not declared:
        if metric_of(metric).loss == "zero_one":
            return default_margin(champion_loss)
        return max(0.1 * champion_loss, _LEAST_LOSS)
    if metric == "rmse":
        return float((math.sqrt(champion_loss) + declared) ** 2 - champion_loss)
    return declared
