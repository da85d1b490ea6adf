"""Importance by permutation (Breiman, 2001): how much worse the primary metric gets when a column is shuffled.

Two columns that say the same thing share the credit, or hide each other.
"""

from __future__ import annotations

import numpy as np

from boucle.core.signature import Batch
from boucle.evaluation.result import Importance
from boucle.evaluation.scored import Scored
from boucle.measures.intervals import SALT, Estimate, normal
from boucle.measures.metrics import METRICS, score

ROWS, REPEATS, COLUMNS = 1000, 5, 200
_BUDGET = 300_000


def importance(scored: Scored, primary: str, seed: int) -> tuple[Importance, ...]:
    """Shuffle each column up to five times on at most 1000 rows; fewer when there are many columns.

    Of more than 200 columns the first 200 are tried. Largest loss first.
    """
    names = scored.signature.names[:COLUMNS]
    if not names or len(scored) < 2 or (scored.media and len(names) == 1):  # all of it rests on the only text
        return ()
    part = scored.sample(min(ROWS, max(100, _BUDGET // (2 * len(names)))), seed)
    repeats = int(np.clip(_BUDGET // (len(names) * len(part)), 2, REPEATS))
    random = np.random.default_rng([seed, SALT])
    tiled = {name: np.concatenate([column] * repeats) for name, column in part.batch.items()}
    before = score(primary, part.answers)
    found = [Importance(name, _loss(part, tiled, name, primary, before, repeats, random)) for name in names]
    return tuple(sorted(found, key=lambda i: -np.nan_to_num(i.loss.value, nan=-np.inf)))


def _loss(
    part: Scored, tiled: Batch, name: str, primary: str, before: float, repeats: int, random: np.random.Generator
) -> Estimate:
    rows = len(part)
    order = np.concatenate([random.permutation(rows) for _ in range(repeats)])
    shuffled = {**tiled, name: part.batch[name][order]}
    answers = part.on(shuffled, np.concatenate([part.truth] * repeats))
    each = [score(primary, answers.take(np.arange(r * rows, (r + 1) * rows))) for r in range(repeats)]
    return normal((before - np.asarray(each)) * METRICS[primary].sign)
