"""The models that are served: fitted once a run, kept as a pickle and, where it converts, as ONNX; with rows to ask."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skl2onnx import to_onnx
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, SplineTransformer

WINE = Path(__file__).parents[2] / "src/boucle/demo/data/winequality-red.csv"
SAMPLED = 1000
ASKED = 64  # distinct rows that the load consists of
TREES = 200
COPIES = 1000  # of the rows that neighbours are looked for among


@dataclass(frozen=True)
class Case:
    """One fitted model. ``rows`` (n, features) are asked, ``expected`` (n,) is what scikit-learn says of them."""

    name: str
    told: str
    folder: Path
    columns: tuple[str, ...]
    rows: NDArray[np.float64]
    expected: NDArray[np.float64]

    @property
    def pickle(self) -> Path:
        return self.folder / "model.pkl"

    @property
    def onnx(self) -> Path:
        return self.folder / "model.onnx"

    @property
    def example(self) -> Path:
        return self.folder / "example.npy"

    @property
    def sample(self) -> Path:
        """Rows with their truth that the model has not learned from."""
        return self.folder / "sample.csv"

    def right(self, answers: list[float], first: int = 0) -> bool:
        """Say whether answers to the rows from ``first`` on are scikit-learn's, as far as float32 can tell."""
        wanted = self.expected.take(range(first, first + len(answers)), mode="wrap")
        return bool(answers) and bool(np.allclose(answers, wanted, rtol=1e-4, atol=1e-4))


def make(folder: Path, names: list[str]) -> dict[str, Case]:
    """Fit the models asked for; each leaves its files in a folder of its own."""
    found = {}
    for name in names:
        model, table, told = _MODELS[name]()
        found[name] = _fit(name, told, model, table, folder / name)
    return found


def _fit(name: str, told: str, model: Any, table: pd.DataFrame, folder: Path) -> Case:
    folder.mkdir(parents=True)
    table = table.astype(dict.fromkeys(table.columns[:-1], "float64"))
    table = table.sample(frac=1, random_state=1, ignore_index=True)
    cut = len(table) * 2 // 3
    inputs, truth = table.iloc[:, :-1].to_numpy(), table["truth"].to_numpy()
    model.fit(inputs[:cut], truth[:cut])
    rows = inputs[cut : cut + ASKED]
    columns = tuple(map(str, table.columns[:-1]))
    case = Case(name, told, folder, columns, rows, np.asarray(model.predict(rows), dtype=np.float64))
    joblib.dump(model, case.pickle)
    np.save(case.example, rows[:5])
    table[cut : cut + SAMPLED].to_csv(case.sample, index=False)
    if name not in ("uncompiled", "overload"):
        with warnings.catch_warnings():  # numpy tells of its own plans here
            warnings.simplefilter("ignore")
            options = {"zipmap": False} if hasattr(model, "predict_proba") else None
            converted = to_onnx(model, rows[:1].astype(np.float32), options=options)
        case.onnx.write_bytes(converted.SerializeToString())
    return case


def _linear() -> tuple[Any, pd.DataFrame, str]:
    table = pd.read_csv(WINE, sep=";").rename(columns={"quality": "truth"})
    return LinearRegression(), table, "LinearRegression, 11 features (wine)"


def _forest() -> tuple[Any, pd.DataFrame, str]:
    table = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "truth"})
    forest = RandomForestClassifier(TREES, random_state=0)
    return forest, table, f"RandomForestClassifier, {TREES} trees, 30 features (breast_cancer)"


def _uncompiled() -> tuple[Any, pd.DataFrame, str]:
    """A forest behind splines: skl2onnx has no converter for them, Boucle compiles the forest alone."""
    table = load_diabetes(as_frame=True).frame.rename(columns={"target": "truth"})
    model = make_pipeline(SplineTransformer(), RandomForestRegressor(TREES, random_state=0))
    return model, table, f"SplineTransformer + RandomForestRegressor, {TREES} trees, 10 features (diabetes)"


def _overload() -> tuple[Any, pd.DataFrame, str]:
    """Neighbours among many rows: every row asked is dear, and no part of it is compiled."""
    table = load_diabetes(as_frame=True).frame.rename(columns={"target": "truth"})
    table = pd.concat([table] * COPIES, ignore_index=True)
    table.iloc[:, :-1] += np.random.default_rng(0).normal(0.0, 0.01, (len(table), table.shape[1] - 1))
    model = TransformedTargetRegressor(KNeighborsRegressor(algorithm="brute"), transformer=PowerTransformer())
    return model, table, f"KNeighborsRegressor among {len(table) * 2 // 3:,} rows, target transformed (diabetes)"


_MODELS = {"linear": _linear, "forest": _forest, "uncompiled": _uncompiled, "overload": _overload}
