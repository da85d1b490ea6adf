"""A checkpoint is fine-tuned, kept and opened again; each method answers better than the constant."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.core.signature import Batch
from boucle.ports.frames import to_batch
from boucle.ports.trainer import Fitted, Job

from .conftest import reviews


def fit(job: Job, **asked: object) -> Fitted:
    pretrained = {**(job.pretrained or {}), **asked}
    if asked.get("method") == "probe":
        pretrained = {key: pretrained[key] for key in ("checkpoint", "method")}
    return PretrainedTrainer().fit(replace(job, pretrained=pretrained), lambda text, share: None)


def answers(fitted: Fitted, texts: list[str]) -> Batch:
    return PretrainedRuntime().wrap(fitted.model, fitted.signature).predict({"text": np.array(texts, dtype=object)})


@pytest.mark.parametrize("method", ["full", "frozen", "lora", "probe"])
def test_each_method_leaves_a_model_that_answers_rows_it_has_not_seen(job: Job, method: str) -> None:
    fitted = fit(job, method=method)
    new = reviews(60, seed=9)
    found = answers(fitted, new["text"].tolist())
    assert (found["prediction"] == new["label"].to_numpy()).mean() > 0.75
    assert fitted.signature.classes == ("neg", "pos")
    assert fitted.chosen == method
    assert fitted.scores[method] > fitted.scores["baseline"]
    assert np.allclose(found["probabilities"].sum(axis=1), 1)
