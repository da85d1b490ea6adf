"""What all goals of a training have in common: rows as tensors, and what a model, whole or cut, makes of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from boucle.adapters.finetuning.anatomy import Injected
from boucle.adapters.finetuning.feeding import Rows
from boucle.adapters.finetuning.ready import Ready

Tensors = dict[str, torch.Tensor]


class Goal(ABC):
    """What is learned. With ``injected`` set the model was cut, and is given what enters it there.

    ``truths`` are the names of the tensors that a model is not given: what it should have answered.
    """

    truths: ClassVar[tuple[str, ...]] = ("labels",)

    def __init__(self, ready: Ready) -> None:
        self.ready = ready
        self.injected: Injected | None = None

    def collate(self, places: Sequence[int]) -> Tensors:
        """Return the tensors of rows by their places among those that are learned."""
        return self._tensors(self.ready.learned[np.asarray(places)])

    def loss(self, model: Any, feeds: Tensors) -> torch.Tensor:
        """Return the mean loss of a batch."""
        truth = {name: feeds.pop(name) for name in self.truths}
        return self.lost(self._scores(model, feeds), truth)

    def told(self, model: Any, rows: NDArray[np.intp]) -> Iterator[tuple[NDArray[np.intp], torch.Tensor, Tensors]]:
        """Yield rows, the model's scores of them and the truth, batch by batch in an order of its own."""
        model.eval()
        hardware = self.ready.hardware
        for batch in self.ready.material.in_order(rows):
            feeds = {name: value.to(hardware.device) for name, value in self._tensors(batch).items()}
            truth = {name: feeds.pop(name) for name in self.truths}
            with torch.inference_mode(), hardware.autocast(model):
                yield batch, self._scores(model, feeds), truth

    @abstractmethod
    def lost(self, scores: torch.Tensor, truth: Tensors) -> torch.Tensor:
        """Return the mean loss of some answers."""

    @abstractmethod
    def truth(self, rows: Rows, feeds: Tensors) -> Tensors:
        """Return the ``truths`` of some rows, whose ``feeds`` are given."""

    def judge(self, model: Any) -> dict[str, float]:
        """Measure the rows held out: ``loss``, lower is better, and more where that is cheap."""
        lost = [
            (float(self.lost(scores, truth)), len(rows)) for rows, scores, truth in self.told(model, self.ready.held)
        ]
        return {"loss": sum(loss * count for loss, count in lost) / sum(count for _, count in lost)}

    def _scores(self, model: Any, feeds: Tensors) -> torch.Tensor:
        if self.injected is not None:
            self.injected.given = feeds.pop("hidden")
        return scores(model(**feeds)).float()

    def _tensors(self, rows: Rows) -> Tensors:
        feeds = self.ready.material.tensors(rows)
        truth = self.truth(rows, feeds)
        if self.injected is not None and self.ready.kept is not None:
            feeds["hidden"] = self.ready.kept.get(rows)
        return {**feeds, **truth}


def scores(output: Any) -> torch.Tensor:
    """Return the logits of an output; those of begins and ends as one tensor, shape (rows, 2, tokens)."""
    found = output.logits if hasattr(output, "logits") else torch.stack((output.start_logits, output.end_logits), 1)
    assert isinstance(found, torch.Tensor)
    return found
