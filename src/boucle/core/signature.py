"""Signature: the one truth about what goes into a model and what comes out.

It validates requests, makes the OpenAPI schema and names the columns drift is computed on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray

DType = Literal["float64", "int64", "bool", "string", "datetime", "text", "image", "json"]
"""``string`` are levels, ``text`` is running text, ``image`` the bytes of an image file; ``json``, of outputs only, is
any JSON value."""
Task = Literal[
    "tabular-regression",
    "tabular-classification",
    "text-classification",
    "zero-shot-classification",
    "image-classification",
    "object-detection",
    "token-classification",
    "question-answering",
    "fill-mask",
    "summarization",
    "translation",
    "text-generation",
    "feature-extraction",
]
Kind = Literal["quantity", "class", "boxes", "spans", "text", "candidates", "vector"]
"""What one answer is: a number, one of the classes, things found in a picture, marked pieces of a text, a text, filled
gaps, an embedding."""
KINDS: dict[Task, Kind] = {
    "tabular-regression": "quantity",
    "tabular-classification": "class",
    "text-classification": "class",
    "zero-shot-classification": "class",
    "image-classification": "class",
    "object-detection": "boxes",
    "token-classification": "spans",
    "question-answering": "text",
    "fill-mask": "candidates",
    "summarization": "text",
    "translation": "text",
    "text-generation": "text",
    "feature-extraction": "vector",
}
SEEING: tuple[Task, ...] = ("image-classification", "object-detection")
"""The tasks of pictures."""
_BY_OUTPUTS = cast("Task", "")
Label = str | int | bool
Column = NDArray[np.generic]
"""One column, shape (rows,) or (rows, k). Missing: NaN in float64, NaT in datetime, None where the dtype is object."""
Batch = Mapping[str, Column]
"""Named columns of equal length: what every predictor takes and returns."""

STORAGE: dict[str, np.dtype[np.generic]] = {
    "float64": np.dtype("float64"),
    "int64": np.dtype("int64"),
    "bool": np.dtype("bool"),
    "string": np.dtype("object"),
    "datetime": np.dtype("datetime64[ns]"),
    "text": np.dtype("object"),
    "image": np.dtype("object"),
    "json": np.dtype("object"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One named column of a model's input or output.

    ``optional``: a value may be missing (an optional int64 or bool is held as float64 with NaN).
    ``minimum`` and ``maximum`` are the declared range, ``categories`` the known levels: values outside are
    answered and counted as data faults, unless the project says they are refused.
    ``shape`` is the shape of one value: () for a scalar, (3,) for the probabilities of three classes.
    """

    name: str
    dtype: DType
    optional: bool = False
    shape: tuple[int, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[Label, ...] | None = None
    pii: bool = False

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("a field needs a name")
        if self.dtype not in STORAGE:
            raise ValueError(f"field '{self.name}': unknown dtype '{self.dtype}'; one of {', '.join(STORAGE)}")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"field '{self.name}': minimum {self.minimum} is above maximum {self.maximum}")

    @property
    def storage(self) -> np.dtype[np.generic]:
        """The NumPy dtype a column of this field is held in."""
        return STORAGE["float64"] if self.optional and self.dtype in ("int64", "bool") else STORAGE[self.dtype]

    @property
    def numeric(self) -> bool:
        return self.dtype in ("float64", "int64") and self.categories is None


@dataclass(frozen=True, slots=True)
class Signature:
    """Ordered input and output fields. The first output is the prediction; classifiers add ``probabilities``.

    ``task`` is one of the tabular ones, by the outputs, unless it is said.
    """

    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    task: Task = _BY_OUTPUTS

    def __post_init__(self) -> None:
        for side, fields in (("input", self.inputs), ("output", self.outputs)):
            names = [f.name for f in fields]
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"{side} field '{twice[0]}' stands twice in the signature")
        if not self.outputs:
            raise ValueError("a signature needs at least one output field")
        if self.task == _BY_OUTPUTS:
            object.__setattr__(self, "task", "tabular-regression" if self.classes is None else "tabular-classification")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.inputs)

    @property
    def prediction(self) -> Field:
        return self.outputs[0]

    @property
    def classes(self) -> tuple[Label, ...] | None:
        """The labels, in the order of the probabilities; None for regression."""
        return self.prediction.categories

    @property
    def kind(self) -> Kind:
        """What one answer is."""
        return KINDS[self.task]

    def input(self, name: str) -> Field:
        """Return the input field ``name``; raises KeyError."""
        for field in self.inputs:
            if field.name == name:
                return field
        raise KeyError(name)

    def problems(self, batch: Batch) -> list[str]:
        """Say what keeps ``batch`` from being predicted on; an empty list means it is accepted."""
        found: list[str] = []
        lengths = {name: len(batch[name]) for name in self.names if name in batch}
        for field in self.inputs:
            if field.name not in batch:
                found.append(f"column '{field.name}' is missing")
            elif batch[field.name].dtype != field.storage:
                found.append(f"column '{field.name}' should be {field.storage}, is {batch[field.name].dtype}")
            elif not field.optional and missing(batch[field.name]).any():
                found.append(f"column '{field.name}' has missing values and is not optional")
        if len(set(lengths.values())) > 1:
            found.append(f"columns differ in length: {lengths}")
        return found

    def accepts(self, batch: Batch) -> bool:
        return not self.problems(batch)


class Rows(Mapping[str, Column]):
    """A batch of numbers and truth values held as one ``matrix``: float64 of shape (rows, fields), NaN is missing.

    As a batch it gives every column in its field's storage. Whole numbers lie within 2**53, where floats are exact.
    """

    __slots__ = ("fields", "matrix")

    def __init__(self, fields: tuple[Field, ...], matrix: NDArray[np.float64]) -> None:
        self.fields = fields
        self.matrix = matrix

    def __getitem__(self, name: str) -> Column:
        for place, field in enumerate(self.fields):
            if field.name == name:
                return self.matrix[:, place].astype(field.storage, copy=False)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (field.name for field in self.fields)

    def __len__(self) -> int:
        return len(self.fields)


def missing(column: Column) -> NDArray[np.bool_]:
    """Mark missing values, shape (rows,): NaN, NaT or None."""
    if column.dtype.kind == "f":
        return np.isnan(column)
    if column.dtype.kind == "M":
        return np.isnat(column)
    if column.dtype.kind == "O":
        return np.fromiter((v is None or v != v for v in column), dtype=bool, count=len(column))
    return np.zeros(len(column), dtype=bool)


def outputs_of(classes: Sequence[Label] | None, probabilities: bool = True) -> tuple[Field, ...]:
    """Return the output fields of a regressor (``classes`` is None) or of a classifier with these labels."""
    if classes is None:
        return (Field("prediction", "float64"),)
    kinds = {type(label) for label in classes}
    dtype: DType = "bool" if kinds == {bool} else "int64" if kinds == {int} else "string"
    prediction = Field("prediction", dtype, categories=tuple(classes))
    return (prediction, Field("probabilities", "float64", shape=(len(classes),))) if probabilities else (prediction,)
