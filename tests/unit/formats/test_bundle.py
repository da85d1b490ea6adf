from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from boucle.core.errors import BundleCorrupt, StoreError
from boucle.core.json import dumps
from boucle.core.model import BundleInfo
from boucle.core.signature import Field, Signature
from boucle.formats import bundle
from boucle.measures.profiles import reference_profile

INFO = BundleInfo(
    name="wine",
    signature=Signature(
        inputs=(Field("alcohol", "float64", minimum=8, maximum=15), Field("colour", "string", categories=("red",))),
        outputs=(Field("prediction", "float64"),),
    ),
    runtime="sklearn",
    created=1_700_000_000.5,
    options={"threads": 1},
    trusted=("a.B",),
)
NAMES = st.lists(
    st.text("abcXYZ019._- é", min_size=1, max_size=8).filter(lambda n: n.strip(".") == n), min_size=1, max_size=3
)
FILES = st.dictionaries(NAMES.map("/".join), st.binary(max_size=64), max_size=6)


def built(directory: Path, files: dict[str, bytes] | None = None) -> Path:
    directory.mkdir(parents=True)
    bundle.write_info(directory, INFO)
    for name, content in (files or {"model.skops": b"weights", "deep/er/data.bin": b""}).items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)
    return directory


def test_a_sealed_bundle_verifies_and_says_what_it_is(tmp_path: Path) -> None:
    directory = built(tmp_path / "b")
    digest = bundle.seal(directory)
    assert bundle.verify(directory, digest) == INFO
    assert (
        digest == bundle.digest_of(directory) == hashlib.sha256((directory / "manifest.json").read_bytes()).hexdigest()
    )


def test_the_profile_comes_back_as_it_was(tmp_path: Path) -> None:
    column = np.array([9.4, 9.8, 9.8])
    profile = reference_profile({"alcohol": column}, [Field("alcohol", "float64")], column)
    bundle.write_profile(tmp_path, profile)
    assert dumps(bundle.read_profile(tmp_path)) == dumps(profile)


@settings(deadline=None, max_examples=25)
@given(files=FILES)
def test_the_same_files_have_the_same_digest_wherever_they_lie(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("same")
    try:
        one, two = built(folder / "one", files), built(folder / "two", dict(reversed(files.items())))
    except (NotADirectoryError, FileExistsError, IsADirectoryError):
        reject()  # one name is another's folder
    assert bundle.seal(one) == bundle.seal(two) == bundle.seal(one)


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_any_changed_byte_is_noticed_and_its_file_named(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    directory = built(tmp_path_factory.mktemp("changed") / "b")
    digest = bundle.seal(directory)
    name = data.draw(st.sampled_from(["bundle.json", "model.skops", "manifest.json"]))
    raw = bytearray((directory / name).read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    (directory / name).write_bytes(raw)
    with pytest.raises(BundleCorrupt) as caught:
        bundle.verify(directory, digest)
    assert caught.value.facts["file"] == name
    assert name in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize("name", ["bundle.json", "model.skops", "manifest.json", "deep/er/data.bin"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    directory = built(tmp_path / "b")
    digest = bundle.seal(directory)
    (directory / name).unlink()
    with pytest.raises(BundleCorrupt, match=name):
        bundle.verify(directory, digest)


def test_a_bundle_under_another_digest_is_refused(tmp_path: Path) -> None:
    directory = built(tmp_path / "b")
    bundle.seal(directory)
    with pytest.raises(BundleCorrupt, match="the registry says"):
        bundle.verify(directory, "0" * 64)


def test_a_file_the_manifest_does_not_list_is_ignored(tmp_path: Path) -> None:
    directory = built(tmp_path / "b")
    digest = bundle.seal(directory)
    (directory / "registered_model_meta").write_text("added by another tool")
    assert bundle.verify(directory, digest) == INFO


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/../../b", "a\\..\\b"])
def test_a_manifest_that_points_outside_is_refused(tmp_path: Path, name: str) -> None:
    directory = built(tmp_path / "b")
    bundle.seal(directory)
    manifest = msgspec.json.decode((directory / "manifest.json").read_bytes())
    manifest["files"][name] = "0" * 64
    (directory / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    with pytest.raises(BundleCorrupt, match="outside the bundle"):
        bundle.verify(directory)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b'{"version":1,"files":{}}', b'{"version":2,"files":{"bundle.json":""}}', b"\xff"]
)
def test_what_is_no_manifest_is_refused(tmp_path: Path, raw: bytes) -> None:
    directory = built(tmp_path / "b")
    (directory / "manifest.json").write_bytes(raw)
    with pytest.raises(BundleCorrupt, match=r"manifest\.json"):
        bundle.verify(directory)


@pytest.mark.parametrize("raw", [b"{}", b"not json", b'{"name":1}', b"\xff\xfe"])
def test_what_is_no_info_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "bundle.json").write_bytes(raw)
    with pytest.raises(BundleCorrupt, match=r"bundle\.json"):
        bundle.read_info(tmp_path)


def test_an_info_whose_signature_is_wrong_is_refused(tmp_path: Path) -> None:
    data = msgspec.to_builtins(INFO)
    data["signature"]["outputs"] = []
    (tmp_path / "bundle.json").write_bytes(msgspec.json.encode(data))
    with pytest.raises(BundleCorrupt, match="at least one output"):
        bundle.read_info(tmp_path)


def test_a_link_is_not_sealed(tmp_path: Path) -> None:
    directory = built(tmp_path / "b")
    (directory / "link").symlink_to(tmp_path)
    with pytest.raises(BundleCorrupt, match="link"):
        bundle.seal(directory)


def test_publishing_the_same_twice_gives_one_path_and_leaves_no_staging(tmp_path: Path) -> None:
    paths = []
    for _ in range(2):
        staged = bundle.staging(tmp_path)
        shutil.copytree(built(tmp_path / "source" / staged.name), staged, dirs_exist_ok=True)
        paths.append(bundle.publish(staged, tmp_path))
    assert paths[0] == paths[1]
    path, digest = paths[0]
    assert path == bundle.bundle_path(tmp_path, digest)
    assert bundle.verify(path, digest) == INFO
    assert list((tmp_path / "staging").iterdir()) == []
    assert path.stat().st_mode & 0o777 == 0o755


def test_a_damaged_bundle_is_replaced_by_publishing_it_again(tmp_path: Path) -> None:
    path, digest = bundle.publish(built(tmp_path / "one"), tmp_path)
    (path / "model.skops").write_bytes(b"rubbish")
    assert bundle.publish(built(tmp_path / "two"), tmp_path) == (path, digest)
    assert bundle.verify(path, digest) == INFO
    assert [p.name for p in path.parent.iterdir()] == [digest]


def test_a_place_that_cannot_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "bundles").write_text("a file where a folder should be")
    staged = built(tmp_path / "staged")
    with pytest.raises(StoreError, match="bundles"):
        bundle.publish(staged, tmp_path)
    assert staged.exists()
