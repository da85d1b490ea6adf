"""A BentoML service, one call a request."""

# Its packages are in an environment of its own.
# mypy: disable-error-code="import-not-found, misc, no-any-return, untyped-decorator, unused-ignore"

from __future__ import annotations

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1)
class Model:
    def __init__(self) -> None:
        self.model = joblib.load(os.environ["MODEL"])

    @bentoml.api
    def predict(self, inputs: np.ndarray) -> np.ndarray:
        return self.model.predict(inputs)
