"""Wines, a real state, and observations as the data plane would have captured them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from boucle.adapters.stores.sql import SqlState
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Feedback, Observation
from boucle.core.profile import Counts, Profile
from boucle.core.signature import Field, Signature, outputs_of
from boucle.formats.bundle import write_info, write_profile
from boucle.measures.law import Law
from boucle.measures.profiles import reference_profile
from boucle.monitoring.look import Look, look
from boucle.ports.stores import State
from boucle.project.settings import Settings

Floats = NDArray[np.float64]
Columns = dict[str, Floats]
FITTED = ("total sulfur dioxide", "sulphates", "alcohol")


def read_wines(colour: str) -> tuple[Columns, Floats]:
    """Return the inputs and the quality of the wines the package ships, shuffled."""
    text = files("boucle.demo").joinpath(f"data/winequality-{colour}.csv").read_text().splitlines()
    names = [name.strip('"') for name in text[0].split(";")]
    table = np.array([[float(v) for v in line.split(";")] for line in text[1:]])
    table = table[np.random.default_rng(0).permutation(len(table))]
    columns = {name: table[:, i] for i, name in enumerate(names)}
    quality = columns.pop("quality")
    return columns, quality


@dataclass(frozen=True)
class Wines:
    """Red wines part the reference from what comes later; white ones are what nobody expected."""

    red: Columns
    red_quality: Floats
    white: Columns
    white_quality: Floats

    @cached_property
    def weights(self) -> list[float]:
        table = np.column_stack([np.ones(1100), *(self.red[name][:1100] for name in FITTED)])
        found: list[float] = np.linalg.lstsq(table, self.red_quality[:1100])[0].tolist()
        return found

    @property
    def signature(self) -> Signature:
        return Signature(tuple(Field(name, "float64", optional=True) for name in self.red), outputs_of(None))

    def predict(self, columns: Columns) -> Floats:
        """Answer as least squares on three columns, fitted on the reference's red wines."""
        answered = np.full(len(columns["alcohol"]), self.weights[0])
        for weight, name in zip(self.weights[1:], FITTED, strict=True):
            answered += weight * columns[name]
        return answered

    def reference(self) -> Profile:
        known = rows(self.red, slice(0, 1100))
        return reference_profile(known, self.signature.inputs, self.predict(known))

    @cached_property
    def law(self) -> Law:
        return Law(self.reference())

    def window(self, columns: Columns) -> Counts:
        return self.law.count(columns, self.predict(columns))


def rows(columns: Mapping[str, Floats], chosen: slice) -> Columns:
    return {name: column[chosen].copy() for name, column in columns.items()}


@pytest.fixture(scope="session")
def wines() -> Wines:
    return Wines(*read_wines("red"), *read_wines("white"))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    state = SqlState(None, tmp_path)
    yield state
    state.close()


def observed(id_: str, time: float, inputs: Mapping[str, Any], predictions: Any, **changes: Any) -> Observation:
    """Build one request with as many rows as there are predictions."""
    lists = {name: [None if v != v else v for v in np.asarray(column).tolist()] for name, column in inputs.items()}
    answered = np.atleast_1d(predictions).tolist()
    seen = Observation(id_, time, "wine", 1, "champion", len(answered), lists, {"prediction": answered}, 0.004)
    return replace(seen, **changes)


@dataclass
class Service:
    """One version of ``wine`` that answers, is told what was right, and is looked at."""

    state: State
    wines: Wines
    bundle: Path
    version: ModelVersion
    settings: Settings
    sent: int = 0
    told: list[Feedback] = field(default_factory=list)

    def serve(self, columns: Columns, quality: Floats | None = None, **changes: Any) -> None:
        """Answer each row by its own request, one a second; with ``quality`` the truth comes at once."""
        predicted = self.wines.predict(columns)
        seen, told = [], []
        for i, value in enumerate(predicted.tolist()):
            id_, time = f"r{self.sent + i}", 1000.0 + self.sent + i
            seen.append(observed(id_, time, rows(columns, slice(i, i + 1)), [value], **changes))
            if quality is not None:
                told.append(Feedback(id_, time + 0.5, [float(quality[i])]))
        self.sent += len(seen)
        with self.state.begin() as tx:
            tx.observations.ingest(seen, told, {})

    def look(self, now: float = 1e9) -> Look:
        with self.state.begin() as tx:
            return look(tx, self.version, self.bundle, self.settings, now)


def make_settings(**changes: Any) -> Settings:
    """Return the settings of a project about wine, with ``monitor``, ``release`` or ``evaluate`` as given."""
    plain = {"name": "wine", "task": "tabular-regression", "data": {"source": "wine.csv", "target": "quality"}}
    return Settings.model_validate({**plain, **changes})


@pytest.fixture
def service(state: State, wines: Wines, tmp_path: Path) -> Service:
    bundle = tmp_path / "bundle"
    write_info(bundle, BundleInfo("wine", wines.signature, "sklearn", 0.0))
    write_profile(bundle, wines.reference())
    error = wines.red_quality[:1100] - wines.predict(rows(wines.red, slice(0, 1100)))
    rmse = float(np.sqrt(np.mean(np.square(error))))
    version = ModelVersion("wine", 1, "d" * 64, "run", 0.0, metrics={"rmse": rmse, "mae": rmse, "r2": 0.3})
    return Service(state, wines, bundle, version, make_settings(monitor={"window": 100}))
