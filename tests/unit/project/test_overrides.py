"""The environment and the command line go before the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from boucle.core.errors import ProjectError
from boucle.project.load import load, redacted, with_overrides
from boucle.project.settings import Settings

BASE = """\
name: wine
task: tabular-regression
data:
  source: wine.csv
  target: quality
  checks: {pH: {min: 2.5}}
serve: {port: 7000}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "boucle.yaml").write_text(BASE)
    return tmp_path


def refusal(project: Path, environ: dict[str, str], *pairs: str) -> ProjectError:
    with pytest.raises(ProjectError) as caught:
        with_overrides(load(project, environ), pairs)
    return caught.value


def test_a_variable_goes_before_the_file(project: Path) -> None:
    assert load(project, {"BOUCLE_SERVE__PORT": "9000"}).serve.port == 9000
    assert load(project, {"boucle_serve__port": "9000"}).serve.port == 9000


def test_port_goes_before_the_file_and_after_the_full_name(project: Path) -> None:
    assert load(project, {"PORT": "9001"}).serve.port == 9001
    assert load(project, {"PORT": "9001", "BOUCLE_SERVE__PORT": "9002"}).serve.port == 9002


def test_the_command_line_goes_before_the_environment(project: Path) -> None:
    before = load(project, {"BOUCLE_SERVE__PORT": "9000"})
    settings = with_overrides(before, ["serve.port=9100", "model.params.alpha=1e-3"])
    assert before.serve.port == 9000
    assert settings.serve.port == 9100
    assert settings.model.params == {"alpha": 0.001}


def test_values_are_read_by_the_type_of_their_setting(project: Path) -> None:
    settings = load(
        project,
        {
            "BOUCLE_DATA__DROP": '["a", "b"]',
            "BOUCLE_DATA__TARGET": "2024",
            "BOUCLE_EVALUATE__REQUIRE__RMSE": "<= 0.7",
            "BOUCLE_RELEASE__REQUIRE_APPROVAL": "true",
            "BOUCLE_MODEL__PARAMS": "{depth: 3}",
            "BOUCLE_MODEL__SEARCH__TRIALS": "5",
            "BOUCLE_ALERTS": "slack://one\nmailto://two",
            "BOUCLE_STORE__URL": "",
            "BOUCLE_TRACKING__EXPERIMENT": "wine # 2",
        },
    )
    assert settings.data.drop == ["a", "b"]
    assert settings.data.target == "2024"
    assert settings.evaluate.require == {"rmse": "<= 0.7"}
    assert settings.release.require_approval is True
    assert settings.model.params == {"depth": 3}
    assert settings.model.search is not None
    assert settings.model.search.trials == 5
    assert settings.alerts == ["slack://one", "mailto://two"]
    assert settings.store.url is None
    assert settings.tracking.experiment == "wine # 2"


def test_names_of_the_file_are_matched_without_regard_to_case(project: Path) -> None:
    assert load(project, {"BOUCLE_DATA__CHECKS__PH__MIN": "1"}).data.checks["pH"].min == 1


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("BOUCLE_SERVE__PROT", "did you mean 'port'?"),
        ("BOUCLE_SERV__PORT", "did you mean 'serve'?"),
        ("BOUCLE_SERVE_PORT", "there is no setting 'serve_port'"),
        ("BOUCLE_ALERTS__0", "'alerts' has no keys below it"),
    ],
)
def test_an_unknown_variable_is_refused_by_name(project: Path, name: str, said: str) -> None:
    error = refusal(project, {name: "1"})
    assert error.facts["file"] == name
    assert said in str(error)


def test_a_bad_value_names_the_variable_it_came_from(project: Path) -> None:
    for environ in ({"BOUCLE_SERVE__PORT": "x"}, {"PORT": "x"}):
        error = refusal(project, environ)
        assert error.facts["file"] == next(iter(environ))
        assert "serve.port: should be a whole number, is 'x'" in error.message


def test_a_bad_set_names_the_option(project: Path) -> None:
    for pair, said in {
        "serve.prt=1": "--set serve.prt: there is no setting",
        "serve.port=x": "--set serve.port: serve.port: should be a whole number, is 'x'",
        "serve.port": "--set serve.port: there is no value",
        "data.id=quality": "--set: data: 'quality' cannot be both",
    }.items():
        assert refusal(project, {}, pair).message.startswith(said)


def test_a_changed_setting_keeps_secrets_and_their_names(project: Path) -> None:
    (project / "secret").write_text("hunter2-and-more")
    before = load(project, {"BOUCLE_STORE__URL_FILE": str(project / "secret")})
    settings = with_overrides(before, ["serve.port=9100"])
    assert settings.store.url == "hunter2-and-more"
    assert redacted(settings)["store"]["url"] == "${BOUCLE_STORE__URL_FILE}"
    assert with_overrides(before, []) == before


def test_what_kubernetes_sets_for_a_service_called_boucle_is_let_by(project: Path) -> None:
    environ = {
        "BOUCLE_SERVICE_HOST": "10.0.0.1",
        "BOUCLE_SERVICE_PORT_HTTP": "80",
        "BOUCLE_PORT": "tcp://10.0.0.1:80",
        "BOUCLE_PORT_80_TCP_ADDR": "10.0.0.1",
        "BOUCLE_CONTROL_SERVICE_HOST": "10.0.0.1",
    }
    assert load(project, environ).serve.port == 7000


def test_a_file_variable_reads_its_value_from_the_file(project: Path) -> None:
    secret = project / "url"
    secret.write_text("postgresql://app:pa#ss word@db/x\n")
    settings = load(project, {"BOUCLE_STORE__URL_FILE": str(secret)})
    assert settings.store.url == "postgresql://app:pa#ss word@db/x"


def test_a_file_variable_that_cannot_be_read_is_refused(project: Path) -> None:
    error = refusal(project, {"BOUCLE_STORE__URL_FILE": str(project / "none")})
    assert error.facts["file"] == "BOUCLE_STORE__URL_FILE"
    assert "cannot be read" in error.message


def test_a_variable_and_its_file_exclude_each_other(project: Path) -> None:
    error = refusal(project, {"BOUCLE_STORE__URL_FILE": "a", "BOUCLE_STORE__URL": "b"})
    assert "BOUCLE_STORE__URL is set as well" in error.message


def test_a_variable_can_give_a_required_key_that_the_file_lacks(tmp_path: Path) -> None:
    (tmp_path / "boucle.yaml").write_text("name: a\ntask: tabular-regression\n")
    settings: Settings = load(tmp_path, {"BOUCLE_DATA__SOURCE": "a.csv", "BOUCLE_DATA__TARGET": "y"})
    assert settings.data.source == "a.csv"
