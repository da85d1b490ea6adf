from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.json import dumps, loads
from boucle.core.profile import Column, Counts

PARTS = st.lists(st.lists(st.integers(0, 1000), min_size=3, max_size=3), min_size=2, max_size=6)


def counts(bins: list[int]) -> Counts:
    products = np.array([float(sum(bins))])
    rates = np.array([[bins[0]] * 8])
    return Counts(sum(bins), np.array(bins), rates, products, products, {"errors": float(bins[-1])})


@given(PARTS)
def test_counts_add_up_to_the_same_in_any_order(parts: list[list[int]]) -> None:
    made = [counts(part) for part in parts]
    forth, back = made[0], made[-1]
    for part in made[1:]:
        forth = forth + part
    for part in made[-2::-1]:
        back = back + part
    assert dumps(forth) == dumps(back)
    assert forth.rows == sum(map(sum, parts)) == forth.bins.sum()


def test_counts_over_different_bins_do_not_add_up() -> None:
    with pytest.raises(ValueError, match="cannot be added"):
        counts([1, 2, 3]) + counts([1, 2])


@given(st.lists(st.integers(0, 2**60), min_size=1, max_size=9))
def test_counts_go_to_json_and_back(bins: list[int]) -> None:
    again = loads(dumps(counts(bins)), Counts)
    assert again.bins.tolist() == bins
    assert dumps(again) == dumps(counts(bins))


@pytest.mark.parametrize("data", ['"AA=="', '"?"', '"eJwDAAAAAAE="', "3"])
def test_what_is_no_array_is_refused(data: str) -> None:
    good = dumps(counts([1, 2, 3])).decode()
    start = good.index('"data":') + len('"data":')
    with pytest.raises(ValueError, match="no array"):
        loads(good[:start] + data + good[good.index(",", start) :], Counts)


def test_numbers_have_one_bin_more_than_cuts_and_levels_one_each() -> None:
    assert Column("pH", "numeric", cuts=(1, 2)).bins == 3
    assert Column("kind", "categorical", levels=("a", "b")).bins == 2
