"""Where a checkpoint lies: a folder, or a name on the Hugging Face hub brought to its cache at a pinned revision."""

from __future__ import annotations

import os
import re
from pathlib import Path

from boucle.core.errors import BundleError, MissingExtra, NotFound

SCHEME = "hf://"
_NAME = re.compile(r"^(?P<repo>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?$")
_WANTED = (
    "*.json", "*.safetensors", "*.txt", "*.model", "*.spm", "*.jinja", "*.onnx", "LICENSE*", "README.md",
)  # fmt: skip
_UNWANTED = ("*.bin", "*.h5", "*.msgpack", "*.ot", "*.pt", "*.pth", "*.pkl", "openvino/*", "coreml/*", "onnx/*")
_COMMIT = re.compile(r"[0-9a-f]{40}")


def located(source: str | Path) -> tuple[Path, str, str]:
    """Return the folder of a checkpoint, where it came from, and its commit where it came from the hub.

    Raises NotFound, or BundleError when there is no network and it is not in the cache.
    """
    if isinstance(source, str) and source.startswith(SCHEME):
        return _fetched(source)
    folder = Path(source)
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.is_file() else "does not exist"
        name = str(source)
        hint = "give the folder of a checkpoint (config.json, model.safetensors, tokenizer.json)"
        if re.fullmatch(r"[\w-]+/[\w.-]+", name):
            hint += f"; for the model of this name on the hub write {SCHEME}{name}"
        raise NotFound(f"The checkpoint {name} {what}.", hint=hint, name=name)
    return folder, str(source), _revision_of(folder)


def offline() -> bool:
    """Say whether the environment forbids to ask the hub."""
    yes = ("1", "true", "yes", "on")
    return any(os.environ.get(name, "").lower() in yes for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"))


def _fetched(source: str) -> tuple[Path, str, str]:
    found = _NAME.fullmatch(source.removeprefix(SCHEME))
    if not found:
        raise BundleError(
            f"'{source}' names no model of the hub.", hint="write hf://org/name or hf://org/name@revision"
        )
    try:
        # A checkpoint in a folder needs no client of the hub.
        from huggingface_hub import errors, snapshot_download
    except ModuleNotFoundError as error:
        raise MissingExtra.of("huggingface_hub", "text") from error
    repo, revision = found["repo"], found["revision"]
    try:
        folder = snapshot_download(
            repo,
            revision=revision,
            allow_patterns=list(_WANTED),
            ignore_patterns=list(_UNWANTED),
            local_files_only=offline(),
        )
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise NotFound(
            f"There is no {source} on the hub, or this token may not read it.",
            hint="look the name up on the hub; for a private model set HF_TOKEN",
            name=source,
        ) from error
    except (errors.HfHubHTTPError, errors.LocalEntryNotFoundError, OSError, ValueError) as error:
        why = "HF_HUB_OFFLINE forbids to ask the hub" if offline() else f"the hub cannot be reached ({_line(error)})"
        raise BundleError(
            f"{source} is not in the cache of this machine, and {why}.",
            hint="fetch it where there is a network, with: hf download "
            f"{repo}{f' --revision {revision}' if revision else ''}; or give its folder",
        ) from error
    path = Path(folder)
    return path, f"{SCHEME}{repo}", _revision_of(path)


def _revision_of(folder: Path) -> str:
    """Return the commit a folder of the hub's cache holds (it is the folder's name); empty elsewhere."""
    return folder.name if folder.parent.name == "snapshots" and _COMMIT.fullmatch(folder.name) else ""


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
