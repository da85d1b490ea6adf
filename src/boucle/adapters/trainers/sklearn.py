"""Train models with scikit-learn's interface: compare candidates, search, set the threshold, fit on all rows."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from boucle.adapters.trainers import threshold as decision
from boucle.adapters.trainers.candidates import Candidate, Conditions, automatic, labels_of, resolve
from boucle.adapters.trainers.comparison import Score, Trial
from boucle.adapters.trainers.rows import inputs, sides, target_of
from boucle.adapters.trainers.spaces import Space, parted, space_of
from boucle.adapters.trainers.wording import settle
from boucle.core.errors import BoucleError, TrainingError
from boucle.core.signature import KINDS, Signature, outputs_of
from boucle.ports.trainer import Fitted, Job, Progress, Unseen

SMALL = 500_000
"""Values up to which one thread is quicker than several."""
BASELINE = "baseline"


class SklearnTrainer:
    """Fits scikit-learn, XGBoost and LightGBM estimators behind preprocessing made from the contract."""

    name = "sklearn"

    def fit(self, job: Job, progress: Progress) -> Fitted:
        """Fit ``job``; the same job gives the same model. Raises TrainingError; MissingExtra for an absent package."""
        started = time.perf_counter()
        rows, y = inputs(job), target_of(job)
        threads = 1 if rows.size <= SMALL else _cores()
        with _noted() as notes, threadpool_limits(limits=threads):
            fitted = _Training(job, rows, y, threads, progress, notes).run()
        seconds = round(time.perf_counter() - started, 3)
        return replace(fitted, seconds=seconds, warnings=tuple(dict.fromkeys(notes)))


class _Training:
    """One job under way."""

    def __init__(
        self, job: Job, rows: pd.DataFrame, y: NDArray[Any], threads: int, progress: Progress, notes: list[str]
    ) -> None:
        self.job, self.rows, self.y, self.progress, self.notes = job, rows, y, progress, notes
        self.conditions = Conditions(job.task, job.fields, job.seed, threads, job.class_weight, job.directory)
        self.positive, self.negative = sides(job, y)
        self.candidates, self.spaces = self._candidates()
        self.trial = Trial.of(rows, y, job.task, job.metric, job.folds, job.seed, self.positive)
        self.scores: dict[str, Score] = {}

    def run(self) -> Fitted:
        share = 0.3 if self.job.trials else 0.7
        self.scores[BASELINE] = self.trial.baseline()
        chosen, score = self._compare(share)
        if self.job.trials:
            chosen, score = self._search(chosen, share)
        self._warn_of_baseline(chosen, score)
        cut = self._threshold(chosen, score)
        self.progress(f"fitting {chosen.name} on {len(self.y):,} rows", 0.85)
        model = self._fit(chosen, cut)
        return self._fitted(chosen, score, model, cut)

    def _candidates(self) -> tuple[list[Candidate], dict[str, Space]]:
        job = self.job
        if job.estimator == "auto":
            listed = automatic(job.task, job.fields)
        else:
            paths = (job.estimator,) if isinstance(job.estimator, str) else job.estimator
            listed = {path: {} for path in paths}
        found: list[Candidate] = []
        spaces: dict[str, Space] = {}
        for path, (fixed, space) in _params(job, listed).items():
            candidate = resolve(path, {**listed[path], **fixed}, self.conditions)
            if any(other.name == candidate.name for other in found):
                raise TrainingError(f"'{candidate.name}' stands twice among the candidates.")
            if not candidate.fields:
                raise TrainingError(
                    "No input column is left to train on.",
                    hint="times are no inputs; check data.features and data.drop",
                )
            found.append(candidate)
            spaces[candidate.name] = space
        return found, spaces

    def _compare(self, share: float) -> tuple[Candidate, Score]:
        """Score all candidates; one that fails is noted, unless it is the only one."""
        failures: list[BaseException] = []
        for number, candidate in enumerate(self.candidates):
            self.progress(f"cross-validating {candidate.name}", share * number / len(self.candidates))
            try:
                with _clear(candidate.name):
                    self.scores[candidate.name] = self.trial.score(candidate)
            except TrainingError as error:
                failures.append(error)
                self.notes.append(f"{candidate.name} was left out: {error.message}")
        scored = [c for c in self.candidates if c.name in self.scores]
        if not scored:
            raise failures[0]
        best = max(scored, key=lambda c: self.trial.sign * self.scores[c.name].mean)
        return best, self.scores[best.name]

    def _search(self, candidate: Candidate, share: float) -> tuple[Candidate, Score]:
        from boucle.adapters.trainers.search import search  # Optuna's import takes longer than many a training

        space = space_of(candidate.name, candidate.params, self.spaces[candidate.name])
        total = self.job.trials

        def tell(number: int, best: float) -> None:
            text = f"trial {number} of {total} of {candidate.name}, best {self.job.metric} {best:.4g}"
            self.progress(text, share + (0.8 - share) * number / total)

        with _clear(candidate.name):
            found = search(
                candidate,
                self.scores[candidate.name],
                space,
                self.trial,
                trials=total,
                timeout=self.job.timeout,
                seed=self.job.seed,
                progress=tell,
            )
        if found.failed:
            self.notes.append(f"{found.failed} of {found.trials} trials failed")
        self.scores[f"{candidate.name} (searched)"] = found.score
        return found.candidate, found.score

    def _threshold(self, candidate: Candidate, score: Score) -> float | None:
        wanted = self.job.threshold
        if wanted is None:
            return None
        if self.negative is None:
            raise TrainingError(
                "A decision threshold needs exactly two classes.", hint="leave model.threshold out of boucle.yaml"
            )
        if candidate.fits:
            raise TrainingError(
                f"'{candidate.path}' fits its model itself, so no threshold can be put around it.",
                hint="let the function return an unfitted estimator, or apply the threshold in it",
            )
        if wanted != "tune":
            return float(wanted)
        shares = self._positive_shares(score)
        if shares is None:
            raise TrainingError(f"{candidate.name} gives no probabilities, so there is no threshold to tune.")
        return decision.tuned(self.job.metric, self.trial.y, shares, self.positive, self.negative)

    def _positive_shares(self, score: Score) -> NDArray[np.float64] | None:
        labels = self.trial.labels
        return None if score.shares is None or labels is None else score.shares[:, labels.index(self.positive)]

    def _fit(self, candidate: Candidate, cut: float | None) -> Any:
        with _clear(candidate.name):
            around = None if cut is None else decision.applied(cut, self.positive)
            model = candidate.fit(self.rows, self.y, around)
            settle(model)
        if not hasattr(model, "predict"):
            raise TrainingError(
                f"'{candidate.path}' returned a {type(model).__name__}, which has no predict().",
                hint="a function of X and y returns the fitted estimator",
            )
        return model

    def _fitted(self, chosen: Candidate, score: Score, model: Any, cut: float | None) -> Fitted:
        classes = labels_of(model) if self.negative is not None or KINDS[self.job.task] == "class" else None
        outputs = outputs_of(classes, hasattr(model, "predict_proba"))
        signature = Signature(chosen.fields, outputs, self.job.task)
        return Fitted(
            model=model,
            runtime="sklearn",
            signature=signature,
            params={"estimator": chosen.path, **{name: _plain(value) for name, value in chosen.params.items()}},
            scores={name: each.mean for name, each in self.scores.items()},
            chosen=chosen.name,
            threshold=cut,
            spread={name: each.spread for name, each in self.scores.items()},
            unseen=self._unseen(score, classes, cut),
        )

    def _unseen(self, score: Score, classes: list[Any] | None, cut: float | None) -> Unseen:
        prediction, shares = score.prediction, self._positive_shares(score) if cut is not None else None
        if cut is not None and shares is not None:
            prediction = decision.labelled(shares, cut, self.negative, self.positive, prediction.dtype)
        answers: dict[str, NDArray[Any]] = {"prediction": prediction}
        if score.shares is not None and self.trial.labels is not None and classes is not None:
            places = [self.trial.labels.index(label) if label in self.trial.labels else -1 for label in classes]
            padded = np.column_stack([score.shares, np.zeros(len(prediction))])  # -1: a class left out of the folds
            answers["probabilities"] = padded[:, places]
        return Unseen(self.trial.kept, answers)

    def _warn_of_baseline(self, chosen: Candidate, score: Score) -> None:
        constant = self.scores[BASELINE].mean
        if not self.trial.better(score.mean, constant):
            self.notes.append(
                f"{chosen.name} does not beat the constant answer: {self.job.metric} {score.mean:.4g} "
                f"against {constant:.4g}"
            )


def _params(job: Job, listed: dict[str, dict[str, Any]]) -> dict[str, tuple[dict[str, Any], Space]]:
    """Part the parameters into fixed ones and ranges; several candidates take theirs under their names."""
    if len(listed) == 1:
        return {path: parted(job.params, job.trials > 0) for path in listed}
    given: dict[str, dict[str, Any]] = {}
    short = {path.replace(":", ".").rsplit(".", 1)[-1]: path for path in listed}
    for name, values in job.params.items():
        path = name if name in listed else short.get(name)
        if path is None or not isinstance(values, dict):
            raise TrainingError(
                f"model.params.{name} belongs to none of the candidates.",
                hint=f"with several candidates, write the parameters under a candidate's name: {', '.join(short)}",
            )
        given[path] = values
    return {path: parted(given.get(path, {}), job.trials > 0) for path in listed}


@contextmanager
def _clear(name: str) -> Iterator[None]:
    """Turn whatever an estimator raises into a TrainingError that names it."""
    try:
        yield
    except BoucleError:
        raise
    except Exception as error:
        why = str(error).strip() or type(error).__name__
        raise TrainingError(
            f"{name} could not be fitted: {type(error).__name__}: {why}",
            hint="check model.params and the data",
            estimator=name,
        ) from error


@contextmanager
def _noted() -> Iterator[list[str]]:
    """Keep frameworks' warnings off the screen; estimators that did not converge are noted."""
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield notes
    texts = [str(w.message).splitlines()[0] for w in caught if issubclass(w.category, ConvergenceWarning)]
    notes.extend(dict.fromkeys(texts))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
