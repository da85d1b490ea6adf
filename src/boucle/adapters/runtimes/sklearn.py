"""Keep scikit-learn compatible models with skops and run them.

One model is one object with ``predict``: preprocessing, decision threshold and label names are inside it, so that what
MLflow gets by calling ``predict`` on it is what we answer.
"""

from __future__ import annotations

import copy
import hashlib
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NoReturn
from zipfile import ZIP_DEFLATED, BadZipFile

import joblib
import numpy as np
import pandas as pd
import skops.io
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline
from skops.io.exceptions import UntrustedTypesFoundException

from boucle.adapters.runtimes.trust import strangers
from boucle.core.errors import BundleError, RequestError, UnsafeBundle
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Rows, Signature
from boucle.ports.frames import to_frame
from boucle.ports.runtime import Saved

FILE, PICKLE = "model.skops", "model.pkl"
_PACKAGES = ("scikit-learn", "numpy", "scipy", "pandas")
WRAPPERS = {
    FixedThresholdClassifier: "estimator_", TunedThresholdClassifierCV: "estimator_",
    TransformedTargetRegressor: "regressor_",
}  # fmt: skip
"""What stands around a whole pipeline, and where it keeps it: such a model does not look at the rows itself."""
_HINT = (
    "build the model from classes of scikit-learn, XGBoost or LightGBM; or keep it as a file and take that in: "
    "boucle adopt FILE --allow-pickle SHA256"
)


class SklearnRuntime:
    """Models with scikit-learn's interface, XGBoost's and LightGBM's estimators among them."""

    name = "sklearn"
    forks = True
    compiles = True

    def save(self, model: Any, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        """Write ``model.skops``, or keep the pickle it was read from; raises BundleError when neither is possible."""
        try:
            skops.io.dump(model, directory / FILE, compression=ZIP_DEFLATED, compresslevel=1)
            types = skops.io.get_untrusted_types(file=directory / FILE)
        except Exception as error:  # noqa: BLE001 - skops lets through whatever a foreign class raises
            return _keep_pickle(directory, pickled, f"{type(model).__name__} cannot be written by skops: {error}")
        if strange := strangers(types):
            return _keep_pickle(directory, pickled, f"it holds {', '.join(strange[:5])}, which no safe format keeps")
        requirements = _pins(*_PACKAGES, "skops", *(name for name in ("xgboost", "lightgbm") if _uses(types, name)))
        return Saved(
            options={"format": "skops", "file": FILE},
            trusted=tuple(types),
            requirements=requirements,
            flavors=_flavors(FILE, "skops", list(types) or None),
        )

    def wrap(self, model: Any, signature: Signature) -> SklearnPredictor:
        """Return the predictor of a fitted estimator."""
        return SklearnPredictor(model, signature)

    def load(self, directory: Path, info: BundleInfo) -> SklearnPredictor:
        """Load a verified bundle, for one thread a prediction."""
        return SklearnPredictor(self.model(directory, info), info.signature)

    def model(self, directory: Path, info: BundleInfo) -> Any:
        """Load the estimator of a verified bundle."""
        file = directory / Path(str(info.options.get("file", FILE))).name
        pickled = info.options.get("format") == "pickle"
        model = _load_pickle(file, info) if pickled else _load_skops(file, info)
        _single_threaded(model)
        return model


class Preparation:
    """The preprocessing of a fitted estimator, and ``last``, the part of it that sees what comes out."""

    def __init__(self, model: Any, signature: Signature) -> None:
        self._plain = not _knows_names(model)
        self._inputs = signature.inputs
        self._names = pd.Index(list(signature.names))
        self._floats = all(field.storage == np.float64 and not field.shape for field in signature.inputs)
        self._prepare, self.last = split(model)

    def rows(self, batch: Batch) -> Any:
        """Return the rows of a batch as ``last`` takes them; raises what scikit-learn raises."""
        rows = self._table(batch)
        return rows if self._prepare is None else self._prepare(rows)

    def matrix(self, batch: Batch) -> NDArray[np.float64]:
        """Return the prepared rows as a matrix; raises RequestError when they are refused."""
        with refusing():
            rows = self.rows(batch)
            return np.asarray(rows.toarray() if hasattr(rows, "toarray") else rows, dtype=np.float64)

    def _table(self, batch: Batch) -> Any:
        """Return a table of its own: what comes first may work in place."""
        if not self._plain:
            return to_frame(batch, self._inputs, self._names)
        if self._floats and isinstance(batch, Rows):
            return batch.matrix.copy()
        return to_frame(batch, self._inputs).to_numpy()


class SklearnPredictor:
    """A fitted estimator as a predictor: batch in, ``prediction`` and, for classifiers, ``probabilities`` out."""

    def __init__(self, model: Any, signature: Signature) -> None:
        self._preparation = Preparation(model, signature)
        self._model = self._preparation.last
        self._storage = signature.prediction.storage
        self._order = _order(self._model, signature)

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError when the model refuses the rows."""
        with refusing():
            return self._answer(self._preparation.rows(batch))

    def _answer(self, rows: Any) -> Batch:
        prediction = np.asarray(self._model.predict(rows)).reshape(-1).astype(self._storage, copy=False)
        if self._order is None:
            return {"prediction": prediction}
        probabilities = np.asarray(self._model.predict_proba(rows), dtype=np.float64)
        return {"prediction": prediction, "probabilities": probabilities[:, self._order]}


@contextmanager
def refusing() -> Iterator[None]:
    """Tell the caller of a model what it refuses as RequestError."""
    try:
        yield
    except (ValueError, TypeError) as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RequestError(f"The model cannot predict on these rows: {why}") from error


def split(model: Any) -> tuple[Callable[[Any], Any] | None, Any]:
    """Part a pipeline into its preprocessing and its last step, so that rows are prepared once for both answers."""
    if isinstance(model, Pipeline) and len(model) > 1 and hasattr(model[:-1], "transform"):
        return model[:-1].transform, model[-1]
    if hasattr(model, "best_estimator_"):  # a search answers as the best it found
        return split(model.best_estimator_)
    for kind, inside in WRAPPERS.items():
        if isinstance(model, kind) and hasattr(model, inside):
            prepare, last = split(getattr(model, inside))
            wrapper = copy.copy(model)
            setattr(wrapper, inside, last)
            return prepare, wrapper
    return None, model


def _knows_names(model: Any) -> bool:
    """Say whether a model takes frames: one of scikit-learn's kind that was fitted on plain arrays does not."""
    if not isinstance(model, BaseEstimator) or getattr(model, "n_features_in_", None) is None:
        return True
    return getattr(model, "feature_names_in_", None) is not None


def _order(model: Any, signature: Signature) -> NDArray[np.intp] | None:
    """Return where each class of the signature stands in the model's probabilities; None where there are none."""
    if signature.classes is None or not any(field.name == "probabilities" for field in signature.outputs):
        return None
    known = {label: place for place, label in enumerate(np.asarray(model.classes_).tolist())}
    absent = [label for label in signature.classes if label not in known]
    if absent or len(known) != len(signature.classes):
        raise BundleError(
            f"The model knows the classes {sorted(known, key=str)}, its signature {list(signature.classes)}.",
            hint="adopt or train the model again",
        )
    return np.array([known[label] for label in signature.classes], dtype=np.intp)


def _load_skops(file: Path, info: BundleInfo) -> Any:
    if strange := strangers(info.trusted):
        _refuse(file, strange)
    try:
        return skops.io.load(file, trusted=list(info.trusted))
    except UntrustedTypesFoundException as error:
        found = skops.io.get_untrusted_types(file=file)
        _refuse(file, [name for name in found if name not in info.trusted] or found, error)
    except (OSError, BadZipFile) as error:
        raise BundleError(f"The model file {file} cannot be read: {error}.", hint="fetch the bundle again") from error
    except Exception as error:
        raise BundleError(
            f"The model file {file} cannot be loaded: {type(error).__name__}: {error}.",
            hint=f"it was written with {', '.join(info.requirements) or 'unknown packages'}; install these versions",
        ) from error


def _refuse(file: Path, names: list[str], cause: BaseException | None = None) -> NoReturn:
    raise UnsafeBundle(
        f"The model file {file} holds types nobody agreed to: {', '.join(names[:5])}.",
        hint="loading it could run foreign code; train or adopt the model anew from a source you trust",
        types=names,
    ) from cause


def _load_pickle(file: Path, info: BundleInfo) -> Any:
    consent = info.options.get("sha256")
    raw = file.read_bytes()
    found = hashlib.sha256(raw).hexdigest()
    if found != consent:
        raise UnsafeBundle(
            f"The pickle {file} is not the one that was agreed to: its sha256 is {found}.",
            hint=f"if you trust it, take it in with: boucle adopt {file} --allow-pickle {found}",
            sha256=found,
        )
    try:
        return joblib.load(file)
    except Exception as error:
        raise BundleError(
            f"The pickle {file} cannot be loaded: {type(error).__name__}: {error}.",
            hint=f"its own modules have to be importable; it was kept with {', '.join(info.requirements)}",
        ) from error


def _keep_pickle(directory: Path, pickled: Path | None, why: str) -> Saved:
    (directory / FILE).unlink(missing_ok=True)
    if pickled is None:
        raise BundleError(f"The model cannot be kept safely: {why}.", hint=_HINT)
    shutil.copyfile(pickled, directory / PICKLE)
    return Saved(
        options={
            "format": "pickle",
            "file": PICKLE,
            "sha256": hashlib.sha256((directory / PICKLE).read_bytes()).hexdigest(),
        },
        requirements=_pins(*_PACKAGES, "joblib", "cloudpickle"),
        flavors=_flavors(PICKLE, "cloudpickle", None) if _plain_pickle(directory / PICKLE) else {},
    )


def _plain_pickle(file: Path) -> bool:
    """Say whether plain pickle reads it, as MLflow would; joblib's own files it does not read."""
    try:
        with file.open("rb") as stream:
            pickle.load(stream)  # noqa: S301 - the operator agreed to this very file, it was loaded once already
    except Exception:  # noqa: BLE001 - anything can come out of a file that is no plain pickle
        return False
    return True


def _single_threaded(model: Any, seen: set[int] | None = None) -> None:
    """Set ``n_jobs`` to 1 in a model and all its parts: a server's parallelism is its workers."""
    seen = set() if seen is None else seen
    if id(model) in seen:
        return
    seen.add(id(model))
    if isinstance(model, list | tuple):
        parts: Any = model
    elif isinstance(model, dict):
        parts = model.values()
    elif isinstance(model, BaseEstimator):
        greedy = type(model).__module__.startswith(("xgboost.", "lightgbm."))  # None is every core there, one elsewhere
        if getattr(model, "n_jobs", 1) not in ((1,) if greedy else (1, None)):
            model.set_params(n_jobs=1)
        parts = vars(model).values()
    else:
        return
    for part in parts:
        _single_threaded(part, seen)


def _uses(types: list[str], package: str) -> bool:
    return any(name.startswith(f"{package}.") for name in types)


def _flavors(file: str, serialization: str, types: list[str] | None) -> dict[str, dict[str, Any]]:
    return {
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": file, "predict_fn": "predict"},
        "sklearn": {
            "pickled_model": file,
            "serialization_format": serialization,
            "skops_trusted_types": types,
            "sklearn_version": version("scikit-learn"),
            "code": None,
        },
    }


def _pins(*packages: str) -> tuple[str, ...]:
    pins = []
    for package in packages:
        try:
            pins.append(f"{package}=={version(package)}")
        except PackageNotFoundError:
            continue
    return tuple(pins)
