"""Models trained elsewhere become bundles like any other."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
import xgboost
from skl2onnx import to_onnx
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from boucle.adapters.importers.lightgbm import LightgbmImporter
from boucle.adapters.importers.onnx import OnnxImporter
from boucle.adapters.importers.sklearn import SklearnImporter
from boucle.adapters.importers.xgboost import XgboostImporter
from boucle.adapters.runtimes.compiled import CompiledRuntime
from boucle.adapters.runtimes.onnx import OnnxRuntime
from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.core.errors import BundleError, ContractError, UnsafeBundle
from boucle.core.signature import Batch, Field
from boucle.formats import bundle
from boucle.ports.frames import to_batch
from boucle.training.adopt import adopt, located
from boucle.training.train import Trained

RNG = np.random.default_rng(11)
X = pd.DataFrame(RNG.normal(size=(80, 3)), columns=["a", "b", "c"])
VALUE = (X["a"] * 2 - X["b"]).to_numpy()
LABEL = np.where(VALUE > 0, "up", "down").astype(object)
CODE = np.digitize(VALUE, [-1.0, 1.0])
SAMPLE = X.assign(id=np.arange(80), label=LABEL)
FIELDS = (Field("id", "int64"), *(Field(name, "float64") for name in ("c", "a", "b")), Field("label", "string"))
ABC = tuple(Field(name, "float64") for name in "abc")
RUNTIMES: dict[str, Any] = {"sklearn": SklearnRuntime, "onnx": OnnxRuntime, "compiled": CompiledRuntime}
FOREST = RandomForestClassifier(4, random_state=0).fit(X, LABEL)


class Stump(ClassifierMixin, BaseEstimator):
    """A classifier no safe format knows."""

    def fit(self, rows: Any, y: Any) -> Stump:
        self.classes_ = np.unique(y)
        return self

    def predict(self, rows: Any) -> Any:
        return self.classes_[(np.asarray(rows)[:, 0] > 0).astype(int)]

    def predict_proba(self, rows: Any) -> Any:
        up = (np.asarray(rows)[:, 0] > 0).astype(float)
        return np.column_stack([1 - up, up])


STUMP = Stump().fit(X, LABEL)


def adopted(model: Any, root: Path, fields: tuple[Field, ...] = FIELDS, **options: Any) -> Trained:
    importers = [XgboostImporter(), LightgbmImporter(), OnnxImporter(), SklearnImporter()]
    options = {"name": "moves", "importers": importers, **options}
    return adopt(model, options.pop("sample", SAMPLE), fields, lambda name: RUNTIMES[name](), root, **options)


def answers(result: Trained) -> Batch:
    bundle.verify(result.directory, result.digest)
    loaded = RUNTIMES[result.info.runtime]().load(result.directory, result.info)
    prediction: Batch = loaded.predict(to_batch(SAMPLE, result.info.signature.inputs))
    return prediction


def dumped(model: Any, path: Path, how: Callable[[Any, Any], Any]) -> Path:
    with path.open("wb") as file:
        how(model, file)
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_object_brings_its_own_columns_in_its_own_order(tmp_path: Path) -> None:
    result = adopted(FOREST, tmp_path, task="tabular-classification")
    assert result.info.signature.names == ("a", "b", "c")
    assert result.info.signature.classes == ("down", "up")
    assert result.info.lineage["adopted"] == "RandomForestClassifier"
    assert answers(result)["prediction"].tolist() == FOREST.predict(X).tolist()
    assert bundle.read_profile(result.directory).rows == 80


def test_a_model_fitted_on_plain_arrays_takes_the_samples_columns_in_their_order(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), Ridge()).fit(X.to_numpy(), VALUE)
    result = adopted(model, tmp_path, ABC)
    assert answers(result)["prediction"].tolist() == pytest.approx(model.predict(X.to_numpy()).tolist())


def test_a_classifier_without_probabilities_is_taken_in_without_them(tmp_path: Path) -> None:
    result = adopted(RidgeClassifier().fit(X, LABEL), tmp_path)
    assert list(answers(result)) == ["prediction"]


def test_a_skops_file_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(FOREST, path)
    assert answers(adopted(path, tmp_path))["prediction"].tolist() == FOREST.predict(X).tolist()


def test_preprocessing_without_a_compiled_form_is_kept_before_the_compiled_model(tmp_path: Path) -> None:
    model = make_pipeline(SplineTransformer(), RandomForestClassifier(4, random_state=0)).fit(X, LABEL)
    info = (result := adopted(model, tmp_path)).info
    assert info.runtime == "compiled"
    assert info.parity["half"]
    assert "SplineTransformer" in info.parity["why"]
    assert {name.split("==")[0] for name in info.requirements} >= {"onnxruntime", "scikit-learn", "skops"}
    assert answers(result)["prediction"].tolist() == model.predict(X).tolist()


@pytest.mark.parametrize("how", [pickle.dump, joblib.dump], ids=["pickle", "joblib"])
def test_a_pickle_needs_consent_by_hash_and_is_kept_in_a_safe_format(tmp_path: Path, how: Any) -> None:
    path = dumped(FOREST, tmp_path / "model.pkl", how)
    for consent in (None, "0" * 64):
        with pytest.raises(UnsafeBundle, match=sha256(path)) as caught:
            adopted(path, tmp_path, allow_pickle=consent)
        assert f"--allow-pickle {sha256(path)}" in str(caught.value)
    result = adopted(path, tmp_path, allow_pickle=sha256(path))
    assert result.info.options["format"] == "skops"
    assert answers(result)["prediction"].tolist() == FOREST.predict(X).tolist()


def test_a_pickle_is_not_opened_before_consent(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "sprung",))

    path = dumped(Trap(), tmp_path / "model.pkl", pickle.dump)
    with pytest.raises(UnsafeBundle):
        adopted(path, tmp_path)
    assert not (tmp_path / "sprung").exists()


def test_a_pickle_no_safe_format_can_hold_stays_the_pickle_that_was_agreed_to(tmp_path: Path) -> None:
    path = dumped(STUMP, tmp_path / "stump.pkl", pickle.dump)
    result = adopted(path, tmp_path, ABC, allow_pickle=sha256(path))
    assert result.info.options == {"format": "pickle", "file": "model.pkl", "sha256": sha256(path)}
    assert answers(result)["prediction"].tolist() == STUMP.predict(X).tolist()
    kept = result.directory / "model.pkl"
    kept.write_bytes(pickle.dumps(FOREST))
    with pytest.raises(UnsafeBundle, match="not the one that was agreed to"):
        SklearnRuntime().load(result.directory, result.info)


def test_an_object_no_safe_format_can_hold_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="Stump") as caught:
        adopted(STUMP, tmp_path)
    assert "--allow-pickle" in str(caught.value)
    assert list((tmp_path / "staging").iterdir()) == []


@pytest.mark.parametrize("ending", ["json", "ubj"])
@pytest.mark.parametrize(
    "model",
    [
        xgboost.XGBRegressor(n_estimators=3).fit(X, VALUE),
        xgboost.XGBClassifier(n_estimators=3).fit(X, CODE),
        xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(X, LABEL == "up"), 3),
    ],
    ids=["regressor", "classifier", "booster"],
)
def test_xgboost_files_are_taken_in(tmp_path: Path, model: Any, ending: str) -> None:
    path = tmp_path / f"model.{ending}"
    model.save_model(path)
    result = adopted(path, tmp_path)
    assert result.info.signature.names == ("a", "b", "c")
    answer = answers(result)
    if isinstance(model, xgboost.Booster):
        shares = np.asarray(answer["probabilities"], dtype=np.float64)[:, 1]
        assert shares.tolist() == pytest.approx(model.predict(xgboost.DMatrix(X)).tolist())
    else:
        assert answer["prediction"].tolist() == pytest.approx(model.predict(X).tolist())


@pytest.mark.parametrize(
    "model",
    [
        lightgbm.LGBMRegressor(n_estimators=3, verbose=-1).fit(X, VALUE),
        lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, CODE),
        lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(X, (LABEL == "up").astype(int)),
    ],
    ids=["regressor", "three classes", "two classes"],
)
def test_lightgbm_files_and_boosters_are_taken_in(tmp_path: Path, model: Any) -> None:
    path = tmp_path / "model.txt"
    model.booster_.save_model(path)
    for source in (path, model.booster_):
        answer = answers(adopted(source, tmp_path))
        assert answer["prediction"].tolist() == pytest.approx(model.predict(X).tolist())
        if "probabilities" in answer:
            np.testing.assert_allclose(answer["probabilities"].astype(float), model.predict_proba(X), rtol=1e-9)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:skl2onnx", "ignore::FutureWarning:skl2onnx")
@pytest.mark.parametrize("zipmap", [True, False])
def test_onnx_files_are_taken_in_with_the_labels_read_off_their_answers(tmp_path: Path, zipmap: bool) -> None:
    path = tmp_path / "model.onnx"
    raw = to_onnx(FOREST, X.to_numpy(np.float32)[:1], options={"zipmap": zipmap}).SerializeToString()
    path.write_bytes(raw)
    result = adopted(path, tmp_path, ABC)
    assert result.info.signature.classes == ("down", "up")
    assert answers(result)["prediction"].tolist() == FOREST.predict(X.astype(np.float32)).tolist()


@pytest.mark.filterwarnings("ignore")  # MLflow and what it imports have many
def test_mlflow_models_are_taken_in(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    folder = tmp_path / "logged"
    mlflow.sklearn.save_model(
        LogisticRegression().fit(X, LABEL), folder, serialization_format="skops", pip_requirements=[]
    )
    result = adopted(folder, tmp_path)
    assert answers(result)["prediction"].tolist() == LogisticRegression().fit(X, LABEL).predict(X).tolist()
    again = adopted(result.directory, tmp_path, name="again")  # a bundle is an MLflow model as well
    assert answers(again)["prediction"].tolist() == answers(result)["prediction"].tolist()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flavors: {sklearn: {pickled_model: ../../model.pkl}}", "which is not in it"),
        ("flavors: {sklearn: {pickled_model: absent.pkl}}", "which is not in it"),
        ("flavors: {pytorch: {}, python_function: {}}", "has the flavors python_function, pytorch"),
        ("flavors: [", "is no MLflow model"),
        ("- 1", "is no MLflow model"),
    ],
)
def test_an_mlflow_folder_that_names_no_model_of_its_own_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "MLmodel").write_text(text)
    with pytest.raises(BundleError, match=message):
        located(tmp_path)


def test_a_column_the_sample_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="'a'"):
        adopted(FOREST, tmp_path, FIELDS[1:2], sample=X)


def test_a_model_that_cannot_predict_the_sample_is_refused(tmp_path: Path) -> None:
    model = Ridge().fit(X.to_numpy(), VALUE)
    with pytest.raises(BundleError, match="cannot predict the rows"):
        adopted(model, tmp_path, tuple(Field(name, "float64") for name in "ab"))


def test_a_model_of_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="the project asks for tabular-regression"):
        adopted(FOREST, tmp_path, task="tabular-regression")


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"{}", b"PK\x05\x06" + b"\x00" * 18])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    with pytest.raises(BundleError, match="Nothing here can take in"):
        adopted(path, tmp_path)
    with pytest.raises(BundleError, match="There is no model at"):
        adopted(tmp_path / "absent", tmp_path)
    with pytest.raises(BundleError, match="Nothing here can take in a dict"):
        adopted({}, tmp_path)
