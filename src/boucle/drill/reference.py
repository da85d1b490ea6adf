"""What every scenario begins with: the champion's metrics, and a past to compare with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from boucle.core.expected import QualityReference
from boucle.core.model import BundleInfo
from boucle.core.profile import Profile
from boucle.drill.concept import Concept
from boucle.drill.population import Population
from boucle.measures.metrics import answers
from boucle.measures.profiles import reference_profile
from boucle.measures.references import quality_reference

_FEWEST, _MOST = 2_000, 20_000


@dataclass(frozen=True)
class Past:
    """What a version's bundle says of the time before it was released."""

    profile: Profile
    quality: QualityReference


@dataclass(frozen=True)
class Source:
    """The rows, and what is known of the champion's bundle, metrics and past."""

    rows: Population
    info: BundleInfo
    metrics: dict[str, float]
    past: Past


def past_of(rows: Population, window: int, seed: int, strength: float = 0.0) -> Past:
    """Describe a past of the population's own law: ten windows, drawn as the traffic is, at a concept's ``strength``.

    The rows are in no order of time, so no cycle is learnt, and the traffic has none.
    """
    rng = np.random.default_rng((seed, 1))
    places = rng.integers(len(rows), size=min(max(10 * window, _FEWEST), _MOST))
    concept, signature = Concept(rows), rows.signature
    told = concept.answers({name: column[places] for name, column in rows.answers.items()}, places, strength)
    truth = concept.truth(rows.truth[places], places, strength)
    shares = None if "probabilities" not in told else np.asarray(told["probabilities"], dtype=np.float64)
    prediction, batch = told[signature.prediction.name], rows.take(places)
    given = answers(signature.task, truth, prediction, shares, signature.classes)
    shown = {field.name: batch[field.name] for field in signature.inputs if not field.pii}
    return Past(reference_profile(batch, signature.inputs, prediction, shares), quality_reference(given, shown))
