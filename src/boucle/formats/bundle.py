"""The bundle: one directory that holds a model and all it needs, known by the sha256 of its manifest.

bundle.json     what it says of itself (BundleInfo)
profile.json    the reference profile its monitors compare with
quality.json    what its losses are expected to be, where its answers to rows it had not learned from are known
manifest.json   the sha256 of every other file; the digest of the bundle is the sha256 of this file
MLmodel …       what makes it an MLflow model as well (formats/mlmodel.py), and the runtime's own files
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar

import msgspec

from boucle.core.errors import BundleCorrupt, StoreError
from boucle.core.expected import QualityReference
from boucle.core.json import dumps, loads
from boucle.core.model import BundleInfo
from boucle.core.profile import Profile
from boucle.formats.files import sync_directory, write_atomic

INFO, PROFILE, QUALITY, MANIFEST = "bundle.json", "profile.json", "quality.json", "manifest.json"
_HINT = "remove the directory; it is fetched again from the registry when it is next needed"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Manifest:
    """Relative POSIX path to sha256, for every file of a bundle but the manifest itself."""

    version: int
    files: dict[str, str]


def bundle_path(root: Path, digest: str) -> Path:
    """Return where the bundle lies under ``root``, the ``.boucle`` directory."""
    return root / "bundles" / digest


def staging(root: Path) -> Path:
    """Make an empty directory under ``root`` to build a bundle in; on the same disk, so publishing is one rename."""
    try:
        (root / "staging").mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(dir=root / "staging"))
    except OSError as error:
        raise _unwritable(root, error) from error


def write_info(directory: Path, info: BundleInfo) -> None:
    """Write ``bundle.json``."""
    write_atomic(directory / INFO, dumps(info))


def read_info(directory: Path) -> BundleInfo:
    """Read ``bundle.json``; raises BundleCorrupt. Verify the bundle first where its origin is not certain."""
    return _read(directory, INFO, BundleInfo)


def write_profile(directory: Path, profile: Profile) -> None:
    """Write ``profile.json``."""
    write_atomic(directory / PROFILE, dumps(profile))


def read_profile(directory: Path) -> Profile:
    """Read ``profile.json``; raises BundleCorrupt."""
    return _read(directory, PROFILE, Profile)


def write_quality(directory: Path, quality: QualityReference) -> None:
    """Write ``quality.json``."""
    write_atomic(directory / QUALITY, dumps(quality))


def read_quality(directory: Path) -> QualityReference | None:
    """Read ``quality.json``, None in a bundle that has none; raises BundleCorrupt."""
    return _read(directory, QUALITY, QualityReference) if (directory / QUALITY).exists() else None


def seal(directory: Path) -> str:
    """Hash every file, write the manifest and return the digest; the same files always give the same one."""
    files = {path.relative_to(directory).as_posix(): _sha256(path) for path in _files(directory)}
    files.pop(MANIFEST, None)
    raw = dumps(Manifest(1, files))
    write_atomic(directory / MANIFEST, raw)
    return hashlib.sha256(raw).hexdigest()


def digest_of(directory: Path) -> str:
    """Return the digest of a sealed bundle, without looking at its files; raises BundleCorrupt."""
    return hashlib.sha256(_manifest(directory)).hexdigest()


def verify(directory: Path, digest: str | None = None) -> BundleInfo:
    """Check every listed file against its hash, and the manifest against ``digest``; files not listed are ignored.

    Raises BundleCorrupt naming the file.
    """
    raw = _manifest(directory)
    found = hashlib.sha256(raw).hexdigest()
    if digest is not None and found != digest:
        raise _corrupt(directory, MANIFEST, f"its sha256 is {found[:12]}…, the registry says {digest[:12]}…")
    for name, expected in _listed(directory, raw).items():
        _check(directory, name, expected)
    return read_info(directory)


def publish(staged: Path, root: Path) -> tuple[Path, str]:
    """Seal ``staged`` and move it to its place under ``root``; returns the path and the digest.

    The same content twice gives the same path; the second copy is dropped, or takes the place of a damaged first one.
    """
    digest = seal(staged)
    return place(staged, root, digest), digest


def place(staged: Path, root: Path, digest: str) -> Path:
    """Move a sealed bundle to its place under ``root``, whole and lasting, or drop it if it is there already."""
    target = bundle_path(root, digest)
    try:
        _sync(staged)
        staged.chmod(0o755)
        target.parent.mkdir(parents=True, exist_ok=True)
        if not _drop_twin(staged, target, digest):
            staged.rename(target)
    except OSError as error:
        if not _drop_twin(staged, target, digest):  # another process may have published it meanwhile
            raise _unwritable(target, error) from error
    sync_directory(target.parent)
    return target


def _drop_twin(staged: Path, target: Path, digest: str) -> bool:
    """Drop ``staged`` if ``target`` is the same bundle and whole; move a damaged ``target`` out of the way."""
    if not target.exists():
        return False
    try:
        verify(target, digest)
    except BundleCorrupt:
        aside = Path(tempfile.mkdtemp(prefix=".damaged.", dir=target.parent))
        target.rename(aside / digest)
        shutil.rmtree(aside)
        return False
    shutil.rmtree(staged)
    return True


def _check(directory: Path, name: str, expected: str) -> None:
    path = directory / name
    try:
        found = _sha256(path)
    except OSError as error:
        raise _corrupt(directory, name, error.strerror or str(error)) from error
    if found != expected:
        raise _corrupt(directory, name, f"its sha256 is {found[:12]}…, the manifest says {expected[:12]}…")


def _manifest(directory: Path) -> bytes:
    try:
        return (directory / MANIFEST).read_bytes()
    except OSError as error:
        raise _corrupt(directory, MANIFEST, error.strerror or str(error)) from error


def _listed(directory: Path, raw: bytes) -> dict[str, str]:
    try:
        manifest = loads(raw, Manifest)
    except msgspec.MsgspecError as error:
        raise _corrupt(directory, MANIFEST, str(error)) from error
    if manifest.version != 1:
        raise _corrupt(directory, MANIFEST, f"it has version {manifest.version}, this Boucle reads version 1")
    if INFO not in manifest.files:
        raise _corrupt(directory, MANIFEST, f"it does not list {INFO}")
    for name in manifest.files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or "\\" in name:
            raise _corrupt(directory, MANIFEST, f"it lists '{name}', which lies outside the bundle")
    return manifest.files


def _files(directory: Path) -> list[Path]:
    found = sorted(path for path in directory.rglob("*") if not path.is_dir() or path.is_symlink())
    for path in found:
        if path.is_symlink() or not path.is_file():
            raise _corrupt(directory, path.relative_to(directory).as_posix(), "it is a link or no plain file")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(directory: Path) -> None:
    """Make every file and folder last through a power cut, before the rename makes them visible."""
    for path in _files(directory):
        with path.open("rb") as file:
            os.fsync(file.fileno())
    for folder in [directory, *(path for path in directory.rglob("*") if path.is_dir())]:
        sync_directory(folder)


def _read(directory: Path, name: str, kind: type[T]) -> T:
    try:
        return loads((directory / name).read_bytes(), kind)
    except OSError as error:
        raise _corrupt(directory, name, error.strerror or str(error)) from error
    except (msgspec.MsgspecError, ValueError) as error:
        raise _corrupt(directory, name, str(error)) from error


def _corrupt(directory: Path, name: str, why: str) -> BundleCorrupt:
    return BundleCorrupt(f"The bundle {directory} is damaged at {name}: {why}.", hint=_HINT, file=name)


def _unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{path} cannot be written: {error.strerror or error}.", hint="check the space left and who may write there"
    )
