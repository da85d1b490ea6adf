"""Two models on the same rows, the second made from the first: do they say the same, and what does each cost?"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from boucle.core.signature import Batch
from boucle.evaluation.scored import Scored
from boucle.measures.alike import alike
from boucle.measures.intervals import Estimate, share
from boucle.ports.runtime import Predictor

TIMED, ROUNDS, SECONDS = 64, 3, 4.0


@dataclass(frozen=True, slots=True)
class Costs:
    """Milliseconds of processor time a row, asked one by one and all at once; ``size_bytes`` of the whole bundle."""

    one_by_one_ms: float
    together_ms: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Beside:
    """``agreement`` is the share of rows on which both say the same, ``largest`` how far probabilities part."""

    parent: str
    agreement: Estimate
    largest: float | None
    before: Costs
    after: Costs

    @property
    def faster(self) -> float:
        """How many times less processor time a row takes, asked one by one."""
        return self.before.one_by_one_ms / max(self.after.one_by_one_ms, 1e-9)

    @property
    def smaller(self) -> float:
        return self.before.size_bytes / max(self.after.size_bytes, 1)


def beside(parent: str, before: Scored, after: Scored, sizes: tuple[int, int]) -> Beside:
    """Compare the answers of two predictors to the same rows; ``sizes`` are those of their bundles in bytes."""
    kind = before.signature.kind
    same = alike(kind, before.output, after.output)
    one, two = costs((before, after), sizes)
    largest = None
    if "probabilities" in before.output:
        apart = np.abs(np.asarray(before.output["probabilities"]) - np.asarray(after.output["probabilities"]))
        largest = float(apart.max(initial=0.0))
    return Beside(parent, share(float(same.sum()), len(same)), largest, one, two)


def costs(pair: tuple[Scored, Scored], sizes: tuple[int, int]) -> tuple[Costs, Costs]:
    """Measure two predictors in turns, the best of three rounds of each, so that a busy machine bothers both alike."""
    some = [one.sample(TIMED, 0) for one in pair]
    alone = [[one.take(np.array([row])).batch for row in range(len(one))] for one in some]
    found = np.full((2, 2), np.inf)
    ends = time.perf_counter() + SECONDS
    for _ in range(ROUNDS):
        for place, one in enumerate(some):
            found[place, 0] = min(found[place, 0], _spent(one.predictor, alone[place]))
            found[place, 1] = min(found[place, 1], _spent(one.predictor, [one.batch]))
        if time.perf_counter() > ends:
            break
    found *= 1000.0 / max(1, len(some[0]))
    alone_ms, together_ms = found.round(4).T.tolist()
    before, after = (Costs(*costs) for costs in zip(alone_ms, together_ms, sizes, strict=True))
    return before, after


def _spent(predictor: Predictor, batches: Sequence[Batch]) -> float:
    """Return the seconds of processor time, all threads of the process together."""
    began = time.process_time()
    for batch in batches:
        predictor.predict(batch)
    return time.process_time() - began
