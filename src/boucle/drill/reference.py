"""What every scenario begins with: the champion's metrics, and a past to compare with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boucle.core.model import BundleInfo
from boucle.core.profile import Profile
from boucle.drill.concept import Concept
from boucle.drill.population import Population
from boucle.measures.profiles import reference_profile

_FEWEST, _MOST = 2_000, 20_000


@dataclass(frozen=True)
class Source:
    """What every scenario begins with: the rows, the champion's bundle and metrics, its reference."""

    rows: Population
    info: BundleInfo
    metrics: dict[str, float]
    reference: Profile


def reference_of(rows: Population, window: int, seed: int, strength: float = 0.0) -> Profile:
    """Profile a past of the population's own law: ten windows of it, drawn as the traffic is."""
    rng = np.random.default_rng((seed, 1))
    places = rng.integers(len(rows), size=min(max(10 * window, _FEWEST), _MOST))
    told = {name: column[places] for name, column in rows.answers.items()}
    if strength:
        told = dict(Concept(rows).answers(told, places, strength))
    shares = None if "probabilities" not in told else np.asarray(told["probabilities"], dtype=np.float64)
    return reference_profile(rows.take(places), rows.signature.inputs, told[rows.signature.prediction.name], shares)
