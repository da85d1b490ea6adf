"""The importer's contract over its adapters."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest
import skops.io
import transformers
import xgboost
from skl2onnx import to_onnx
from sklearn.linear_model import LogisticRegression
from tests import checkpoints

from boucle.adapters.importers.lightgbm import LightgbmImporter
from boucle.adapters.importers.onnx import OnnxImporter
from boucle.adapters.importers.pretrained import PretrainedImporter
from boucle.adapters.importers.sklearn import SklearnImporter
from boucle.adapters.importers.xgboost import XgboostImporter
from boucle.adapters.runtimes.onnx import OnnxRuntime
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.core.errors import BundleError
from boucle.core.signature import Field
from boucle.ports.frames import to_batch
from boucle.ports.importer import Importer
from boucle.testing.importer_contract import Foreign, ImporterContract

ROWS = pd.DataFrame(np.random.default_rng(1).normal(size=(60, 2)), columns=["a", "b"])
VALUE = (ROWS["a"] - ROWS["b"]).to_numpy()
SIDE = np.where(VALUE > 0, "up", "down").astype(object)
FIELDS = (Field("a", "float64"), Field("b", "float64"))
BATCH = to_batch(ROWS, FIELDS)


class TestSklearnImporter(ImporterContract):
    @pytest.fixture
    def importer(self) -> Importer:
        return SklearnImporter()

    @pytest.fixture(params=["skops", "pickle"])
    def case(self, request: pytest.FixtureRequest, tmp_path: Path) -> Foreign:
        model = LogisticRegression().fit(ROWS, SIDE)
        path = tmp_path / f"model.{request.param}"
        if request.param == "skops":
            skops.io.dump(model, path)
        else:
            path.write_bytes(pickle.dumps(model))
        consent = hashlib.sha256(path.read_bytes()).hexdigest() if request.param == "pickle" else None
        return Foreign(path, FIELDS, BATCH, model.predict(ROWS), SklearnRuntime(), consent=consent)


class TestXgboostImporter(ImporterContract):
    @pytest.fixture
    def importer(self) -> Importer:
        return XgboostImporter()

    @pytest.fixture(params=["json", "ubj"])
    def case(self, request: pytest.FixtureRequest, tmp_path: Path) -> Foreign:
        model = xgboost.XGBRegressor(n_estimators=3).fit(ROWS, VALUE)
        path = tmp_path / f"model.{request.param}"
        model.save_model(path)
        return Foreign(path, FIELDS, BATCH, model.predict(ROWS), SklearnRuntime())


class TestLightgbmImporter(ImporterContract):
    @pytest.fixture
    def importer(self) -> Importer:
        return LightgbmImporter()

    @pytest.fixture
    def case(self, tmp_path: Path) -> Foreign:
        model = lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(ROWS, (SIDE == "up").astype(int))
        path = tmp_path / "model.txt"
        model.booster_.save_model(path)
        return Foreign(path, FIELDS, BATCH, model.predict(ROWS), SklearnRuntime())


@pytest.mark.filterwarnings("ignore::DeprecationWarning:skl2onnx", "ignore::FutureWarning:skl2onnx")
class TestOnnxImporter(ImporterContract):
    @pytest.fixture
    def importer(self) -> Importer:
        return OnnxImporter()

    @pytest.fixture
    def case(self, tmp_path: Path) -> Foreign:
        model = LogisticRegression().fit(ROWS, SIDE)
        path = tmp_path / "model.onnx"
        path.write_bytes(to_onnx(model, ROWS.to_numpy(np.float32)[:1]).SerializeToString())
        return Foreign(path, FIELDS, BATCH, model.predict(ROWS), OnnxRuntime(), named=False)


class TestPretrainedImporter(ImporterContract):
    """Its models are folders, and they know their own task and outputs."""

    @pytest.fixture
    def importer(self) -> Importer:
        return PretrainedImporter()

    @pytest.fixture
    def case(self, tmp_path: Path) -> Foreign:
        folder = checkpoints.tiny("classifier", tmp_path / "checkpoint")
        fields, texts = (Field("text", "text"),), np.array(["a fine day", "no", ""], dtype=object)
        classifier = transformers.AutoModelForSequenceClassification.from_pretrained(folder).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
        logits = [classifier(**tokenizer(text, return_tensors="pt")).logits[0].detach().numpy() for text in texts]
        labels = np.array(checkpoints.TONES, dtype=object)[np.argmax(logits, axis=1)]
        return Foreign(folder, fields, {"text": texts}, labels, PretrainedRuntime(), named=False)

    def test_a_damaged_file_is_an_error_of_ours(self, importer: Importer, case: Foreign) -> None:
        whole = (case.path / "model.safetensors").read_bytes()
        (case.path / "model.safetensors").write_bytes(whole[: len(whole) // 2])
        with pytest.raises(BundleError):
            importer.open(case.path, case.consent)
