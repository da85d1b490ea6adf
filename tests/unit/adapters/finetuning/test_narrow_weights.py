"""A model computes in bfloat16 while its float32 weights are trained, and has them back afterwards."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import pytest
import torch
from torch import nn

from boucle.adapters.finetuning.classification import even
from boucle.adapters.finetuning.precision import Descent, Narrow, narrowed, narrows


def descend(steps: int, narrow: Narrow, model: nn.Module, descent: Descent) -> None:
    random = torch.Generator().manual_seed(0)
    for _ in range(steps):
        given = torch.randn(16, 4, generator=random).to(next(model.parameters()).dtype)
        model(given).float().square().mean().backward()
        descent.step()
        descent.zero_grad()


def begun() -> tuple[Narrow, nn.Linear, Descent]:
    torch.manual_seed(3)
    model, narrow = nn.Linear(4, 2), Narrow()
    narrow.begin(model)
    return narrow, model, Descent([{"params": list(model.parameters()), "lr": 1e-4}], narrow.wide, 1e-4)


def test_steps_too_small_for_bfloat16_add_up_in_the_weights_that_are_kept() -> None:
    narrow, model, descent = begun()
    before = narrow.wide[model.weight].clone()
    descend(1, narrow, model, descent)
    assert model.weight.dtype == torch.bfloat16
    moved = (narrow.wide[model.weight] - before).abs()
    assert 0 < float(moved.max()) < 2e-4  # bfloat16 has steps of 1e-3 and more there
    descend(40, narrow, model, descent)
    narrow.end()
    assert model.weight.dtype == torch.float32
    assert float((model.weight.detach() - before).abs().max()) > 1e-3
    assert model.weight.grad is None


def test_a_training_goes_on_from_its_state_to_the_same_weights() -> None:
    narrow, model, descent = begun()
    descend(5, narrow, model, descent)
    state = deepcopy(descent.state_dict())
    again, other, second = begun()
    second.load_state_dict(state)
    other.load_state_dict(model.state_dict())
    for one, whose in ((narrow, (model, descent)), (again, (other, second))):
        descend(5, one, *whose)
        one.end()
    assert torch.equal(model.weight, other.weight)


def test_a_model_with_running_means_stays_as_it_is() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    assert not narrows(model)
    with narrowed(model, wanted=True):
        assert next(model.parameters()).dtype == torch.float32


def test_the_weights_are_untouched_by_a_look_in_bfloat16() -> None:
    model = nn.Linear(4, 2)
    before = model.weight.detach().clone()
    with narrowed(model, wanted=True):
        assert model.weight.dtype == torch.bfloat16
    assert torch.equal(model.weight, before)


def test_balanced_classes_weigh_the_same_and_a_row_one_on_average() -> None:
    counts = np.array([6, 2, 0])
    weights = even(counts).numpy()
    assert weights[0] * 6 == pytest.approx(weights[1] * 2)
    assert (weights * counts).sum() == pytest.approx(counts.sum())
