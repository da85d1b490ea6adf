"""The registry's contract over its adapters that need no server; test_mlflow_server.py runs it over a real one."""

from __future__ import annotations

from pathlib import Path

import pytest

from boucle import plugins
from boucle.ports.registry import Registry
from boucle.testing.registry_contract import RegistryContract


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("a project") / ".boucle"


class TestMemoryRegistry(RegistryContract):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> Registry:
        made: Registry = plugins.load("registries", "memory")(None, tmp_path, "contract")
        return made


class TestMlflowRegistryOnSqlite(RegistryContract):
    @pytest.fixture
    def registry(self, directory: Path) -> Registry:
        made: Registry = plugins.load("registries", "mlflow")(None, directory, "contract")
        return made
