"""What is derived of texts and answers is what it says, row by row, and alike however rows are put together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.signature import Batch, Column, Field
from boucle.measures.derived import DIMENSIONS, answered, derived, meaning, of_texts, projection, told
from boucle.measures.languages import language

TEXT = Field("text", "text", optional=True)


def objects(values: Sequence[object]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


@given(st.lists(st.none() | st.text(max_size=60), min_size=1, max_size=8))
def test_a_text_is_described_the_same_alone_and_among_others(texts: list[str | None]) -> None:
    together = of_texts(texts)
    for row, text in enumerate(texts):
        for name, column in of_texts([text]).items():
            assert np.array_equal(together[name][row : row + 1], column, equal_nan=name != "language")


@given(st.text(max_size=200))
def test_counts_and_shares_are_those_of_the_characters(text: str) -> None:
    found = {name: column[0] for name, column in of_texts([text]).items()}
    many = max(len(text), 1)
    assert found["characters"] == len(text)
    assert found["words"] == len(text.split())
    assert found["foreign"] == pytest.approx(sum(ord(c) > 127 for c in text) / many)
    assert found["digits"] == pytest.approx(sum(c in "0123456789" for c in text) / many)
    assert found["capitals"] == pytest.approx(sum(c.isupper() and ord(c) < 256 for c in text) / many)


@pytest.mark.parametrize(
    ("text", "guessed"),
    [
        ("The film was so good that I would see it again with my friends.", "en"),
        ("Le film est si beau que je le verrais encore une fois avec mes amis.", "fr"),
        ("Der Film ist so schön, dass ich ihn noch einmal mit Freunden sehen werde.", "de"),
        ("La película es tan buena que la vería otra vez con mis amigos y con ella.", "es"),
        ("Il film è così bello che lo vedrei ancora una volta con gli amici.", "it"),
        ("O filme é tão bom que eu veria mais uma vez com os meus amigos.", "pt"),
        ("De film is zo goed dat ik hem nog een keer met vrienden zou zien.", "nl"),
        ("Фильм очень хороший", "cyrillic"), ("とても良い映画です", "kana"), ("电影很好看", "han"),
        ("영화가 좋아요", "hangul"),
        ("Η ταινία είναι καλή", "greek"), ("الفيلم جيد", "arabic"), ("फिल्म अच्छी है", "devanagari"),
        ("", "unknown"), ("x = 3; y += 7", "unknown"), ("4711", "unknown"), ("Good!", "unknown"),
    ],
)  # fmt: skip
def test_languages_are_guessed_by_small_words_and_scripts(text: str, guessed: str) -> None:
    assert language(text) == guessed


@given(st.text())
def test_any_text_has_a_guess(text: str) -> None:
    assert language(text)


def test_personal_fields_and_names_that_are_taken_are_left_alone() -> None:
    assert derived((Field("text", "text", pii=True),), {"text": ["a"]}) == {}
    fields = (TEXT, Field("text.words", "float64"))
    assert "text.words" not in derived(fields, {"text": ["a"], "text.words": [3.0]})


@pytest.mark.parametrize(
    ("kind", "answers", "stands"),
    [
        ("spans", [[{"label": "A"}], [], None], [1.0, 0.0, np.nan]),
        ("text", ["four", "", None], [4.0, 0.0, np.nan]),
        ("candidates", [[{"token": "a", "score": 0.25}], [], None], [0.25, np.nan, np.nan]),
    ],
)
def test_answers_are_counted_by_what_stands_for_them(kind: str, answers: list[object], stands: list[float]) -> None:
    column = answered(kind, objects(answers))  # type: ignore[arg-type]
    assert np.array_equal(column, stands, equal_nan=True)


def test_a_vector_counts_by_its_length_and_a_class_as_it_is() -> None:
    assert answered("vector", np.array([[3.0, 4.0], [0.0, 0.0]])).tolist() == [5.0, 0.0]
    assert answered("class", objects(["a", "b"])).tolist() == ["a", "b"]


def test_projections_are_fixed_for_good() -> None:
    directions = projection(384)
    assert directions.shape == (384, DIMENSIONS)
    assert np.allclose(np.linalg.norm(directions, axis=0), 1.0)
    assert directions[0, 0] == pytest.approx(0.0909, abs=0.02)
    found = meaning(np.eye(384)[:2] * 7.0, directions)
    assert np.array_equal(found["meaning.1"], directions[:2, 0])
    assert np.array_equal(meaning(np.zeros((1, 384)), directions)["meaning.8"], [0.0])


class Telling:
    def describe(self, batch: Batch) -> Batch:
        return {"text.unknown": np.full(len(batch["text"]), 0.25), "wrong": np.zeros(1)}


def test_what_a_model_tells_is_taken_when_there_is_one_value_a_row() -> None:
    found = told(Telling(), {"text": objects(["a", "b"])})
    assert {name: column.tolist() for name, column in found.items()} == {"text.unknown": [0.25, 0.25]}
    assert told(object(), {"text": objects(["a"])}) == {}
