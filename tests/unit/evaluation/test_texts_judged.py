"""Models of texts and images are judged like any other, with disturbances, parts and mistakes of their own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.evaluation.disturbing import TYPOS, first_half, typos
from boucle.evaluation.evaluate import evaluate
from boucle.evaluation.report import Context, report_html
from boucle.evaluation.result import Evaluation
from boucle.measures.pictures import blank
from boucle.measures.spans import Span, written
from boucle.project.learning import Evaluate


@dataclass
class Sentiment:
    """Says yes where a text has the word, whatever its case."""

    word: str = "good"

    def predict(self, batch: Batch) -> Batch:
        told = np.array([0.9 if text and self.word in text.lower() else 0.2 for text in batch["text"]])
        labels = np.array(["no", "yes"], dtype=object)[(told > 0.5).astype(int)]
        return {"prediction": labels, "probabilities": np.column_stack((1.0 - told, told))}


class Capitals:
    """Marks words with a capital letter as names."""

    def predict(self, batch: Batch) -> Batch:
        found = np.empty(len(batch["text"]), dtype=object)
        for row, text in enumerate(batch["text"]):
            marked = list(re.finditer(r"\b[A-Z]\w+", text))
            found[row] = [
                {"label": "NAME", "start": m.start(), "end": m.end(), "text": m[0], "score": 1.0} for m in marked
            ]
        return {"prediction": found}


@dataclass
class Shout:
    """Answers a text with another one."""

    fails: bool = False

    def predict(self, batch: Batch) -> Batch:
        return {"prediction": np.array([None if self.fails else t.upper() for t in batch["text"]], dtype=object)}


class Size:
    """Calls images large by their bytes."""

    def predict(self, batch: Batch) -> Batch:
        return {
            "prediction": np.array(["large" if len(raw) > 120 else "small" for raw in batch["image"]], dtype=object)
        }


def signature(pii: bool = False) -> Signature:
    return Signature((Field("text", "text", pii=pii),), outputs_of(("no", "yes")), "text-classification")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    said = rng.choice(["a good film", "a dull film", "this was good", "so long and boring, never again, I left"], 240)
    texts = [
        f"{text} {'really ' * int(n)}number {i}"
        for i, (text, n) in enumerate(zip(said, rng.integers(0, 9, 240), strict=False))
    ]
    return pd.DataFrame(
        {"text": texts, "label": ["yes" if "good" in t or i % 12 == 0 else "no" for i, t in enumerate(texts)]}
    )


def judged(predictor: Any, frame: pd.DataFrame, signed: Signature, **settings: Any) -> Evaluation:
    target = "label" if "label" in frame else "truth"
    return evaluate("m/1", predictor, signed, frame, target, Evaluate(**settings), train_frame=frame, seed=3)


def test_a_text_classifier_has_metrics_disturbances_parts_and_mistakes(frame: pd.DataFrame) -> None:
    found = judged(Sentiment(), frame, signature(), require={"accuracy": ">= 0.8"})
    assert found.verdict.status == "pass"
    assert 0.85 < found.metrics["accuracy"].value < 1.0
    assert found.robustness is not None
    flips = {p.name: p.flips for p in found.robustness.perturbations}
    assert flips["upper case"] == 0.0
    assert 0.0 < flips[TYPOS] < 0.3
    assert not any(p.error for p in found.robustness.perturbations)
    assert {s.column for s in found.slices} >= {"text.characters"}
    assert found.importance == ()
    assert len(found.mistakes) == 10
    assert all((m.truth, m.told) == ("yes", "no") and "good" not in m.shown[0] for m in found.mistakes)
    page = report_html(found, Context("p", "m/1", curves={"train_loss": [(0.0, 0.7), (1.0, 0.2)]}))
    assert "Where it was wrong" in page
    assert "train_loss by epoch" in page


def test_personal_texts_stay_out_of_the_report(frame: pd.DataFrame) -> None:
    found = judged(Sentiment(), frame, signature(pii=True))
    page = report_html(found, Context("p", "m/1"))
    assert len(found.mistakes) == 10
    assert "film" not in page + repr(found.mistakes)


def test_noise_that_changes_answers_fails_the_gate_of_robustness(frame: pd.DataFrame) -> None:
    found = judged(Sentiment("a good film r"), frame, signature(), robustness={"gate": True, "flips": 0.01})
    assert found.robustness is not None
    assert found.robustness.status == "fail"
    assert TYPOS in found.robustness.note


def test_spans_are_judged_by_their_own_metrics() -> None:
    signed = Signature((Field("text", "text"),), (Field("prediction", "json"),), "token-classification")
    texts = ["we met Ada in Lyon", "nothing here", "Zoé sings"] * 20
    truth = [written([Span(7, 10, "NAME")]), "[]", written([Span(0, 3, "NAME")])] * 20
    frame = pd.DataFrame({"text": texts, "truth": truth})
    found = judged(Capitals(), frame, signed, require={"span_f1": ">= 0.7"}, metrics=["span_f1", "span_recall"])
    assert found.metrics["span_f1"].value == pytest.approx(0.8)
    assert found.metrics["span_recall"].value == 1.0
    assert found.verdict.status == "pass"
    assert found.baseline is not None
    assert found.baseline.status == "pass"
    assert "Lyon" in found.mistakes[0].shown[0]
    assert "Where it was wrong" in report_html(found, Context("p", "m/1"))


def test_texts_are_judged_by_likeness() -> None:
    signed = Signature((Field("text", "text"),), (Field("prediction", "text"),), "summarization")
    frame = pd.DataFrame({"text": ["a b c", "d e f g"] * 30, "truth": ["A B C", "d e f x"] * 30})
    found = judged(Shout(), frame, signed)
    assert found.primary == "rouge_l"
    assert found.metrics["exact_match"].value == 0.5
    assert found.metrics["rouge_l"].value == pytest.approx((1 + 0.75) / 2)
    assert judged(Shout(fails=True), frame, signed).metrics["rouge_l"].value == 0.0


def test_images_are_disturbed_and_shown_by_their_size() -> None:
    signed = Signature((Field("image", "image"),), outputs_of(("large", "small"), False), "image-classification")
    files = pd.Series([blank(8 if row % 2 else 64) for row in range(60)], dtype=object)
    frame = pd.DataFrame({"image": files, "label": ["small" if row % 2 else "large" for row in range(60)]})
    frame.loc[0, "label"] = "small"
    found = judged(Size(), frame, signed, metrics=["accuracy"])
    assert found.robustness is not None
    assert {"noise of 2 %", "40 % darker"} <= {p.name for p in found.robustness.perturbations}
    assert found.mistakes[0].shown == ("png, 64 x 64 pixels",)
    assert {s.level for s in found.slices if s.column == "image.width"} == {"8.0", "64.0"}


@given(st.text(max_size=80), st.integers(0, 99))
def test_typos_change_little_and_never_fail(text: str, seed: int) -> None:
    changed = typos(text, np.random.default_rng(seed))
    assert abs(len(changed) - len(text)) <= max(1, len(text.split(" ")))
    assert len(first_half(text)) <= len(text)
