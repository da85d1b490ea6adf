"""The registry on real SQLite files: what MLflow itself sees of it, and what happens to a fresh file."""

from __future__ import annotations

import json
import runpy
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import alembic.command
import mlflow
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from boucle.adapters.registries.mlflow import MlflowRegistry
from boucle.adapters.registries.mlflow_database import TEMPLATE, prepare, revision
from boucle.adapters.registries.mlflow_sdk import MIGRATIONS, MlflowClient, sqlite_uri
from boucle.core.errors import StoreError
from boucle.core.run import Run
from boucle.registry import versions
from boucle.testing.registry_contract import bundle, started_run, version

TOOL = runpy.run_path(str(Path(__file__).parents[2] / "tools" / "make_mlflow_template.py"))


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> MlflowRegistry:
    return MlflowRegistry(None, tmp_path_factory.mktemp("project"), "wine")


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that MLflow's own migrations made."""
    database = tmp_path_factory.mktemp("migrated") / "mlflow.db"
    prepare(database, database.parent.as_uri(), template=None)
    return database


def tables(database: Path) -> dict[str, list[str]]:
    """Columns, foreign keys and indexes of every table, however the SQL is written."""
    with closing(sqlite3.connect(database)) as connection:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(
                repr(row[2:] if pragma == "foreign_key_list" else row[1:])  # without their place in the list
                for pragma in ("table_info", "foreign_key_list", "index_list")
                for row in connection.execute(f"PRAGMA {pragma}('{name}')")
            )
            for name in names
        }


def lines(sql: str) -> list[str]:
    """The lines of a dump without their order: Alembic writes constraints and indexes in that of a set."""
    return sorted(line.strip().rstrip(",") for line in sql.splitlines())


def test_the_template_is_what_the_installed_mlflow_migrates_to(migrated: Path) -> None:
    assert lines(TEMPLATE.read_text()) == lines(TOOL["dump"](migrated)), "run: python tools/make_mlflow_template.py"


def test_a_file_from_the_template_has_the_migrated_tables(migrated: Path, tmp_path: Path) -> None:
    prepare(tmp_path / "mlflow.db", tmp_path.as_uri())
    assert lines(TOOL["dump"](tmp_path / "mlflow.db")) == lines(TEMPLATE.read_text())
    assert tables(tmp_path / "mlflow.db") == tables(migrated)


def test_a_template_of_an_older_mlflow_gets_the_later_migrations(migrated: Path, tmp_path: Path) -> None:
    scripts = ScriptDirectory(str(MIGRATIONS))
    older = [script.revision for script in scripts.walk_revisions()][1]
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("sqlalchemy.url", sqlite_uri(tmp_path / "old.db"))
    (tmp_path / "old.db").write_bytes(migrated.read_bytes())
    alembic.command.downgrade(config, older)
    (tmp_path / "old.sql").write_text(TOOL["dump"](tmp_path / "old.db"))
    prepare(tmp_path / "mlflow.db", tmp_path.as_uri(), tmp_path / "old.sql")
    assert revision(tmp_path / "old.sql") == older
    assert tables(tmp_path / "mlflow.db") == tables(migrated)


def test_a_template_of_a_later_mlflow_is_left_aside(migrated: Path, tmp_path: Path) -> None:
    (tmp_path / "later.sql").write_text("-- revision fedcba987654\nCREATE TABLE nonsense (id INTEGER);\n")
    prepare(tmp_path / "mlflow.db", tmp_path.as_uri(), tmp_path / "later.sql")
    assert tables(tmp_path / "mlflow.db") == tables(migrated)


def test_a_file_of_an_older_mlflow_is_refused_with_the_command_that_upgrades_it(migrated: Path, tmp_path: Path) -> None:
    database = tmp_path / "mlflow.db"
    database.write_bytes(migrated.read_bytes())
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = 'cbc13b556ace'")
    with pytest.raises(StoreError, match="mlflow db upgrade sqlite:///"):
        MlflowRegistry(None, tmp_path, "wine").begin(Run("wine", "train", 0.0))


RACE = """
import json, os, signal, sys, traceback
from pathlib import Path
from boucle.adapters.registries.mlflow import MlflowRegistry
from boucle.testing.registry_contract import bundle, started_run, version

def race(directory, name):
    registry = MlflowRegistry(None, directory, "wine")
    run = started_run(registry)
    if name == "killed":
        registry._client.create_model_version = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
    registry.register("wine", bundle(directory / name), version("wine", name[0], run.id))

def started(name):
    process = os.fork()
    if process == 0:
        try:
            race(Path(sys.argv[1]), name)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return process

processes = {name: started(name) for name in ("one", "two", "killed")}
print(json.dumps({name: os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]) for name, p in processes.items()}))
"""


def test_processes_may_open_a_fresh_registry_at_once_and_one_may_be_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", RACE, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert said.stderr == ""
    assert json.loads(said.stdout) == {"one": 0, "two": 0, "killed": -signal.SIGKILL}
    kept = MlflowRegistry(None, tmp_path, "wine").versions("wine")
    assert sorted(v.digest[0] for v in kept) == ["o", "t"]
    assert [v.number for v in kept] == [1, 2]


def test_a_file_that_is_no_database_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"garbage" * 1000)
    with pytest.raises(StoreError, match="not a database"):
        MlflowRegistry(None, tmp_path, "wine").models()


def test_nothing_is_written_outside_the_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    registry = MlflowRegistry(None, tmp_path / "state", "wine")
    run = started_run(registry)
    registry.register("wine", bundle(tmp_path / "b"), version("wine", "a", run.id))
    registry.finish(run.id, "finished", {"rmse": 0.5}, (tmp_path / "b",))
    assert list((tmp_path / "here").iterdir()) == []
    assert mlflow.get_tracking_uri() != registry.uri


def test_mlflow_shows_the_run_as_its_own(registry: MlflowRegistry) -> None:
    run = started_run(registry)
    registry.finish(run.id, "failed", {"rmse": 0.5})
    seen = MlflowClient(registry.uri, registry.uri).get_run(run.id)
    assert seen.info.status == "FAILED"
    assert seen.info.start_time == 1_700_000_000_250
    assert seen.data.metrics == {"rmse": 0.5}
    assert seen.data.params["alpha"] == "0.5"
    assert len(seen.data.params["text"]) == 6000
    assert seen.data.tags["mlflow.source.git.commit"] == "0" * 40
    assert seen.data.tags["boucle.fingerprint"] == "f" * 64
    (dataset,) = seen.inputs.dataset_inputs
    assert dataset.dataset.digest == "f" * 36


def test_an_alias_moved_in_mlflow_is_seen(registry: MlflowRegistry, tmp_path: Path) -> None:
    for digest in "ab":
        registry.register("moved", bundle(tmp_path / digest), version("moved", digest))
    versions.sync_aliases(registry, "moved", champion=1, challenger=2, previous=None)
    MlflowClient(registry.uri, registry.uri).set_registered_model_alias("moved", "champion", "2")
    assert registry.aliases("moved")["champion"] == 2


def test_a_version_of_another_tool_is_listed_without_a_digest(registry: MlflowRegistry, tmp_path: Path) -> None:
    client = MlflowClient(registry.uri, registry.uri)
    client.create_registered_model("foreign")
    client.create_model_version("foreign", bundle(tmp_path / "b").as_uri())
    (foreign,) = registry.versions("foreign")
    assert (foreign.digest, foreign.passed, foreign.run_id) == ("", False, "")
    assert (registry.fetch(foreign, tmp_path / "copy") / "deep" / "weights.bin").read_bytes() == b"weights"


def test_files_that_are_gone_are_a_store_error(registry: MlflowRegistry, tmp_path: Path) -> None:
    made = registry.register("gone", bundle(tmp_path / "b"), version("gone", "a"))
    artifacts = Path(made.location.removeprefix("file://"))
    artifacts.rename(tmp_path / "moved away")
    with pytest.raises(StoreError, match="files of gone/1 are gone"):
        registry.fetch(made, tmp_path / "copy")


def test_a_fresh_file_named_by_its_uri_is_made_whole_as_well(tmp_path: Path) -> None:
    file = tmp_path / "team.db"
    command = [sys.executable, "-c", OPEN, f"sqlite:///{file}", str(tmp_path)]
    opened = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [one.communicate(timeout=120)[1] for one in opened]
    assert [one.returncode for one in opened] == [0, 0], errors


OPEN = """
import sys
from pathlib import Path
from boucle.adapters.registries.mlflow import MlflowRegistry
MlflowRegistry(sys.argv[1], Path(sys.argv[2]), "wine").models()
"""
