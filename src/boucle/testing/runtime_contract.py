"""What every Runtime has to do, as tests. An adapter's author subclasses the suite and gives a runtime and a case:

class TestMyRuntime(RuntimeContract):
    @pytest.fixture
    def runtime(self) -> Runtime:
        return MyRuntime()

    @pytest.fixture
    def case(self) -> Case:
        return Case(model, signature, batch, prediction)
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Column, Signature
from boucle.ports.runtime import Predictor, Runtime


@dataclass(frozen=True, slots=True)
class Case:
    """A fitted model, some rows it takes, and what its own framework answers to them."""

    model: Any
    signature: Signature
    batch: Batch
    prediction: Column
    probabilities: Column | None = None


def described(runtime: Runtime, case: Case, directory: Path) -> BundleInfo:
    """Save the case's model and describe it as a bundle would."""
    saved = runtime.save(case.model, directory, case.signature)
    return BundleInfo(
        "contract",
        case.signature,
        runtime.name,
        0.0,
        options=saved.options,
        trusted=saved.trusted,
        requirements=saved.requirements,
    )


def same(first: Batch, second: Batch) -> bool:
    """Say whether two answers are equal, column by column."""
    return set(first) == set(second) and all(np.array_equal(first[name], second[name]) for name in first)


def _files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file()]


def close(first: Column, second: Column) -> bool:
    """Say whether numbers are equal but for the precision of a float32."""
    pair = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return bool(np.allclose(*pair, rtol=1e-5, atol=1e-6))


class RuntimeContract:
    @pytest.fixture
    def info(self, runtime: Runtime, case: Case, tmp_path: Path) -> BundleInfo:
        return described(runtime, case, tmp_path)

    @pytest.fixture
    def predictor(self, runtime: Runtime, info: BundleInfo, tmp_path: Path) -> Predictor:
        return runtime.load(tmp_path, info)

    def test_it_answers_as_the_framework_does(self, predictor: Predictor, case: Case) -> None:
        answer = predictor.predict(case.batch)
        if case.signature.classes is None:
            assert close(answer["prediction"], case.prediction)
        else:
            assert answer["prediction"].tolist() == case.prediction.tolist()
        if case.probabilities is not None:
            assert close(answer["probabilities"], case.probabilities)

    def test_answers_have_the_columns_and_types_of_the_signature(self, predictor: Predictor, case: Case) -> None:
        answer = predictor.predict(case.batch)
        assert list(answer) == [field.name for field in case.signature.outputs]
        for field in case.signature.outputs:
            assert answer[field.name].dtype == field.storage
            assert answer[field.name].shape == (len(case.prediction), *field.shape)

    def test_a_model_in_memory_answers_as_the_loaded_one(
        self, runtime: Runtime, predictor: Predictor, case: Case
    ) -> None:
        assert same(runtime.wrap(case.model, case.signature).predict(case.batch), predictor.predict(case.batch))

    def test_a_row_alone_gets_the_answer_it_gets_among_others(self, predictor: Predictor, case: Case) -> None:
        whole = predictor.predict(case.batch)
        alone = predictor.predict({name: column[2:3] for name, column in case.batch.items()})
        for name, column in alone.items():
            if column.dtype.kind == "f":
                assert close(column, whole[name][2:3])
            else:
                assert column.tolist() == whole[name][2:3].tolist()

    def test_columns_may_come_in_any_order_and_with_others(self, predictor: Predictor, case: Case) -> None:
        shuffled = {"another": case.prediction, **dict(reversed(list(case.batch.items())))}
        assert same(predictor.predict(shuffled), predictor.predict(case.batch))

    def test_many_threads_may_predict_at_once(self, predictor: Predictor, case: Case) -> None:
        expected = predictor.predict(case.batch)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(predictor.predict, [case.batch] * 32))
        assert all(same(answer, expected) for answer in answers)

    def test_what_it_wrote_is_named_for_mlflow(self, runtime: Runtime, case: Case, tmp_path: Path) -> None:
        saved = runtime.save(case.model, tmp_path, case.signature)
        assert "python_function" in saved.flavors
        named = {value for flavor in saved.flavors.values() for value in flavor.values() if isinstance(value, str)}
        assert {file.name for file in tmp_path.iterdir()} <= named

    def test_an_absent_file_is_a_bundle_error(self, runtime: Runtime, info: BundleInfo, tmp_path: Path) -> None:
        for file in _files(tmp_path):
            file.unlink()
        with pytest.raises(BundleError, match="cannot be read"):
            runtime.load(tmp_path, info)

    def test_a_broken_file_is_a_bundle_error(self, runtime: Runtime, info: BundleInfo, tmp_path: Path) -> None:
        for file in _files(tmp_path):
            file.write_bytes(b"not a model" + file.read_bytes()[11:200])
        with pytest.raises(BundleError):
            runtime.load(tmp_path, info)

    def test_a_bundle_cannot_name_a_file_outside_itself(
        self, runtime: Runtime, info: BundleInfo, tmp_path: Path
    ) -> None:
        inner = tmp_path / "inner"
        inner.mkdir()
        outside = replace(info, options={**info.options, "file": f"../{info.options['file']}"})
        with pytest.raises(BundleError):
            runtime.load(inner, outside)
