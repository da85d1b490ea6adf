from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from boucle.adapters.registries.memory import MemoryRegistry
from boucle.core.errors import BundleCorrupt, BundleError, NotFound
from boucle.core.model import BundleInfo, ModelRef, ModelVersion
from boucle.core.signature import Field, Signature
from boucle.formats import bundle
from boucle.registry import versions

SIGNATURE = Signature((Field("alcohol", "float64"),), (Field("prediction", "float64"),))


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


def registered(registry: MemoryRegistry, root: Path, weights: bytes = b"1", name: str = "wine") -> ModelVersion:
    info = BundleInfo(name, SIGNATURE, "sklearn", 1.5)
    staged = bundle.staging(root)
    bundle.write_info(staged, info)
    (staged / "model.skops").write_bytes(weights)
    path, digest = bundle.publish(staged, root)
    return versions.register(registry, path, ModelVersion(name, 0, digest, "run-1", 1.5, passed=True))


def test_versions_of_a_model_are_numbered(registry: MemoryRegistry, tmp_path: Path) -> None:
    refs = [registered(registry, tmp_path, weights).ref for weights in (b"1", b"2")]
    assert refs == ["wine/1", "wine/2"]
    assert registered(registry, tmp_path, b"1", name="cider").ref == "cider/1"


def test_a_bundle_that_is_not_that_of_its_digest_is_not_registered(registry: MemoryRegistry, tmp_path: Path) -> None:
    made = registered(registry, tmp_path)
    path = bundle.bundle_path(tmp_path, made.digest)
    (path / "model.skops").write_bytes(b"rubbish")
    with pytest.raises(BundleCorrupt, match=r"model\.skops"):
        versions.register(registry, path, replace(made, name="other"))
    assert registry.models() == ["wine"]


def test_registering_the_same_bundle_again_makes_no_version(registry: MemoryRegistry, tmp_path: Path) -> None:
    assert registered(registry, tmp_path) == registered(registry, tmp_path)
    assert len(registry.versions("wine")) == 1


def test_a_reference_by_number_alias_or_name_finds_its_version(registry: MemoryRegistry, tmp_path: Path) -> None:
    one, two = registered(registry, tmp_path, b"1"), registered(registry, tmp_path, b"2")
    assert versions.resolve(registry, ModelRef.parse("wine")) == two
    registry.set_alias("wine", "champion", 1)
    assert versions.resolve(registry, ModelRef.parse("wine")) == one
    assert versions.resolve(registry, ModelRef.parse("wine@champion")) == one
    assert versions.resolve(registry, ModelRef.parse("wine/2")) == two


@pytest.mark.parametrize(("ref", "near"), [("wina", "wine"), ("wine/3", "wine/2"), ("wine@champoin", "wine@champion")])
def test_an_unknown_reference_names_the_nearest(registry: MemoryRegistry, tmp_path: Path, ref: str, near: str) -> None:
    registered(registry, tmp_path, b"1")
    registered(registry, tmp_path, b"2")
    registry.set_alias("wine", "champion", 1)
    with pytest.raises(NotFound) as caught:
        versions.resolve(registry, ModelRef.parse(ref))
    assert ref in caught.value.message
    assert f"did you mean '{near}" in str(caught.value)


def test_aliases_say_what_the_release_state_says(registry: MemoryRegistry, tmp_path: Path) -> None:
    for weights in (b"1", b"2", b"3"):
        registered(registry, tmp_path, weights)
    versions.sync_aliases(registry, "wine", champion=1, challenger=2, previous=None)
    assert registry.aliases("wine") == {"champion": 1, "challenger": 2}
    versions.sync_aliases(registry, "wine", champion=2, challenger=None, previous=1)
    assert registry.aliases("wine") == {"champion": 2, "previous": 1}


def test_an_alias_of_somebody_elses_is_left_alone(registry: MemoryRegistry, tmp_path: Path) -> None:
    registered(registry, tmp_path)
    registry.set_alias("wine", "audited", 1)
    versions.sync_aliases(registry, "wine", None, None, None)
    assert registry.aliases("wine") == {"audited": 1}


def test_a_bundle_that_is_here_is_not_fetched(
    registry: MemoryRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = registered(registry, tmp_path)
    monkeypatch.delattr(MemoryRegistry, "fetch")
    assert versions.local_bundle(registry, made, tmp_path) == bundle.bundle_path(tmp_path, made.digest)


@pytest.mark.parametrize("damage", ["absent", "changed"])
def test_a_bundle_that_is_absent_or_damaged_is_fetched(registry: MemoryRegistry, tmp_path: Path, damage: str) -> None:
    made = registered(registry, tmp_path)
    root = tmp_path / "elsewhere" if damage == "absent" else tmp_path
    if damage == "changed":
        (bundle.bundle_path(root, made.digest) / "model.skops").write_bytes(b"rubbish")
    path = versions.local_bundle(registry, made, root)
    assert (path / "model.skops").read_bytes() == b"1"
    assert bundle.verify(path, made.digest).name == "wine"
    assert list((root / "staging").iterdir()) == []


def test_a_damaged_copy_in_the_registry_is_refused_and_nothing_is_kept(
    registry: MemoryRegistry, tmp_path: Path
) -> None:
    made = registered(registry, tmp_path)
    forged = replace(made, digest="0" * 64)
    with pytest.raises(BundleCorrupt, match="registry's copy of wine/1") as caught:
        versions.local_bundle(registry, forged, tmp_path / "elsewhere")
    assert caught.value.facts["file"] == "manifest.json"
    assert not (tmp_path / "elsewhere" / "bundles").exists()
    assert list((tmp_path / "elsewhere" / "staging").iterdir()) == []


def test_a_version_of_another_tool_is_sent_to_adopt(registry: MemoryRegistry, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"boucle adopt models:/wine/4"):
        versions.local_bundle(registry, ModelVersion("wine", 4, "", "", 0.0), tmp_path)
