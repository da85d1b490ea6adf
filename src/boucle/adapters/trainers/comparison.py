"""Cross-validation: every candidate and every trial on the same folds, by the same metrics as the gates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.model_selection import KFold, StratifiedKFold, train_test_split

from boucle.adapters.trainers.candidates import Candidate, labels_of
from boucle.core.signature import Task
from boucle.measures.metrics import METRICS, compute

MOST_ROWS = 20_000
Report = Callable[[int, float], None]
"""Called after each fold with its number from 0 and the mean so far; may raise to stop."""


@dataclass(frozen=True, slots=True)
class Score:
    """The mean of a metric over folds, and its standard deviation between them."""

    mean: float
    spread: float


@dataclass(frozen=True, slots=True)
class Trial:
    """Rows, folds and metric that candidates are compared on."""

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
        classification = task == "tabular-classification"
        if classification:
            labels, places, counts = np.unique(y, return_inverse=True, return_counts=True)
            kept = kept[counts[places] > 1]
        if len(kept) > MOST_ROWS:
            strata = y[kept] if classification else None
            kept = np.sort(train_test_split(kept, train_size=MOST_ROWS, random_state=seed, stratify=strata)[0])
        rows, y = rows.iloc[kept].reset_index(drop=True), y[kept]
        if classification:
            fewest = int(np.unique(y, return_counts=True)[1].min())
            parts: Any = StratifiedKFold(max(2, min(folds, fewest)), shuffle=True, random_state=seed)
        else:
            parts = KFold(max(2, min(folds, len(y))), shuffle=True, random_state=seed)
        return cls(rows, y, tuple(parts.split(rows, y)), task, metric, positive)

    @property
    def sign(self) -> float:
        return METRICS[self.metric].sign

    def better(self, score: float, than: float) -> bool:
        return self.sign * score > self.sign * than

    def score(self, candidate: Candidate, report: Report | None = None) -> Score:
        """Cross-validate a candidate."""
        values: list[float] = []
        for number, (train, test) in enumerate(self.folds):
            model = candidate.fit(self.rows.iloc[train], self.y[train])
            rows = self.rows.iloc[test][[f.name for f in candidate.fields]]
            values.append(self.measure(model, rows, self.y[test]))
            if report is not None:
                report(number, float(np.mean(values)))
        return Score(float(np.mean(values)), float(np.std(values)))

    def baseline(self) -> Score:
        """Score the constant answer: the mean (the median under mae), or the commonest class and the class shares."""
        if self.task == "tabular-regression":
            model: Any = DummyRegressor(strategy="median" if self.metric == "mae" else "mean")
        else:
            model = DummyClassifier(strategy="prior")
        values = [
            self.measure(model.fit(self.rows.iloc[train], self.y[train]), self.rows.iloc[test], self.y[test])
            for train, test in self.folds
        ]
        return Score(float(np.mean(values)), float(np.std(values)))

    def measure(self, model: Any, rows: pd.DataFrame, truth: NDArray[Any]) -> float:
        """Score a fitted model; what is undefined, such as the precision of no positive answer, is the worst value."""
        shares = model.predict_proba(rows) if METRICS[self.metric].probabilities else None
        prediction = np.asarray(model.predict(rows)).reshape(-1)
        value = compute(self.metric, truth, prediction, shares, labels_of(model), self.positive)
        worst = METRICS[self.metric].low if METRICS[self.metric].greater_is_better else METRICS[self.metric].high
        return worst if np.isnan(value) else value

    def out_of_fold(self, candidate: Candidate, label: Any) -> NDArray[np.float64]:
        """Return each row's probability of ``label`` from the model that did not see the row, shape (rows,)."""
        shares = np.zeros(len(self.y))
        for train, test in self.folds:
            model = candidate.fit(self.rows.iloc[train], self.y[train])
            place = (labels_of(model) or []).index(label)
            shares[test] = model.predict_proba(self.rows.iloc[test][[f.name for f in candidate.fields]])[:, place]
        return shares
