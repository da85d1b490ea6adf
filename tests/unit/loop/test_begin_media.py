"""`boucle init` on texts, images and marked texts writes a project that loads, checks and, where it can be, trains."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from boucle.core.errors import ContractError, TrainingError
from boucle.data import check, read
from boucle.loop.begin import begin
from boucle.loop.checks import run_checks
from boucle.loop.operations import predict_file
from boucle.loop.project import Project
from boucle.loop.turn import run_turn
from boucle.measures.pictures import blank
from boucle.project.load import load

SENTENCES = ("the plot was as warm as ever", "a cold and dull evening for all", "never have I seen so much of it")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_reviews_become_a_project_about_texts(here: Path) -> None:
    rng = np.random.default_rng(1)
    texts = [f"{rng.choice(SENTENCES)} {i}" for i in range(80)]
    frame = pd.DataFrame({"review": texts, "label": ["good" if "warm" in text else "bad" for text in texts]})
    frame.to_csv(here / "reviews.csv", index=False)
    begun = begin(here, "reviews.csv", "label")
    settings = load(here)
    assert (begun.task, settings.task) == ("text-classification", "text-classification")
    assert settings.data.checks["review"].type == "text"
    assert settings.model.pretrained is None
    assert "# pretrained: hf://" in (here / "boucle.yaml").read_text()
    frame.loc[0, "review"] = " "
    frame.to_csv(here / "reviews.csv", index=False)
    with pytest.raises(ContractError, match="a text is not empty"):
        run_turn(Project.open(here), lambda *_: None)


def test_a_table_of_paths_becomes_a_project_about_images(here: Path) -> None:
    (here / "data" / "photos").mkdir(parents=True)
    for row in range(60):
        (here / "data" / "photos" / f"{row}.png").write_bytes(blank(8 if row % 2 else 24))
    table = pd.DataFrame({"file": [f"photos/{row}.png" for row in range(60)], "kind": ["small", "large"] * 30})
    table.assign(kind=["large", "small"] * 30).to_csv(here / "data" / "photos.csv", index=False)
    assert begin(here, "data/photos.csv", "kind").task == "image-classification"
    project = Project.open(here)
    frame = read.read_table(project.settings.data, here)
    assert frame["file"].iloc[1] == blank(8)
    assert check.check(frame, project.settings)[0].status == "pass"
    assert {c.name: c.ok for c in run_checks(project) if c.name in ("data", "extras")} == {"data": True, "extras": True}
    project.close()


def test_images_are_learned_kept_and_predicted_from_a_table_of_paths(here: Path) -> None:
    from PIL import Image

    for row in range(60):
        (here / "photos" / ("light" if row % 2 else "dark")).mkdir(parents=True, exist_ok=True)
        image = Image.new("RGB", (10 + row % 3, 10), (200 - row, 250, 220) if row % 2 else (row, 0, 20))
        image.save(here / "photos" / ("light" if row % 2 else "dark") / f"{row}.png")
    begin(here, "photos", "label")
    project = Project.open(here)
    result = run_turn(project, lambda *_: None)
    assert result.metrics["accuracy"] == 1.0
    assert all(isinstance(file, bytes) for file in project.snapshots.load(result.data.fingerprint)["image"])
    table = pd.DataFrame({"image": ["photos/light/1.png", "photos/dark/0.png"]})
    table.to_csv(here / "asked.csv", index=False)
    parts: list[pd.DataFrame] = []
    assert predict_file(project, "photos/1", "asked.csv", parts.append, lambda _: None) == 2
    assert parts[0]["prediction"].tolist() == ["light", "dark"]
    assert parts[0]["image"].tolist() == table["image"].tolist()
    project.close()


def test_marked_texts_ask_for_a_checkpoint(here: Path) -> None:
    rows = [
        f'{{"text": "Ada met nobody in town {i}", "spans": [{{"label": "NAME", "start": 0, "end": 3}}]}}'
        for i in range(30)
    ]
    (here / "names.jsonl").write_text("\n".join(rows))
    assert begin(here, "names.jsonl", "spans").task == "token-classification"
    settings = load(here)
    assert settings.model.pretrained is not None
    assert settings.evaluate.metrics == ["span_f1"]
    text = (here / "boucle.yaml").read_text().splitlines()
    (here / "boucle.yaml").write_text("\n".join(line for line in text if "pretrained" not in line and line != "model:"))
    with pytest.raises(TrainingError, match="No estimator of scikit-learn does token-classification"):
        run_turn(Project.open(here), lambda *_: None)
