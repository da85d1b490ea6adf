"""A checkpoint taken in: the bundle holds its files, says where it came from, and answers as the folder did."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.checkpoints import TONES

import boucle
from boucle.adapters.pretrained import saving
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.adapters.pretrained.pyfunc import _load_pyfunc
from boucle.core.errors import BoucleError, BundleError, ContractError
from boucle.core.signature import Field
from boucle.formats import bundle
from boucle.loop.adoption import adopt_model
from boucle.loop.project import Project

Tiny = Callable[[str], Path]
TEXTS = [f"{one} number {place}, as nobody else would have put it" for place in range(12) for one in ("good", "dull")]
SAMPLE = pd.DataFrame({"text": TEXTS})


@pytest.fixture(scope="module")
def adopted(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    folder = tmp_path_factory.mktemp("adopted")
    return folder, adopt_model(folder, str(tiny("classifier")), SAMPLE, name="tone")


def test_texts_alone_are_enough_of_a_sample(adopted: tuple[Path, Any]) -> None:
    result = adopted[1]
    assert (result.model, result.version, result.runtime) == ("tone", 1, "pretrained")
    assert (result.verdict.status, result.metrics) == ("inconclusive", {}), "there is no truth to measure it on"


def test_the_bundle_says_what_it_holds_and_where_that_came_from(adopted: tuple[Path, Any], tiny: Tiny) -> None:
    directory = bundle.bundle_path(adopted[0] / ".boucle", adopted[1].digest)
    info = bundle.verify(directory, adopted[1].digest)
    kept = directory / saving.FOLDER
    assert info.options["digest"] == saving.digest_of(kept)
    assert info.options["origin"] == str(tiny("classifier"))
    assert (info.signature.task, info.signature.classes) == ("text-classification", TONES)
    assert (kept / "model.safetensors").read_bytes() == (tiny("classifier") / "model.safetensors").read_bytes()


def test_the_version_answers_as_the_folder_did(adopted: tuple[Path, Any], tiny: Tiny) -> None:
    loaded = boucle.load("tone/1", adopted[0])
    plain = boucle.load(tiny("classifier"), task="text-classification")
    assert loaded.predict(SAMPLE).tolist() == plain.predict(TEXTS)


def test_the_bundle_is_a_model_of_mlflow_too(adopted: tuple[Path, Any], tiny: Tiny) -> None:
    kept = bundle.bundle_path(adopted[0] / ".boucle", adopted[1].digest) / saving.FOLDER
    expected = boucle.load(tiny("classifier"), task="text-classification").predict(TEXTS)
    assert _load_pyfunc(str(kept)).predict(SAMPLE).tolist() == expected


def test_what_a_bundle_holds_can_be_adopted_again(adopted: tuple[Path, Any], tmp_path: Path) -> None:
    kept = bundle.bundle_path(adopted[0] / ".boucle", adopted[1].digest) / saving.FOLDER
    again = resolve(kept)
    assert (again.task, again.labels) == ("text-classification", TONES)
    saving.save(again, tmp_path, ())
    assert saving.digest_of(tmp_path / saving.FOLDER) == saving.digest_of(kept)


def test_labelled_texts_measure_it(tiny: Tiny, tmp_path: Path) -> None:
    model = boucle.load(tiny("classifier"), task="text-classification")
    labelled = SAMPLE.assign(tone=model.predict(TEXTS))
    labelled.loc[:5, "tone"] = TONES[0]
    result = adopt_model(tmp_path, tiny("classifier"), labelled, name="tone", target="tone")
    right = float(np.mean(labelled["tone"] == model.predict(TEXTS)))
    assert result.metrics["accuracy"] == pytest.approx(right)


def test_an_onnx_folder_keeps_its_runtime_and_no_other_weights(minilm_onnx: tuple[Path, Path], tmp_path: Path) -> None:
    folder = tmp_path / "both"
    shutil.copytree(minilm_onnx[1], folder)
    shutil.copyfile(minilm_onnx[0] / "model.safetensors", folder / "model.safetensors")
    result = adopt_model(tmp_path / "project", folder, SAMPLE, name="tone")
    kept = bundle.bundle_path(tmp_path / "project" / ".boucle", result.digest) / saving.FOLDER
    assert result.runtime == "pretrained-onnx"
    assert not list(kept.glob("*.safetensors"))


def test_a_task_is_said_for_a_checkpoint_that_can_do_several(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="it could be for"):
        adopt_model(tmp_path / "one", tiny("t5"), SAMPLE, name="short")
    adopt_model(tmp_path / "two", tiny("t5"), SAMPLE, name="short", task="summarization")
    assert Project.open(tmp_path / "two").settings.task == "summarization"


def test_summaries_somebody_wrote_measure_a_generator_by_its_own_metric(tiny: Tiny, tmp_path: Path) -> None:
    written = SAMPLE[:4].assign(summary="good")
    result = adopt_model(
        tmp_path / "one", tiny("t5"), written, name="short", target="summary", task="summarization"
    )  # fmt: skip
    assert [str(name) for name in Project.open(tmp_path / "one").settings.evaluate.metrics or ()] == ["rouge_l"]
    assert 0.0 <= result.metrics["rouge_l"] <= 1.0


def test_a_project_of_another_task_is_not_given_the_checkpoint(adopted: tuple[Path, Any], tiny: Tiny) -> None:
    with pytest.raises(BundleError, match="not trained for text-classification"):
        adopt_model(adopted[0], tiny("tagger"), SAMPLE)


def test_a_sample_without_the_column_names_those_it_has(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="question-answering takes 'question' and 'context'; the sample has text"):
        adopt_model(tmp_path, tiny("answers"), SAMPLE, name="qa")


def test_the_one_column_of_text_needs_no_special_name(tiny: Tiny, tmp_path: Path) -> None:
    from boucle.adapters.importers.pretrained import PretrainedImporter

    importer = PretrainedImporter()
    opened = importer.open(tiny("classifier"), None)
    signature = importer.signature(opened.model, [Field("id", "int64"), Field("review", "string", pii=True)])
    assert signature.inputs == (Field("review", "text", pii=True),)


def test_nothing_is_left_behind_when_a_checkpoint_cannot_be_kept(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(BoucleError, match="No space left"):
        adopt_model(tmp_path, tiny("classifier"), SAMPLE, name="tone")
    assert not list((tmp_path / ".boucle" / "staging").iterdir())
    assert not list((tmp_path / ".boucle").glob("bundles/*"))


def test_a_bundle_whose_options_say_nothing_is_an_error_of_ours(tiny: Tiny) -> None:
    from boucle.adapters.pretrained.checkpoints import load

    with pytest.raises(BundleError, match="does not say what the checkpoint"):
        load(tiny("classifier"), json.loads('{"labels": []}'))
