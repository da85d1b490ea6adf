"""Names on the hub: looked up in the cache of this machine, the commit kept; the network is never needed here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest

from boucle.adapters.pretrained import hub
from boucle.adapters.pretrained.checkpoints import resolve
from boucle.core.errors import BundleError, NotFound

Tiny = Callable[[str], Path]
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub's cache with one model, as `hf download` leaves it, and no network."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    model = tmp_path / "models--our--tone"
    shutil.copytree(tiny("classifier"), model / "snapshots" / COMMIT)
    (model / "refs").mkdir()
    (model / "refs" / "main").write_text(COMMIT)
    return tmp_path


@pytest.mark.parametrize("source", ["hf://our/tone", "hf://our/tone@main", f"hf://our/tone@{COMMIT}"])
def test_a_name_is_found_in_the_cache_and_its_commit_recorded(cache: Path, source: str) -> None:
    found = resolve(source)
    assert (found.origin, found.revision) == ("hf://our/tone", COMMIT)
    assert found.folder.is_relative_to(cache)


def test_a_folder_of_the_cache_knows_its_commit_too(cache: Path) -> None:
    folder = cache / "models--our--tone" / "snapshots" / COMMIT
    assert hub.located(folder) == (folder, str(folder), COMMIT)


@pytest.mark.parametrize("source", ["hf://our/other", "hf://our/tone@v2"])
def test_what_is_not_in_the_cache_is_not_fetched_when_that_is_forbidden(cache: Path, source: str) -> None:
    with pytest.raises(BundleError, match=r"not in the cache .* HF_HUB_OFFLINE forbids.*hf download our/"):
        resolve(source)


def test_a_hub_that_cannot_be_reached_is_told_from_one_that_is_forbidden(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(*_: object, **__: object) -> str:
        raise ConnectionError("no route to host")

    monkeypatch.delenv("HF_HUB_OFFLINE")
    monkeypatch.setattr(huggingface_hub, "snapshot_download", unreachable)
    with pytest.raises(BundleError, match=r"cannot be reached \(no route to host\)"):
        resolve("hf://our/other")


@pytest.mark.parametrize("source", ["hf://", "hf://a/b/c/d", "hf://../../etc", "hf://our/tone@", "hf://our tone"])
def test_a_name_that_is_none_is_refused_before_anybody_is_asked(source: str) -> None:
    with pytest.raises((BundleError, NotFound), match="names no model of the hub"):
        resolve(source)
