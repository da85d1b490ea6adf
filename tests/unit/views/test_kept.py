"""Readings that are costly are kept for a while, and only the newest of them."""

from __future__ import annotations

from itertools import count

from boucle.views.kept import Kept


def test_a_reading_is_kept_until_it_is_asked_for_fresh() -> None:
    kept, read = Kept[str, int](), count()
    assert [kept.get("a", lambda: next(read)) for _ in range(3)] == [0, 0, 0]
    assert kept.get("b", lambda: next(read)) == 1
    assert kept.get("a", lambda: next(read), good_for=0.0) == 2
    assert kept.get("a", lambda: next(read)) == 2


def test_only_the_newest_readings_are_kept() -> None:
    kept, read = Kept[str, int](most=2), count()
    for key in ("a", "b", "a", "c"):
        kept.get(key, lambda: next(read))
    assert [kept.get(key, lambda: next(read)) for key in ("b", "c", "a")] == [1, 2, 3]
