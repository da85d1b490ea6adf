"""Metrics of answers that are texts, spans or candidates, against known values and against their definitions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.signature import KINDS, Task
from boucle.measures.intervals import bootstrap
from boucle.measures.metrics import METRICS, answers, compute, default_metrics, losses, score
from boucle.measures.spans import Span, counts, spans_of, written
from boucle.measures.texts import chrf, exact_match, rouge_l, word_f1, words

ALPHABET = st.text("ab é,.漢", max_size=12)


def objects(values: list[Any]) -> Any:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


@pytest.mark.parametrize(
    ("measure", "truth", "told", "value"),
    [
        (exact_match, "The cat.", "the CAT", 1.0),
        (exact_match, "the cat", "a cat", 0.0),
        (word_f1, "the black cat", "the cat", 0.8),
        (word_f1, "", "", 1.0),
        (word_f1, "cat", "", 0.0),
        (rouge_l, "police killed the gunman", "police kill the gunman", 0.75),
        (rouge_l, "police killed the gunman", "the gunman kill police", 0.5),
        (chrf, "abcdef", "abcdef", 1.0),
        (chrf, "abc", "xyz", 0.0),
    ],
)
def test_texts_are_as_alike_as_their_definition_says(measure: Any, truth: str, told: str, value: float) -> None:
    assert measure(truth, told) == pytest.approx(value)


def test_letters_written_without_blanks_are_words() -> None:
    assert words("我喜欢 cats!") == ["我", "喜", "欢", "cats"]
    assert word_f1("我喜欢猫", "我喜欢狗") == pytest.approx(0.75)


@given(ALPHABET, ALPHABET)
def test_every_likeness_lies_between_0_and_1_and_is_1_for_the_same(one: str, other: str) -> None:
    for measure in (exact_match, word_f1, rouge_l, chrf):
        assert 0.0 <= measure(one, other) <= 1.0
        assert measure(one, one) == pytest.approx(1.0)


@given(st.lists(st.sampled_from("abc"), max_size=9), st.lists(st.sampled_from("abc"), max_size=9))
def test_the_longest_common_subsequence_is_that_of_the_textbook(one: list[str], other: list[str]) -> None:
    table = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    for i, a in enumerate(one):
        for j, b in enumerate(other):
            table[i + 1, j + 1] = table[i, j] + 1 if a == b else max(table[i, j + 1], table[i + 1, j])
    total = len(one) + len(other)
    expected = 2 * table[-1, -1] / total if one and other else float(one == other)
    assert rouge_l(" ".join(one), " ".join(other)) == pytest.approx(expected)


def test_one_of_several_right_answers_is_enough() -> None:
    told = objects(["forty two"])
    assert compute("exact_match", objects([["42", "Forty two."]]), told) == 1.0
    assert compute("exact_match", objects(["42"]), told) == 0.0


CITY, NAME = (
    {"label": "CITY", "start": 0, "end": 4},
    {"label": "NAME", "start": 9, "end": 12, "score": 0.7, "text": "Zoé"},
)


def test_spans_are_right_by_their_ends_and_label() -> None:
    truth = objects([written([Span(0, 4, "CITY"), Span(9, 12, "NAME")]), "[]", None])
    told = objects([[CITY, {**NAME, "end": 13}], [CITY], []])
    assert counts(truth, told).tolist() == [[1, 2, 2], [0, 1, 0], [0, 0, 0]]
    assert compute("span_precision", truth, told) == pytest.approx(1 / 3)
    assert compute("span_recall", truth, told) == pytest.approx(1 / 2)
    assert compute("span_f1", truth, told) == pytest.approx(0.4)
    assert losses("span_f1", truth, told).tolist() == [0.5, 1.0, 0.0]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9), st.sampled_from(["A", "é"])), max_size=5))
def test_spans_read_as_they_were_written(made: list[tuple[int, int, str]]) -> None:
    spans = tuple(sorted(Span(start, start + length, label) for start, length, label in made))
    assert spans_of(written(spans)) == spans


@pytest.mark.parametrize("value", ["{", "3", 3.5, [{"label": "A"}], [{"label": "A", "start": 3, "end": 3}], [1]])
def test_what_is_no_list_of_spans_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match=r"span|label|start"):
        spans_of(value)


def test_candidates_count_by_their_place() -> None:
    told = objects([[{"token": t, "score": 0.5, "text": ""} for t in ("the", " Paris", "a")]] * 2)
    truth = objects(["paris", "Lyon"])
    assert compute("accuracy_at_1", truth, told) == 0.0
    assert compute("accuracy_at_5", truth, told) == 0.5
    assert compute("reciprocal_rank", truth, told) == pytest.approx(0.25)


@pytest.mark.parametrize("task", [task for task, kind in KINDS.items() if kind in ("spans", "text")])
def test_structured_answers_are_weighted_resampled_and_taken_like_others(task: Task) -> None:
    truth = objects([[CITY], [], [NAME]] * 20 if KINDS[task] == "spans" else ["a b", "c", "d e f"] * 20)
    told = objects([[CITY], [CITY], []] * 20 if KINDS[task] == "spans" else ["a b", "x", "d f"] * 20)
    given_ = answers(task, truth, told)
    names = default_metrics(task)
    assert given_.kind == KINDS[task]
    found = bootstrap(list(names), given_, seed=1)
    for name in names:
        assert METRICS[name].low <= found[name].low <= found[name].value <= found[name].high <= METRICS[name].high
        assert score(name, given_.take(np.arange(3))) == pytest.approx(score(name, given_))
    assert np.isnan(score("accuracy", given_))
