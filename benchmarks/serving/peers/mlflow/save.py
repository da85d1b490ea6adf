"""Save a fitted estimator as MLflow does it; run in MLflow's environment: save.py MODEL EXAMPLE FOLDER."""

from __future__ import annotations

import sys

import joblib
import mlflow.sklearn
import numpy as np
from mlflow.models import infer_signature

model, example = joblib.load(sys.argv[1]), np.load(sys.argv[2])
mlflow.sklearn.save_model(
    model,
    sys.argv[3],
    signature=infer_signature(example, model.predict(example)),
    serialization_format="cloudpickle",
    pip_requirements=["scikit-learn"],
)
