"""Take in models with scikit-learn's interface: objects, skops files, and pickles the operator agreed to by hash."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import skops.io

from boucle.adapters.runtimes.trust import strangers
from boucle.core.errors import BundleError, UnsafeBundle
from boucle.core.signature import Batch, Field, outputs_of
from boucle.ports.importer import Opened

_PICKLES = (".pkl", ".pickle", ".joblib", ".sav", ".cloudpickle")


class SklearnImporter:
    """Anything fitted that has ``predict``; classifiers have ``classes_``."""

    name = "sklearn"

    def accepts(self, model: Path | Any) -> bool:
        if not isinstance(model, Path):
            return hasattr(model, "predict")
        return _is_skops(model) or _is_pickle(model)

    def open(self, model: Path | Any, consent: str | None) -> Opened:
        if not isinstance(model, Path):
            return Opened(model, "sklearn")
        if _is_skops(model):
            return Opened(_with_predict(_skops(model), model), "sklearn")
        return Opened(_with_predict(_pickle(model, consent), model), "sklearn", pickled=model)

    def inputs(self, model: Any) -> tuple[str, ...] | None:
        names = getattr(model, "feature_names_in_", None)
        return None if names is None else tuple(str(name) for name in names)

    def outputs(self, model: Any, fields: tuple[Field, ...], sample: Batch) -> tuple[Field, ...]:
        classes = getattr(model, "classes_", None)
        if classes is None:
            return outputs_of(None)
        return outputs_of(np.asarray(classes).tolist(), hasattr(model, "predict_proba"))


def sha256_of(path: Path) -> str:
    """Hash a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _with_predict(model: Any, path: Path) -> Any:
    if not hasattr(model, "predict"):
        raise BundleError(
            f"{path} holds a {type(model).__name__}, which has no predict().", hint="save the fitted estimator itself"
        )
    return model


def _is_skops(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "schema.json" in archive.namelist()


def _is_pickle(path: Path) -> bool:
    if path.suffix.lower() in _PICKLES:
        return True
    with path.open("rb") as file:
        return file.read(1) == b"\x80"  # every pickle since protocol 2 begins so


def _skops(path: Path) -> Any:
    try:
        types = skops.io.get_untrusted_types(file=path)
        if strange := strangers(types):
            raise UnsafeBundle(
                f"{path} holds types that are not trusted: {', '.join(strange[:5])}.",
                hint="build the model from classes of scikit-learn, XGBoost or LightGBM",
                types=strange,
            )
        return skops.io.load(path, trusted=types)
    except UnsafeBundle:
        raise
    except Exception as error:
        raise BundleError(f"{path} cannot be loaded by skops: {type(error).__name__}: {error}.") from error


def _pickle(path: Path, consent: str | None) -> Any:
    found = sha256_of(path)
    if consent is None or consent.lower() != found:
        asked = "" if consent is None else f", not {consent} as was agreed to"
        raise UnsafeBundle(
            f"{path} is a pickle: loading it can run any code. Its sha256 is {found}{asked}.",
            hint=f"if you trust who made it, say so for this very file: --allow-pickle {found}",
            sha256=found,
        )
    try:
        return joblib.load(path)
    except Exception as error:
        raise BundleError(
            f"{path} cannot be unpickled: {type(error).__name__}: {error}.",
            hint="the modules and package versions it was made with have to be installed here",
        ) from error
