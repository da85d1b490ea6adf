"""Measure a version on rows it has not seen, and conclude."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from boucle.core.errors import ProjectError, suggest
from boucle.core.signature import KINDS, Label, Signature, Task
from boucle.core.verdict import Check, Verdict
from boucle.evaluation import baseline, comparison, fairness, gates, robustness, slices
from boucle.evaluation.curves import curves
from boucle.evaluation.importance import importance
from boucle.evaluation.mistakes import mistakes
from boucle.evaluation.result import Comparison, Evaluation
from boucle.evaluation.scored import labelled_rows, prepare, truth_of
from boucle.evaluation.timing import latency_ms
from boucle.measures.intervals import bootstrap
from boucle.measures.metrics import METRICS, Answers, default_metrics
from boucle.ports.runtime import Predictor
from boucle.project.learning import Evaluate

__all__ = ["Evaluation", "chosen_metrics", "evaluate"]

_KNOWN = 100_000


def evaluate(
    subject: str,
    predictor: Predictor,
    signature: Signature,
    frame: pd.DataFrame,
    target: str,
    settings: Evaluate,
    *,
    champion: Predictor | None = None,
    champion_ref: str | None = None,
    champion_signature: Signature | None = None,
    train_frame: pd.DataFrame | None = None,
    seed: int = 0,
    size_bytes: int = 0,
    positive: Label | None = None,
) -> Evaluation:
    """Measure ``predictor`` on ``frame`` (its inputs and ``target``), against ``champion`` on the same rows.

    Rows without a target are left out. ``champion_signature`` is needed where the champion's inputs or classes differ.
    ``train_frame`` gives the baseline its constant. Raises ProjectError for a metric or column that is not there,
    DataError when no row can be judged.
    """
    began = time.perf_counter()
    metrics = chosen_metrics(settings, signature.task)
    rows = labelled_rows(frame, target)
    scored = prepare(predictor, signature, rows, target, positive)
    answers, primary = scored.answers, metrics[0]
    measured = bootstrap(metrics, answers, seed=seed)
    beaten = _against_constant(answers, primary, signature, train_frame, target, seed)
    rival = None
    if champion is not None:
        theirs = prepare(champion, champion_signature or signature, rows, target, positive).answers
        reference = champion_ref or "the champion"
        rival = comparison.compare(reference, metrics, theirs, answers, settings.champion.margin, seed)
    masked = frozenset(f.name for f in signature.inputs if f.pii)
    described, columns = slices.described(rows, scored, settings.slices)
    probed = robustness.probe(scored, primary, settings.robustness.flips, seed)
    groups = fairness.by_group(rows, settings.fairness, answers, masked) if settings.fairness else ()
    latency, calls = latency_ms(scored)
    checks = [
        *gates.required(settings.require, measured, _costs(latency, size_bytes)),
        *_compared(beaten, rival, judged_alone=not settings.require),
        *([robustness.check(probed)] if settings.robustness.gate else []),
        *(fairness.checks(groups) if settings.fairness and settings.fairness.gate else ()),
    ]
    return Evaluation(
        subject=subject,
        task=signature.task,
        primary=primary,
        rows=len(rows),
        metrics=measured,
        verdict=Verdict.of(subject, "gate", checks, rows=len(rows), primary=primary, seed=seed),
        baseline=beaten,
        comparison=rival,
        slices=slices.judge_slices(described, columns, answers, primary, measured[primary], masked=masked, seed=seed),
        robustness=probed,
        fairness=groups,
        importance=importance(scored, primary, seed),
        latency_ms=latency,
        timed_calls=calls,
        size_bytes=size_bytes,
        curves=curves(answers),
        mistakes=mistakes(scored),
        bounds=dict(settings.require),
        positive=str(answers.labels[answers.positive]) if answers.binary else "",
        left_out=len(frame) - len(rows),
        seconds=round(time.perf_counter() - began, 3),
    )


def _costs(latency: Mapping[str, float], size_bytes: int) -> dict[str, float]:
    costs = {f"latency_{name}_ms": value for name, value in latency.items()}
    return {**costs, "size_mb": size_bytes / 1e6} if size_bytes else costs


def chosen_metrics(settings: Evaluate, task: Task) -> list[str]:
    """Return the metrics to measure, the primary one first, those with a bound included; raises ProjectError."""
    named = list(settings.metrics or default_metrics(task))
    wanted = list(dict.fromkeys(named + [m for m in settings.require if m not in gates.COSTS]))
    fitting = [m.name for m in METRICS.values() if m.kind == KINDS[task]]
    for name in wanted:
        if name not in fitting:
            what = f"is not a metric of {task}" if name in METRICS else "is not a metric"
            raise ProjectError(
                f"`evaluate` names '{name}', which {what}.",
                hint=f"{suggest(name, fitting)}known: {', '.join(fitting)}",
                field="evaluate.metrics",
            )
    return wanted


def _against_constant(
    answers: Answers, primary: str, signature: Signature, train_frame: pd.DataFrame | None, target: str, seed: int
) -> Comparison:
    known = None
    if train_frame is not None and target in train_frame.columns and train_frame[target].notna().any():
        known = answers_of_truth(answers, labelled_rows(train_frame, target).head(_KNOWN), target, signature)
    # Always or never answering "positive" gives a perfect recall or no precision: those two are judged by F1.
    deciding = "f1" if primary in ("precision", "recall") else primary
    return comparison.compare(
        baseline.NAME, [deciding], baseline.constant(answers, known), answers, margin=0.0, seed=seed
    )


def answers_of_truth(like: Answers, frame: pd.DataFrame, target: str, signature: Signature) -> Answers:
    """Code the truth of other rows as ``like`` codes its own; labels it does not know are left out."""
    truth = truth_of(frame, target, signature)
    if like.parts:
        return like
    if not like.declared:
        numbers = truth.astype(np.float64)
        return Answers(numbers, numbers)
    place = {label: i for i, label in enumerate(like.labels)}
    codes = np.array([place[v] for v in truth.tolist() if v in place], dtype=np.int64)
    return Answers(codes, codes, labels=like.labels, declared=like.declared)


def _compared(beaten: Comparison, rival: Comparison | None, judged_alone: bool) -> Sequence[Check]:
    """Return the comparisons that count: the constant only decides where the project declares no bound."""
    found = [comparison.check(beaten, "beats a constant")] if judged_alone else []
    return found + ([comparison.check(rival, "champion")] if rival else [])
