"""What every Compiler has to do, as tests. An adapter's author subclasses the suite and gives a compiler and a case:

class TestMyCompiler(CompilerContract):
    @pytest.fixture
    def compiler(self) -> Compiler:
        return MyCompiler()

    @pytest.fixture
    def case(self) -> Fitted:
        return Fitted(model, signature, batch, runtime)
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Signature
from boucle.ports.compiler import CannotCompile, Compiler
from boucle.ports.runtime import Predictor, Runtime


@dataclass(frozen=True, slots=True)
class Fitted:
    """A fitted model, rows it takes, and the runtimes of its original and of its compiled form."""

    model: Any
    signature: Signature
    batch: Batch
    original: Runtime
    compiled: Runtime


class CompilerContract:
    def test_the_program_answers_as_the_model_does(self, compiler: Compiler, case: Fitted) -> None:
        program = compiler.compile(case.model, case.signature)
        made = case.compiled.wrap(program, case.signature)
        agree(case.original.wrap(case.model, case.signature), made, case.batch, program.tolerance)

    def test_the_program_answers_the_same_once_loaded(self, compiler: Compiler, case: Fitted, tmp_path: Path) -> None:
        program = compiler.compile(case.model, case.signature)
        case.compiled.save(program, tmp_path, case.signature)
        info = BundleInfo("m", case.signature, case.compiled.name, 1.0)
        agree(case.compiled.wrap(program, case.signature), case.compiled.load(tmp_path, info), case.batch, 0.0)

    def test_its_steps_are_plain_json(self, compiler: Compiler, case: Fitted) -> None:
        steps = compiler.compile(case.model, case.signature).steps
        assert json.loads(json.dumps(steps)) == steps

    def test_what_it_does_not_know_it_refuses(self, compiler: Compiler, case: Fitted) -> None:
        for foreign in (object(), b"bytes"):
            with pytest.raises(CannotCompile):
                compiler.compile(foreign, case.signature)


def agree(one: Predictor, other: Predictor, batch: Batch, tolerance: float) -> None:
    """Claim that two predictors answer alike: labels the same, numbers within ``tolerance``."""
    here, there = one.predict(batch), other.predict(batch)
    assert list(here) == list(there)
    for name, column in here.items():
        assert column.dtype == there[name].dtype
        if column.dtype.kind == "f":
            near = np.allclose(
                column.astype(np.float64), there[name].astype(np.float64), rtol=tolerance, atol=tolerance
            )
            assert near, name
        else:
            assert column.tolist() == there[name].tolist(), name
