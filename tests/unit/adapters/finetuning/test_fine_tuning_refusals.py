"""What nothing can be learned from is refused, saying what to do; what is odd is learned from and told."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boucle.adapters.finetuning.examples import read, validation_rows
from boucle.adapters.finetuning.hardware import Hardware
from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.core.errors import BoucleError, NotFound, TrainingError
from boucle.core.signature import Field
from boucle.ports.trainer import Job


def refusal(job: Job, **changed: Any) -> BoucleError:
    with pytest.raises(BoucleError) as caught:
        PretrainedTrainer().fit(replace(job, **changed), lambda text, share: None)
    assert caught.value.hint
    return caught.value


def configured(checkpoint: Path, place: Path, **config: Any) -> dict[str, Any]:
    """Copy a checkpoint with another configuration; returns what asks for it."""
    shutil.copytree(checkpoint, place)
    said = json.loads((place / "config.json").read_text())
    (place / "config.json").write_text(json.dumps({**said, **config}))
    return {"checkpoint": str(place), "method": "probe"}


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (["x"] * 120, "single class"),
        ([f"name {n}" for n in range(120)], "a single example"),
        ([None, *["neg", "pos"] * 59, "pos"], "missing in 1 of 120"),
    ],
)
def test_a_target_that_is_no_set_of_classes_is_refused(job: Job, column: list[Any], told: str) -> None:
    assert told in refusal(job, frame=job.frame.assign(label=column)).message


@pytest.mark.parametrize(
    ("value", "told"), [(None, "hold no text, the first is row 3"), (b"\x89PNG", "first is row 3"), (7, "hold no text")]
)
def test_a_row_that_is_no_text_is_refused_by_its_number(job: Job, value: Any, told: str) -> None:
    texts = job.frame["text"].tolist()
    texts[3] = value
    assert told in refusal(job, frame=job.frame.assign(text=np.array(texts, dtype=object))).message


def test_empty_texts_are_told_and_only_empty_ones_refused(job: Job) -> None:
    assert "empty in every row" in refusal(job, frame=job.frame.assign(text=" ")).message
    texts = ["", *job.frame["text"].tolist()[1:]]
    assert "1 rows of 'text' are empty" in read(replace(job, frame=job.frame.assign(text=texts))).notes


def test_a_class_with_one_example_is_learned_and_told(job: Job) -> None:
    labels = ["odd", *job.frame["label"].tolist()[1:]]
    examples = read(replace(job, frame=job.frame.assign(label=labels)))
    assert any("'odd'" in note and "one example" in note for note in examples.notes)
    assert 0 not in validation_rows(examples, 0.3, seed=0)


def test_equal_texts_are_on_one_side(job: Job) -> None:
    twice = replace(job, frame=job.frame.iloc[[*range(40), *range(40)]].reset_index(drop=True))
    held = set(validation_rows(read(twice), 0.2, seed=1).tolist())
    assert held
    assert {row % 40 for row in held} == {row for row in held if row < 40}


def test_a_column_too_many_is_named(job: Job) -> None:
    error = refusal(job, fields=(Field("text", "text"), Field("price", "float64")))
    assert "price (float64)" in error.message


def test_an_unknown_checkpoint_says_how_one_is_named(job: Job) -> None:
    error = refusal(job, pretrained={"checkpoint": "bert-base/uncased"})
    assert isinstance(error, NotFound)
    assert "hf://bert-base/uncased" in str(error.hint)


def test_a_checkpoint_of_pictures_does_not_learn_texts(job: Job, checkpoint: Path, tmp_path: Path) -> None:
    asked = configured(checkpoint, tmp_path / "sees", model_type="vit", architectures=["ViTForImageClassification"])
    assert "made for images (image-classification)" in refusal(job, pretrained=asked).message


def test_a_checkpoint_with_other_labels_gets_a_new_head_and_that_is_told(
    job: Job, checkpoint: Path, tmp_path: Path
) -> None:
    asked = configured(
        checkpoint, tmp_path / "other", architectures=["BertForSequenceClassification"],
        id2label={"0": "sad", "1": "glad", "2": "meh"}, label2id={"sad": 0, "glad": 1, "meh": 2},
    )  # fmt: skip
    fitted = PretrainedTrainer().fit(replace(job, pretrained=asked), lambda text, share: None)
    assert any("3 labels" in note and "trained anew" in note for note in fitted.warnings)


def test_a_word_that_is_no_key_is_answered_with_the_nearest(job: Job) -> None:
    assert "did you mean 'epochs'" in str(refusal(job, pretrained={"checkpoint": "x", "epoch": 3}).hint)
    assert "one of full" in str(refusal(job, pretrained={"checkpoint": "x", "method": "sgd"}).hint)


def test_a_training_that_cannot_fit_is_refused_before_it_begins(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    small = Hardware("cpu", bf16=False, memory=100_000)
    monkeypatch.setattr(Hardware, "here", classmethod(lambda cls: small))
    error = refusal(job, pretrained={**(job.pretrained or {}), "method": "full"})
    assert isinstance(error, TrainingError)
    assert "method: lora" in str(error.hint)


def test_a_threshold_for_three_classes_is_refused(job: Job) -> None:
    labels = ["a", "b", "c"] * 40
    asked = {"checkpoint": (job.pretrained or {})["checkpoint"], "method": "probe"}
    error = refusal(job, frame=job.frame.assign(label=labels), threshold=0.4, pretrained=asked)
    assert "two classes" in error.message
