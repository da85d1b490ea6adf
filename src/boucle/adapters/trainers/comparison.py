"""Cross-validation: every candidate and every trial on the same folds, by the same metrics as the gates."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, train_test_split

from boucle.adapters.trainers.candidates import Candidate, labels_of
from boucle.core.signature import KINDS, Task
from boucle.measures.metrics import METRICS, compute

MOST_ROWS, MOST_LETTERS, MOST_BYTES = 20_000, 2_000_000, 50_000_000
"""What candidates are compared on at most: rows, the letters of their texts, and the bytes of their images."""
Report = Callable[[int, float], None]
"""Called after each fold with its number from 0 and the mean so far; may raise to stop."""


def _parts(rows: pd.DataFrame, y: NDArray[Any], folds: int, classification: bool, seed: int) -> Iterator[Any]:
    """Part the rows; rows that stand twice stay together, else a model would be asked what it has learned by heart."""
    same = pd.util.hash_pandas_object(rows, index=False).to_numpy()
    distinct = len(np.unique(same))
    if folds <= distinct < len(same):
        chosen = StratifiedGroupKFold if classification else GroupKFold
        return iter(chosen(folds, shuffle=True, random_state=seed).split(rows, y, same))
    plain = StratifiedKFold if classification else KFold
    return iter(plain(folds, shuffle=True, random_state=seed).split(rows, y))


@dataclass(frozen=True, slots=True)
class Score:
    """The mean of a metric over folds, its standard deviation between them, and the answers it was made from.

    ``prediction`` has one answer a row, each by the model that did not see the row; ``shares`` the probabilities,
    shape (rows, classes), None without them.
    """

    mean: float
    spread: float
    prediction: NDArray[Any]
    shares: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows, folds and metric that candidates are compared on; ``kept`` are the rows' places in the training data."""

    kept: NDArray[np.intp]
    rows: pd.DataFrame
    y: NDArray[Any]
    folds: tuple[tuple[NDArray[np.intp], NDArray[np.intp]], ...]
    task: Task
    metric: str
    positive: Any = None

    @classmethod
    def of(
        cls, rows: pd.DataFrame, y: NDArray[Any], task: Task, metric: str, folds: int, seed: int, positive: Any = None
    ) -> Trial:
        """Choose at most 20,000 rows and part them. A class of one row takes no part: it could not be tested."""
        kept = np.arange(len(y))
        classification = KINDS[task] == "class"
        if classification:
            _, places, counts = np.unique(y, return_inverse=True, return_counts=True)
            kept = kept[counts[places] > 1]
        most = _most(rows)
        if len(kept) > most:
            strata = y[kept] if classification else None
            kept = np.sort(train_test_split(kept, train_size=most, random_state=seed, stratify=strata)[0])
        rows, y = rows.iloc[kept].reset_index(drop=True), y[kept]
        if classification:
            most = int(np.unique(y, return_counts=True)[1].min())
        else:
            most = len(y)
        parts = tuple(_parts(rows, y, max(2, min(folds, most)), classification, seed))
        return cls(kept, rows, y, parts, task, metric, positive)

    @property
    def sign(self) -> float:
        return METRICS[self.metric].sign

    def better(self, score: float, than: float) -> bool:
        return self.sign * score > self.sign * than

    @property
    def labels(self) -> tuple[Any, ...] | None:
        """The classes in the order of the probabilities, None for a regression."""
        return None if KINDS[self.task] == "quantity" else tuple(np.unique(self.y).tolist())

    def score(self, candidate: Candidate, report: Report | None = None) -> Score:
        """Cross-validate a candidate."""
        names = [field.name for field in candidate.fields]
        return self._cross(candidate.fit, names, report)

    def baseline(self) -> Score:
        """Score the constant answer: the mean (the median under mae), or the commonest class and the class shares."""
        if KINDS[self.task] == "quantity":
            model: Any = DummyRegressor(strategy="median" if self.metric == "mae" else "mean")
        else:
            model = DummyClassifier(strategy="prior")
        return self._cross(model.fit, list(self.rows.columns), None)

    def _cross(self, fit: Callable[..., Any], names: list[str], report: Report | None) -> Score:
        values: list[float] = []
        prediction = np.empty_like(self.y)
        parts: list[tuple[NDArray[np.intp], NDArray[np.float64] | None]] = []
        for number, (train, test) in enumerate(self.folds):
            model = fit(self.rows.iloc[train], self.y[train])
            rows = self.rows.iloc[test][names]
            prediction[test] = np.asarray(model.predict(rows)).reshape(-1)
            parts.append((test, self._shares(model, rows)))
            values.append(self._measure(self.y[test], prediction[test], parts[-1][1]))
            if report is not None:
                report(number, float(np.mean(values)))
        return Score(float(np.mean(values)), float(np.std(values)), prediction, _joined(parts, len(self.y)))

    def _shares(self, model: Any, rows: pd.DataFrame) -> NDArray[np.float64] | None:
        """Return the probabilities in the order of ``labels``; a class the fold did not have gets none."""
        if self.labels is None or not hasattr(model, "predict_proba"):
            return None
        found = np.asarray(model.predict_proba(rows), dtype=np.float64)
        shares = np.zeros((len(rows), len(self.labels)))
        for place, label in enumerate(labels_of(model) or []):
            shares[:, self.labels.index(label)] = found[:, place]
        return shares

    def _measure(self, truth: NDArray[Any], prediction: NDArray[Any], shares: NDArray[np.float64] | None) -> float:
        """Compute the metric; what is undefined, such as the precision of no positive answer, is the worst value."""
        value = compute(self.metric, truth, prediction, shares, self.labels, self.positive)
        worst = METRICS[self.metric].low if METRICS[self.metric].greater_is_better else METRICS[self.metric].high
        return worst if np.isnan(value) else value


def _most(rows: pd.DataFrame) -> int:
    """Return how many rows are compared on: fewer where texts are long or images large."""
    most = MOST_ROWS
    for name in rows.columns:
        some = [value for value in rows[name].iloc[:1000] if isinstance(value, str | bytes)]
        if some:
            limit = MOST_BYTES if isinstance(some[0], bytes) else MOST_LETTERS
            most = min(most, max(1000, int(limit * len(some) / max(1, sum(map(len, some))))))
    return most


def _joined(parts: list[tuple[NDArray[np.intp], NDArray[np.float64] | None]], rows: int) -> NDArray[np.float64] | None:
    if parts[0][1] is None:
        return None
    whole = np.zeros((rows, parts[0][1].shape[1]))
    for test, shares in parts:
        whole[test] = shares
    return whole
