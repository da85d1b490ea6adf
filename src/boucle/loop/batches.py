"""Files to predict that are no tables: texts, a line each, and images, one or a folder of them, as tables."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from boucle.core.errors import RequestError, SourceError
from boucle.core.signature import Field, Signature
from boucle.data.pictures import ENDINGS, MOST_OF_ONE
from boucle.loop import tables
from boucle.serving.media import decoded

AT_ONCE = 64
"""Images held in memory at a time."""
LINES = (".txt", ".text")


def media_frames(source: str, signature: Signature) -> Iterator[pd.DataFrame] | None:
    """Return the rows of what is no file of a table, some at a time; None for one that is.

    ``source`` is a file of texts, one a line, an image, or a folder of them; ``-`` is standard input.
    Raises SourceError and RequestError.
    """
    path = Path(source)
    if source == "-":
        return iter([typed(signature)])
    if path.suffix.lower() in LINES and path.is_file():
        return iter([lines(_read(path), _required(signature, "text", path))])
    if path.suffix.lower() in ENDINGS and path.is_file():
        return pictures([path], _required(signature, "image", path))
    if path.is_dir() and (field := alone(signature, "image")) is not None:
        return pictures(images_in(path), field)
    return None


def images_in(folder: Path) -> list[Path]:
    """Return the images of a folder and below, in order of their names; raises SourceError when there are none."""
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.name[0] != ".")
    if not found:
        raise SourceError(f"{folder} has no images.", hint=f"they end in {', '.join(ENDINGS)}")
    return found


def pictures(files: list[Path], field: Field) -> Iterator[pd.DataFrame]:
    """Yield tables of images with the column ``file`` beside them."""
    for start in range(0, len(files), AT_ONCE):
        some = files[start : start + AT_ONCE]
        yield pd.DataFrame({"file": [str(path) for path in some], field.name: [_read(path) for path in some]})


def lines(raw: bytes, field: Field) -> pd.DataFrame:
    """Return texts, one a line, with the number of the line beside them; empty lines are left out."""
    text = decoded(raw).splitlines()
    kept = [(place, line) for place, line in enumerate(text, start=1) if line.strip()]
    if not kept:
        raise SourceError("There are no texts: every line is empty.")
    return pd.DataFrame({"line": [place for place, _ in kept], field.name: [line for _, line in kept]})


def alone(signature: Signature, dtype: str) -> Field | None:
    """Return the only input of a model if it is of this type."""
    fields = signature.inputs
    return fields[0] if len(fields) == 1 and fields[0].dtype == dtype else None


def typed(signature: Signature) -> pd.DataFrame:
    """Read standard input: CSV, or texts, one a line, where the model takes one and the first line does not name it."""
    field = alone(signature, "text")
    if field is None:
        return tables.from_stdin()
    raw = sys.stdin.buffer.read()
    head = raw.split(b"\n", 1)[0].decode(errors="replace").strip("\ufeff \r")
    named = field.name in [name.strip(" \"'") for name in head.split(",")]
    return tables.from_stdin(io.StringIO(decoded(raw)), ",") if named else lines(raw, field)


def _required(signature: Signature, dtype: str, path: Path) -> Field:
    field = alone(signature, dtype)
    if field is None:
        raise RequestError(
            f"{path.name} holds {'texts' if dtype == 'text' else 'an image'}; the model takes "
            f"{', '.join(f'{f.name} ({f.dtype})' for f in signature.inputs)}.",
            hint="give a table with these columns",
            field=signature.names[0] if signature.names else None,
        )
    return field


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_OF_ONE:
            raise SourceError(f"{path.name} has {path.stat().st_size / 1e6:.0f} MB: too much for one file.")
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}.") from error
