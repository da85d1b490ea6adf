"""Weights in bfloat16 while a model computes; the float32 ones they stand for are what is trained and kept.

Under autocast every use of a weight casts it, and every gradient is cast back: a quarter of a training's time on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

Wide = Mapping[nn.Parameter, torch.Tensor]
_WIDE = "wide"


class Narrow:
    """``wide`` are the float32 numbers of each parameter that is bfloat16 for the time being."""

    def __init__(self) -> None:
        self.wide: dict[nn.Parameter, torch.Tensor] = {}

    def begin(self, model: nn.Module) -> None:
        """Have a model compute in bfloat16 throughout."""
        self.wide = {one: one.data for one in model.parameters() if one.dtype == torch.float32}
        for one, data in self.wide.items():
            one.data = data.to(torch.bfloat16)

    def end(self) -> None:
        """Give the model its float32 weights, as they are by now."""
        for one, data in self.wide.items():
            one.grad, one.data = None, data
        self.wide = {}


def narrows(model: nn.Module) -> bool:
    """Say whether a model may: one that keeps running means of its batches needs float32 for them."""
    return not any(isinstance(module, _BatchNorm) for module in model.modules())


@contextmanager
def narrowed(model: nn.Module, wanted: bool) -> Iterator[None]:
    """Compute in bfloat16 if that is ``wanted`` and can be; the weights are as they were afterwards."""
    narrow = Narrow()
    if wanted and narrows(model):
        narrow.begin(model)
    try:
        yield
    finally:
        narrow.end()


class Descent(torch.optim.AdamW):
    """AdamW on float32 weights, for parameters that may be bfloat16 while they compute.

    ``groups`` hold the model's parameters. Its state has the float32 weights, so that a training goes on from it.
    """

    def __init__(self, groups: Sequence[dict[str, Any]], wide: Wide, rate: float) -> None:
        pairs = [(one, wide[one]) for group in groups for one in group["params"] if one in wide]
        self._narrow, self._wide = [one for one, _ in pairs], [data.detach() for _, data in pairs]
        own = dict(zip(self._narrow, self._wide, strict=True))
        listed = [{**group, "params": [own.get(one, one) for one in group["params"]]} for group in groups]
        super().__init__(listed, lr=rate, fused=True)

    def step(self, closure: Any = None) -> Any:
        """Make a step; raises RuntimeError where a gradient is of another shape."""
        for one, data in zip(self._narrow, self._wide, strict=True):
            if data.grad is None or one.grad is None:
                data.grad = None if one.grad is None else one.grad.to(data.dtype)
            else:
                data.grad.copy_(one.grad)  # memory that is asked for at every step is cleared at every step
        found = super().step(closure)
        with torch.no_grad():
            for one, data in zip(self._narrow, self._wide, strict=True):
                one.copy_(data)
        return found

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget gradients."""
        kept = {data: data.grad for data in self._wide}
        super().zero_grad(set_to_none)
        for data, grad in kept.items():
            data.grad = grad
        for one in self._narrow:
            one.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return the state, with the float32 weights."""
        return {**super().state_dict(), _WIDE: self._wide}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take a state back, and the float32 weights with it."""
        state = dict(state_dict)
        for data, kept in zip(self._wide, state.pop(_WIDE), strict=True):
            data.copy_(kept)
        super().load_state_dict(state)
