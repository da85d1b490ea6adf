"""Marked texts and pictures are learned from like texts: the same trainer, the same plan."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import transformers
from PIL import Image

from boucle.adapters.finetuning.tags import IGNORED, read
from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.core.errors import TrainingError
from boucle.core.signature import Field
from boucle.ports.trainer import Fitted, Job

from .conftest import BAD, GOOD, PLAIN


def fit(job: Job) -> Fitted:
    return PretrainedTrainer().fit(job, lambda text, share: None)


def marked(rows: int, seed: int) -> pd.DataFrame:
    """Make texts in which every good word is marked as praise, every bad one as blame; as objects or as JSON."""
    random = np.random.default_rng(seed)
    made: list[tuple[str, Any]] = []
    for row in range(rows):
        words = random.permutation([*random.choice(PLAIN, 8), *random.choice(GOOD, 2), *random.choice(BAD, 2)]).tolist()
        text, spans = "", list[dict[str, Any]]()
        for word in words:
            label = "PRAISE" if word in GOOD else "BLAME" if word in BAD else None
            if label and not (spans and spans[-1]["end"] == len(text) - 1 and spans[-1]["label"] == label):
                spans.append({"label": label, "start": len(text), "end": len(text) + len(word)})
            elif label:
                spans[-1]["end"] = len(text) + len(word)
            text += word + " "
        made.append((text, json.dumps(spans) if row % 2 else spans))
    return pd.DataFrame(made, columns=["text", "spans"])


@pytest.fixture
def marking(job: Job) -> Job:
    asked = {
        "checkpoint": (job.pretrained or {})["checkpoint"],
        "epochs": 5,
        "learning_rate": 5e-3,
        "batch_tokens": 200,
    }
    return replace(
        job, task="token-classification", target="spans", frame=marked(90, 0), metric="span_f1", pretrained=asked
    )


@pytest.mark.parametrize("method", ["frozen", "lora"])
def test_marked_words_are_found_in_new_texts(marking: Job, method: str) -> None:
    fitted = fit(replace(marking, pretrained={**(marking.pretrained or {}), "method": method}))
    assert fitted.signature.kind == "spans"
    assert fitted.scores[fitted.chosen] > 0.8 > fitted.scores["baseline"]
    texts = np.array(["a lovely film with awful actor"], dtype=object)
    (found,) = PretrainedRuntime().wrap(fitted.model, fitted.signature).predict({"text": texts})["prediction"]
    assert [(span["label"], span["text"]) for span in found] == [("PRAISE", "lovely"), ("BLAME", "awful")]


def found_in(fitted: Fitted, text: str) -> list[tuple[str, str]]:
    (found,) = (
        PretrainedRuntime()
        .wrap(fitted.model, fitted.signature)
        .predict({"text": np.array([text], object)})["prediction"]
    )
    return [(span["label"], span["text"]) for span in found]


def test_a_word_that_is_rarely_marked_is_found_where_labels_weigh_the_same(marking: Job) -> None:
    random, made = np.random.default_rng(1), []
    for row in range(90):
        text = " ".join(random.permutation([*random.choice(PLAIN, 6), "fine"]))
        place = text.index("fine")
        made.append((text, [{"label": "PRAISE", "start": place, "end": place + 4}] if row % 4 == 0 else []))
    rare = replace(marking, frame=pd.DataFrame(made, columns=["text", "spans"]))
    plain, even = fit(rare), fit(replace(rare, class_weight="balanced"))
    assert found_in(plain, "a fine film with plot") == []
    assert found_in(even, "a fine film with plot") == [("PRAISE", "fine")]


def test_spans_that_are_none_are_refused_by_their_row(marking: Job) -> None:
    broken = marking.frame.copy()
    broken.at[4, "spans"] = '[{"label": "PRAISE", "start": 3}]'
    with pytest.raises(TrainingError, match="Row 4 of 'spans'"):
        read(replace(marking, frame=broken))
    with pytest.raises(TrainingError, match="marks nothing"):
        read(replace(marking, frame=marking.frame.assign(spans="[]")))
    assert IGNORED < 0


def square(bright: bool, random: np.random.Generator) -> bytes:
    values = random.integers(150, 255, (32, 32, 3)) if bright else random.integers(0, 110, (32, 32, 3))
    file = io.BytesIO()
    Image.fromarray(values.astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture(scope="session")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeing")
    config = transformers.ViTConfig(
        hidden_size=32, num_hidden_layers=4, num_attention_heads=2, intermediate_size=64, image_size=32, patch_size=8,
        id2label={0: "cat", 1: "dog"}, label2id={"cat": 0, "dog": 1},
    )  # fmt: skip
    transformers.ViTForImageClassification(config).save_pretrained(str(folder))
    said = {"size": {"height": 32, "width": 32}, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "do_resize": True}
    (folder / "preprocessor_config.json").write_text(
        json.dumps({**said, "do_normalize": True, "do_rescale": True, "rescale_factor": 1 / 255, "resample": 2})
    )
    return folder


@pytest.mark.parametrize("method", ["frozen", "probe"])
def test_pictures_are_told_apart(job: Job, seeing: Path, method: str) -> None:
    random = np.random.default_rng(0)
    pictures = pd.DataFrame({"image": [square(row % 2 == 1, random) for row in range(60)]})
    pictures["label"] = np.where(np.arange(60) % 2 == 1, "bright", "dark")
    asked: dict[str, Any] = {"checkpoint": str(seeing), "method": method}
    if method == "frozen":
        asked |= {"epochs": 3, "learning_rate": 1e-3}
    fitted = fit(
        replace(job, task="image-classification", fields=(Field("image", "image"),), frame=pictures, pretrained=asked)
    )
    new = np.array([square(False, random), square(True, random)], dtype=object)
    found = PretrainedRuntime().wrap(fitted.model, fitted.signature).predict({"image": new})
    assert found["prediction"].tolist() == ["dark", "bright"]
    assert fitted.signature.inputs == (Field("image", "image"),)
