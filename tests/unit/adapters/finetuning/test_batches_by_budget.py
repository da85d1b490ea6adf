"""Batches are even in length, within their budget, and come in another order every epoch."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from boucle.adapters.finetuning.batches import Batches, cut, waste

LENGTHS = st.lists(st.integers(1, 300), min_size=1, max_size=200)


@given(LENGTHS, st.integers(1, 2000), st.integers(1, 64))
def test_every_row_is_in_one_batch_and_no_batch_is_over_its_budget(lengths: list[int], tokens: int, rows: int) -> None:
    known = np.array(lengths)
    batches = list(Batches(known, tokens, rows, seed=1))
    assert sorted(row for batch in batches for row in batch) == list(range(len(known)))
    for batch in batches:
        assert len(batch) <= rows
        assert len(batch) == 1 or len(batch) * known[batch].max() <= tokens


@given(LENGTHS, st.integers(0, 5))
def test_the_number_and_the_shapes_of_batches_stay_the_same_from_epoch_to_epoch(lengths: list[int], epoch: int) -> None:
    batches = Batches(np.array(lengths), 400, 32, seed=7)
    shapes = sorted((len(batch), int(batches.lengths[batch].max())) for batch in batches)
    batches.set_epoch(epoch)
    assert len(list(batches)) == len(batches)
    assert sorted((len(batch), int(batches.lengths[batch].max())) for batch in batches) == shapes


def test_an_epoch_is_the_same_for_the_same_seed_and_another_one_is_not() -> None:
    lengths = np.random.default_rng(0).integers(5, 60, 300)
    batches, again, other = (Batches(lengths, 400, 32, seed) for seed in (1, 1, 2))
    first = list(batches)
    assert first == list(again)
    assert first != list(other)
    batches.set_epoch(1)
    assert list(batches) != first


def test_hardly_anything_computed_is_padding() -> None:
    random = np.random.default_rng(0)
    short = np.clip(random.gamma(6, 4.5, 800).round().astype(int), 3, 80)  # as sentences of reviews are
    long = np.clip(random.lognormal(6, 0.4, 500).round().astype(int), 30, 512)  # as articles are
    assert Batches(short, 16 * 27, 48, 0).waste <= 1.03
    assert Batches(long, 16 * 256, 48, 0).waste <= 1.10


def test_waste_is_what_is_computed_over_what_is_real() -> None:
    assert waste(np.array([2, 4]), [[0, 1]]) == 8 / 6
    assert waste(np.array([2, 4]), [[0], [1]]) == 1.0


def test_a_row_beyond_the_budget_is_a_batch_by_itself() -> None:
    assert cut(np.array([1, 1, 500]), 100, 10) == [(0, 2), (2, 3)]
