"""Numbers and levels that stand for a text, an image or an answer that is neither: what is profiled and watched.

The same functions make the columns of the reference and of the live windows. A column is named after its field:
``text.words``, ``image.width``; ``meaning.1`` and so on are projections of the vectors a model makes of its inputs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from boucle.core.conversations import spoken
from boucle.core.signature import Batch, Column, Field, Kind
from boucle.measures.languages import language
from boucle.measures.pictures import head
from boucle.ports.runtime import Describing, Embedding

Floats = NDArray[np.float64]
Watched = Literal["numeric", "categorical"]
MEDIA = ("text", "image")
TEXT: dict[str, Watched] = {
    "characters": "numeric", "words": "numeric", "foreign": "numeric", "digits": "numeric", "capitals": "numeric",
    "language": "categorical",
}  # fmt: skip
"""``foreign`` is the share of characters outside ASCII, ``digits`` and ``capitals`` those of all characters."""
IMAGE: dict[str, Watched] = {
    "width": "numeric", "height": "numeric", "aspect": "numeric", "bytes": "numeric", "format": "categorical",
    "channels": "categorical",
}  # fmt: skip
WHOLE = frozenset(("characters", "bytes"))
"""Columns that are missing where the text or image itself is; the others may be, for other reasons."""
MEANING, DIMENSIONS = "meaning", 8
TOLD = 2000
"""Rows of a reference that the model itself is asked about."""
_DIGIT, _CAPITAL = (np.zeros(256, dtype=bool) for _ in range(2))
_DIGIT[48:58] = True
_CAPITAL[[code for code in range(256) if chr(code).isupper()]] = True


def name_of(field: Field, what: str) -> str:
    """Return the name of a derived column."""
    return f"{field.name}.{what}"


def derived(fields: Sequence[Field], batch: Mapping[str, Sequence[Any] | Column]) -> dict[str, Column]:
    """Return what is derived of the text and image columns in ``batch``, shape (rows,) each.

    A text is a str; an image the bytes of its file, or what a record kept of one (width, height and so on). Anything
    else is missing. Of personal fields nothing is derived. A derived column that has the name of a real one is left
    out.
    """
    names = {field.name for field in fields}
    found: dict[str, Column] = {}
    for field in fields:
        if field.dtype in MEDIA and field.name in batch and not field.pii:
            values = list(batch[field.name])
            columns = of_texts(values) if field.dtype == "text" else of_images(values)
            found |= {name_of(field, what): column for what, column in columns.items()}
    return {name: column for name, column in found.items() if name not in names}


def told(predictor: object, batch: Batch) -> dict[str, Column]:
    """Return what a predictor offers to say of rows it has just predicted (see ``ports.runtime``), one value a row."""
    rows = len(next(iter(batch.values()), ()))
    found: dict[str, Column] = {}
    if isinstance(predictor, Describing):
        found |= {name: np.asarray(column) for name, column in predictor.describe(batch).items()}
    if isinstance(predictor, Embedding):
        vectors = predictor.embed(batch)
        found |= meaning(vectors, projection(vectors.shape[1]))
    return {name: column for name, column in found.items() if column.shape == (rows,)}


def reference_columns(predictor: object, fields: Sequence[Field], batch: Batch) -> dict[str, Column]:
    """Return all that is watched of the rows of a reference; what the model says of them of TOLD rows at most."""
    found = derived(fields, batch)
    if not found or any(field.pii for field in fields):
        return found
    rows = len(next(iter(found.values())))
    some = np.unique(np.linspace(0, rows - 1, min(rows, TOLD)).round().astype(np.intp))
    for name, column in told(predictor, {name: values[some] for name, values in batch.items()}).items():
        whole = _objects([None] * rows) if column.dtype == object else np.full(rows, np.nan)
        whole[some] = column
        found[name] = whole
    return found


def judged(name: str, column: Column) -> tuple[str, ...]:
    """Return the rates judged of a derived column: a short text is no wrong unit, nor a language a wrong level.

    Only what every text or image has is missing when it is missing.
    """
    rates = () if column.dtype == object else ("outside",)
    return ("missing", *rates) if name.rpartition(".")[2] in WHOLE else rates


def of_texts(texts: Sequence[Any]) -> dict[str, Column]:
    """Describe texts, see TEXT; of conversations what is said in them. Capitals beyond Latin-1 do not count."""
    known = [spoken(text) if isinstance(text, str) else "" for text in texts]
    lengths = np.array([len(text) for text in known], dtype=np.float64)
    codes = np.frombuffer("".join(known).encode("latin-1", "replace"), dtype=np.uint8)
    foreign = [0 if text.isascii() else len(text) - len(text.encode("ascii", "ignore")) for text in known]
    found: dict[str, Column] = {
        "characters": lengths,
        "words": np.array([len(text.split()) for text in known], dtype=np.float64),
        "foreign": _share(np.array(foreign, dtype=np.float64), lengths),
        "digits": _share(_marked(codes, _DIGIT, lengths), lengths),
        "capitals": _share(_marked(codes, _CAPITAL, lengths), lengths),
        "language": _objects([language(text) for text in known]),
    }
    return _without(found, [not isinstance(text, str) for text in texts])


def of_images(images: Sequence[Any]) -> dict[str, Column]:
    """Describe images, see IMAGE."""
    told = [described(image) for image in images]
    found: dict[str, Column] = {}
    for what, kind in IMAGE.items():
        values = [None if one is None else one[what] for one in told]
        plain = [None if value is None else str(value) for value in values]
        found[what] = np.array(values, dtype=np.float64) if kind == "numeric" else _objects(plain)
    return found


def described(image: Any) -> dict[str, Any] | None:
    """Return what IMAGE names of one image, from its file or from what was kept of it; None for anything else."""
    if isinstance(image, bytes):
        try:
            seen = head(image)
        except ValueError:
            return None
        return {
            "width": seen.width, "height": seen.height, "aspect": seen.width / seen.height, "bytes": len(image),
            "format": seen.format, "channels": seen.channels,
        }  # fmt: skip
    if isinstance(image, dict) and IMAGE.keys() - {"aspect"} <= image.keys():
        return {**image, "aspect": image["width"] / image["height"]}
    return None


def answered(kind: Kind, prediction: Column) -> Column:
    """Return what stands for answers of a kind that cannot be counted itself, as float64 of shape (rows,).

    Spans and boxes are counted; a text counts by its characters, candidates by the score of the first, a vector by its
    length.
    """
    if kind == "vector":
        matrix = _matrix(prediction)
        return np.sqrt(np.square(matrix).sum(axis=1)) if matrix.ndim == 2 else np.full(len(prediction), np.nan)
    measure = {"boxes": _many, "spans": _many, "text": _length, "candidates": _first}.get(kind)
    if measure is None:
        return prediction
    return np.array([measure(value) for value in prediction], dtype=np.float64)


@lru_cache(8)
def projection(dimensions: int) -> Floats:
    """Return the directions that vectors are projected on, shape (dimensions, 8): random, of length one.

    They are the same for every model, on every machine and for good: NumPy has frozen this generator.
    """
    drawn = np.random.RandomState(0).standard_normal((dimensions, DIMENSIONS))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=0))


def meaning(vectors: NDArray[Any], directions: Floats) -> dict[str, Column]:
    """Return the columns ``meaning.1`` and on: vectors, shape (rows, d), brought to length one and projected."""
    held = np.asarray(vectors, dtype=np.float64)
    lengths = np.linalg.norm(held, axis=1, keepdims=True)
    seen = np.divide(held, lengths, out=np.zeros_like(held), where=lengths > 0.0) @ directions
    return {f"{MEANING}.{place + 1}": column for place, column in enumerate(seen.T)}


def _marked(codes: NDArray[np.uint8], marks: NDArray[np.bool_], lengths: Floats) -> Floats:
    """Count the marked codes of pieces of the given lengths that stand one behind the other."""
    places = np.flatnonzero(marks[codes])
    ends = np.searchsorted(places, np.cumsum(lengths))
    return np.diff(ends, prepend=0).astype(np.float64)


def _share(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)


def _without(columns: dict[str, Column], absent: list[bool]) -> dict[str, Column]:
    if any(absent):
        gone = np.array(absent)
        for column in columns.values():
            column[gone] = np.array(None if column.dtype == object else np.nan, dtype=column.dtype)
    return columns


def _objects(values: Sequence[Any]) -> Column:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


def _matrix(prediction: Column) -> Floats:
    try:
        return np.asarray(prediction.tolist(), dtype=np.float64)
    except (ValueError, TypeError):
        return np.zeros(0)


def _many(value: Any) -> float:
    return float(len(value)) if isinstance(value, list) else np.nan


def _length(value: Any) -> float:
    return float(len(value)) if isinstance(value, str) else np.nan


def _first(value: Any) -> float:
    return float(value[0].get("score", np.nan)) if isinstance(value, list) and value else np.nan
