"""Run ONNX models on ONNX Runtime, one thread a prediction.

Understood are models that take all columns as one tensor (rows, columns), or one input per column (rows, 1), and answer
with a number, with a label and probabilities (as a matrix or as ZipMap's dictionaries), or with probabilities alone.
"""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from boucle.core.errors import BundleError, RequestError
from boucle.core.model import BundleInfo
from boucle.core.signature import Batch, Column, Field, Label, Signature, outputs_of
from boucle.ports.runtime import Saved

FILE = "model.onnx"
_TYPES: dict[str, np.dtype[Any]] = {
    "tensor(float)": np.dtype("float32"),
    "tensor(double)": np.dtype("float64"),
    "tensor(int64)": np.dtype("int64"),
    "tensor(int32)": np.dtype("int32"),
    "tensor(bool)": np.dtype("bool"),
    "tensor(string)": np.dtype("object"),
}


class OnnxRuntime:
    """ONNX models; a model in memory is its bytes, its file's path, or an ``onnx.ModelProto``."""

    name = "onnx"
    forks = True

    def save(self, model: Any, directory: Path, signature: Signature, pickled: Path | None = None) -> Saved:
        """Write ``model.onnx``; raises BundleError when ONNX Runtime cannot run it."""
        raw = content(model)
        OnnxPredictor(session(raw), signature)
        (directory / FILE).write_bytes(raw)
        packages = ("onnx", "onnxruntime", "numpy")
        return Saved(
            options={"file": FILE},
            requirements=tuple(f"{name}=={found}" for name in packages if (found := _version(name))),
            flavors={
                "python_function": {"loader_module": "mlflow.onnx", "data": FILE},
                "onnx": {
                    "data": FILE,
                    "onnx_version": _version("onnx"),
                    "providers": ["CPUExecutionProvider"],
                    "code": None,
                },
            },
        )

    def wrap(self, model: Any, signature: Signature) -> OnnxPredictor:
        """Return the predictor of a model in memory."""
        return OnnxPredictor(session(content(model)), signature)

    def load(self, directory: Path, info: BundleInfo) -> OnnxPredictor:
        """Load a verified bundle."""
        file = directory / Path(str(info.options.get("file", FILE))).name
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise BundleError(
                f"The model file {file} cannot be read: {error}.", hint="fetch the bundle again"
            ) from error
        return OnnxPredictor(session(raw), info.signature)


class OnnxPredictor:
    """A session as a predictor; sessions may be run by many threads at once."""

    def __init__(self, session: Any, signature: Signature) -> None:
        self._session = session
        self._feeds = _feeds(session, signature.inputs)
        self._outputs = [output.name for output in session.get_outputs()]
        self._signature = signature

    def predict(self, batch: Batch) -> Batch:
        """Predict; raises RequestError when the model refuses the rows."""
        try:
            feeds = {name: _tensor(batch, fields, dtype) for name, fields, dtype in self._feeds}
            answers = self._session.run(self._outputs, feeds)
        except Exception as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise RequestError(f"The model cannot predict on these rows: {why}") from error
        classes = self._signature.classes
        if classes is None:
            return {"prediction": np.asarray(answers[0], dtype=np.float64).reshape(-1)}
        return _classified(answers, classes, self._signature.prediction.storage)


def content(model: Any) -> bytes:
    """Return the bytes of a model given as bytes, as a path or as an ``onnx.ModelProto``."""
    if isinstance(model, bytes):
        return model
    if isinstance(model, str | Path):
        return Path(model).read_bytes()
    if hasattr(model, "SerializeToString"):
        return bytes(model.SerializeToString())
    raise BundleError(f"A {type(model).__name__} is not an ONNX model.", hint="give its bytes or the path of its file")


def session(raw: bytes) -> Any:
    """Open a model; from its bytes, so that it cannot name other files. Raises BundleError."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(raw, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise BundleError(
            f"ONNX Runtime {onnxruntime.__version__} cannot load the model: {error}.",
            hint="convert it to one file without external data, for an opset this version knows",
        ) from error


def names_of(session: Any) -> tuple[str, ...] | None:
    """Return the names of the columns a model takes one by one; None where it takes them as one tensor."""
    names = tuple(given.name for given in session.get_inputs())
    return names if len(names) > 1 else None


def outputs_from(session: Any, fields: tuple[Field, ...], sample: Batch) -> tuple[Field, ...]:
    """Read the output fields off a model's answers to a sample; raises BundleError."""
    try:
        feeds = {name: _tensor(sample, columns, dtype) for name, columns, dtype in _feeds(session, fields)}
        answers = session.run(None, feeds)
    except BundleError:
        raise
    except Exception as error:
        raise BundleError(f"The model cannot predict the sample: {str(error).splitlines()[0]}.") from error
    return outputs_of(labels_of(answers))


def labels_of(answers: list[Any]) -> tuple[Label, ...] | None:
    """Read the classes, in the order of the probabilities, off a model's answers to some rows.

    None is a regression. Labels of a matrix of probabilities are found by where each is the likeliest; raises
    BundleError when the rows do not show all of them.
    """
    first = np.asarray(answers[0])
    if len(answers) == 1:
        return None if first.ndim < 2 or first.shape[1] == 1 else tuple(range(first.shape[1]))
    if isinstance(answers[1], list):
        return tuple(answers[1][0])
    matrix = np.asarray(answers[1])
    if first.dtype.kind == "i" and (not len(first) or first.max() < matrix.shape[1]):
        return tuple(range(matrix.shape[1]))
    found = dict(zip(matrix.argmax(axis=1).tolist(), first.reshape(-1).tolist(), strict=True))
    if len(found) < matrix.shape[1]:
        raise BundleError(
            f"The sample shows {len(found)} of the model's {matrix.shape[1]} classes.",
            hint="give sample rows for which the model answers each of its classes",
        )
    return tuple(found[place] for place in range(matrix.shape[1]))


def _feeds(session: Any, fields: tuple[Field, ...]) -> list[tuple[str, tuple[Field, ...], np.dtype[Any]]]:
    inputs = session.get_inputs()
    for given in inputs:
        if given.type not in _TYPES:
            raise BundleError(f"The model's input '{given.name}' has the type {given.type}, which no column has.")
    if len(inputs) == 1 and (len(fields) > 1 or _width(inputs[0]) == 1):
        width = _width(inputs[0])
        if width is not None and width != len(fields):
            raise _mismatch(width, fields)
        return [(inputs[0].name, fields, _TYPES[inputs[0].type])]
    if len(inputs) != len(fields):
        raise _mismatch(len(inputs), fields)
    named = {field.name: field for field in fields}
    by_name = all(given.name in named for given in inputs)
    pairs = [(given, named[given.name] if by_name else field) for given, field in zip(inputs, fields, strict=True)]
    return [(given.name, (field,), _TYPES[given.type]) for given, field in pairs]


def _width(given: Any) -> int | None:
    last = given.shape[-1] if len(given.shape) == 2 else None
    return last if isinstance(last, int) else None


def _mismatch(width: int, fields: tuple[Field, ...]) -> BundleError:
    names = ", ".join(field.name for field in fields[:12])
    return BundleError(
        f"The model takes {width} columns, the signature has {len(fields)}: {names}.",
        hint="give a sample with exactly the columns the model was trained on, in their order",
    )


def _tensor(batch: Batch, fields: tuple[Field, ...], dtype: np.dtype[Any]) -> Column:
    columns = [_converted(batch[field.name], field, dtype) for field in fields]
    return np.ascontiguousarray(np.array(columns, dtype=dtype).T)


def _converted(column: Column, field: Field, dtype: np.dtype[Any]) -> Column:
    if dtype.kind == "O":
        return np.array(["" if value is None or value != value else str(value) for value in column], dtype=object)
    if dtype.kind in "ib" and column.dtype.kind == "f" and np.isnan(column).any():
        raise ValueError(f"column '{field.name}' has missing values, the model takes {dtype} there")
    return column.astype(dtype, copy=False)


def _classified(answers: list[Any], classes: tuple[Label, ...], storage: np.dtype[Any]) -> Batch:
    probabilities = _probabilities(answers[-1], classes)
    if len(answers) == 1:
        return {"prediction": _named(probabilities.argmax(axis=1), classes, storage), "probabilities": probabilities}
    labels = np.asarray(answers[0]).reshape(-1)
    coded = labels.dtype.kind == "i" and storage.kind == "O"
    prediction = _named(labels, classes, storage) if coded else labels.astype(storage, copy=False)
    return {"prediction": prediction, "probabilities": probabilities}


def _probabilities(answer: Any, classes: tuple[Label, ...]) -> NDArray[np.float64]:
    if isinstance(answer, list):  # ZipMap: one dictionary a row
        keys = list(answer[0]) if answer else []
        order = [key for label in classes for key in keys if key == label] or keys
        return np.array([[row[key] for key in order] for row in answer], dtype=np.float64).reshape(-1, len(classes))
    matrix = np.asarray(answer, dtype=np.float64)
    if matrix.ndim == 1 or matrix.shape[1] == 1:
        matrix = np.column_stack([1.0 - matrix.reshape(-1), matrix.reshape(-1)])
    return matrix


def _named(places: Column, classes: tuple[Label, ...], storage: np.dtype[Any]) -> Column:
    return np.array(classes, dtype=storage)[places.astype(np.intp)]


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
