"""The model section says either an estimator or a checkpoint to fine-tune, and what does not belong is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from boucle.project.learning import Model


def refusal(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Model(**given)
    return str(caught.value)


def test_an_estimator_asks_for_no_fine_tuning() -> None:
    assert Model().tuning is None  # type: ignore[call-arg]


def test_only_what_is_written_is_asked_of_fine_tuning() -> None:
    model = Model(pretrained="hf://org/name", method="lora", rank=4, epochs=2, patience=0)  # type: ignore[call-arg]
    assert model.tuning == {"checkpoint": "hf://org/name", "method": "lora", "rank": 4, "epochs": 2, "patience": 0}


def test_adapters_over_four_bits_have_a_rank_like_any() -> None:
    model = Model(pretrained="hf://org/name", method="qlora", rank=4)  # type: ignore[call-arg]
    assert model.tuning == {"checkpoint": "hf://org/name", "method": "qlora", "rank": 4}


@pytest.mark.parametrize("key", ["method", "epochs", "max_tokens", "rank"])
def test_keys_of_fine_tuning_need_a_checkpoint(key: str) -> None:
    value = "full" if key == "method" else 8
    assert f"`{key}` belongs to fine-tuning: name a checkpoint" in refusal(**{key: value})


@pytest.mark.parametrize(
    ("key", "value"), [("estimator", "sklearn.svm.SVC"), ("params", {"C": 1}), ("search", {"trials": 3})]
)
def test_a_checkpoint_and_an_estimator_exclude_each_other(key: str, value: Any) -> None:
    assert f"`{key}` and `pretrained` exclude each other" in refusal(pretrained="folder", **{key: value})


def test_what_would_do_nothing_is_refused() -> None:
    assert "`rank` is of adapters" in refusal(pretrained="folder", method="full", rank=8)
    assert "`epochs` does nothing with `method: probe`" in refusal(pretrained="folder", method="probe", epochs=3)


@pytest.mark.parametrize(
    "given", [{"method": "sgd"}, {"epochs": 0}, {"learning_rate": 0}, {"validation": 0.9}, {"batch_tokens": 1}]
)
def test_values_out_of_range_are_refused(given: dict[str, Any]) -> None:
    assert next(iter(given)) in refusal(pretrained="folder", **given)


@pytest.mark.parametrize(
    "given", [{}, {"folds": 3}, {"pretrained": "folder"}, {"pretrained": "folder", "method": "lora"}]
)
def test_settings_written_out_whole_are_read_again(given: dict[str, Any]) -> None:
    model = Model(**given)
    assert Model.model_validate(model.model_dump()) == model
