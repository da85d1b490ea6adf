"""What is particular to classes: the loss, the answers on rows held out, the constant answer, the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from boucle.adapters.finetuning.anatomy import Injected
from boucle.adapters.finetuning.examples import Examples, labelled
from boucle.adapters.finetuning.ready import Ready
from boucle.core.signature import Label
from boucle.measures.metrics import METRICS, compute


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores answers by the job's metric; what is undefined is the worst value."""

    metric: str
    classes: tuple[Label, ...]
    positive: Any

    def __call__(self, truth: NDArray[Any], shares: NDArray[np.float64]) -> float:
        answers = labelled(self.classes, shares.argmax(1))
        value = compute(self.metric, truth, answers, shares, self.classes, self.positive)
        found = METRICS[self.metric]
        return (found.low if found.greater_is_better else found.high) if np.isnan(value) else value

    def better(self, score: float, than: float) -> bool:
        return METRICS[self.metric].sign * score > METRICS[self.metric].sign * than


def constant(examples: Examples, learned: NDArray[np.intp], rows: int) -> NDArray[np.float64]:
    """Return the class shares of the rows that are learned from, as the answer to each of ``rows``."""
    counts = np.bincount(examples.codes[learned], minlength=len(examples.classes))
    return np.tile(counts / counts.sum(), (rows, 1))


class Classes:
    """The goal of a classifier. With ``balanced`` each class weighs the same, whatever the number of its rows."""

    def __init__(self, examples: Examples, ready: Ready, scored: Scored, *, balanced: bool = False) -> None:
        self.examples, self.ready, self.scored = examples, ready, scored
        self.injected: Injected | None = None
        self.weights: torch.Tensor | None = None
        if balanced:
            counts = np.bincount(examples.codes[ready.learned], minlength=len(examples.classes))
            shares = len(ready.learned) / (len(examples.classes) * np.maximum(counts, 1))
            self.weights = torch.tensor(shares, dtype=torch.float32)

    def collate(self, places: Sequence[int]) -> dict[str, torch.Tensor]:
        """Return the tensors of rows by their places among those that are learned."""
        return self._tensors(self.ready.learned[np.asarray(places)])

    def loss(self, model: Any, feeds: dict[str, torch.Tensor]) -> torch.Tensor:
        """Return the cross entropy, each row weighed by its class where that is asked."""
        labels = feeds.pop("labels")
        losses = functional.cross_entropy(self._logits(model, feeds), labels, reduction="none")
        return (losses if self.weights is None else losses * self.weights.to(losses.device)[labels]).mean()

    def shares(self, model: Any, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return probabilities, shape (rows, classes), by the model as it is now."""
        model.eval()
        found = np.empty((len(self.examples), len(self.examples.classes)))
        for batch in self.ready.material.in_order(rows):
            feeds = {name: value.to(self.ready.hardware.device) for name, value in self._tensors(batch).items()}
            feeds.pop("labels")
            with torch.inference_mode(), self.ready.hardware.autocast():
                found[batch] = self._logits(model, feeds).double().softmax(1).cpu().numpy()
        return found[rows]

    def judge(self, model: Any) -> dict[str, float]:
        """Measure the rows held out: the mean loss, and the job's metric."""
        shares = self.shares(model, self.ready.held)
        own = shares[np.arange(len(self.ready.held)), self.examples.codes[self.ready.held]]
        return {
            "loss": float(-np.log(np.maximum(own, 1e-12)).mean()),
            self.scored.metric: self.scored(self.examples.labels[self.ready.held], shares),
        }

    def _logits(self, model: Any, feeds: dict[str, torch.Tensor]) -> torch.Tensor:
        if self.injected is not None:
            self.injected.given = feeds.pop("hidden")
        logits: torch.Tensor = model(**feeds).logits.float()
        return logits

    def _tensors(self, rows: NDArray[np.intp]) -> dict[str, torch.Tensor]:
        feeds = self.ready.material.tensors(rows)
        if self.injected is not None and self.ready.kept is not None:
            feeds["hidden"] = self.ready.kept.get(rows)
        return {**feeds, "labels": torch.from_numpy(self.examples.codes[rows])}
