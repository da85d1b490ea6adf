"""Each task on texts: what comes out, and that it is what transformers' own classes give."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tests.assets import asset
from tests.checkpoints import MINILM, TAGS, TONES

import boucle
from boucle.core.errors import BundleError, RequestError

Tiny = Callable[[str], Path]
TEXTS = ["A lovely film.", "Tim Cook lives in Paris.", "", "on and on " * 200, "été 中文 🎬"]


def own_logits(folder: Path, auto: str, *texts: str, **config: Any) -> Any:
    """Compute one text, or a pair, with transformers alone."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = getattr(transformers, auto).from_pretrained(folder).eval()
    with torch.inference_mode():
        return model(**tokenizer(*texts, truncation=True, max_length=64, return_tensors="pt"))


def test_a_classifier_answers_as_transformers_does_whatever_stands_beside_it(tiny: Tiny) -> None:
    model = boucle.load(tiny("classifier"), task="text-classification")
    answers = model.predict(TEXTS, scores=True)
    for text, answer in zip(TEXTS, answers, strict=True):
        expected = own_logits(tiny("classifier"), "AutoModelForSequenceClassification", text).logits.softmax(-1)[0]
        assert [answer[tone] for tone in TONES] == pytest.approx(expected.tolist(), abs=1e-5)
        assert list(answer) == sorted(answer, key=lambda tone: -answer[tone])
    assert model.predict(TEXTS) == [next(iter(answer)) for answer in answers]


def test_several_labels_a_text_have_probabilities_of_their_own(tiny: Tiny) -> None:
    model = boucle.load(tiny("several labels"), task="text-classification")
    logits = own_logits(tiny("several labels"), "AutoModelForSequenceClassification", TEXTS[0]).logits
    answer = model.predict(TEXTS[0], scores=True)
    assert [answer[tone] for tone in TONES] == pytest.approx(logits.sigmoid()[0].tolist(), abs=1e-5)


def test_names_are_marked_by_whole_words_where_they_stand(tiny: Tiny) -> None:
    model = boucle.load(tiny("tagger"), task="token-classification")
    text = "Timothy Cookington lives in Paris, unbelievably."
    for span in model.predict(text):
        assert text[span["start"] : span["end"]] == span["text"]
        assert span["label"] in {"PER", "LOC"}
        assert 1 / len(TAGS) <= span["score"] <= 1
        assert not (span["end"] < len(text) and text[span["end"]].isalpha()), "no word is cut"


def test_a_gap_is_filled_by_the_likeliest_words(tiny: Tiny) -> None:
    model = boucle.load(tiny("gaps"), task="fill-mask", top_k=3)
    found = model.predict("Paris is the <mask> of France.")
    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny("gaps"))
    answer = own_logits(tiny("gaps"), "AutoModelForMaskedLM", "Paris is the [MASK] of France.").logits[0]
    shares = answer[4].softmax(-1)
    assert [one["score"] for one in found] == pytest.approx(shares.topk(3).values.tolist(), abs=1e-6)
    assert found[0]["token"] == tokenizer.decode([int(shares.argmax())])
    assert found[0]["text"] == f"Paris is the {found[0]['token']} of France."


@pytest.mark.parametrize(("text", "why"), [("no gap", "no gap"), ("[MASK] and [MASK]", "2 gaps")])
def test_a_text_without_exactly_one_gap_is_refused(tiny: Tiny, text: str, why: str) -> None:
    with pytest.raises(RequestError, match=f"Row 1 .*{why}"):
        boucle.load(tiny("gaps"), task="fill-mask").predict(["a [MASK]", text])


def test_an_answer_is_found_anywhere_in_a_long_text(tiny: Tiny) -> None:
    model = boucle.load(tiny("answers"), task="question-answering", stride=8)
    rows = [{"question": "who?", "context": f"{'word ' * n}Tim Cook."} for n in (0, 30, 300)]
    for row, answer in zip(rows, model.predict(rows, scores=True), strict=True):
        assert row["context"][answer["start"] : answer["end"]] == answer["prediction"] != ""
        assert 0 < answer["score"] <= 1


def test_the_answer_of_one_window_is_the_likeliest_span_of_the_context(tiny: Tiny) -> None:
    question, context = "who lives there?", "Tim Cook lives in Paris"
    found = own_logits(tiny("answers"), "AutoModelForQuestionAnswering", question, context)
    first, words = 6, 5  # [CLS] who lives there ? [SEP], then the context
    starts, ends = (x[0, first : first + words].softmax(-1) for x in (found.start_logits, found.end_logits))
    joint = torch.triu(starts[:, None] * ends[None, :])
    begin, end = divmod(int(joint.argmax()), words)
    answer = boucle.load(tiny("answers"), task="question-answering").predict(
        {"question": question, "context": context}, scores=True
    )
    assert answer["prediction"] == " ".join(context.split()[begin : end + 1])
    assert answer["score"] == pytest.approx(float(joint.max()), abs=1e-6)


@pytest.mark.parametrize("row", [{"question": " ", "context": "x"}, {"question": "x", "context": ""}])
def test_questions_and_contexts_are_not_empty(tiny: Tiny, row: dict[str, str]) -> None:
    with pytest.raises(RequestError, match="is empty"):
        boucle.load(tiny("answers"), task="question-answering").predict(row)


def test_candidates_are_judged_by_what_follows_from_the_text(tiny: Tiny) -> None:
    model = boucle.load(tiny("inference"), task="zero-shot-classification", labels=["sport", "money"])
    raw = [
        own_logits(tiny("inference"), "AutoModelForSequenceClassification", "a goal", f"This example is {label}.")
        for label in ("sport", "money")
    ]
    expected = torch.stack([one.logits[0, 2] for one in raw]).softmax(-1)
    answer = model.predict("a goal", scores=True)
    assert [answer["sport"], answer["money"]] == pytest.approx(expected.tolist(), abs=1e-5)


def test_several_candidates_may_hold_at_once(tiny: Tiny) -> None:
    model = boucle.load(
        tiny("inference"), task="zero-shot-classification", labels=["sport", "money"], multi_label=True,
        hypothesis="It is about {}.",
    )  # fmt: skip
    raw = own_logits(tiny("inference"), "AutoModelForSequenceClassification", "a goal", "It is about sport.").logits[0]
    assert model.predict("a goal", scores=True)["sport"] == pytest.approx(float(raw[[0, 2]].softmax(-1)[1]), abs=1e-5)


def test_minilm_knows_what_is_near() -> None:
    model = boucle.load(asset(*MINILM), task="feature-extraction")
    cat, kitten, stocks = map(
        np.array, model.predict(["A cat sat on the mat.", "A kitten lies on the rug.", "Stocks fell on Monday."])
    )
    assert np.linalg.norm(cat) == pytest.approx(1.0), "its folder says that vectors are scaled"
    assert cat @ kitten > 0.5 > 0.2 > cat @ stocks


@pytest.mark.parametrize("pooling", ["mean", "cls", "max", "last"])
def test_vectors_are_pooled_as_asked_and_padding_does_not_count(tiny: Tiny, pooling: str) -> None:
    model = boucle.load(tiny("encoder"), task="feature-extraction", pooling=pooling)
    hidden = own_logits(tiny("encoder"), "AutoModel", "a cat").last_hidden_state[0]
    expected = {"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.max(0).values, "last": hidden[-1]}[pooling]
    _, vector = model.predict(["a much longer text than the other one is", "a cat"])
    assert vector == pytest.approx(expected.tolist(), abs=1e-4)


def test_a_pair_that_is_too_long_for_its_window_is_an_error_of_ours(tiny: Tiny) -> None:
    with pytest.raises(RequestError, match="no room for a context"):
        boucle.load(tiny("answers"), task="question-answering").predict({"question": "why " * 80, "context": "so"})


def test_what_is_asked_beyond_the_positions_of_the_model_is_refused(tiny: Tiny) -> None:
    with pytest.raises(BundleError, match=r"max_length is 65, .* takes 64 tokens"):
        boucle.load(tiny("classifier"), task="text-classification", max_length=65)
