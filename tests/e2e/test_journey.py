"""What a new user types: init, train, up, ask, feed back, status; on a table nobody here has seen."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.waiting import PATIENCE, until

from boucle.cli.main import run
from boucle.loop.service import address

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def boucle(folder: Path, *words: str, code: int = 0) -> Any:
    """Run a command in ``folder`` with --json and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "boucle", *words, "--json"], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == code, done.stderr[-3000:] + done.stdout[-2000:]
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A semicolon-separated table of flats with French headings and decimal commas."""
    folder = tmp_path_factory.mktemp("flats")
    rng = np.random.default_rng(0)
    size = rng.uniform(20, 140, 900).round(1)
    floor = rng.integers(0, 9, 900)
    quarter = rng.choice(["Belleville", "Châtelet", "Montmartre"], 900)
    rent = 300 + 21 * size + 15 * floor + 250 * (quarter == "Châtelet") + rng.normal(0, 60, 900)
    table = pd.DataFrame({"surface (m²)": size, "étage": floor, "quartier": quarter, "loyer": rent.round(2)})
    table.to_csv(folder / "loyers.csv", sep=";", decimal=",", index=False, encoding="cp1252")
    return folder


@pytest.fixture(scope="module")
def trained(folder: Path) -> Path:
    begun = boucle(folder, "init", "--data", "loyers.csv", "--target", "loyer")
    assert begun["task"] == "tabular-regression"
    assert {f["name"] for f in begun["fields"]} == {"surface (m²)", "étage", "quartier"}
    result = boucle(folder, "train")
    assert result["verdict"]["status"] == "pass"
    assert (result["version"], result["alias"]) == (1, "champion")
    return folder


@pytest.fixture(scope="module")
def service(trained: Path) -> Iterator[tuple[str, int]]:
    environ = {**os.environ, "BOUCLE_SERVE__PORT": "0", "BOUCLE_SERVE__CONTROL_PORT": "0"}
    with (trained / "up.log").open("wb") as log:
        up = subprocess.Popen([sys.executable, "-m", "boucle", "up"], cwd=trained, stdout=log, stderr=log, env=environ)
    try:
        urls = [address(trained / ".boucle" / "serving" / name, PATIENCE) for name in ("address.json", "control.json")]
        assert all(urls), (trained / "up.log").read_text()
        host, port = str(urls[0]).removeprefix("http://").split(":")
        yield host, int(port)
    finally:
        up.send_signal(signal.SIGTERM)
        ended = up.wait(PATIENCE)
    assert ended == 0


@pytest.fixture
def inside(trained: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """The same command line within this process, which has imported everything already."""
    monkeypatch.chdir(trained)

    def command(*words: str, code: int = 0) -> Any:
        with pytest.raises(SystemExit) as ended:
            run([*words, "--json"])
        out = capsys.readouterr()
        assert (ended.value.code or 0) == code, out.err + out.out
        return json.loads(out.out)

    return command


def ask(service: tuple[str, int], path: str, body: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection(*service, timeout=PATIENCE)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    response = connection.getresponse()
    answer = json.loads(response.read())
    connection.close()
    return response.status, answer


FLAT = {"surface (m²)": 50, "étage": 3, "quartier": "Belleville"}


def test_an_answer_then_its_truth_show_in_the_status(inside: Callable[..., Any], service: tuple[str, int]) -> None:
    status, answer = ask(service, "/predict", FLAT)
    assert status == 200
    assert 1000 < answer["predictions"][0] < 2000
    status, counts = ask(service, "/feedback", {"id": answer["id"], "truth": 1400})
    assert (status, counts["joined"]) == (200, 1)
    until(lambda: inside("status")["models"][0]["traffic"]["labels"] == 1)
    [model] = inside("status")["models"]
    assert model["champion"]["version"] == 1
    assert model["quality"]["status"] == "inconclusive"  # one label proves nothing


def test_a_wrong_request_is_told_what_is_wrong(service: tuple[str, int]) -> None:
    status, answer = ask(service, "/predict", {**FLAT, "étage": "third"})
    assert status in (400, 422)
    assert answer["field"] == "étage"


def test_two_services_on_one_port_are_refused(trained: Path, service: tuple[str, int]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "boucle", "serve", "--port", str(service[1])],
        cwd=trained, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 2
    assert str(service[1]) in done.stderr


def test_a_file_is_predicted_with_the_champion(trained: Path, inside: Callable[..., Any]) -> None:
    counted = inside("predict", "loyers@champion", "loyers.csv", "--output", "answers.csv")
    answers = pd.read_csv(trained / "answers.csv")
    assert counted["rows"] == len(answers) == 900
    assert float((answers["prediction"] - answers["loyer"]).abs().mean()) < 100


def test_the_version_shows_where_it_came_from(trained: Path, inside: Callable[..., Any]) -> None:
    view = inside("show", "loyers@champion")
    assert view["lineage"]["fingerprint"]
    assert view["lineage"]["run"]
    kept = trained / ".boucle" / "data" / f"{view['lineage']['fingerprint']}.parquet"
    assert len(pd.read_parquet(kept)) == 900


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("show", "loyer"), "loyers"),
        (("show", "loyers@champoin"), "champion"),
        (("show", "loyers/99"), "boucle"),
        (("promote", "loyers/1/2"), "NAME/7"),
        (("rollback",), ""),
    ],
)
def test_errors_say_what_to_do(inside: Callable[..., Any], words: tuple[str, ...], hint: str) -> None:
    answer = inside(*words, code=2)
    assert answer["error"]
    assert hint in answer["hint"]
