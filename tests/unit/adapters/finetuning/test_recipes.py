"""The plan of a training follows from rows, lengths and machine; what is asked goes before it."""

from __future__ import annotations

import numpy as np
import pytest

from boucle.adapters.finetuning.asked import Asked
from boucle.adapters.finetuning.hardware import Hardware
from boucle.adapters.finetuning.recipe import Facts, Recipe, max_tokens, plan

CPU = Hardware("cpu", bf16=True, memory=8 << 30)


def planned(rows: int = 800, mean: int = 27, hardware: Hardware = CPU, **asked: object) -> Recipe:
    lengths = np.clip(np.random.default_rng(0).poisson(mean, rows), 3, 256)
    facts = Facts(lengths=lengths, layers=6, width=384, parameters=22_700_000, cacheable=True)
    return plan(Asked("hf://org/name", **asked), facts, hardware, 256)  # type: ignore[arg-type]


def test_few_rows_train_the_upper_layers_over_a_prefix_that_is_computed_once() -> None:
    recipe = planned()
    assert (recipe.method, recipe.frozen, recipe.cached, recipe.freeze_embeddings) == ("frozen", 3, True, True)
    assert recipe.batch_tokens == pytest.approx(16 * 27, rel=0.1)


def test_many_rows_train_all_layers_and_the_embeddings() -> None:
    recipe = planned(rows=20_000)
    assert (recipe.method, recipe.frozen, recipe.cached, recipe.freeze_embeddings) == ("full", 0, False, False)


def test_nothing_is_kept_for_a_single_epoch_or_where_there_is_no_room() -> None:
    assert not planned(epochs=1).cached
    assert not planned(hardware=Hardware("cpu", bf16=True, memory=1 << 20)).cached


def test_a_cpu_without_bfloat16_computes_in_float32() -> None:
    assert not planned(hardware=Hardware("cpu", bf16=False, memory=8 << 30)).bf16


def test_what_is_asked_goes_before_what_is_planned() -> None:
    recipe = planned(
        method="full",
        epochs=7,
        learning_rate=0.01,
        batch_tokens=999,
        validation=0.25,
        patience=0,
        freeze_embeddings=False,
    )
    assert (recipe.method, recipe.epochs, recipe.learning_rate, recipe.batch_tokens) == ("full", 7, 0.01, 999)
    assert (recipe.validation, recipe.patience, recipe.freeze_embeddings) == (0.25, 0, False)


@pytest.mark.parametrize("rows", [8, 40, 800, 5_000, 100_000, 1_000_000])
def test_enough_rows_are_held_out_and_never_too_many(rows: int) -> None:
    held = planned(rows=rows).validation * rows
    assert held <= max(0.3 * rows, 2_000)
    assert held >= min(40, 0.3 * rows) - 1e-6


def test_texts_are_cut_where_it_is_asked_and_never_beyond_what_the_model_takes() -> None:
    assert max_tokens(Asked("x"), 512) == 256
    assert max_tokens(Asked("x", max_tokens=400), 512) == 400
    assert max_tokens(Asked("x", max_tokens=400), 128) == 128
