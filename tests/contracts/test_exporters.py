"""Every exporter makes a form that a runtime keeps and that answers nearly as its parent, or refuses with a way out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.contracts.tiny_bundles import bundle

from boucle import plugins
from boucle.core.errors import BoucleError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch
from boucle.ports.exporter import Exporter
from boucle.ports.runtime import Runtime


@pytest.fixture(params=plugins.names("exporters"))
def exporter(request: pytest.FixtureRequest) -> Exporter:
    made: Exporter = plugins.load("exporters", request.param)()
    assert made.name == request.param
    return made


@pytest.fixture(scope="module")
def parent(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BundleInfo, Batch]:
    return bundle(tmp_path_factory.mktemp("parent"))


def test_the_form_answers_as_its_parent_or_there_is_a_way_out(
    exporter: Exporter, parent: tuple[Path, BundleInfo, Batch], tmp_path: Path
) -> None:
    directory, info, rows = parent
    before = {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    original: Runtime = plugins.load("runtimes", info.runtime)()
    try:
        exported = exporter.export(directory, info, tmp_path, rows)
    except BoucleError as refused:
        way_out = refused.hint
    else:
        way_out = "none is needed"
        runtime: Runtime = plugins.load("runtimes", exported.runtime)()
        answered = runtime.wrap(exported.model, info.signature).predict(rows)["probabilities"]
        wanted = original.load(directory, info).predict(rows)["probabilities"]
        assert np.abs(np.asarray(answered, float) - np.asarray(wanted, float)).max() < 0.1
    assert way_out
    assert {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before
