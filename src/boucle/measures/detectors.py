"""The e-CUSUM: a watch over losses whose mean time between false alarms is stated, and which dates the change.

With every look the evidence is multiplied by how much better a higher rate explains what was seen, and it never falls
below 1: so it forgets a long good past, and may be looked at as often as one likes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)
"""The rises l that are looked for: from the tolerated rate p to p + l (1 - p)."""
THRESHOLD = 2000.0
"""Mean evidence at which it alarms, and the least mean number of looks between false alarms."""
CEILING = 20.0
"""The log evidence of a step grows no further, so that a loss that is over is seen to be over."""
_STEPS = np.array(STEPS)
_LEAST, _MOST = 1e-9, 1.0 - 1e-9


@dataclass(frozen=True, slots=True)
class Cusum:
    """The log evidence of each step after some looks, and the time of the look since which it has been growing."""

    logs: tuple[float, ...] = (0.0,) * len(STEPS)
    starts: tuple[float | None, ...] = (None,) * len(STEPS)

    @property
    def evidence(self) -> float:
        """The log of the mean evidence over the steps."""
        return log_mean(self.logs)

    @property
    def alarm(self) -> bool:
        return self.evidence >= math.log(THRESHOLD)

    @property
    def since(self) -> float | None:
        """The estimated change: the last look at which the leading step started anew; None before any look."""
        return self.starts[int(np.argmax(self.logs))]


def count_growth(wrong: ArrayLike, rows: ArrayLike, rate: ArrayLike, design: float = 1.0) -> Floats:
    """Return the log likelihood ratios of one look's counts, shape (steps,), each of rate + l (1 - rate) to rate.

    ``wrong`` of ``rows`` erred where at most ``rate`` may (0 < rate < 1); each may be an array of strata with rates
    of their own, such as phases of a day. Divided by the ``design`` effect (Kish, 1965; Rao and Scott, 1981), which
    keeps an e-value one, by Jensen's inequality: E[L^(1/D)] <= E[L]^(1/D) <= 1.
    """
    each = growth_of_each(wrong, rows, rate, design)
    return np.asarray(each.reshape(-1, len(STEPS)).sum(axis=0), dtype=np.float64)


def growth_of_each(wrong: ArrayLike, rows: ArrayLike, rate: ArrayLike, design: float = 1.0) -> Floats:
    """Return the same for each of many counts by itself, shape (counts, steps)."""
    p = np.clip(np.asarray(rate, dtype=np.float64), _LEAST, _MOST)[..., None]
    x, n = (np.asarray(v, dtype=np.float64)[..., None] for v in (wrong, rows))
    each = x * np.log1p(_STEPS * (1.0 - p) / p) + (n - x) * np.log1p(-_STEPS)
    return np.asarray(each / max(design, 1.0), dtype=np.float64)


def loss_growth(losses: ArrayLike, mean: ArrayLike, design: float = 1.0) -> Floats:
    """Return the log capital that bets on higher losses have made in one look, shape (steps,).

    ``losses`` within [0, 1], shape (rows,), whose mean is at most ``mean`` (one number, or one a row): the product
    of 1 + (l / mean) (loss - mean) has an expectation of at most 1 (Waudby-Smith and Ramdas, 2024). On losses of 0
    and 1 this is the likelihood ratio of ``count_growth``.
    """
    x = np.clip(np.asarray(losses, dtype=np.float64), 0.0, 1.0)[:, None]
    m = np.clip(np.asarray(mean, dtype=np.float64), _LEAST, _MOST)[..., None]
    return np.asarray(np.log1p(_STEPS * (x / m - 1.0)).sum(axis=0) / max(design, 1.0), dtype=np.float64)


def advance(state: Cusum, growth: Sequence[float] | Floats, time: float, opens: bool = True) -> Cusum:
    """Take one look: M <- max(1, M) x L for each step (Page, 1954; Shin, Ramdas and Rinaldo, 2024).

    An e-detector: if no look's L has an expectation above 1, the mean number of looks until the mean evidence first
    reaches c is at least c. With ``opens=False`` the look goes on with the one before (more labels of the same
    window) and counts as one with it: it is not started anew in between. ``time`` is when the look's rows began.
    """
    logs, starts = [], []
    for log, start, grown in zip(state.logs, state.starts, growth, strict=True):
        anew = start is None or (opens and log <= 0.0)
        logs.append(min((0.0 if anew else log) + float(grown), CEILING))
        starts.append(time if anew else start)
    return Cusum(tuple(logs), tuple(starts))


def replay(looks: Iterable[tuple[float, Sequence[float] | Floats]]) -> Cusum:
    """Return the state after these looks, (time, growth) each, in order; parts of one look are added beforehand."""
    state = Cusum()
    for time, growth in looks:
        state = advance(state, growth, time)
    return state


def pooled(whole: Cusum, slices: Sequence[Cusum]) -> float:
    """Return the log evidence of all rows and their slices together: half the weight on all, half on the slices' mean.

    A weighted mean of e-detectors is one, whatever their dependence (Vovk and Wang, 2021): one threshold holds for
    all of them together, and no correction for their number is needed.
    """
    if not slices:
        return whole.evidence
    return log_mean((whole.evidence, log_mean([one.evidence for one in slices])))


def log_mean(logs: Sequence[float]) -> float:
    """Return log(mean(exp(logs)))."""
    largest = max(logs)
    return largest + math.log(sum(math.exp(log - largest) for log in logs) / len(logs))
