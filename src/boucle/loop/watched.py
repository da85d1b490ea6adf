"""A folder in which files arrive: each is predicted once, and its answers are written beside it, whole or not at all.

What was done is seen from the folder itself, so a kill at any moment costs nothing but the file under way, which is
predicted again. ``orders.csv`` gets ``orders.csv.predictions.csv``, and ``orders.csv.predictions.error.json`` when it
cannot be predicted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

from boucle.core.errors import BoucleError, MissingExtra, SourceError, StoreError
from boucle.core.model import BundleInfo
from boucle.data.pictures import ENDINGS
from boucle.formats.files import exclusive, write_atomic
from boucle.loop import tables
from boucle.loop.batches import LINES
from boucle.loop.operations import predict_with
from boucle.loop.project import Project
from boucle.ports.runtime import Predictor

MARK = ".predictions"
TABLES = {".csv": ".csv", ".tsv": ".csv", ".jsonl": ".jsonl", ".ndjson": ".jsonl", ".parquet": ".parquet"}
_STAMP = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Answered:
    """One file that was dealt with: its rows, where the answers are, and why there are none."""

    file: str
    rows: int
    output: str
    error: str = ""


class WatchedFolder:
    """Predicts the files of one folder with what ``ref`` names now; an alias is followed."""

    def __init__(self, project: Project, ref: str, folder: Path) -> None:
        if not folder.is_dir():
            raise SourceError(f"{folder} is no folder.", hint="--watch takes a folder in which files arrive")
        self._project, self._ref, self._folder = project, ref, folder.resolve()
        self._seen: dict[Path, _STAMP] = {}
        self._loaded: tuple[str, Predictor, BundleInfo] | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder for the block: nobody else predicts it; drafts of one who was killed go. Raises Conflict."""
        name = blake2b(str(self._folder).encode(), digest_size=8).hexdigest()
        with exclusive(self._project.root / "locks" / f"watch-{name}.lock", f"Predicting {self._folder}"):
            for draft in self._folder.glob(f".*{MARK}.*"):
                draft.unlink(missing_ok=True)
            yield

    def step(self) -> list[Answered]:
        """Predict what has arrived and has not changed since the last step; returns what was dealt with."""
        found = {path: stamp for path in self._waiting() if (stamp := _stamp(path)) is not None}
        ready = sorted(path for path, stamp in found.items() if self._seen.get(path) == stamp)
        self._seen = found
        return [self._answer(path) for path in ready]

    def _waiting(self) -> Iterator[Path]:
        """Yield the files without answers; names that begin with a dot are being written."""
        names = {path.name for path in self._folder.iterdir()}
        for name in names:
            path = self._folder / name
            known = path.suffix.lower() in (*TABLES, *LINES, *ENDINGS)
            new = known and name[0] != "." and MARK not in name
            if new and not {_output(path).name, _refusal(path).name} & names and path.is_file():
                yield path

    def _answer(self, path: Path) -> Answered:
        predictor, info = self._model()
        output = _output(path)
        try:
            writer = tables.FileWriter(output)
            with tables.closing(writer):
                rows = predict_with(predictor, info, str(path), self._folder, writer)
        except (StoreError, MissingExtra):  # no fault of the file: it is tried again
            raise
        except BoucleError as error:
            told = {"file": path.name, "error": error.message, "code": error.code, "hint": error.hint}
            write_atomic(_refusal(path), json.dumps(told, ensure_ascii=False).encode())
            return Answered(path.name, 0, _refusal(path).name, error.message)
        return Answered(path.name, rows, output.name)

    def _model(self) -> tuple[Predictor, BundleInfo]:
        version = self._project.resolve(self._ref)
        if self._loaded is None or self._loaded[0] != version.ref:
            self._loaded = (version.ref, *self._project.predictor(version))
        return self._loaded[1:]


def _output(path: Path) -> Path:
    return path.with_name(f"{path.name}{MARK}{TABLES.get(path.suffix.lower(), '.jsonl')}")


def _refusal(path: Path) -> Path:
    return path.with_name(f"{path.name}{MARK}.error.json")


def _stamp(path: Path) -> _STAMP | None:
    """Return size and time of change; a file that is gone has none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
