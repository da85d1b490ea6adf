"""Search for better parameters with Optuna's TPE (Bergstra et al., 2011), seeded; hopeless trials end early.

The candidate as it stands has been scored on the same folds: the search keeps it unless a trial beats it. Trials and
seed decide the outcome; a timeout makes it depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import optuna

from boucle.adapters.trainers.candidates import Candidate
from boucle.adapters.trainers.comparison import Score, Trial
from boucle.adapters.trainers.spaces import Space, draw
from boucle.core.errors import TrainingError

optuna.logging.set_verbosity(optuna.logging.ERROR)


@dataclass(frozen=True, slots=True)
class Found:
    """The best candidate, its score, the trials done and how many of them failed."""

    candidate: Candidate
    score: Score
    trials: int
    failed: int


def search(
    candidate: Candidate,
    start: Score | None,
    space: Space,
    comparison: Trial,
    *,
    trials: int,
    timeout: float | None,
    seed: int,
    progress: Callable[[int, float], None],
) -> Found:
    """Try ``trials`` settings drawn from ``space``, for ``timeout`` seconds at most; ``start`` is the score to beat.

    ``progress`` is called after each trial with its number from 1 and the best score. Raises TrainingError when
    there is no score to beat and every trial failed.
    """
    best: dict[str, Any] = {"candidate": candidate, "score": start}
    errors: list[str] = []

    def objective(trial: optuna.Trial) -> float:
        tried = candidate.tuned(draw(trial, space))

        def report(fold: int, mean: float) -> None:
            trial.report(mean, fold)
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            score = comparison.score(tried, report)
        except (ValueError, TypeError, TrainingError) as error:
            errors.append(str(error))
            raise optuna.TrialPruned from error
        if best["score"] is None or comparison.better(score.mean, best["score"].mean):
            best.update(candidate=tried, score=score)
        return score.mean

    study = optuna.create_study(
        direction="maximize" if comparison.sign > 0 else "minimize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=5),
    )

    def after(study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        if best["score"] is not None:
            progress(trial.number + 1, best["score"].mean)

    study.optimize(objective, n_trials=trials, timeout=timeout, callbacks=[after])
    if best["score"] is None:
        raise TrainingError(
            f"Every one of {len(study.trials)} trials failed: {errors[0] if errors else 'no score'}.",
            hint="check the ranges under model.params",
        )
    return Found(best["candidate"], best["score"], len(study.trials), len(errors))
