"""A checkpoint is fine-tuned, kept and opened again; each method answers better than the constant."""

from __future__ import annotations

from dataclasses import replace

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


def test_the_same_job_gives_the_same_model_and_leaves_the_random_numbers_of_the_process(job: Job) -> None:
    np.random.seed(5)
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    first, second = fit(job), fit(job)
    texts = reviews(20, seed=4)["text"].tolist()
    assert (answers(first, texts)["probabilities"] == answers(second, texts)["probabilities"]).all()
    assert first.scores == second.scores
    assert (np.random.get_state()[1] == before).all()  # type: ignore[index]


def test_the_answers_to_rows_held_out_are_those_of_the_model_that_is_kept(job: Job) -> None:
    fitted = fit(job)
    assert fitted.unseen is not None
    rows = fitted.unseen.rows
    assert 0.2 * len(job.frame) <= len(rows) <= 0.5 * len(job.frame)
    found = answers(fitted, job.frame["text"].iloc[rows].tolist())
    assert np.allclose(found["probabilities"], fitted.unseen.answers["probabilities"], atol=1e-6)
    assert (found["prediction"] == fitted.unseen.answers["prediction"]).all()


def test_a_probe_answers_every_row_by_probes_that_have_not_seen_it(job: Job) -> None:
    fitted = fit(job, method="probe")
    assert fitted.unseen is not None
    assert fitted.unseen.rows.tolist() == list(range(len(job.frame)))
    right = (fitted.unseen.answers["prediction"] == job.frame["label"].to_numpy()).mean()
    assert right == pytest.approx(fitted.scores["probe"])


def test_a_probe_is_a_checkpoint_that_opens_like_any_other(job: Job) -> None:
    fitted = fit(job, method="probe")
    again = resolve(fitted.model.folder, "text-classification", labels=fitted.model.labels)
    texts = ["a lovely film", "an awful film"]
    found = PretrainedRuntime().wrap(again, fitted.signature).predict({"text": np.array(texts, dtype=object)})
    assert found["prediction"].tolist() == ["pos", "neg"]


def test_numbers_as_labels_come_back_as_numbers(job: Job) -> None:
    numbered = replace(job, frame=reviews(120, classes=(0, 4)))
    fitted = fit(numbered, method="probe")
    found = answers(fitted, ["a lovely superb film"])
    assert found["prediction"].dtype == np.int64
    assert found["prediction"].tolist() == [4]
    assert to_batch(numbered.frame[["text"]], fitted.signature.inputs)["text"].dtype == object


def test_training_stops_when_the_rows_held_out_gain_nothing_and_keeps_the_best(job: Job) -> None:
    noise = job.frame.assign(label=np.random.default_rng(0).permutation(job.frame["label"].to_numpy()))
    asked = {**(job.pretrained or {}), "epochs": 12, "learning_rate": 1e-2, "method": "full"}
    fitted = PretrainedTrainer().fit(replace(job, frame=noise, pretrained=asked), lambda text, share: None)
    losses = [value for _, value in fitted.curves["validation_loss"]]
    assert len(losses) < 12
    assert losses[int(fitted.params["best_epoch"]) - 1] == min(losses)
    assert len(losses) == fitted.params["best_epoch"] + 1
    assert fitted.unseen is not None
    shares = fitted.unseen.answers["probabilities"]
    codes = (noise["label"].iloc[fitted.unseen.rows] == "pos").to_numpy().astype(int)
    assert -np.log(shares[np.arange(len(codes)), codes]).mean() == pytest.approx(min(losses), abs=5e-3)


def test_a_threshold_that_is_tuned_is_what_the_kept_model_answers_by(job: Job) -> None:
    rare = job.frame[(job.frame["label"] == "neg") | (np.arange(len(job.frame)) % 8 == 1)].reset_index(drop=True)
    fitted = PretrainedTrainer().fit(
        replace(job, frame=rare, threshold="tune", metric="f1", class_weight="balanced", positive="neg"),
        lambda text, share: None,
    )
    assert fitted.threshold is not None
    found = answers(fitted, rare["text"].tolist())
    shares = np.asarray(found["probabilities"], dtype=np.float64)
    assert (found["prediction"] == np.where(shares[:, 1] >= fitted.threshold, "pos", "neg")).all()


def test_progress_names_the_first_answer_and_the_time_left(job: Job) -> None:
    told: list[tuple[str, float]] = []
    PretrainedTrainer().fit(job, lambda text, share: told.append((text, share)))
    texts = [text for text, _ in told]
    first = next(place for place, text in enumerate(texts) if "linear probe" in text)
    assert any("left" in text for text in texts[first:])
    assert not any("left" in text for text in texts[:first])
    assert [share for _, share in told] == sorted(share for _, share in told)
