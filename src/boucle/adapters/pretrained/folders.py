"""The files of a checkpoint: whole, safe and all there, or an error that says what to do."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from boucle.adapters.pretrained.moved import GGUF
from boucle.core.errors import BundleError, UnsafeBundle
from boucle.core.signature import SEEING, Task

WEIGHTS, INDEX, ONNX = "model.safetensors", "model.safetensors.index.json", "model.onnx"
PREPROCESSING = ("preprocessor_config.json", "preprocess.json")
_PICKLED = ("pytorch_model.bin", "*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
_GONE = ("tf_model.h5", "*.h5", "flax_model.msgpack", "*.msgpack")
_SLOW = ("vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model", "tokenizer.model", "source.spm")
"""What a tokenizer of its own can be made from, when there is no tokenizer.json."""
_CONVERT = (
    'python -c "from transformers import AutoModel; '
    "AutoModel.from_pretrained('FOLDER', use_safetensors=False).save_pretrained('FOLDER')\""
)
_AGAIN = "fetch the checkpoint again: a download that was broken off leaves such files"


def read_json(path: Path, optional: bool = False) -> dict[str, Any]:
    """Return a JSON object from a file, {} when it is absent and ``optional``; raises BundleError."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        if optional:
            return {}
        raise BundleError(f"{path} is missing.", hint=_AGAIN) from error
    except (OSError, ValueError) as error:
        raise BundleError(f"{path} cannot be read: {error}.", hint=_AGAIN) from error
    if not isinstance(found, dict):
        raise BundleError(f"{path} holds no JSON object.", hint=_AGAIN)
    return found


def require_weights(folder: Path) -> None:
    """Check that the weights are there, safe and whole; raises BundleError or UnsafeBundle."""
    if (folder / ONNX).is_file():
        return
    if partial := sorted(folder.glob("*.incomplete")) + sorted(folder.glob("*.part")):
        raise BundleError(f"The checkpoint {folder} is half downloaded: it holds {partial[0].name}.", hint=_AGAIN)
    if (folder / "adapter_config.json").is_file() and not (folder / "config.json").is_file():
        raise BundleError(
            f"The folder {folder} holds an adapter (LoRA), not a whole model.",
            hint="merge it into its base with peft's merge_and_unload, and save that",
        )
    for file in _shards(folder):
        _require_whole(file)
    read_json(folder / "config.json")


def require_input(folder: Path, task: Task) -> None:
    """Check that what prepares the inputs is there: a tokenizer, or how pictures are scaled. Raises BundleError."""
    if task == "object-detection" and (folder / ONNX).is_file():
        raise BundleError(
            f"The checkpoint {folder} is an ONNX file, which is not run for {task}.",
            hint="use it with its model.safetensors: torch finds things in pictures",
        )
    if task in SEEING:
        if not any((folder / name).is_file() for name in PREPROCESSING):
            raise BundleError(
                f"The checkpoint {folder} does not say how pictures are prepared for it.",
                hint=f"add {PREPROCESSING[0]} (size, crop, mean and deviation) from where it was trained",
            )
        return
    if not (folder / "tokenizer.json").is_file() and not convertible(folder):
        raise BundleError(
            f"The checkpoint {folder} has no tokenizer.",
            hint="add the tokenizer.json it was trained with; another one gives answers without sense",
        )


def convertible(folder: Path) -> bool:
    """Say whether the folder holds files from which transformers can make a tokenizer.json."""
    return any((folder / name).is_file() for name in _SLOW)


def _shards(folder: Path) -> list[Path]:
    if (folder / INDEX).is_file():
        listed = read_json(folder / INDEX).get("weight_map")
        if not isinstance(listed, dict):
            raise BundleError(f"{folder / INDEX} lists no files.", hint=_AGAIN)
        files = [folder / Path(str(name)).name for name in sorted(set(listed.values()))]
        absent = [file.name for file in files if not file.is_file()]
        if absent:
            raise BundleError(
                f"The checkpoint {folder} is half downloaded: {absent[0]} is missing, one of {len(files)} files.",
                hint=_AGAIN,
            )
        return files
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    pickled = [file for pattern in _PICKLED for file in sorted(folder.glob(pattern))]
    if pickled:
        raise UnsafeBundle(
            f"The weights of {folder} are a pickle ({pickled[0].name}), which can run any code when it is read.",
            hint="take a revision with model.safetensors; or, if you trust its source, convert it once: "
            + _CONVERT.replace("FOLDER", str(folder)),
        )
    gone = [file for pattern in _GONE for file in sorted(folder.glob(pattern))]
    if gone:
        raise BundleError(
            f"The weights of {folder} are of TensorFlow or Flax ({gone[0].name}): transformers 5 no longer reads them.",
            hint="take a revision with model.safetensors; or convert it once with transformers 4: "
            "AutoModel.from_pretrained(FOLDER, from_tf=True).save_pretrained(FOLDER)",
        )
    if packed := sorted(folder.glob("*.gguf")):
        raise BundleError(f"The weights of {folder} are in the form of llama.cpp ({packed[0].name}).", hint=GGUF)
    raise BundleError(
        f"The folder {folder} holds no weights (model.safetensors or model.onnx).", hint=f"{_AGAIN}, or mend the path"
    )


def _require_whole(file: Path) -> None:
    """Compare a safetensors file's length with what its header promises."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        head = stream.read(8)
        if head.startswith(b"version "):
            raise BundleError(
                f"{file} is a pointer of Git LFS, not the weights.", hint="run `git lfs pull`, or use: hf download"
            )
        length = struct.unpack("<Q", head)[0] if len(head) == 8 else size
        if length > size - 8:
            raise BundleError(f"{file} is cut off: it has {size} bytes, its header alone needs more.", hint=_AGAIN)
        try:
            tensors = json.loads(stream.read(length))
            ends = [int(t["data_offsets"][1]) for name, t in tensors.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise BundleError(f"{file} is no safetensors file: {error}.", hint=_AGAIN) from error
    whole = 8 + length + max(ends, default=0)
    if size != whole:
        raise BundleError(f"{file} is cut off: it has {size} of {whole} bytes.", hint=_AGAIN)
