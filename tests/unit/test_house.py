"""The shape of the house: layers, quick starts, public names, sizes, and nothing of one machine in it."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import boucle

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "boucle"
MODULES = {"scikit-learn": "sklearn", "pyyaml": "yaml", "mlflow-skinny": "mlflow", "psycopg": "psycopg"}
HEAVY = {
    "alembic", "apprise", "fastapi", "lightgbm", "mlflow", "numpy", "onnxruntime", "optuna", "pandas", "pandera",
    "pyarrow", "pydantic", "scipy", "skops", "sklearn", "sqlalchemy", "starlette", "torch", "uvicorn", "xgboost",
    "yaml",
}  # fmt: skip
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def entry_points() -> Iterator[tuple[str, str, str]]:
    for group, points in PROJECT["project"]["entry-points"].items():
        for name, target in points.items():
            yield group, name, target


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def repository_files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        skipped = (".git", "__pycache__", "build", "dist", "node_modules")
        folders[:] = [
            name for name in folders if name not in skipped and not re.fullmatch(r"\.(?!ci$|github$).+", name)
        ]
        yield from (Path(folder) / name for name in names)


def test_the_import_contracts_hold() -> None:
    code = "from importlinter.cli import lint_imports_command as lint; lint()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_boucle_loads_nothing_heavy() -> None:
    loaded = json.loads(python("import sys, json, boucle; print(json.dumps(list(sys.modules)))"))
    assert HEAVY.isdisjoint(loaded)


def test_help_loads_nothing_heavy() -> None:
    code = """
import json, sys
from boucle.cli.main import run
sys.argv = ["boucle", "--help"]
try:
    run()
except SystemExit as end:
    assert not end.code, end.code
print("LOADED" + json.dumps(list(sys.modules)))
"""
    shown, _, loaded = python(code).partition("LOADED")
    assert "train" in shown
    assert HEAVY.isdisjoint(json.loads(loaded))


def test_the_data_plane_needs_the_base_install_and_nothing_else() -> None:
    """In a process where every other package of ours is absent, the worker and the runtime it serves with load."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = {name for extra in project["optional-dependencies"].values() for name in map(package, extra)}
    absent = {MODULES.get(name, name.replace("-", "_")) for name in extras - set(map(package, project["dependencies"]))}
    code = f"""
import sys
for name in {sorted(absent - {"boucle"})!r}:
    sys.modules[name] = None
import boucle.serving.worker, boucle.adapters.runtimes.compiled
"""
    python(code)


def package(requirement: str) -> str:
    return re.split(r"[\[<>=;~! ]", requirement, maxsplit=1)[0].lower()


def test_all_is_the_public_names() -> None:
    lazy = set(vars(boucle)["_NAMES"])
    typed = {
        alias.asname or alias.name
        for node in ast.walk(ast.parse((SOURCE / "__init__.py").read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("boucle.")
        for alias in node.names
    }
    assert boucle.__all__ == sorted(boucle.__all__)
    assert set(boucle.__all__) == lazy == typed
    assert set(dir(boucle)) == set(boucle.__all__)


def test_every_public_name_is_there() -> None:
    python("import boucle\nfor name in boucle.__all__: getattr(boucle, name)")


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="champoin"):
        _ = boucle.champoin


def test_package_inits_are_empty() -> None:
    full = [path for path in SOURCE.rglob("__init__.py") if path.read_text().strip() and path.parent != SOURCE]
    assert full == []


def test_every_package_has_its_init() -> None:
    folders = {path.parent for path in SOURCE.rglob("*.py") if "migrations" not in path.parts}  # Alembic runs those
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_no_module_is_over_500_lines() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCE.rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > 500} == {}


SURFACES = {"boucle.consoles"}
"""Entry points that are no adapters of a port: what the control plane shows in a browser, an extra of its own."""


@pytest.mark.parametrize(("group", "name", "target"), list(entry_points()))
def test_every_entry_point_names_something_that_is_there(group: str, name: str, target: str) -> None:
    module, _, wanted = target.partition(":")
    path = ROOT / "src" / Path(*module.split(".")).with_suffix(".py")
    assert path.is_file(), f"{group}: {name} names {target}, there is no {path.relative_to(ROOT)}"
    kind = ast.FunctionDef if group in SURFACES else ast.ClassDef
    assert wanted in {node.name for node in ast.parse(path.read_text()).body if isinstance(node, kind)}


@pytest.mark.parametrize("group", sorted(set(PROJECT["project"]["entry-points"]) - SURFACES))
def test_every_port_has_a_contract_suite(group: str) -> None:
    assert (ROOT / "tests" / "contracts" / f"test_{group.removeprefix('boucle.')}.py").is_file()


def test_no_file_names_a_registry_or_a_machine() -> None:
    hosts = ["py" + r"pi\.org", "python" + r"hosted\.org", "npmjs" + r"\.(?:org|com)", "conda" + r"\.anaconda\.org"]
    paths = ["/" + folder + "/" for folder in ("work", "root", "opt/p" + "ypi", "opt/wh" + "eels", "tmp/b" + "rief")]
    wrong = re.compile("|".join([*hosts, *(rf"(?<![\w.<{{}}*-]){path}" for path in paths)]))
    found = {
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in repository_files()
        if (match := wrong.search(path.read_text(encoding="utf-8", errors="ignore")))
    }
    assert found == set()


def test_the_licence_and_the_attribution_are_shipped() -> None:
    assert "TERMS AND CONDITIONS" in (ROOT / "LICENSE").read_text()
    notice = (ROOT / "NOTICE").read_text()
    assert "Cortez" in notice
    assert "CC BY 4.0" in notice
    assert set(PROJECT["project"]["license-files"]) == {"LICENSE", "NOTICE"}


def test_ci_runs_what_a_desk_runs() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().rstrip().endswith("make test")


def test_every_make_target_is_explained() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[0].split()
    told = set(re.findall(r"\bmake ([a-z]+)", makefile + (ROOT / "CONTRIBUTING.md").read_text()))
    assert set(targets) - {"help"} <= told


def test_the_lock_holds_every_dependency() -> None:
    def name(line: str) -> str:
        return re.split(r"[^A-Za-z0-9._-]", line.strip())[0].lower().replace("_", "-")

    locked = {name(line) for line in (ROOT / "requirements-dev.lock").read_text().splitlines()}
    extras = [line for lines in PROJECT["project"]["optional-dependencies"].values() for line in lines]
    wanted = {
        name(line) for line in [*PROJECT["project"]["dependencies"], *extras, *PROJECT["dependency-groups"]["dev"]]
    }
    assert wanted - {"boucle"} <= locked
