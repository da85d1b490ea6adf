"""What predictors of texts and images say besides their answers: vectors, unknown tokens, brightness."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from boucle import plugins
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.pretrained.signatures import signature_of
from boucle.core.signature import Batch, Task
from boucle.ports.runtime import Describing, Embedding, Predictor, Thumbnails

Tiny = Callable[[str], Path]
TEXTS: Batch = {"text": np.array(["a fine day", "☃☃ so ☃", ""], dtype=object)}


def predictor_of(folder: Path, task: Task | None = None, **given: Any) -> Predictor:
    checkpoint = resolve(folder, task, **given)
    made: Predictor = plugins.load("runtimes", checkpoint.runtime)().wrap(checkpoint, signature_of(checkpoint))
    return made


def square(shade: int) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (40, 40), (shade,) * 3).save(kept, "PNG")
    return kept.getvalue()


def test_the_vectors_of_a_classifier_are_those_of_its_encoder(tiny: Tiny) -> None:
    classifier = predictor_of(tiny("classifier"))
    encoder = predictor_of(tiny("classifier"), "feature-extraction")
    assert isinstance(classifier, Embedding)
    classifier.predict(TEXTS)
    assert np.allclose(classifier.embed(TEXTS), encoder.predict(TEXTS)["prediction"], atol=1e-5)


@pytest.mark.parametrize(("kind", "task"), [("classifier", None), ("tagger", None), ("encoder", None)])
def test_nothing_is_computed_again_for_the_rows_that_were_predicted_last(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch, kind: str, task: Task | None
) -> None:
    predictor: Any = predictor_of(tiny(kind), task)
    predictor.predict(TEXTS)
    expected = predictor.embed(TEXTS)
    monkeypatch.setattr(predictor, "_engine", None)
    assert predictor.embed(TEXTS) is expected
    assert predictor.describe(TEXTS)["text.unknown"].shape == (3,)


def test_other_rows_and_other_threads_are_answered_too(tiny: Tiny) -> None:
    predictor = predictor_of(tiny("classifier"))
    assert isinstance(predictor, Embedding)
    predictor.predict({"text": np.array(["something else"], dtype=object)})
    here, there = predictor.embed(TEXTS), []
    thread = threading.Thread(target=lambda: there.append(predictor.embed(TEXTS)))
    thread.start()
    thread.join()
    assert np.allclose(here, there[0], atol=1e-6)


def test_the_share_of_unknown_tokens_is_told(tiny: Tiny) -> None:
    predictor = predictor_of(tiny("classifier"))
    assert isinstance(predictor, Describing)
    known, half, none = predictor.describe(TEXTS)["text.unknown"]
    assert (known, half) == (0.0, pytest.approx(2 / 3))
    assert np.isnan(none)


@pytest.mark.parametrize("kind", ["vit", "efficientnet"])
def test_pictures_tell_how_bright_they_are(tiny: Tiny, efficientnet: Path, kind: str) -> None:
    predictor = predictor_of(efficientnet if kind == "efficientnet" else tiny(kind))
    assert isinstance(predictor, Describing)
    assert isinstance(predictor, Thumbnails)
    found = predictor.describe({"image": np.array([square(0), square(51), square(255)], dtype=object)})
    assert found["image.brightness"] == pytest.approx([0.0, 0.2, 1.0], abs=1e-3)


def test_a_file_that_gives_no_vectors_does_not_offer_them(minilm_onnx: tuple[Path, Path], tiny: Tiny) -> None:
    assert not isinstance(predictor_of(minilm_onnx[1]), Embedding)
    assert not isinstance(predictor_of(tiny("gaps")), Embedding)
    assert isinstance(predictor_of(tiny("vit")), Embedding)
