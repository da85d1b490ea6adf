"""What every Registry has to do, as tests. An adapter's author subclasses the suite and says how to make one:

class TestMyRegistry(RegistryContract):
    @pytest.fixture
    def registry(self, tmp_path: Path) -> Registry:
        return MyRegistry(tmp_path)
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from boucle.core.dataset import Snapshot
from boucle.core.errors import NotFound
from boucle.core.model import ModelVersion
from boucle.core.run import Environment, Run, RunStatus
from boucle.ports.registry import Registry

STARTED = 1_700_000_000.25


def started_run(registry: Registry) -> Run:
    """Begin a run with everything a run can have, awkward values among it."""
    environment = Environment("3.12.1", "Linux", ("numpy==2.4.0",), git_commit="0" * 40, git_dirty=True)
    params = {"alpha": 0.5, "estimator__depth": None, "text": "x" * 9000, "odd [name]": (1, 2)}
    run = Run("contract", "train", STARTED, params=params, environment=environment, tags={"team": "wine"})
    snapshot = Snapshot("f" * 64, 100, ("alcohol", "quality"), "data/wine.csv", STARTED)
    return registry.begin(run, snapshot)


def bundle(directory: Path, content: bytes = b"weights") -> Path:
    """Make a directory of files, one of them deeper."""
    (directory / "deep").mkdir(parents=True)
    (directory / "manifest.json").write_bytes(b"{}")
    (directory / "deep" / "weights.bin").write_bytes(content)
    return directory


def version(name: str, digest: str, run_id: str = "") -> ModelVersion:
    """Describe a version that is not registered yet."""
    return ModelVersion(
        name,
        0,
        digest * 64,
        run_id,
        STARTED,
        passed=True,
        fingerprint="f" * 64,
        runtime="sklearn",
        metrics={"rmse": 0.1 + 0.2, "r2": -1e-300},
        tags={"team": "wine"},
    )


class RegistryContract:
    """Model names are the test's own, so that one registry may serve the whole suite."""

    @pytest.fixture
    def registry(self) -> Registry:
        raise NotImplementedError("say how to make the registry")

    def register(self, registry: Registry, tmp_path: Path, name: str, *digests: str) -> list[ModelVersion]:
        run = started_run(registry)
        return [
            registry.register(name, bundle(tmp_path / f"{name}-{digest}"), version(name, digest, run.id))
            for digest in digests
        ]

    def test_a_run_gets_an_id_of_its_own(self, registry: Registry) -> None:
        first, second = started_run(registry), started_run(registry)
        assert first.id != second.id
        assert "" not in (first.id, second.id)
        assert first.params["alpha"] == 0.5

    @pytest.mark.parametrize("status", ["finished", "failed", "killed"])
    def test_a_run_closes_with_metrics_and_files(self, registry: Registry, tmp_path: Path, status: RunStatus) -> None:
        run = started_run(registry)
        (tmp_path / "report.html").write_text("<p>fine</p>")
        artifacts = (tmp_path / "report.html", bundle(tmp_path / "plots"))
        registry.finish(run.id, status, {"rmse": 0.5, "rmse [alcohol > 12]": 0.7, "r2": math.nan}, artifacts)

    def test_closing_an_unknown_run_is_not_found(self, registry: Registry) -> None:
        with pytest.raises(NotFound, match="nowhere"):
            registry.finish("nowhere", "finished", {})

    def test_versions_count_from_one_and_keep_what_they_carry(self, registry: Registry, tmp_path: Path) -> None:
        made = self.register(registry, tmp_path, "counted", "a", "b")
        assert [v.number for v in made] == [1, 2]
        assert registry.versions("counted") == made
        assert registry.version("counted", 2) == made[1]
        expected = version("counted", "b", made[1].run_id)
        for fact in ("name", "digest", "run_id", "created", "passed", "fingerprint", "runtime", "metrics", "tags"):
            assert getattr(made[1], fact) == getattr(expected, fact), fact
        assert made[1].location

    def test_a_version_needs_no_run(self, registry: Registry, tmp_path: Path) -> None:
        made = registry.register("runless", bundle(tmp_path / "b"), version("runless", "a"))
        assert registry.version("runless", 1) == made
        assert made.run_id == ""

    def test_the_same_digest_is_registered_once(self, registry: Registry, tmp_path: Path) -> None:
        first, _ = self.register(registry, tmp_path, "once", "a", "b")
        again = registry.register("once", tmp_path / "once-a", version("once", "a"))
        assert again == first
        assert len(registry.versions("once")) == 2

    def test_models_are_listed_by_name(self, registry: Registry, tmp_path: Path) -> None:
        self.register(registry, tmp_path, "listed.b-2", "a")
        self.register(registry, tmp_path, "listed.a_1", "a")
        listed = registry.models()
        assert listed == sorted(listed)
        assert {"listed.a_1", "listed.b-2"} <= set(listed)

    def test_an_alias_moves_and_goes(self, registry: Registry, tmp_path: Path) -> None:
        self.register(registry, tmp_path, "aliased", "a", "b")
        for number in (1, 2, 2):
            registry.set_alias("aliased", "champion", number)
            registry.set_alias("aliased", "previous", 1)
            assert registry.aliases("aliased") == {"champion": number, "previous": 1}
        for _ in range(2):
            registry.set_alias("aliased", "previous", None)
            assert registry.aliases("aliased") == {"champion": 2}

    def test_a_fetched_bundle_has_the_same_files(self, registry: Registry, tmp_path: Path) -> None:
        (made,) = self.register(registry, tmp_path, "fetched", "a")
        target = tmp_path / "not" / "there" / "yet"
        assert registry.fetch(made, target) == target
        files = {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}
        assert files == {"manifest.json": b"{}", "deep/weights.bin": b"weights"}

    def test_what_is_unknown_is_not_found(self, registry: Registry, tmp_path: Path) -> None:
        (made,) = self.register(registry, tmp_path, "known", "a")
        with pytest.raises(NotFound, match=r"knwon.*did you mean 'known'"):
            registry.versions("knwon")
        with pytest.raises(NotFound, match="knwon"):
            registry.aliases("knwon")
        with pytest.raises(NotFound, match="known/2"):
            registry.version("known", 2)
        with pytest.raises(NotFound, match="known/9"):
            registry.set_alias("known", "champion", 9)
        with pytest.raises(NotFound, match="knwon"):
            registry.set_alias("knwon", "champion", None)
        with pytest.raises(NotFound, match="known/9"):
            registry.fetch(replace(made, number=9), tmp_path / "nothing")
        assert registry.aliases("known") == {}
