"""Versions made of versions: quicker forms and students, judged beside the one they come from."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file
from tests import checkpoints

from boucle.adapters.pretrained.checkpoints import resolve
from boucle.core.errors import BundleError, Conflict, NotFound, RequestError
from boucle.formats.bundle import read_info, read_profile
from boucle.loop import distilling, hub, optimizing
from boucle.loop.adoption import adopt_model
from boucle.loop.deriving import Derived, Parent, derive
from boucle.loop.project import Project
from boucle.ports.exporter import Exported

WORDS = ("lovely", "dull", "long", "warm", "cold", "odd")
ALONE = """
import sys, json
from boucle.formats.bundle import verify
from boucle.plugins import load
import numpy as np
from pathlib import Path
folder = Path(sys.argv[1])
info = verify(folder)
found = load("runtimes", info.runtime)().load(folder, info)
batch = {"text": np.array(["a warm film", "dull"], dtype=object)}
print(json.dumps([found.predict(batch)["prediction"].tolist(), found.embed(batch).shape]))
assert not {"torch", "transformers", "pandas"} & set(sys.modules)
"""


@pytest.fixture(scope="session")
def adopted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose first version is a small classifier, measured on its own answers but for a few."""
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("adopted")
    folder = checkpoints.tiny("classifier", root / "tone")
    texts = [f"A {one} and {two} film, number {n}." for n in range(2) for one in WORDS for two in WORDS]
    rows = pd.DataFrame({"text": texts, "tone": [checkpoints.TONES[n % 3] for n in range(len(texts))]})
    adopt_model(root / "project", str(folder), rows, name="tone", target="tone")
    return root / "project"


@pytest.fixture
def project(adopted: Path, tmp_path: Path) -> Project:
    shutil.copytree(adopted, tmp_path / "project")
    return Project.open(tmp_path / "project")


@pytest.fixture(scope="module")
def quick(adopted: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Derived]:
    folder = tmp_path_factory.mktemp("quick") / "project"
    shutil.copytree(adopted, folder)
    opened = Project.open(folder)
    return opened, optimizing.optimize(opened, "tone/1", "int8", agreement=0.5)


def test_an_int8_version_is_judged_beside_its_parent(quick: tuple[Project, Derived]) -> None:
    project, made = quick
    assert (made.parent, made.turn.version, made.turn.runtime) == ("tone/1", 2, "pretrained-onnx")
    assert made.beside.agreement.n == 72
    assert made.beside.smaller > 2
    names = {check.name for check in made.turn.verdict.checks}
    assert {"agreement", "champion"} <= names
    assert "parent" not in names, "it is the champion: they are compared already"
    assert made.against is not None
    first = project.registry.version("tone", 1).metrics["accuracy"]
    assert made.against.champion["accuracy"] == pytest.approx(first)


def test_its_lineage_says_what_it_was_made_of(quick: tuple[Project, Derived]) -> None:
    project, made = quick
    info = read_info(project.bundle(project.registry.version("tone", 2)))
    told = info.lineage["optimized"]
    assert (told["parent"], told["target"], told["per_channel"]) == ("tone/1", "int8", True)
    assert info.lineage["params"]["matrices"] > 0
    with project.state.begin(write=False) as tx:
        event = tx.journal.events("tone", ("optimized",))[0]
    assert event.data["parent"] == "tone/1"
    assert event.data["beside"]["agreement"]["n"] == 72
    assert made.turn.version == event.version


def test_it_is_served_without_torch_and_still_embeds(quick: tuple[Project, Derived]) -> None:
    project, made = quick
    bundle = project.root / "bundles" / made.turn.digest
    command = [sys.executable, "-c", ALONE, str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    answers, shape = json.loads(done.stdout)
    assert set(answers) <= set(checkpoints.TONES)
    assert shape == [2, 32]
    assert "meaning.1" in {column.name for column in read_profile(bundle).columns}


def test_an_exported_version_answers_as_its_parent(project: Project) -> None:
    made = optimizing.optimize(project, "tone/1", "onnx", agreement=1.0)
    assert made.beside.agreement.value == 1.0
    assert made.beside.largest is not None
    assert made.beside.largest < 1e-5
    again = optimizing.optimize(project, "tone/2", "int8", agreement=0.0)
    assert (again.parent, again.turn.runtime) == ("tone/2", "pretrained-onnx"), "a file is quantized as it is"


def test_a_version_that_answers_otherwise_than_its_parent_does_not_pass(project: Project, tmp_path: Path) -> None:
    def turned(parent: Parent, folder: Path) -> Exported:
        shutil.copytree(parent.directory / "checkpoint", folder / "turned")
        file = folder / "turned" / "model.safetensors"
        weights = load_file(file)
        save_file({k: -v if "classifier" in k else v for k, v in weights.items()}, file, {"format": "pt"})
        return Exported(resolve(folder / "turned"), "pretrained")

    made = derive(project, "tone/1", "optimized", "turned", turned, lambda text, share: None, agreement=0.95)
    check = next(check for check in made.turn.verdict.checks if check.name == "agreement")
    assert (check.status, made.turn.verdict.status, made.turn.alias) == ("fail", "fail", "")
    assert not project.registry.version("tone", 2).passed


def test_a_version_becomes_a_folder_of_the_hub_that_transformers_reads(project: Project, tmp_path: Path) -> None:
    done = hub.export_hub(project, "tone/1", tmp_path / "out")
    assert {"README.md", "config.json", "model.safetensors", "tokenizer.json"} <= set(done.files)
    assert done.proof["rows"] == 24
    assert done.proof["largest_difference"] < 1e-5
    with pytest.raises(Conflict, match="there already"):
        hub.export_hub(project, "tone/1", tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_its_card_says_what_was_measured_and_nothing_else(project: Project, tmp_path: Path) -> None:
    hub.export_hub(project, "tone/1", tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    head = yaml.safe_load(text.split("---")[1])
    assert (head["pipeline_tag"], head["library_name"]) == ("text-classification", "transformers")
    version = project.registry.version("tone", 1)
    assert f"{version.metrics['accuracy']:.4g}" in text
    assert version.fingerprint in text
    assert "license" not in head
    assert str(tmp_path) not in text
    assert "base_model" not in head, "it came from a folder"


def test_a_version_without_weights_is_not_written_for_the_hub(quick: tuple[Project, Derived], tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="ONNX file already"):
        hub.export_hub(quick[0], "tone/2", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_student_of_one_layer_is_judged_beside_its_teacher(project: Project, tmp_path: Path) -> None:
    rows = pd.read_parquet(project.directory / "sample.parquet")
    more = [*(f"A quite {one} thing" for one in WORDS), *rows["text"]]
    pd.DataFrame({"text": more}).to_csv(project.directory / "more.csv", index=False)
    made = distilling.distill(project, "tone/1", "layers=1", "more.csv", epochs=1)
    told = read_info(project.root / "bundles" / made.turn.digest).lineage["distilled"]
    assert (told["layers"], told["parent"], told["temperature"]) == (1, "tone/1", 2.0)
    tested = made.beside.agreement.n
    assert told["labelled"] == len(rows) - tested
    assert told["unlabelled"] == len(WORDS) + len(rows) - tested, (
        "what it is judged by is not learned, unlabelled either"
    )
    assert made.beside.faster > 0
    asked: list[str] = []
    distilling.distill(project, "tone/1", "layers=0", "more.csv", lambda text, share: asked.append(text), epochs=1)
    assert not [text for text in asked if "teacher" in text], "its answers are kept"


@pytest.mark.parametrize("student", ["layers=0,1", "layers=5", "layers=1,0", "layers:1"])
def test_layers_that_cannot_be_taken_are_refused(project: Project, student: str) -> None:
    with pytest.raises(RequestError, match="layers") as refused:
        distilling.distill(project, "tone/1", student)
    assert refused.value.hint
    assert len(project.registry.versions("tone")) == 1


@pytest.mark.parametrize(("target", "runtime"), [("openvino", "pretrained-openvino"), ("int4", "pretrained-onnx")])
def test_every_target_is_kept_and_judged_as_int8_is(project: Project, target: str, runtime: str) -> None:
    made = optimizing.optimize(project, "tone/1", target, agreement=0.5)
    assert (made.turn.version, made.turn.runtime) == (2, runtime)
    assert made.beside.agreement.n == 72
    info = read_info(project.bundle(project.registry.version("tone", 2)))
    assert info.lineage["optimized"]["target"] == target
    assert "meaning.1" in {column.name for column in read_profile(project.root / "bundles" / made.turn.digest).columns}


def test_a_target_that_cannot_be_had_is_refused_with_what_to_use(project: Project) -> None:
    with pytest.raises(NotFound, match="no exporter 'int16'") as refused:
        optimizing.optimize(project, "tone/1", "int16")
    assert refused.value.hint
    assert len(project.registry.versions("tone")) == 1
