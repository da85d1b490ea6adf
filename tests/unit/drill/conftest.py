"""A population of customers, and a model that is right about most of them."""

from __future__ import annotations

import numpy as np
import pytest

from boucle.core.signature import Batch, Field, Signature, outputs_of
from boucle.drill.population import Population
from boucle.project.settings import Settings

FIELDS = (
    Field("age", "float64", minimum=0, maximum=120),
    Field("income", "float64", optional=True),
    Field("plan", "string", categories=("basic", "pro")),
    Field("code", "string", pii=True),
)
PROJECT = {
    "name": "people",
    "task": "tabular-regression",
    "data": {"source": "people.csv", "target": "y"},
    "monitor": {"slo": {"latency_p99_ms": 50}},
}


class Rule:
    """Answers by age alone."""

    def __init__(self, signature: Signature) -> None:
        self.signature = signature

    def predict(self, batch: Batch) -> Batch:
        age = np.asarray(batch["age"], dtype=np.float64)
        if self.signature.classes is None:
            return {"prediction": age / 10.0}
        probability = 1.0 / (1.0 + np.exp(-(age - 45.0) / 5.0))
        label = np.array(["no", "yes"], dtype=object)[(probability > 0.5).astype(int)]
        return {"prediction": label, "probabilities": np.column_stack((1.0 - probability, probability))}


def people(classes: tuple[str, ...] | None, rows: int = 600) -> Population:
    rng = np.random.default_rng(4)
    batch = {
        "age": rng.normal(45.0, 12.0, rows),
        "income": np.where(rng.random(rows) < 0.02, np.nan, rng.lognormal(10.0, 0.5, rows)),
        "plan": rng.choice(np.array(["basic", "pro"], dtype=object), rows),
        "code": np.full(rows, "secret", dtype=object),
    }
    signature = Signature(FIELDS, outputs_of(classes))
    rule = Rule(signature)
    told = rule.predict(batch)["prediction"]
    truth = told.copy() if classes is not None else told.astype(np.float64) + rng.normal(0.0, 0.5, rows)
    if classes is not None:
        wrong = rng.random(rows) < 0.2
        truth[wrong] = [{"no": "yes", "yes": "no"}[label] for label in truth[wrong]]
    return Population(signature, rule, batch, truth, "rmse" if classes is None else "accuracy")


@pytest.fixture(scope="session")
def numbers() -> Population:
    return people(None)


@pytest.fixture(scope="session")
def labels() -> Population:
    return people(("no", "yes"))


@pytest.fixture
def settings() -> Settings:
    return Settings.model_validate(PROJECT)
