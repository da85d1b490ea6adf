"""What every Importer has to do, as tests. An adapter's author subclasses the suite and gives an importer and a case:

class TestMyImporter(ImporterContract):
    @pytest.fixture
    def importer(self) -> Importer:
        return MyImporter()

    @pytest.fixture
    def case(self, tmp_path: Path) -> Foreign:
        return Foreign(path, fields, batch, prediction, runtime)
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from boucle.core.errors import BundleError
from boucle.core.signature import Batch, Column, Field, Signature
from boucle.ports.importer import Importer
from boucle.ports.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Foreign:
    """A model's file, rows it takes, what its own framework answers, and the runtime that will keep it.

    ``named`` says that the file knows its columns; ``consent`` is the sha256 of a file that can run code.
    """

    path: Path
    fields: tuple[Field, ...]
    batch: Batch
    prediction: Column
    runtime: Runtime
    named: bool = True
    consent: str | None = None


class ImporterContract:
    def test_it_accepts_its_own_files_and_no_others(self, importer: Importer, case: Foreign, tmp_path: Path) -> None:
        assert importer.accepts(case.path)
        for name, content in (("table.csv", b"a,b\n1,2\n"), ("empty", b""), ("note.json", b'{"a": 1}')):
            (tmp_path / name).write_bytes(content)
            assert not importer.accepts(tmp_path / name)
        assert not importer.accepts({"a": "dict"})

    def test_the_opened_model_answers_as_its_framework_does(self, importer: Importer, case: Foreign) -> None:
        opened = importer.open(case.path, case.consent)
        outputs = importer.outputs(opened.model, case.fields, case.batch)
        answer = case.runtime.wrap(opened.model, Signature(case.fields, outputs)).predict(case.batch)
        assert opened.runtime == case.runtime.name
        if answer["prediction"].dtype.kind == "f":
            assert np.allclose(np.asarray(answer["prediction"], dtype=np.float64), case.prediction, rtol=1e-5)
        else:
            assert answer["prediction"].tolist() == case.prediction.tolist()

    def test_it_names_the_columns_the_model_was_trained_on(self, importer: Importer, case: Foreign) -> None:
        names = importer.inputs(importer.open(case.path, case.consent).model)
        assert names == (tuple(field.name for field in case.fields) if case.named else None)

    def test_a_damaged_file_is_an_error_of_ours(self, importer: Importer, case: Foreign) -> None:
        whole = case.path.read_bytes()
        case.path.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(BundleError):
            importer.open(case.path, case.consent)
