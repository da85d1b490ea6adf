"""What is sent of HTML that changes: only what differs, and enough to make the whole of it again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.ui.part import difference


def patched(old: str, head: int, tail: int, middle: str) -> str:
    """Do what part.js does."""
    return old[:head] + middle + old[len(old) - tail :]


@given(st.text("ab<>é", max_size=30), st.text("ab<>é", max_size=30))
def test_a_difference_makes_the_new_of_the_old(old: str, new: str) -> None:
    assert patched(old, *difference(old, new)) == new


def test_one_word_that_changes_in_a_long_page_is_all_that_is_sent() -> None:
    old, new = (f"{'<p>a</p>' * 5000}<b>{word}</b>{'<p>z</p>' * 5000}" for word in ("fine", "late"))
    head, tail, middle = difference(old, new)
    assert len(middle) < 5
    assert patched(old, head, tail, middle) == new


@pytest.mark.parametrize("name", ["𝔸 model", "🙂"])
def test_letters_that_javascript_counts_twice_are_sent_whole(name: str) -> None:
    assert difference(f"<b>{name}</b> fine", f"<b>{name}</b> late") == (0, 0, f"<b>{name}</b> late")
