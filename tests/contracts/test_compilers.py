"""The compiler's contract over its adapters, and what scikit-learn models it knows."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pandas as pd
import pytest
import xgboost
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import ensemble, linear_model, svm, tree
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    SplineTransformer,
    StandardScaler,
)  # fmt: skip

from boucle.adapters.compilers.ensemble import LEQ, LESS, unrounded
from boucle.adapters.compilers.skl2onnx import Skl2onnxCompiler
from boucle.adapters.compilers.sklearn import SklearnCompiler
from boucle.adapters.runtimes.compiled import CompiledRuntime
from boucle.adapters.runtimes.sklearn import SklearnRuntime
from boucle.core.errors import RequestError
from boucle.core.signature import Batch, Field, Label, Rows, Signature, outputs_of
from boucle.ports.compiler import CannotCompile, Compiler
from boucle.ports.frames import to_batch, to_frame
from boucle.testing.compiler_contract import CompilerContract, Fitted, agree

RNG = np.random.default_rng(7)
NUMBERS = tuple(Field(name, "float64") for name in ("a", "b", "c"))
MIXED = (
    Field("a", "float64", optional=True), Field("n", "int64"), Field("ok", "bool"),
    Field("town", "string", optional=True), Field("code", "int64", categories=(1, 2, 5)),
)  # fmt: skip
TABLE = pd.DataFrame(
    {
        "a": RNG.normal(size=300), "b": RNG.normal(size=300) * 50, "c": RNG.integers(0, 9, 300) / 3,
        "n": RNG.integers(-5, 90, 300), "ok": RNG.random(300) < 0.4, "code": RNG.choice([1, 2, 5], 300),
        "town": RNG.choice(np.array(["Lyon", "Nantes", "Brest", None], dtype=object), 300),
    }
)  # fmt: skip
TABLE.loc[::11, "a"] = np.nan
VALUE = TABLE["a"].fillna(0) * 3 + TABLE["b"] / 20 + TABLE["c"] ** 2
LABELS = {2: np.where(VALUE > 1, "yes", "no"), 3: np.digitize(VALUE, [0, 3])}


def fitted(model: Any, fields: tuple[Field, ...], classes: int = 0) -> Fitted:
    """Fit a model on the fields' columns, to the value or to labels of so many classes."""
    frame = TABLE[[field.name for field in fields]]
    if not any(field.optional for field in fields):
        frame = frame.fillna({"a": 0.0})
    batch = to_batch(frame, fields)
    target = LABELS[classes] if classes else VALUE.to_numpy()
    model.fit(to_frame(batch, fields), target)
    labels: tuple[Label, ...] | None = tuple(np.unique(target).tolist()) if classes else None
    signature = Signature(fields, outputs_of(labels, hasattr(model, "predict_proba")))
    return Fitted(model, signature, batch, SklearnRuntime(), CompiledRuntime())


def mixed(last: Any) -> Any:
    """A pipeline as `estimator: auto` builds it: numbers filled and scaled, levels one column each."""
    absent = {"strategy": "constant", "fill_value": "missing_value"}
    towns = make_pipeline(
        SimpleImputer(**absent), SimpleImputer(missing_values=None, **absent),
        OneHotEncoder(handle_unknown="ignore", sparse_output=False),
    )  # fmt: skip
    parts = [
        ("numbers", make_pipeline(SimpleImputer(add_indicator=True), StandardScaler()), ["a", "n", "ok"]),
        ("towns", towns, ["town"]),
        ("codes", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["code"]),
    ]
    return make_pipeline(ColumnTransformer(parts, sparse_threshold=0.0), last)


class TestSklearnCompiler(CompilerContract):
    @pytest.fixture
    def compiler(self) -> Compiler:
        return SklearnCompiler()

    @pytest.fixture(params=["linear", "forest", "mixed"])
    def case(self, request: pytest.FixtureRequest) -> Fitted:
        if request.param == "linear":
            return fitted(linear_model.LinearRegression(), NUMBERS)
        if request.param == "forest":
            return fitted(ensemble.RandomForestClassifier(20, random_state=0), NUMBERS, 3)
        return fitted(mixed(linear_model.LogisticRegression()), MIXED, 2)


def cubed(values: Any) -> Any:
    return values**3


@pytest.mark.filterwarnings("ignore::DeprecationWarning:skl2onnx", "ignore::FutureWarning:skl2onnx")
class TestSkl2onnxCompiler(CompilerContract):
    @pytest.fixture
    def compiler(self) -> Compiler:
        return Skl2onnxCompiler()

    @pytest.fixture(params=["neighbours", "mixed", "vote"])
    def case(self, request: pytest.FixtureRequest) -> Fitted:
        if request.param == "neighbours":
            return fitted(make_pipeline(StandardScaler(), KNeighborsClassifier()), NUMBERS, 3)
        if request.param == "mixed":
            return fitted(mixed(GaussianNB()), MIXED, 2)
        members = [("g", GaussianProcessRegressor()), ("r", linear_model.Ridge())]
        return fitted(ensemble.VotingRegressor(members), NUMBERS)

    def test_what_needs_no_conversion_is_left_to_our_own(self, compiler: Compiler) -> None:
        case = fitted(linear_model.Ridge(), NUMBERS)
        with pytest.raises(CannotCompile, match="nothing in it"):
            compiler.compile(case.model, case.signature)


def compiled(case: Fitted) -> Any:
    return case.compiled.wrap(SklearnCompiler().compile(case.model, case.signature), case.signature)


def check(case: Fitted, tolerance: float = 1e-9) -> None:
    agree(case.original.wrap(case.model, case.signature), compiled(case), case.batch, tolerance)


@pytest.mark.parametrize(
    "model",
    [
        linear_model.Ridge(),
        linear_model.Lasso(0.1),
        linear_model.HuberRegressor(max_iter=1000),
        make_pipeline(StandardScaler(), svm.LinearSVR(C=0.01, max_iter=20_000)),
        make_pipeline(StandardScaler(), SelectKBest(f_regression, k=2), linear_model.BayesianRidge()),
        make_pipeline(MinMaxScaler(), linear_model.ElasticNet(0.1)),
        tree.DecisionTreeRegressor(),
        ensemble.ExtraTreesRegressor(9),
        ensemble.GradientBoostingRegressor(n_estimators=9),
        ensemble.HistGradientBoostingRegressor(max_iter=9),
        DummyRegressor(),
        TransformedTargetRegressor(linear_model.Ridge(), func=np.cbrt, inverse_func=cubed),
    ],
    ids=lambda model: type(model).__name__,
)
def test_regressors_are_compiled(model: Any) -> None:
    if isinstance(model, TransformedTargetRegressor):
        with pytest.raises(CannotCompile, match="target"):
            compiled(fitted(model, NUMBERS))
    else:
        check(fitted(model, NUMBERS))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        linear_model.LogisticRegression(max_iter=2000),
        make_pipeline(StandardScaler(), linear_model.SGDClassifier(loss="log_loss")),
        linear_model.RidgeClassifier(),
        svm.LinearSVC(),
        tree.DecisionTreeClassifier(max_depth=4),
        ensemble.RandomForestClassifier(10),
        ensemble.ExtraTreesClassifier(10, min_samples_leaf=4),
        ensemble.GradientBoostingClassifier(n_estimators=5),
        ensemble.HistGradientBoostingClassifier(max_iter=5),
        DummyClassifier(),
    ],
    ids=lambda model: type(model).__name__,
)
def test_classifiers_are_compiled(model: Any, classes: int) -> None:
    check(fitted(model, NUMBERS, classes))


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        (xgboost.XGBRegressor(n_estimators=20), 0),
        (xgboost.XGBRegressor(n_estimators=5, objective="reg:absoluteerror"), 0),
        (lightgbm.LGBMRegressor(n_estimators=20, verbose=-1), 0),
        (lightgbm.LGBMClassifier(n_estimators=5, verbose=-1), 2),
        (lightgbm.LGBMClassifier(n_estimators=5, verbose=-1), 3),
    ],
)
def test_boosters_are_compiled_gaps_and_all(model: Any, classes: int) -> None:
    fields = tuple(Field(name, "float64", optional=True) for name in ("a", "b", "c"))
    check(fitted(model, fields, classes), 1e-5)


@pytest.mark.parametrize("labels", [2, 3])
def test_xgboost_classifiers_are_compiled(labels: int) -> None:
    model = xgboost.XGBClassifier(n_estimators=5)
    rows = TABLE[["a", "b", "c"]]
    target = np.digitize(VALUE, [0, 3][: labels - 1])
    model.fit(rows, target)
    fields = tuple(Field(name, "float64", optional=True) for name in ("a", "b", "c"))
    signature = Signature(fields, outputs_of(tuple(range(labels))))
    check(Fitted(model, signature, to_batch(rows, fields), SklearnRuntime(), CompiledRuntime()), 1e-5)


def logistic() -> Any:
    return make_pipeline(StandardScaler(), linear_model.LogisticRegression(max_iter=2000))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        ensemble.VotingClassifier([("l", logistic()), ("f", ensemble.RandomForestClassifier(5))], voting="soft"),
        ensemble.VotingClassifier(
            [("h", ensemble.HistGradientBoostingClassifier(max_iter=4)), ("l", logistic())],
            voting="soft",
            weights=[3, 1],
        ),
        ensemble.VotingClassifier([("x", xgboost.XGBClassifier(n_estimators=3))], voting="soft"),
        make_pipeline(StandardScaler(), CalibratedClassifierCV(svm.LinearSVC(), ensemble=False)),
        CalibratedClassifierCV(ensemble.RandomForestClassifier(4), cv=2),
        CalibratedClassifierCV(ensemble.ExtraTreesClassifier(4), method="isotonic", cv=2),
        ensemble.BaggingClassifier(logistic(), 3, max_features=2, random_state=0),
        make_pipeline(StandardScaler(), MLPClassifier((5, 4), max_iter=20, random_state=0)),
        LinearDiscriminantAnalysis(),
    ],
    ids=lambda model: type(model).__name__,
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_models_made_of_others_are_compiled(model: Any, classes: int) -> None:
    check(fitted(model, NUMBERS, classes), 1e-6)


@pytest.mark.parametrize(
    "model",
    [
        ensemble.VotingRegressor([("r", linear_model.Ridge()), ("f", ensemble.RandomForestRegressor(3))]),
        TransformedTargetRegressor(linear_model.Ridge(), func=np.arcsinh, inverse_func=np.sinh),
        GridSearchCV(make_pipeline(MinMaxScaler(clip=True), linear_model.Ridge()), {"ridge__alpha": [1.0, 9.0]}, cv=2),
        make_pipeline(PolynomialFeatures(3), StandardScaler(), PCA(5, whiten=True), linear_model.Ridge()),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_stands_around_a_regressor_is_compiled_with_it(model: Any) -> None:
    check(fitted(model, NUMBERS))


@pytest.mark.parametrize(
    "last",
    [linear_model.LogisticRegression(), ensemble.RandomForestClassifier(10), ensemble.HistGradientBoostingClassifier()],
    ids=lambda model: type(model).__name__,
)
def test_pipelines_of_mixed_columns_know_gaps_and_unseen_levels(last: Any) -> None:
    case = fitted(mixed(last), MIXED, 2)
    strange = dict(case.batch)
    strange["town"] = np.where(np.arange(300) % 3 == 0, "Paris", case.batch["town"]).astype(object)
    strange["code"] = np.where(np.arange(300) % 4 == 0, 77, case.batch["code"])
    strange["a"] = np.where(np.arange(300) % 5 == 0, np.nan, case.batch["a"].astype(np.float64))
    for batch in (case.batch, strange):
        agree(case.original.wrap(case.model, case.signature), compiled(case), batch, 1e-9)


def test_a_decision_threshold_is_kept() -> None:
    inner = linear_model.LogisticRegression(max_iter=2000)
    check(fitted(FixedThresholdClassifier(inner, threshold=0.8, pos_label="no"), NUMBERS, 2))


def test_an_encoder_that_refuses_new_levels_still_does() -> None:
    fields = (Field("town", "string"),)
    frame = TABLE[["town"]].fillna("Brest")
    model = make_pipeline(OrdinalEncoder(), tree.DecisionTreeRegressor()).fit(frame, VALUE)
    case = Fitted(
        model, Signature(fields, outputs_of(None)), to_batch(frame, fields), SklearnRuntime(), CompiledRuntime()
    )
    check(case)
    with pytest.raises(RequestError, match="Paris"):
        compiled(case).predict({"town": np.array(["Paris"], dtype=object)})


def test_a_missing_value_is_refused_where_the_model_refuses_it() -> None:
    case = fitted(linear_model.LinearRegression(), NUMBERS)
    with pytest.raises(RequestError, match="missing"):
        compiled(case).predict(Rows(NUMBERS, np.array([[1.0, np.nan, 2.0]])))


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (KNeighborsRegressor(), "KNeighborsRegressor"),
        (make_pipeline(SplineTransformer(), KNeighborsRegressor()), "SplineTransformer"),
        (ensemble.GradientBoostingRegressor(init=linear_model.Ridge()), "another model"),
        (ensemble.StackingRegressor([("r", linear_model.Ridge())]), "StackingRegressor"),
    ],
)
def test_what_has_no_compiled_form_is_named(model: Any, why: str) -> None:
    with pytest.raises(CannotCompile, match=why):
        compiled(fitted(model, NUMBERS))


def splines(last: Any) -> Any:
    return make_pipeline(SplineTransformer(), last)


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        (splines(ensemble.RandomForestRegressor(9)), 0),
        (splines(make_pipeline(StandardScaler(), svm.LinearSVC(max_iter=20_000))), 3),
        (make_pipeline(SplineTransformer(sparse_output=True), ensemble.ExtraTreesClassifier(5)), 2),
        (FixedThresholdClassifier(splines(linear_model.LogisticRegression()), threshold=0.8, pos_label="no"), 2),
        (TransformedTargetRegressor(splines(linear_model.Ridge()), func=np.arcsinh, inverse_func=np.sinh), 0),
        (GridSearchCV(splines(linear_model.Ridge()), {"ridge__alpha": [1.0, 9.0]}, cv=2), 0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_what_comes_behind_preprocessing_without_a_compiled_form_is_compiled(model: Any, classes: int) -> None:
    case = fitted(model, NUMBERS, classes)
    program = SklearnCompiler().compile(case.model, case.signature)
    assert program.before is case.model
    assert "SplineTransformer" in program.why
    check(case)
    with pytest.raises(RequestError, match="NaN"):
        compiled(case).predict({name: np.full(3, np.nan) for name in "abc"})


VALUES = (
    st.floats(-4, 4, width=32) | st.floats(-4, 4) | st.integers(-4, 4).map(float)
    | st.sampled_from([5e-324, -5e-324, 1e-310, 1e-45, -1e-45, 7e-46, 1e-40, 1e-35, -1e-35])
)  # fmt: skip
PARTING = (
    ensemble.RandomForestClassifier(3),
    ensemble.RandomForestClassifier(4, max_depth=2),
    ensemble.HistGradientBoostingClassifier(max_iter=3, min_samples_leaf=1),
    ensemble.GradientBoostingClassifier(n_estimators=3),
    lightgbm.LGBMClassifier(n_estimators=3, min_child_samples=1, min_data_in_bin=1, verbose=-1),
)


@pytest.mark.parametrize("depth", [None, 2])
def test_a_tie_between_two_classes_falls_as_in_the_original(depth: int | None) -> None:
    rows = np.arange(24.0)[:, None] % 6
    frame = pd.DataFrame({"a": rows[:, 0], "b": -rows[:, 0]})
    target = np.array([0, 1] * 12)
    fields = NUMBERS[:2]
    for threshold in np.arange(1, 10) / 10:
        inner = ensemble.RandomForestClassifier(10, max_depth=depth, random_state=0)
        model = FixedThresholdClassifier(inner, threshold=float(threshold), pos_label=0).fit(frame, target)
        check(Fitted(model, Signature(fields, outputs_of((0, 1))), to_batch(frame, fields), SklearnRuntime(),
                     CompiledRuntime()), 0.0)  # fmt: skip


def test_lightgbm_takes_the_smallest_numbers_for_zero() -> None:
    fields = NUMBERS[:1]
    frame = pd.DataFrame({"a": np.repeat([-1.0, -1e-36, 0.0, 1e-36, 1.0], 40)})
    model = lightgbm.LGBMRegressor(n_estimators=3, min_child_samples=5, verbose=-1).fit(frame, np.abs(frame["a"]))
    zero = float(np.float32(1e-35))
    values = np.array([s * v for s in (-1, 1) for v in (zero, np.nextafter(zero, 1), np.nextafter(zero, 0), 0.0, 1.0)])
    check(Fitted(model, Signature(fields, outputs_of(None)), {"a": values}, SklearnRuntime(), CompiledRuntime()))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_tree_parts_a_row_otherwise_than_its_original(data: st.DataObject) -> None:
    rows = np.array(data.draw(st.lists(st.tuples(VALUES, VALUES), min_size=6, max_size=30)))
    classes = data.draw(st.integers(1, 2))
    target = np.array(data.draw(st.lists(st.integers(0, classes), min_size=len(rows), max_size=len(rows))))
    if len(np.unique(target)) < 2:
        target[0] = 1 - min(target[0], 1)
    fields = NUMBERS[:2]
    frame = to_frame(to_batch(pd.DataFrame(rows, columns=["a", "b"]), fields), fields)
    signature = Signature(fields, outputs_of(tuple(np.unique(target).tolist())))
    for model in PARTING:
        model.fit(frame, target)
        batch = near(model, rows, fields)
        if isinstance(model, lightgbm.LGBMClassifier):
            batch = untied(model, batch)
        check(Fitted(model, signature, batch, SklearnRuntime(), CompiledRuntime()))


def untied(model: Any, batch: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out rows whose best two classes differ by rounding alone: the order of a sum then decides their label."""
    shares = np.sort(model.predict_proba(pd.DataFrame(batch)), axis=1)
    return {name: column[shares[:, -1] - shares[:, -2] > 1e-12] for name, column in batch.items()}


FLOAT32 = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(FLOAT32, st.sampled_from([-1.0, 0.0, 1.0]), st.floats(allow_nan=False), st.sampled_from([LEQ, LESS]))
def test_a_moved_border_parts_as_rounding_would(near_to: float, aside: float, other: float, mode: int) -> None:
    border = near_to if mode == LESS or not aside else float(np.nextafter(near_to, aside * np.inf))
    moved = unrounded(np.array([border]), mode)
    sides = [moved, np.nextafter(moved, np.inf), np.nextafter(moved, -np.inf), np.array([other]), np.array([border])]
    values = np.concatenate([*sides, [np.inf, -np.inf, 0.0, -0.0]])
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32).astype(np.float64)
    parted = (rounded <= border, values <= moved) if mode == LEQ else (rounded < border, values < moved)
    assert parted[0].tolist() == parted[1].tolist()


def near(model: Any, rows: Any, fields: tuple[Field, ...]) -> Batch:
    """Rows on, and one step beside, the borders at which the trees part, and the known rows."""
    program = SklearnCompiler().compile(model, Signature(fields, outputs_of(tuple(model.classes_.tolist()))))
    borders = np.array([1.0]) if program.borders is None else program.borders[:, 1]
    steps = [
        borders,
        np.nextafter(borders, -9),
        np.nextafter(borders, 9),
        borders.astype(np.float32).astype(np.float64),
    ]
    values = np.concatenate([*steps, rows[:, 0]])
    return {"a": values, "b": np.resize(np.concatenate([values[::-1], rows[:, 1]]), len(values))}


def test_a_compiled_model_needs_neither_scikit_learn_nor_pandas(tmp_path: Path) -> None:
    case = fitted(mixed(ensemble.RandomForestClassifier(5)), MIXED, 2)
    CompiledRuntime().save(SklearnCompiler().compile(case.model, case.signature), tmp_path, case.signature)
    program = f"""
import sys, numpy as np
from pathlib import Path
from boucle.adapters.runtimes.compiled import CompiledRuntime
from boucle.core.model import BundleInfo
from boucle.core.signature import Field, Signature, outputs_of
fields = (Field("a", "float64", optional=True), Field("n", "int64"), Field("ok", "bool"),
          Field("town", "string", optional=True),
          Field("code", "int64", categories=(1, 2, 5)))
info = BundleInfo("m", Signature(fields, outputs_of(("no", "yes"))), "compiled", 1.0)
model = CompiledRuntime().load(Path({str(tmp_path)!r}), info)
row = {{"a": np.array([0.5]), "n": np.array([3]), "ok": np.array([True]),
       "town": np.array([None], object), "code": np.array([2])}}
assert model.predict(row)["prediction"][0] in ("no", "yes")
heavy = {{"sklearn", "pandas", "scipy", "skops", "joblib", "onnx"}} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
