"""Find one adapter by group and name among the installed entry points, and load it on first use."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from boucle.core.errors import MissingExtra, NotFound

_EXTRAS = {
    "typer": "cli", "rich": "cli", "yaml": "cli", "pydantic": "cli",
    "sklearn": "tabular", "skops": "tabular", "pandas": "tabular", "pyarrow": "tabular", "pandera": "tabular",
    "optuna": "tabular", "scipy": "tabular", "joblib": "tabular", "mlflow": "loop", "sqlalchemy": "loop",
    "alembic": "loop", "fastapi": "loop", "apprise": "loop", "croniter": "loop", "openpyxl": "excel",
    "onnxruntime": "onnx", "onnx": "onnx", "xgboost": "xgboost", "lightgbm": "lightgbm", "psycopg": "postgres",
    "joserfc": "jwt", "grpc": "grpc", "nicegui": "ui", "authlib": "oidc", "torch": "text",
    "transformers": "text", "safetensors": "text", "huggingface_hub": "text", "tokenizers": "onnx-text",
    "PIL": "onnx-image",
}  # fmt: skip


@cache
def names(group: str) -> tuple[str, ...]:
    """Return the names of all adapters of ``boucle.<group>``, sorted."""
    return tuple(sorted(_found(group)))


def load(group: str, name: str) -> Any:
    """Return the adapter class ``name`` of ``boucle.<group>``; raises NotFound or MissingExtra."""
    found = _found(group)
    if name not in found:
        raise NotFound.of(group.rstrip("s"), name, found, listing=f"pip list (entry points boucle.{group})")
    try:
        with uncollected():
            return found[name].load()
    except ModuleNotFoundError as missing:
        raise absent(missing) from missing


_own = False


def own_process() -> None:
    """Say that this process runs Boucle and nothing else, so that it may keep for good what its imports made."""
    global _own
    _own = True


@contextmanager
def uncollected() -> Iterator[None]:
    """Import without the garbage collector: what imports make lives on, and looking through it costs a fifth.

    In a process of our own it is not looked through afterwards either. In anybody else's it is, for what lies about
    there may be garbage, and would be kept with it.
    """
    was, known = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if _own and len(sys.modules) > known:
            gc.freeze()
        if was:
            gc.enable()


def absent(missing: ModuleNotFoundError) -> MissingExtra:
    """Turn an import failure into the error that names the extra to install."""
    package = (missing.name or "?").split(".")[0]
    return MissingExtra.of(package, _EXTRAS.get(package, package))


@cache
def _found(group: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"boucle.{group}")}
