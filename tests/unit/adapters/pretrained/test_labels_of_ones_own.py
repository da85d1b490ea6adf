"""zero-shot-classification as a version: adopted with its labels, predicted in a file, and served."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from typer.testing import CliRunner

import boucle
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.cli.main import application
from boucle.core.errors import BundleError, RequestError
from boucle.loop.adoption import adopt_model
from boucle.serving.embedded import asgi

Tiny = Callable[[str], Path]
LABELS = ("sport", "money", "the weather")
TEXTS = [f"the {word} match, number {n}" for n in range(8) for word in ("first", "second", "odd")]


def ran(*words: str) -> Any:
    return CliRunner().invoke(application(words[0]), list(words), catch_exceptions=False)


@pytest.fixture(scope="module")
def project(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zero")
    pd.DataFrame({"text": TEXTS, "topic": [*LABELS] * 8}).to_csv(folder / "rows.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = ran(
            "adopt", str(tiny("inference")), "--data", "rows.csv", "--name", "topics", "--target", "topic",
            "--task", "zero-shot-classification", "--labels", "sport, money,the weather",
            "--option", "hypothesis=It is about {}.", "--json",
        )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["version"] == 1
    return folder


def expected(tiny: Tiny) -> list[str]:
    model = boucle.load(tiny("inference"), task="zero-shot-classification", labels=LABELS, hypothesis="It is about {}.")
    return list(model.predict(TEXTS))


def test_the_version_chooses_among_the_labels_it_was_adopted_with(project: Path, tiny: Tiny) -> None:
    version = boucle.load("topics/1", project)
    assert version.signature.classes == LABELS
    assert version.predict(pd.DataFrame({"text": TEXTS})).tolist() == expected(tiny)


def test_a_file_is_predicted_with_a_probability_for_each_label(project: Path, tiny: Tiny) -> None:
    done = ran("predict", "topics/1", str(project / "rows.csv"), "--project", str(project))
    table = pd.read_csv(io.StringIO(done.stdout))
    assert table["prediction"].tolist() == expected(tiny)
    shares = table.filter(like="probability_")
    assert shares.shape == (24, 3)
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1.0)


def test_it_is_served_like_any_classifier(project: Path, tiny: Tiny) -> None:
    sent: list[Any] = []
    body = json.dumps({"text": TEXTS[0]}).encode()
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> dict[str, Any]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    served = asgi(project / ".boucle")
    kind = [(b"content-type", b"application/json")]
    scope = {"type": "http", "method": "POST", "path": "/predict/topics", "headers": kind}
    asyncio.run(served(scope, receive, send))
    served.plane.close()
    assert sent[0]["status"] == 200, sent
    answer = json.loads(sent[1]["body"])
    assert answer["predictions"] == expected(tiny)[:1]


@pytest.mark.parametrize("labels", [["one"], ["one", "one"], ["one", " "]])
def test_labels_that_leave_no_choice_are_refused(tiny: Tiny, labels: list[str]) -> None:
    with pytest.raises(BundleError, match="labels to choose from"):
        resolve(tiny("inference"), "zero-shot-classification", labels=labels)


def test_labels_of_a_classifier_have_to_be_as_many_as_its_scores(tiny: Tiny) -> None:
    with pytest.raises(BundleError, match="2 labels are given, the checkpoint"):
        resolve(tiny("classifier"), labels=["a", "b"])
    assert resolve(tiny("classifier"), labels=["a", "b", "c"]).labels == ("a", "b", "c")


def test_labels_are_not_for_tables(tmp_path: Path) -> None:
    from sklearn.linear_model import LogisticRegression

    frame = pd.DataFrame({"x": [0.0, 1.0] * 10, "y": ["a", "b"] * 10})
    model = LogisticRegression().fit(frame[["x"]], frame["y"])
    with pytest.raises(RequestError, match="for models of texts and images"):
        adopt_model(tmp_path, model, frame, name="plain", target="y", labels=["a", "b"])


@pytest.mark.parametrize(("said", "why"), [("max_length", "no option"), ("=3", "no option"), ("a=[", "cannot be read")])
def test_an_option_that_cannot_be_read_is_refused(project: Path, tiny: Tiny, said: str, why: str) -> None:
    with pytest.raises(RequestError, match=why):
        ran("adopt", str(tiny("inference")), "--data", "rows.csv", "--project", str(project), "--option", said)
