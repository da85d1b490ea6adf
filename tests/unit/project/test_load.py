"""boucle.yaml to Settings: every fault is named by its place, and every source of a value has its rank."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from boucle.core.errors import ProjectError
from boucle.project.load import find, load
from boucle.project.settings import Settings

BASE = "name: wine\ntask: tabular-regression\ndata:\n  source: wine.csv\n  target: quality\n"


def written(directory: Path, text: str | bytes, **environ: str) -> Settings:
    (directory / "boucle.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return load(directory, environ)


def refusal(directory: Path, text: str | bytes, **environ: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        written(directory, text, **environ)
    return caught.value


def places(error: ProjectError) -> list[tuple[Any, ...]]:
    return [(fault["line"], fault["column"], fault["key"]) for fault in error.facts["faults"]]


def test_a_small_file_gets_every_default(tmp_path: Path) -> None:
    settings = written(tmp_path, BASE)
    assert settings.name == "wine"
    assert settings.serve.port == 8080
    assert settings.react.drift.confirm == 2


def test_find_goes_upward_to_the_nearest_project(tmp_path: Path) -> None:
    (tmp_path / "boucle.yaml").write_text(BASE)
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find(inner) == tmp_path
    (tmp_path / "a" / "boucle.yaml").write_text(BASE)
    assert find(inner) == tmp_path / "a"


def test_no_project_names_the_command_that_makes_one(tmp_path: Path) -> None:
    for call in (find, load):
        with pytest.raises(ProjectError) as caught:
            call(tmp_path)
        assert "boucle init" in str(caught.value.hint)


def test_an_unknown_key_is_refused_with_its_place_and_a_near_name(tmp_path: Path) -> None:
    error = refusal(tmp_path, BASE + "serve:\n  prot: 1\n")
    assert error.facts["file"].endswith("boucle.yaml")
    assert (error.facts["line"], error.facts["column"], error.facts["key"]) == (7, 3, "serve.prot")
    assert "boucle.yaml:7:3: serve.prot" in error.message
    assert "did you mean 'port'?" in str(error.hint)


def test_a_key_in_the_wrong_section_is_sent_to_the_right_one(tmp_path: Path) -> None:
    error = refusal(tmp_path, BASE + "estimator: auto\n")
    assert error.hint == "it belongs below model"


def test_all_faults_are_told_at_once_in_order(tmp_path: Path) -> None:
    error = refusal(tmp_path, BASE + "serve:\n  port: abc\n  workers: 0\nrelease: {strategy: canry}\nmodel: 3\n")
    assert places(error) == [
        (7, 3, "serve.port"),
        (8, 3, "serve.workers"),
        (9, 11, "release.strategy"),
        (10, 1, "model"),
    ]
    for word in ("4 faults", "should be a whole number, is 'abc'", ">= 1, is 0", "did you mean 'canary'", "a section"):
        assert word in error.message


def test_more_than_ten_faults_are_counted(tmp_path: Path) -> None:
    error = refusal(tmp_path, BASE + "".join(f"odd{n}: 1\n" for n in range(14)))
    assert "and 4 more" in error.message
    assert len(error.facts["faults"]) == 14


def test_missing_keys_say_what_they_are_for(tmp_path: Path) -> None:
    error = refusal(tmp_path, "name: wine\ntask: tabular-regression\ndata:\n  source: wine.csv\n")
    assert places(error) == [(3, 1, "data.target")]
    assert "the column to predict" in error.message


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    error = refusal(tmp_path, BASE + "name: other\n")
    assert places(error) == [(6, 1, "name")]
    assert "first in line 1" in error.message


def test_alternatives_of_one_place_are_told_together(tmp_path: Path) -> None:
    error = refusal(tmp_path, "name: a\ntask: tabular-regression\ndata: {source: true, target: b}\n")
    assert places(error) == [(3, 8, "data.source")]
    assert "text or a list or keys with values" in error.message


def test_a_number_where_text_is_wanted_is_to_be_quoted(tmp_path: Path) -> None:
    error = refusal(tmp_path, BASE.replace("quality", "2024"))
    assert "should be text, is 2024" in error.message
    assert error.hint == "YAML reads 2024 as a number; for text write '2024' in quotes"


def test_true_where_text_is_wanted_is_to_be_quoted(tmp_path: Path) -> None:
    assert "YAML reads true as true or false" in str(refusal(tmp_path, BASE.replace("quality", "true")).hint)


def test_words_that_old_yaml_takes_for_truth_values_are_words(tmp_path: Path) -> None:
    checks = "  checks: {churn: {categories: [no, yes]}, on: {unique: yes}, 2020: {min: 1e-3}}\n"
    settings = written(tmp_path, BASE.replace("quality", "no") + checks)
    assert settings.data.target == "no"
    assert settings.data.checks["churn"].categories == ["no", "yes"]
    assert settings.data.checks["on"].unique is True
    assert settings.data.checks["2020"].min == 0.001


def test_times_and_dates_stay_text(tmp_path: Path) -> None:
    settings = written(tmp_path, BASE + "model: {params: {start: 2024-01-01, at: 12:30, alpha: 1e-3, name: '1'}}\n")
    assert settings.model.params == {"start": "2024-01-01", "at": "12:30", "alpha": 0.001, "name": "1"}


def test_a_section_of_comments_only_has_its_defaults(tmp_path: Path) -> None:
    settings = written(tmp_path, BASE + "serve:\n  # port: 1\nalerts:\nmonitor:\n  slo:\n")
    assert settings.serve.port == 8080
    assert settings.alerts == []


def test_aliases_are_followed(tmp_path: Path) -> None:
    settings = written(tmp_path, BASE + "  checks:\n    a: &same {min: 1}\n    b: *same\n")
    assert settings.data.checks["a"] == settings.data.checks["b"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "the file is empty"),
        ("# only a comment\n", 1, "the file is empty"),
        ("- name: wine\n", 1, "holds a list"),
        ("wine\n", 1, "holds a single value"),
        ("name: [a,\n  b\n", 3, "this is not YAML"),
        ("name: wine: red\n", 1, "this is not YAML"),
        ("data:\n\tsource: a\n", 2, "no tab there"),
        ("a: 1\n---\nb: 2\n", 2, "another document"),
        ("name: *nowhere\n", 1, "undefined alias"),
        ("name: \x07\n", 0, "control characters"),
        ("a: " + "[" * 100_000, 1, "nested too deep"),
        ("a: &a [*a]\n", 1, "without end"),
        ("name: !!python/object:os.system x\n", 1, "is not allowed here"),
        ("? [a, b]\n: 1\n", 1, "a key is one word"),
        ("name: 'é", 1, "this is not YAML"),
    ],
)  # fmt: skip
def test_what_is_no_mapping_is_refused_with_the_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    error = refusal(tmp_path, text)
    assert said in str(error)
    assert error.facts["line"] == line


def test_bytes_that_are_no_text_are_refused_with_their_place(tmp_path: Path) -> None:
    error = refusal(tmp_path, b"name: wine\ntask: \xff\n")
    assert (error.facts["line"], error.facts["column"]) == (2, 7)
    assert "UTF-8" in error.message


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert written(tmp_path, b"\xef\xbb\xbf" + BASE.encode()).name == "wine"


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    assert "10,000,001 bytes" in refusal(tmp_path, b"#" * 10_000_001).message


def test_an_alias_bomb_is_refused(tmp_path: Path) -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{name}: &{name} [{','.join([f'*{before}'] * 10)}]\n"
        for before, name in zip("abcdefg", "bcdefgh", strict=True)
    )
    assert "without end" in refusal(tmp_path, bomb).message


def test_a_folder_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "boucle.yaml").mkdir()
    with pytest.raises(ProjectError, match="cannot be read"):
        load(tmp_path, {})


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("  id: quality\n", "both `id` and `target`"),
        ("  drop: [quality]\n", "it cannot be in `drop`"),
        ("  features: [a]\n  drop: [a]\n", "keep one"),
        ("  checks: {a: {min: 2, max: 1}}\n", "is above"),
        ("  checks: {a: {pattern: '('}}\n", "not a regular expression"),
        ("  checks: {a: {categories: []}}\n", "no value could be right"),
        ("  checks: {a: {max: .inf}}\n", "finite number"),
        ("  split: {test: 30d}\n", "needs `time: COLUMN`"),
        ("  split: {test: 1.5}\n", "share between 0 and 1"),
        ("evaluate: {require: {rmse: 3}}\n", "should be text"),
        ("evaluate: {require: {rmse: around 3}}\n", "is not a bound"),
        ("evaluate: {metrics: []}\n", "should not be empty"),
        ("release: {steps: [50, 10]}\n", "rising shares"),
        ("monitor: {window: 5 moons}\n", "not a duration"),
        ("react: {quality_loss: rerain}\n", "did you mean 'retrain'"),
        ("react: {quality_loss: {cooldown: 2}}\n", "this key is missing"),
    ],
)
def test_values_that_make_no_sense_are_refused(tmp_path: Path, lines: str, said: str) -> None:
    error = refusal(tmp_path, BASE + lines)
    assert said in str(error)
    assert error.facts["line"] >= 3
