"""Take in LightGBM's own text files and boosters, as its estimators for scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
from sklearn.preprocessing import LabelEncoder

from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Field, outputs_of
from boucle.ports.importer import Opened


class LightgbmImporter:
    """LightGBM models; their labels are numbers from 0."""

    name = "lightgbm"

    def accepts(self, model: Path | Any) -> bool:
        if not isinstance(model, Path):
            return isinstance(model, lightgbm.Booster)
        with model.open("rb") as file:
            return file.read(5) == b"tree\n"

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        if isinstance(model, Path):
            _require_whole(model)
        try:
            booster = lightgbm.Booster(model_file=str(model)) if isinstance(model, Path) else model
            return Opened(_estimator(booster), "sklearn")
        except lightgbm.basic.LightGBMError as error:
            raise BundleError(f"LightGBM {lightgbm.__version__} cannot load the model: {error}.") from error

    def inputs(self, model: Any) -> tuple[str, ...] | None:
        names = tuple(model.booster_.feature_name())
        return None if names == tuple(f"Column_{i}" for i in range(len(names))) else names

    def outputs(self, model: Any, fields: tuple[Field, ...], sample: Batch) -> tuple[Field, ...]:
        return outputs_of(model.classes_.tolist() if isinstance(model, lightgbm.LGBMClassifier) else None)


def _require_whole(path: Path) -> None:
    """Refuse a file that was cut off: LightGBM's own reader crashes the process on some of those."""
    text = path.read_text(errors="replace")
    if "\nend of trees\n" not in text or "\nend of parameters\n" not in text:
        raise BundleError(f"The LightGBM model {path} is cut off before its end.", hint="copy or save it again")


def _estimator(booster: Any) -> Any:
    """Put a booster into the estimator it would have come from. LightGBM has no public way, so fields are set."""
    objective = str(booster.dump_model(num_iteration=1).get("objective", "regression")).split()[0]
    classes = {"binary": 2, "multiclass": booster.num_model_per_iteration()}.get(objective, 0)
    if objective in ("lambdarank", "rank_xendcg", "multiclassova"):
        raise BundleError(f"The objective '{objective}' is not taken in.", hint="export the model to ONNX, adopt that")
    estimator = lightgbm.LGBMClassifier() if classes else lightgbm.LGBMRegressor()
    features = booster.num_feature()
    known: dict[str, Any] = {
        "_Booster": booster, "_objective": objective, "_n_features": features, "_n_features_in": features,
        "_best_iteration": 0, "fitted_": True,
    }  # fmt: skip
    if classes:
        labels = np.arange(classes)
        known |= {"_le": LabelEncoder().fit(labels), "_classes": labels, "_n_classes": classes}
    for name, value in known.items():
        setattr(estimator, name, value)
    return estimator
