"""References: values come from the environment, and what they fetched is shown nowhere."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import ProjectError
from boucle.project.load import load, redacted
from boucle.project.references import escape, fetch
from boucle.project.settings import Settings

SECRET = "hunter2-and-more"
BASE = "name: wine\ntask: tabular-regression\ndata: {source: wine.csv, target: quality}\n"


def written(directory: Path, text: str, **environ: str) -> Settings:
    (directory / "boucle.yaml").write_text(BASE + text)
    return load(directory, environ)


def shown(settings: Settings) -> str:
    dumps = (settings.model_dump(), settings.model_dump_json(), redacted(settings), settings, settings.store)
    return " ".join(map(str, dumps)) + " ".join(map(repr, dumps))


def test_a_reference_is_fetched_and_shown_by_name_only(tmp_path: Path) -> None:
    settings = written(tmp_path, "store: {url: 'postgresql://app:${PASSWORD}@db/x'}\n", PASSWORD=SECRET)
    assert settings.store.url == f"postgresql://app:{SECRET}@db/x"
    assert SECRET not in shown(settings)
    assert redacted(settings)["store"]["url"] == "postgresql://app:${PASSWORD}@db/x"


def test_a_secret_file_is_shown_by_the_name_of_its_variable(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET)
    settings = written(tmp_path, "", BOUCLE_STORE__URL_FILE=str(tmp_path / "secret"))
    assert settings.store.url == SECRET
    assert SECRET not in shown(settings)
    assert redacted(settings)["store"]["url"] == "${BOUCLE_STORE__URL_FILE}"


def test_references_are_fetched_in_lists_and_for_numbers(tmp_path: Path) -> None:
    settings = written(tmp_path, "alerts: ['${A}', '${B}']\nserve: {port: '${P}'}\n", A="a://x", B=SECRET, P="99")
    assert settings.alerts == ["a://x", SECRET]
    assert settings.serve.port == 99
    assert SECRET not in shown(settings)
    assert settings.model_dump()["alerts"] == ["${A}", "${B}"]


def test_a_default_stands_in_for_what_is_unset_or_empty(tmp_path: Path) -> None:
    assert written(tmp_path, "store: {directory: '${DIR:-.state}'}\n").store.directory == ".state"
    assert written(tmp_path, "store: {directory: '${DIR:-.state}'}\n", DIR="").store.directory == ".state"
    assert written(tmp_path, "store: {directory: '${DIR:-.state}'}\n", DIR="x").store.directory == "x"


def test_a_missing_reference_names_the_line_and_the_variable(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="the environment variable DB_URL is not set") as caught:
        written(tmp_path, "store:\n  url: ${DB_URL}\n")
    assert (caught.value.facts["line"], caught.value.facts["key"]) == (5, "store.url")


def test_a_malformed_reference_is_refused(tmp_path: Path) -> None:
    for text in ("${", "${a b}", "${}", "${a"):
        with pytest.raises(ProjectError, match="is no reference"):
            written(tmp_path, f"store: {{url: '{text}'}}\n")


def test_errors_do_not_show_what_was_fetched(tmp_path: Path) -> None:
    for text in ("serve: {port: '${S}'}\n", "monitor: {window: '${S}'}\n", "alerts: ${S}\n", "name2: ${S}\n"):
        with pytest.raises(ProjectError) as caught:
            written(tmp_path, text, S=SECRET)
        assert SECRET not in repr((str(caught.value), caught.value.facts))
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


def test_passwords_written_into_the_file_are_stars_in_logs(tmp_path: Path) -> None:
    text = """\
store: {url: "postgresql://app:open@db/x"}
tracking: {uri: "http://mlflow/?token=open&a=1"}
alerts: ["slack://open/open"]
model: {params: {password: open}}
"""
    settings = written(tmp_path, text)
    assert "open" not in json.dumps(redacted(settings)) + repr(settings)
    assert redacted(settings)["store"]["url"] == "postgresql://app:***@db/x"
    assert redacted(settings)["tracking"]["uri"] == "http://mlflow/?token=***&a=1"
    assert redacted(settings)["alerts"] == ["slack://***"]


def test_an_override_takes_the_place_of_a_reference(tmp_path: Path) -> None:
    settings = written(tmp_path, "store: {directory: '${DIR}'}\n", DIR="a", BOUCLE_STORE__DIRECTORY="b")
    assert redacted(settings)["store"]["directory"] == "b"


@given(st.text(alphabet=st.sampled_from("$${}abc-: ")))
def test_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert fetch(escape(text), {"abc": "no"}) == (text, False)
