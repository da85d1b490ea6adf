"""Who judges a stream: this project, rules of thumb of the field in a few lines of numpy, and two dummies.

The short rules are the rules of the tools, not the tools: one column at a time against the reference, in full rows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import chdtrc, kolmogorov

from benchmarks.judging.population import Floats
from benchmarks.judging.streams import Window


class Judge(Protocol):
    """What is asked of a detector: begin with a reference, then say per window which names alarm."""

    def begin(self, reference: Window, rows: int) -> None:
        """Take the reference; ``rows`` is the length of a window."""

    def look(self, window: Window, labelled: Window | None) -> set[str]:
        """Return the names that alarm; ``labelled`` is the earlier window whose truth has just come."""


class Boucle:
    """``boucle.DriftMonitor``, as a user would call it."""

    def begin(self, reference: Window, rows: int) -> None:
        import boucle  # the one thing judged, imported where it is used: the rest runs without it

        self.monitor = boucle.DriftMonitor(reference.frame, score=reference.score, errors=reference.errors, window=rows)

    def look(self, window: Window, labelled: Window | None) -> set[str]:
        told: dict[str, Any] = {}
        if labelled is not None:
            told = {"feedback": labelled.errors, "feedback_rows": labelled.frame}
        verdict = self.monitor.update(window.frame, score=window.score, **told)
        self.faults = set(verdict.faults)
        return set(verdict.alarms)


class Always:
    def begin(self, reference: Window, rows: int) -> None:
        pass

    def look(self, window: Window, labelled: Window | None) -> set[str]:
        return set(window.frame.columns)


class Silent(Always):
    def look(self, window: Window, labelled: Window | None) -> set[str]:
        return set()


class ByColumn:
    """One number a column, and a rule over them. References are kept sorted, or counted."""

    def __init__(self, number: Callable[[Numbers, Floats], float], levels: Callable[[Counts, Counts], float],
                 rule: Callable[[Floats], NDArray[np.bool_]]) -> None:  # fmt: skip
        self._number, self._levels, self._rule = number, levels, rule

    def begin(self, reference: Window, rows: int) -> None:
        self._known: dict[str, Numbers | pd.Series] = {}
        for name, column in reference.frame.items():
            kept = Numbers(column) if pd.api.types.is_numeric_dtype(column) else column.value_counts()
            self._known[str(name)] = kept

    def look(self, window: Window, labelled: Window | None) -> set[str]:
        found = []
        for name, known in self._known.items():
            column = window.frame[name]
            if isinstance(known, Numbers):
                found.append(self._number(known, np.sort(column.dropna().to_numpy(float))))
            else:
                now = column.value_counts()
                every = known.index.union(now.index)
                found.append(self._levels(known.reindex(every, fill_value=0).to_numpy(float),
                                          now.reindex(every, fill_value=0).to_numpy(float)))  # fmt: skip
        return {name for name, alarm in zip(self._known, self._rule(np.array(found)), strict=True) if alarm}


Counts = Floats


class Numbers:
    """A reference column: sorted, with its deciles and its spread."""

    def __init__(self, column: pd.Series) -> None:
        self.sorted = np.sort(column.dropna().to_numpy(float))
        self.edges = np.unique(np.quantile(self.sorted, np.linspace(0, 1, 11)[1:-1]))
        self.spread = max(float(self.sorted.std()), 1e-3)
        self.shares = self.count(self.sorted)

    def count(self, values: Floats) -> Floats:
        return np.bincount(np.searchsorted(self.edges, values), minlength=len(self.edges) + 1) / max(1, len(values))


def ks(known: Numbers, now: Floats) -> float:
    """Return the asymptotic p-value of the two-sample test of Kolmogorov and Smirnov."""
    if not len(now):
        return 0.0
    n, m = len(now), len(known.sorted)
    below = np.searchsorted(known.sorted, now, side="right") / m
    under = np.searchsorted(known.sorted, now, side="left") / m
    _, first, counts = np.unique(now, return_index=True, return_counts=True)
    distance = max(np.max((first + counts) / n - below[first]), np.max(under[first] - first / n))
    return float(kolmogorov(np.sqrt(n * m / (n + m)) * distance))


def chi2(known: Counts, now: Counts) -> float:
    """Return the p-value of the chi-square test of two samples."""
    total, n, m = known + now, now.sum(), known.sum()
    expected = total * n / (n + m)
    statistic = np.sum((now - expected) ** 2 * (n + m) / (m * expected))
    return float(chdtrc(max(1, len(total) - 1), statistic))


def psi_numbers(known: Numbers, now: Floats) -> float:
    return _psi(known.shares, known.count(now))


def psi_levels(known: Counts, now: Counts) -> float:
    return _psi(known / known.sum(), now / now.sum())


def _psi(reference: Floats, now: Floats) -> float:
    reference, now = np.maximum(reference, 1e-4), np.maximum(now, 1e-4)
    return float(np.sum((now - reference) * np.log(now / reference)))


def wasserstein(known: Numbers, now: Floats) -> float:
    """Return the Wasserstein distance over the spread of the reference: Evidently's number above 1,000 rows."""
    if not len(now):
        return np.inf
    every = np.sort(np.concatenate([known.sorted, now]), kind="stable")
    one = np.searchsorted(known.sorted, every[:-1], side="right") / len(known.sorted)
    other = np.searchsorted(now, every[:-1], side="right") / len(now)
    return float(np.sum(np.abs(one - other) * np.diff(every))) / known.spread


def jensen_shannon(known: Counts, now: Counts) -> float:
    """Return the Jensen-Shannon distance to base e."""
    p, q = known / known.sum(), now / now.sum()
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = np.where(p > 0, p * np.log(p / middle), 0) + np.where(q > 0, q * np.log(q / middle), 0)
    return float(np.sqrt(max(0.0, parts.sum() / 2)))


OURS = "boucle"
JUDGES: dict[str, Callable[[], Judge]] = {
    OURS: Boucle,
    "always": Always,
    "silent": Silent,
    "ks": lambda: ByColumn(ks, chi2, lambda p: p < 0.05),
    "bonferroni": lambda: ByColumn(ks, chi2, lambda p: p < 0.05 / len(p)),
    "psi": lambda: ByColumn(psi_numbers, psi_levels, lambda value: value > 0.2),
    "evidently": lambda: ByColumn(wasserstein, jensen_shannon, lambda value: value >= 0.1),
}
TOLD = {
    OURS: "boucle.DriftMonitor",
    "always": "dummy: always",
    "silent": "dummy: silent",
    "ks": "KS / chi2, p < 0.05, any column",
    "bonferroni": "KS / chi2, Bonferroni",
    "psi": "PSI > 0.2, any column",
    "evidently": "Evidently's rule, any column",
}
