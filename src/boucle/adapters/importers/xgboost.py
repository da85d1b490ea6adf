"""Take in XGBoost's own files (.json, .ubj) and boosters, as its estimators for scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import xgboost

from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Field, outputs_of
from boucle.ports.importer import Opened

_CLASSIFIES = ("binary:logistic", "multi:softprob", "multi:softmax")
_RANKS = ("rank:", "survival:")


class XgboostImporter:
    """XGBoost models; their labels are numbers from 0."""

    name = "xgboost"

    def accepts(self, model: Path | Any) -> bool:
        if not isinstance(model, Path):
            return isinstance(model, xgboost.Booster)
        with model.open("rb") as file:
            start = file.read(64)
        return start.startswith(b"{") and b"learner" in start

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        raw = bytearray(model.read_bytes()) if isinstance(model, Path) else model.save_raw("ubj")
        try:
            objective = json.loads(xgboost.Booster(model_file=raw).save_config())["learner"]["objective"]["name"]
            if objective.startswith(_RANKS):
                raise BundleError(f"The objective '{objective}' is neither a regression nor a classification.")
            estimator = xgboost.XGBClassifier() if objective in _CLASSIFIES else xgboost.XGBRegressor()
            estimator.load_model(raw)
        except xgboost.core.XGBoostError as error:
            raise BundleError(f"XGBoost {xgboost.__version__} cannot load the model: {error}.") from error
        return Opened(estimator, "sklearn")

    def inputs(self, model: Any) -> tuple[str, ...] | None:
        names = model.get_booster().feature_names
        return None if names is None else tuple(names)

    def outputs(self, model: Any, fields: tuple[Field, ...], sample: Batch) -> tuple[Field, ...]:
        return outputs_of(model.classes_.tolist() if isinstance(model, xgboost.XGBClassifier) else None)
