"""4 bits: matrices in blocks, tables in 8 bits, the widest matrices in 8 where too many answers change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from tests.contracts.tiny_bundles import bundle

from boucle.adapters.exporters import four_bits, parents, trying
from boucle.adapters.exporters.smaller import Int4Exporter, Int8Exporter
from boucle.adapters.importers.pretrained import PretrainedImporter
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.runtimes.pretrained_onnx import PretrainedOnnxRuntime
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo

TEXTS = np.array([f"a {one} film, number {n}" for n in range(12) for one in ("dull", "warm", "lovely")], dtype=object)


@pytest.mark.parametrize(("enough", "spared"), [(0.0, 0), (1.1, 2)])
def test_the_widest_matrices_get_8_bits_where_too_many_answers_change(
    exported: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, enough: float, spared: int
) -> None:
    monkeypatch.setattr(trying, "ENOUGH", enough)
    signature = PretrainedImporter().signature(exported)
    parents.taken_along(exported, tmp_path)
    done = four_bits.quantize(exported, tmp_path, signature, {"text": TEXTS})
    assert done["in_8_bits"] in (0, spared), "the better of the two is kept"
    model = onnx.load(tmp_path / "model.onnx")
    bits = [
        one.i
        for node in model.graph.node
        if node.op_type == "MatMulNBits"
        for one in node.attribute
        if one.name == "bits"
    ]
    assert (len(bits), bits.count(8)) == (done["matrices"], done["in_8_bits"])
    made = PretrainedOnnxRuntime().wrap(parents.moved(exported, tmp_path), signature)
    before = PretrainedOnnxRuntime().wrap(exported, signature).predict({"text": TEXTS})["prediction"]
    assert (made.predict({"text": TEXTS})["prediction"] == before).mean() == done["tried_agreement"]
    assert sorted(file.name for file in tmp_path.glob("*.onnx")) == ["model.onnx"]


def test_tables_take_a_quarter_and_small_matrices_stay_as_they_are(exported: Checkpoint, tmp_path: Path) -> None:
    parents.taken_along(exported, tmp_path)
    four_bits.quantize(exported, tmp_path, PretrainedImporter().signature(exported), {})
    before, after = (exported.folder / "model.onnx", tmp_path / "model.onnx")
    assert after.stat().st_size < 0.3 * before.stat().st_size, "nearly all of it is the table of the words"
    heads = [one for one in onnx.load(after).graph.initializer if one.dims == [3, 32]]
    assert [one.data_type for one in heads] == [onnx.TensorProto.FLOAT]


@pytest.mark.parametrize(("exporter", "bits"), [(Int8Exporter(), 8), (Int4Exporter(), 4)])
def test_what_is_in_few_bits_is_not_rounded_again(
    exporter: Int8Exporter | Int4Exporter, bits: int, tmp_path: Path
) -> None:
    directory, info, rows = bundle(tmp_path)
    (tmp_path / "made").mkdir()
    made = exporter.export(directory, info, tmp_path / "made", rows)
    (tmp_path / "again").mkdir()
    saved = PretrainedOnnxRuntime().save(made.model, tmp_path / "again", info.signature)
    again = BundleInfo("tone", info.signature, made.runtime, 0.0, options=saved.options)
    for other in (Int8Exporter(), Int4Exporter()):
        with pytest.raises(BundleError, match=f"in {bits} bits already"):
            other.export(tmp_path / "again", again, tmp_path / "made", rows)


def test_a_model_of_convolutions_alone_is_refused(
    exported: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(four_bits, "LEAST", 10**9)
    with pytest.raises(BundleError, match="no matrices to put into 4 bits"):
        four_bits.quantize(exported, tmp_path, PretrainedImporter().signature(exported), {})
