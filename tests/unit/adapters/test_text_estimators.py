"""Texts and images with scikit-learn alone: no torch, seconds, and a bundle that answers as the model did."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.adapters.trainers.pixels import Pixels
from boucle.adapters.trainers.sklearn import SklearnTrainer
from boucle.core.errors import RequestError, TrainingError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Field, Task
from boucle.ports.frames import to_batch
from boucle.ports.trainer import Fitted, Job
from boucle.training import bundling

RNG = np.random.default_rng(5)
GOOD, BAD, OTHER = (["fine", "warm", "lovely"], ["dull", "cold", "awful"], ["plot", "actor", "scene", "film", "été"])
LABELS = np.array(["good", "bad"])[np.arange(160) % 2]
TEXTS = [
    " ".join([*RNG.choice(GOOD if label == "good" else BAD, 2), *RNG.choice(OTHER, 5)]) for label in LABELS.tolist()
]
FRAME = pd.DataFrame({"text": TEXTS, "label": LABELS, "length": RNG.normal(90, 9, 160), "score": np.arange(160) % 7.0})
TEXT = Field("text", "text")
JOB = Job("text-classification", (TEXT,), "label", FRAME, metric="accuracy", seed=1, folds=3)


def fit(job: Job) -> Fitted:
    return SklearnTrainer().fit(job, lambda text, share: None)


def answers(fitted: Fitted, batch: Batch) -> Batch:
    return SklearnRuntime().wrap(fitted.model, fitted.signature).predict(batch)


def column(*values: Any) -> Any:
    made = np.empty(len(values), dtype=object)
    made[:] = values
    return made


def test_texts_are_told_apart_and_odd_ones_are_answered() -> None:
    fitted = fit(JOB)
    assert fitted.signature.task == "text-classification"
    assert fitted.scores[fitted.chosen] > 0.95
    assert set(fitted.scores) == {"baseline", "LogisticRegression", "ComplementNB"}
    told = answers(
        fitted, {"text": column("a lovely WARM film", "an awful, dull one", "", "\0 漢字 \ud83d", "x" * 100_000)}
    )
    assert told["prediction"].tolist()[:2] == ["good", "bad"]
    assert np.isfinite(told["probabilities"].astype(float)).all()


def test_a_missing_text_is_an_empty_one_where_it_may_be_missing() -> None:
    fitted = fit(
        replace(JOB, fields=(Field("text", "text", optional=True),), frame=FRAME.assign(text=column(None, *TEXTS[1:])))
    )
    told = answers(fitted, {"text": column(None, "")})
    assert told["probabilities"][0].tolist() == told["probabilities"][1].tolist()


@pytest.mark.parametrize(
    ("good", "bad"), [("这部好电影", "这部坏电影"), ("\N{THUMBS UP SIGN} !", "\N{THUMBS DOWN SIGN} ?")]
)
def test_scripts_without_blanks_and_signs_are_learned_one_by_one(good: str, bad: str) -> None:
    texts = [(good if label == "good" else bad) + "." * (i % 7) for i, label in enumerate(LABELS)]
    fitted = fit(replace(JOB, frame=FRAME.assign(text=texts)))
    assert answers(fitted, {"text": column(good, bad)})["prediction"].tolist() == ["good", "bad"]


@pytest.mark.parametrize(
    ("task", "target", "metric"),
    [("tabular-classification", "label", "accuracy"), ("tabular-regression", "score", "rmse")],
)
def test_a_text_may_stand_beside_numbers(task: Task, target: str, metric: str) -> None:
    fitted = fit(replace(JOB, task=task, target=target, metric=metric, fields=(TEXT, Field("length", "float64"))))
    assert fitted.signature.names == ("text", "length")
    assert len(answers(fitted, to_batch(FRAME, fitted.signature.inputs))["prediction"]) == 160


def test_a_model_of_texts_is_kept_small_and_answers_the_same(tmp_path: Path) -> None:
    fitted = fit(JOB)
    plan = bundling.Plan("m", fitted.model, fitted.signature, to_batch(FRAME, (TEXT,)))
    info, folder, _ = bundling.make(plan, SklearnRuntime(), tmp_path)
    assert info.runtime == "sklearn"
    assert info.trusted == ()
    assert (folder / "model.skops").stat().st_size < 100_000
    again = SklearnRuntime().load(folder, info)
    assert again.predict({"text": column(*TEXTS[:9])})["prediction"].tolist() == LABELS[:9].tolist()
    assert isinstance(info, BundleInfo)


def test_no_estimator_marks_texts() -> None:
    with pytest.raises(TrainingError, match="token-classification") as refused:
        fit(replace(JOB, task="token-classification", metric="span_f1"))
    assert "pretrained" in str(refused.value.hint)


def picture(value: float, mode: str = "RGB", side: int = 12, format: str = "PNG", **options: Any) -> bytes:
    image = Image.fromarray((RNG.random((side, side, 3)) * 40 + value * 200).astype(np.uint8)).convert(mode)
    kept = io.BytesIO()
    image.save(kept, format, **options)
    return kept.getvalue()


def test_images_are_told_apart_by_their_pixels() -> None:
    files = column(*(picture(label == "good") for label in LABELS[:60]))
    frame = pd.DataFrame({"image": files, "label": LABELS[:60]})
    job = Job("image-classification", (Field("image", "image"),), "label", frame, metric="accuracy", seed=1, folds=3)
    fitted = fit(job)
    assert fitted.scores[fitted.chosen] == 1.0
    assert answers(fitted, {"image": column(picture(1.0), picture(0.0))})["prediction"].tolist() == ["good", "bad"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: picture(0.5, "CMYK", format="JPEG"),
        lambda: picture(0.5, "L"),
        lambda: picture(0.5, "RGBA"),
        lambda: picture(0.5, "P", format="GIF", save_all=True, append_images=[Image.new("P", (12, 12))]),
        lambda: picture(0.5, "L", side=1),
    ],
)
def test_odd_images_are_read(make: Callable[[], bytes]) -> None:
    found = Pixels(8).fit_transform(column(make()))
    assert found.shape == (1, 64)
    assert 0.3 < found.mean() < 0.9


def test_sixteen_bits_are_brought_to_the_same_range() -> None:
    kept = io.BytesIO()
    Image.fromarray(np.full((9, 9), 33_000, dtype=np.uint16)).save(kept, "PNG")
    assert 0.4 < Pixels(4).fit_transform(column(kept.getvalue())).mean() < 0.6


@pytest.mark.parametrize("raw", [b"", b"no image", picture(0.5)[:60]])
def test_what_is_no_image_is_refused_with_its_row(raw: bytes) -> None:
    with pytest.raises(RequestError, match="Row 1"):
        Pixels(8).fit_transform(column(picture(0.5), raw))
