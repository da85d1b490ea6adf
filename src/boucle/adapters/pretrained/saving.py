"""A checkpoint in a bundle: its files copied as they are, its tokenizer in the form that needs no transformers."""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from boucle.adapters.pretrained import checkpoints
from boucle.adapters.pretrained.checkpoints import SAID, Checkpoint
from boucle.core.errors import BundleError
from boucle.core.model import BundleInfo
from boucle.core.signature import SEEING
from boucle.ports.runtime import Saved

FOLDER = "checkpoint"
_KEPT = (
    "*.json", "*.safetensors", "*.txt", "*.model", "*.spm", "*.jinja", "model.onnx", "model.onnx_data", "LICENSE*",
    "1_Pooling/config.json",
)  # fmt: skip


def save(checkpoint: Checkpoint, directory: Path, packages: tuple[str, ...]) -> Saved:
    """Copy a checkpoint into ``directory`` / ``checkpoint``; raises BundleError and leaves nothing half-written."""
    target = directory / FOLDER
    try:
        _copy(checkpoint, target)
        if checkpoint.task not in SEEING:
            convert_tokenizer(target)
    except OSError as error:
        shutil.rmtree(target, ignore_errors=True)
        raise BundleError(f"The checkpoint {checkpoint.folder} cannot be copied: {error}.") from error
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    said = {**checkpoint.said(), "digest": digest_of(target)}
    (target / SAID).write_text(json.dumps(said, indent=1, ensure_ascii=False), encoding="utf-8")
    return Saved(
        options={"file": FOLDER, **said},
        requirements=tuple(f"{name}=={found}" for name in packages if (found := _version(name))),
        flavors={"python_function": {"loader_module": "boucle.adapters.pretrained.pyfunc", "data": FOLDER}},
    )


def opened(directory: Path, info: BundleInfo) -> Checkpoint:
    """Return the checkpoint of a verified bundle; raises BundleError."""
    folder = directory / Path(str(info.options.get("file", FOLDER))).name
    if not folder.is_dir() or not any(folder.iterdir()):
        raise BundleError(f"The checkpoint {folder} cannot be read: it is not there.", hint="fetch the bundle again")
    return checkpoints.load(folder, info.options)


def digest_of(folder: Path) -> str:
    """Return the sha256 of a checkpoint's files by name, without what we say of it ourselves."""
    total = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file() and path.name != SAID):
        with file.open("rb") as stream:
            part = hashlib.file_digest(stream, "sha256").hexdigest()
        total.update(f"{file.relative_to(folder).as_posix()}\n{part}\n".encode())
    return total.hexdigest()


def convert_tokenizer(folder: Path) -> None:
    """Make ``tokenizer.json`` of an older tokenizer's files, once; raises BundleError."""
    if (folder / "tokenizer.json").is_file():
        return
    from boucle.adapters.pretrained import older  # tokenizers: a checkpoint of pictures does without

    older.tokenizer(folder).save(str(folder / "tokenizer.json"))


def _copy(checkpoint: Checkpoint, target: Path) -> None:
    files = {file for pattern in _KEPT for file in checkpoint.folder.glob(pattern) if file.is_file()}
    if (checkpoint.folder / checkpoints.ONNX).is_file():
        files = {file for file in files if file.suffix != ".safetensors"}
    for file in sorted(files):
        place = target / file.relative_to(checkpoint.folder)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, place)  # follows links: those of the hub's cache lead out of the folder


def _version(package: str) -> Any:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
