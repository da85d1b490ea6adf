"""Ours on the same rows: the trainer as `boucle train` calls it, with the times of its parts."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.finetuning.texts import Part, checkpoint
from boucle.adapters.finetuning.batches import Batches
from boucle.adapters.finetuning.trainer import PretrainedTrainer
from boucle.adapters.pretrained.tokens import Tokens
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.core.signature import Field
from boucle.ports.trainer import Fitted, Job


@dataclass(frozen=True, slots=True)
class Run:
    """CPU seconds of the whole, of the probe's answer from the start, and of survey and training; the rest are ratios.

    ``flop`` is what the recipe has to compute for the real tokens, in units of 1e12; ``sustained`` what the core
    multiplied in between.
    """

    cpu: float
    probe: float
    computing: float
    accuracy: float
    probe_score: float
    waste: float
    flop: float
    sustained: float


class Gauge:
    """What the core multiplies while a training goes on: its bfloat16 rate in between steps, on every tenth look.

    Whatever else the machine does slows a training and these products alike; their median is what the training could
    have had. ``spent`` are the CPU seconds it took itself.
    """

    def __init__(self) -> None:
        self.spent, self.looks = 0.0, 0
        self.rates: list[float] = []
        self.left, self.right = torch.randn(512, 384).bfloat16(), torch.randn(384, 1536).bfloat16()

    def look(self) -> None:
        self.looks += 1
        if self.looks % 10:
            return
        begun = time.process_time()
        self.left @ self.right  # what the caches held was the training's
        warm = time.process_time()
        for _ in range(4):
            self.left @ self.right
        ended = time.process_time()
        self.rates.append(4 * 2 * 512 * 384 * 1536 / (ended - warm) / 1e12)
        self.spent += ended - begun

    @property
    def rate(self) -> float:
        """The median, in 1e12 operations a CPU second."""
        return float(np.median(self.rates))


def run(part: Part, seed: int, folder: str, **asked: object) -> Run:
    """Fit, and answer the test rows with the checkpoint it left."""
    job = Job(
        task="text-classification",
        fields=(Field("text", "text"),),
        target="label",
        frame=part.train.reset_index(drop=True),
        metric="accuracy",
        seed=seed,
        directory=folder,
        pretrained={"checkpoint": str(checkpoint()), **asked},
        workspace=str(Path(folder) / "work"),
    )
    marks: dict[str, float] = {}
    gauge = Gauge()
    begun = time.process_time()

    def progress(text: str, share: float) -> None:
        for key in ("opening", "reading all", "a first answer", "writing"):
            if text.startswith(key):
                marks.setdefault(key, time.process_time() - begun - gauge.spent)
        gauge.look()

    fitted = PretrainedTrainer().fit(job, progress)
    spent = time.process_time() - begun - gauge.spent
    column = part.test["text"].to_numpy(dtype=object)
    found = PretrainedRuntime().wrap(fitted.model, fitted.signature).predict({"text": column})["prediction"]
    waste, flop = _work(fitted, part, seed)
    return Run(
        cpu=spent,
        probe=marks["a first answer"],
        computing=marks["writing"] - marks["opening"],
        accuracy=float((found == part.test["label"].to_numpy()).mean()),
        probe_score=fitted.scores["probe"],
        waste=waste,
        flop=flop,
        sustained=gauge.rate,
    )


def _work(fitted: Fitted, part: Part, seed: int) -> tuple[float, float]:
    """Return padded over real tokens of an epoch, and the floating-point operations of survey and training, in 1e12.

    Matrix products only: two operations a weight of the layers and a token forward, four more backward.
    """
    lengths = np.array([len(one) for one in Tokens(fitted.model).encode(part.train["text"].tolist())])
    recipe = fitted.params
    learned = np.setdiff1d(np.arange(len(lengths)), fitted.unseen.rows if fitted.unseen else [])
    batches = Batches(lengths[learned], recipe["batch_tokens"], recipe["batch_rows"], seed)
    config = fitted.model.config
    layer = 4 * config["hidden_size"] ** 2 + 2 * config["hidden_size"] * config["intermediate_size"]
    layers, trained = config["num_hidden_layers"], config["num_hidden_layers"] - recipe["frozen"]
    epochs = len(fitted.curves["validation_loss"])
    survey = 2 * layer * layers * lengths.sum()
    training = epochs * 6 * layer * trained * lengths[learned].sum()
    return batches.waste, float(survey + training) / 1e12


def peak() -> float:
    """Return the quickest bfloat16 matrix product of this core, in 1e12 operations a CPU second."""
    best = 0.0
    for rows in (512, 1024, 2048):
        left, right = torch.randn(rows, 384).bfloat16(), torch.randn(384, 1536).bfloat16()
        for _ in range(12):
            begun = time.process_time()
            for _ in range(8):
                left @ right
            spent = time.process_time() - begun
            best = max(best, 8 * 2 * rows * 384 * 1536 / spent / 1e12)
    return best
