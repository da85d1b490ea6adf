from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.profile import ColumnProfile, Profile

COUNTS = st.tuples(*[st.integers(0, 1000)] * 3)


def profile(counts: tuple[int, ...], missing: int = 0) -> Profile:
    column = ColumnProfile("pH", "numeric", (3.0, 3.5), counts=counts, missing=missing, total=float(sum(counts)))
    return Profile(column.rows, (column,), {"faults": float(missing)})


@given(st.lists(st.tuples(COUNTS, st.integers(0, 9)), min_size=2, max_size=6), st.randoms())
def test_profiles_merge_to_the_same_in_any_order(parts: list[tuple[tuple[int, ...], int]], random: object) -> None:
    made = [profile(*part) for part in parts]
    forth, back = made[0], made[-1]
    for part in made[1:]:
        forth = forth.merged(part)
    for part in made[-2::-1]:
        back = back.merged(part)
    assert forth == back
    assert forth.rows == sum(p.rows for p in made) == forth.column("pH").rows


def test_profiles_over_different_bins_do_not_merge() -> None:
    with pytest.raises(ValueError, match="different bins"):
        profile((1, 2, 3)).merged(Profile(1, (ColumnProfile("pH", "numeric", (9.0,), counts=(1, 0)),)))


def test_an_unknown_column_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="alcohol"):
        profile((1, 2, 3)).column("alcohol")
