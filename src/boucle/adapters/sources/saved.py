"""Data sets of the Hugging Face library: a folder written by ``save_to_disk``, or one by name where it is installed.

A saved folder is Arrow files with a description, so it is read without the library.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from boucle.adapters.sources.conll import sentence
from boucle.adapters.sources.tables import plain
from boucle.core.errors import MissingExtra, SourceError, suggest

_SPLITS, _STATE, _INFO = "dataset_dict.json", "state.json", "dataset_info.json"


class SavedSource:
    """``spec`` is a saved folder, or ``{path, split}``; or ``{dataset: NAME, split}`` for one the library finds.

    Of a folder with several splits all rows are taken unless one is named. Class labels become their names, images
    their bytes, and tokens with tags a text with spans.
    """

    name = "saved"

    def accepts(self, spec: Any, directory: Path) -> bool:
        if isinstance(spec, dict) and spec.get("dataset"):
            return True
        place = spec.get("path") if isinstance(spec, dict) else spec
        if not isinstance(place, str) or "://" in place:
            return False
        return any((directory / place / name).is_file() for name in (_SPLITS, _STATE))

    def read(self, spec: Any, directory: Path) -> pd.DataFrame:
        """Read all rows; raises SourceError, MissingExtra where the library is needed and absent."""
        options = spec if isinstance(spec, dict) else {"path": spec}
        split = options.get("split")
        if options.get("dataset"):
            return _named(options["dataset"], split or "train")
        root = directory / options["path"]
        frames = [_folder(folder) for folder in _parts(root, split)]
        return plain(pd.concat(frames, ignore_index=True), root.name)


def _parts(root: Path, split: str | None) -> list[Path]:
    if not (root / _SPLITS).is_file():
        return [root]
    splits = list(json.loads((root / _SPLITS).read_text("utf-8"))["splits"])
    if split is not None and split not in splits:
        raise SourceError(
            f"{root.name} has no split '{split}'.", hint=f"{suggest(split, splits)}it has: {', '.join(splits)}"
        )
    return [root / name for name in splits if split in (None, name)]


def _folder(folder: Path) -> pd.DataFrame:
    try:
        files = [entry["filename"] for entry in json.loads((folder / _STATE).read_text("utf-8"))["_data_files"]]
        features = json.loads((folder / _INFO).read_text("utf-8")).get("features") or {}
        tables = []
        for name in files:
            with pa.memory_map(str(folder / Path(name).name)) as mapped:
                tables.append(pa.ipc.open_stream(mapped).read_all())
        frame: pd.DataFrame = pa.concat_tables(tables).to_pandas()
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SourceError(
            f"The data set in {folder.name} cannot be read: {str(error).splitlines()[0]}.",
            hint="is the folder whole, as save_to_disk wrote it?",
        ) from error
    return converted(frame, features)


def _named(name: str, split: str) -> pd.DataFrame:
    try:
        import datasets  # large, and most projects have no need of it
    except ImportError as error:
        raise MissingExtra(
            "The package 'datasets' is not installed.", hint="pip install datasets, or save the data set as a folder"
        ) from error
    try:
        found = datasets.load_dataset(name, split=split)
    except Exception as error:
        raise SourceError(f"The data set '{name}' cannot be loaded: {error}.") from error
    features = {key: _plain_feature(feature) for key, feature in found.features.items()}
    return plain(converted(found.with_format("arrow")[:].to_pandas(), features), name)


def _plain_feature(feature: Any) -> dict[str, Any]:
    inner = getattr(feature, "feature", None)
    told = {"_type": type(feature).__name__, "names": getattr(feature, "names", None)}
    return {**told, "feature": _plain_feature(inner)} if inner is not None else told


def converted(frame: pd.DataFrame, features: Mapping[str, Any]) -> pd.DataFrame:
    """Return the rows with labels by name and tokens with tags as a text with spans."""
    made = frame.copy()
    for name, feature in features.items():
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" and feature.get("names"):
            known = np.array([*feature["names"], None], dtype=object)
            codes = pd.to_numeric(frame[name], errors="coerce").fillna(-1).astype(int).clip(lower=-1)
            made[name] = known[codes]
    tagged = next((name for name, feature in features.items() if "tokens" in frame and _tags(feature)), None)
    if tagged is None:
        return made
    names = _tags(features[tagged])
    rows = [
        sentence([str(token) for token in tokens], [names[int(tag)] for tag in tags])
        for tokens, tags in zip(frame["tokens"], frame[tagged], strict=True)
    ]
    return pd.DataFrame(rows, columns=["text", "spans"], dtype=object)


def _tags(feature: Any) -> list[str]:
    """Return the names of a sequence of class labels; empty for any other feature."""
    inner = feature.get("feature") if isinstance(feature, dict) else feature[0] if isinstance(feature, list) else None
    if not isinstance(inner, dict) or inner.get("_type") != "ClassLabel":
        return []
    names = [str(name) for name in inner.get("names") or []]
    return names if "O" in names else []
