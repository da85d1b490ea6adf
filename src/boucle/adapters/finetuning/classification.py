"""What is particular to classes: the loss, the answers on rows held out, the constant answer, the threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from boucle.adapters.finetuning.examples import Examples, labelled
from boucle.adapters.finetuning.feeding import Rows
from boucle.adapters.finetuning.goals import Goal, Tensors
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


class Classes(Goal):
    """The goal of a classifier. With ``balanced`` each class weighs the same, whatever the number of its rows."""

    def __init__(self, examples: Examples, ready: Ready, scored: Scored, *, balanced: bool = False) -> None:
        super().__init__(ready)
        self.examples, self.scored = examples, scored
        self.weights = None
        if balanced:
            self.weights = even(np.bincount(examples.codes[ready.learned], minlength=len(examples.classes)))

    def truth(self, rows: Rows, feeds: Tensors) -> Tensors:
        """Return the places of the classes."""
        return {"labels": torch.from_numpy(self.examples.codes[rows])}

    def lost(self, scores: torch.Tensor, truth: Tensors) -> torch.Tensor:
        """Return the cross entropy, each row weighed by its class where that is asked."""
        labels = truth["labels"]
        losses = functional.cross_entropy(scores, labels, reduction="none")
        return (losses if self.weights is None else losses * self.weights.to(losses.device)[labels]).mean()

    def shares(self, model: Any, rows: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return probabilities, shape (rows, classes), by the model as it is now."""
        found = np.empty((len(self.examples), len(self.examples.classes)))
        for batch, scores, _ in self.told(model, rows):
            found[batch] = scores.double().softmax(1).cpu().numpy()
        return found[rows]

    def judge(self, model: Any) -> dict[str, float]:
        """Measure the rows held out: the mean loss, and the job's metric."""
        shares = self.shares(model, self.ready.held)
        own = shares[np.arange(len(self.ready.held)), self.examples.codes[self.ready.held]]
        return {
            "loss": float(-np.log(np.maximum(own, 1e-12)).mean()),
            self.scored.metric: self.scored(self.examples.labels[self.ready.held], shares),
        }


def even(counts: NDArray[np.intp]) -> torch.Tensor:
    """Return the weights under which each class weighs the same, shape (classes,), 1 on average over rows."""
    present = max(1, int((counts > 0).sum()))
    return torch.tensor(counts.sum() / (present * np.maximum(counts, 1)), dtype=torch.float32)
