"""The runtime's contract over scikit-learn, XGBoost, LightGBM and ONNX models, and checkpoints of texts and images."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
import transformers
from lightgbm import LGBMClassifier
from PIL import Image
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tests import checkpoints
from xgboost import XGBClassifier

from boucle.adapters.compilers.sklearn import SklearnCompiler
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.pretrained.signatures import signature_of
from boucle.adapters.runtimes.compiled import CompiledRuntime
from boucle.adapters.runtimes.onnx import OnnxRuntime
from boucle.adapters.runtimes.pretrained import PretrainedRuntime
from boucle.adapters.runtimes.pretrained_onnx import PretrainedOnnxRuntime
from boucle.adapters.runtimes.pretrained_openvino import PretrainedOpenvinoRuntime
from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Field, Label, Signature, outputs_of
from boucle.ports.frames import to_batch
from boucle.ports.runtime import Runtime
from boucle.testing.runtime_contract import Case, RuntimeContract

NUMBERS = (Field("size", "float64"), Field("age", "float64"), Field("rooms", "float64"))
MIXED = (*NUMBERS[:2], Field("rooms", "int64"), Field("garden", "bool"), Field("town", "string"))
RNG = np.random.default_rng(7)
ROWS = pd.DataFrame(
    {
        "size": RNG.normal(100, 30, 120),
        "age": RNG.normal(40, 10, 120),
        "rooms": RNG.integers(1, 6, 120),
        "garden": RNG.random(120) < 0.5,
        "town": pd.Series(RNG.choice(["Lyon", "Nantes"], 120), dtype=object),
    }
)
PRICE = (ROWS["size"] * 3 - ROWS["age"] + ROWS["rooms"] * 10).to_numpy()
DEAR = np.where(np.median(PRICE) < PRICE, "dear", "cheap").astype(object)
BAND = np.digitize(PRICE, np.quantile(PRICE, [0.33, 0.66]))
PLAIN = ROWS[["size", "age", "rooms"]].astype("float64")
FEW = slice(0, 24)


def regression(model: Any, frame: pd.DataFrame = PLAIN, fields: tuple[Field, ...] = NUMBERS) -> Case:
    fitted = model.fit(frame, PRICE)
    return Case(fitted, Signature(fields, outputs_of(None)), to_batch(frame[FEW], fields), fitted.predict(frame[FEW]))


def classification(
    model: Any,
    truth: Any,
    frame: pd.DataFrame = PLAIN,
    fields: tuple[Field, ...] = NUMBERS,
    classes: tuple[Label, ...] | None = None,
) -> Case:
    """``classes`` sets another order than the framework's own."""
    fitted = model.fit(frame, truth)
    own = fitted.classes_.tolist()
    classes = tuple(own) if classes is None else classes
    shares = fitted.predict_proba(frame[FEW])[:, [own.index(label) for label in classes]]
    signature = Signature(fields, outputs_of(classes))
    return Case(fitted, signature, to_batch(frame[FEW], fields), fitted.predict(frame[FEW]), shares)


def mixed() -> Any:
    towns = ColumnTransformer([("town", OneHotEncoder(), ["town"])], remainder=StandardScaler())
    return make_pipeline(towns, LogisticRegression())


SKLEARN: dict[str, Callable[[], Case]] = {
    "ridge": lambda: regression(make_pipeline(StandardScaler(), Ridge())),
    "histogram": lambda: regression(HistGradientBoostingRegressor(max_iter=5)),
    "forest": lambda: classification(RandomForestClassifier(5, random_state=0, n_jobs=2), BAND),
    "mixed columns": lambda: classification(mixed(), DEAR, ROWS, MIXED),
    "classes in another order": lambda: classification(mixed(), DEAR, ROWS, MIXED, ("dear", "cheap")),
    "booleans": lambda: classification(LogisticRegression(max_iter=1000), DEAR == "dear"),
    "threshold": lambda: classification(
        FixedThresholdClassifier(
            make_pipeline(StandardScaler(), LogisticRegression()), threshold=0.2, pos_label="dear",
            response_method="predict_proba",
        ),
        DEAR,
    ),
    "xgboost": lambda: classification(
        VotingClassifier([("xgboost", XGBClassifier(n_estimators=5))], voting="soft"), DEAR
    ),
    "lightgbm": lambda: classification(
        make_pipeline(StandardScaler(), LGBMClassifier(n_estimators=5, verbose=-1)), BAND
    ),
}  # fmt: skip


def converted(case: Case, zipmap: bool | None = None, columns: pd.DataFrame | None = None) -> Case:
    """Turn a case's model into ONNX."""
    options = None if zipmap is None else {"zipmap": zipmap}
    example = PLAIN.to_numpy(dtype=np.float32)[:1] if columns is None else columns[:1]
    raw = to_onnx(case.model, example, options=options).SerializeToString()
    return Case(raw, case.signature, case.batch, case.prediction, case.probabilities)


ONNX: dict[str, Callable[[], Case]] = {
    "regression": lambda: converted(SKLEARN["ridge"]()),
    "labels and dictionaries": lambda: converted(
        classification(RandomForestClassifier(5, random_state=0), DEAR), zipmap=True
    ),
    "labels and a matrix": lambda: converted(
        classification(RandomForestClassifier(5, random_state=0), BAND), zipmap=False
    ),
    "classes in another order": lambda: converted(
        classification(RandomForestClassifier(5, random_state=0), DEAR, classes=("dear", "cheap")), zipmap=True
    ),
    "one input per column": lambda: converted(SKLEARN["ridge"](), columns=PLAIN),
}


@cache
def case_of(runtime: str, name: str) -> Case:
    if runtime == "compiled":
        case = case_of("sklearn", name)
        return replace(case, model=SklearnCompiler().compile(case.model, case.signature))
    return {"sklearn": SKLEARN, "onnx": ONNX}[runtime][name]()


class TestSklearnRuntime(RuntimeContract):
    @pytest.fixture
    def runtime(self) -> Runtime:
        return SklearnRuntime()

    @pytest.fixture(params=list(SKLEARN))
    def case(self, request: pytest.FixtureRequest) -> Case:
        return case_of("sklearn", request.param)


@pytest.mark.filterwarnings("ignore::DeprecationWarning:skl2onnx", "ignore::FutureWarning:skl2onnx")
class TestOnnxRuntime(RuntimeContract):
    @pytest.fixture
    def runtime(self) -> Runtime:
        return OnnxRuntime()

    @pytest.fixture(params=list(ONNX))
    def case(self, request: pytest.FixtureRequest) -> Case:
        return case_of("onnx", request.param)


class TestCompiledRuntime(RuntimeContract):
    @pytest.fixture
    def runtime(self) -> Runtime:
        return CompiledRuntime()

    @pytest.fixture(params=list(SKLEARN))
    def case(self, request: pytest.FixtureRequest) -> Case:
        return case_of("compiled", request.param)

    def test_what_it_wrote_is_named_for_mlflow(self, runtime: Runtime, case: Case, tmp_path: Path) -> None:
        """MLflow is told of the original, which lies beside it."""
        assert runtime.save(case.model, tmp_path, case.signature).flavors == {}

    def test_a_bundle_cannot_name_a_file_outside_itself(
        self, runtime: Runtime, info: BundleInfo, tmp_path: Path
    ) -> None:
        assert not info.options, "it names no file at all"

    @pytest.mark.parametrize("file", ["compiled.json", "compiled.npz", "trees.onnx"])
    def test_each_broken_file_is_a_bundle_error(
        self, runtime: Runtime, info: BundleInfo, tmp_path: Path, file: str
    ) -> None:
        if file == "trees.onnx" and not (tmp_path / file).exists():
            (tmp_path / "compiled.json").write_text('{"version": 1}')  # of another Boucle
        else:
            (tmp_path / file).write_bytes(b"PK not a model")
        with pytest.raises(BundleError):
            runtime.load(tmp_path, info)


TEXTS = np.array(
    ["A lovely film.", "no", "dull " * 90, "", "été 中文", "Not bad at all, for a first attempt"], dtype=object
)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Tiny checkpoints by what they do."""
    root = tmp_path_factory.mktemp("checkpoints")
    made = {kind: checkpoints.tiny(kind, root / kind) for kind in ("classifier", "encoder", "vit")}
    return made | {"onnx": checkpoints.to_onnx(made["classifier"], root / "onnx")}


def text_case(folder: Path, expected: Path | None = None, column: str = "review") -> Case:
    """A classifier of texts, and what transformers' own classes answer."""
    checkpoint = resolve(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(expected or folder)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(expected or folder).eval()
    given = tokenizer(TEXTS.tolist(), truncation=True, max_length=64, padding=True, return_tensors="pt")
    shares = model(**given).logits.detach().softmax(-1).numpy()
    labels = np.array(checkpoint.labels, dtype=object)[shares.argmax(1)]
    return Case(checkpoint, signature_of(checkpoint, (Field(column, "text"),)), {column: TEXTS}, labels, shares)


def openvino_case(folders: dict[str, Path]) -> Case:
    """In float32, so that its numbers can be compared with torch's."""
    case = text_case(folders["onnx"], expected=folders["classifier"])
    return replace(case, model=case.model.with_options(engine="openvino", precision="float32"))


def vector_case(folder: Path) -> Case:
    checkpoint = resolve(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    given = (tokenizer(text, truncation=True, max_length=64, return_tensors="pt") for text in TEXTS)
    vectors = np.stack([model(**one).last_hidden_state[0].mean(0).detach().numpy() for one in given])
    return Case(checkpoint, signature_of(checkpoint), {"text": TEXTS}, vectors)


def picture_case(folder: Path) -> Case:
    checkpoint = resolve(folder)
    files = [_picture(shade) for shade in (0, 90, 180, 255)]
    model = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    pixels = torch.full((4, 3, 32, 32), 1.0) * (torch.tensor([0, 90, 180, 255]) / 127.5 - 1.0)[:, None, None, None]
    shares = model(pixel_values=pixels).logits.detach().softmax(-1).numpy()
    labels = np.array(checkpoint.labels, dtype=object)[shares.argmax(1)]
    return Case(checkpoint, signature_of(checkpoint), {"image": np.array(files, dtype=object)}, labels, shares)


def _picture(shade: int) -> bytes:
    kept = io.BytesIO()
    Image.new("RGB", (40, 30), (shade,) * 3).save(kept, "PNG")
    return kept.getvalue()


class TestPretrainedRuntime(RuntimeContract):
    @pytest.fixture
    def runtime(self) -> Runtime:
        return PretrainedRuntime()

    @pytest.fixture(params=["classifier", "encoder", "vit"])
    def case(self, request: pytest.FixtureRequest, folders: dict[str, Path]) -> Case:
        make = {"classifier": text_case, "encoder": vector_case, "vit": picture_case}[request.param]
        return make(folders[request.param])


class TestPretrainedOnnxRuntime(RuntimeContract):
    @pytest.fixture
    def runtime(self) -> Runtime:
        return PretrainedOnnxRuntime()

    @pytest.fixture
    def case(self, folders: dict[str, Path]) -> Case:
        return text_case(folders["onnx"], expected=folders["classifier"])


class TestPretrainedOpenvinoRuntime(RuntimeContract):
    @pytest.fixture
    def runtime(self) -> Runtime:
        return PretrainedOpenvinoRuntime()

    @pytest.fixture
    def case(self, folders: dict[str, Path]) -> Case:
        return openvino_case(folders)
