"""Compile scikit-learn models: pipelines of imputers, scalers and encoders before a linear model or trees."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.impute import SimpleImputer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline

from boucle.adapters.compilers.kernels import kernel
from boucle.core.signature import Column, Field, Signature
from boucle.ports.compiler import CannotCompile, Program
from boucle.ports.frames import to_frame

NEVER_SEEN = "\N{BLACK QUESTION MARK ORNAMENT}"
_INVERSES = {"exp": "exp", "expm1": "expm1"}
_BOOSTERS = {"xgboost": "boucle.adapters.compilers.xgboost", "lightgbm": "boucle.adapters.compilers.lightgbm"}


@dataclass
class Draft:
    """A program in the making. ``names`` says whether the model takes frames, or plain arrays."""

    fields: tuple[Field, ...]
    names: bool
    blocks: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    width: int = 0

    def keep(self, values: Any) -> str:
        """Store an array; returns its name."""
        name = f"a{len(self.arrays)}"
        self.arrays[name] = np.asarray(values, dtype=np.float64)
        return name


class SklearnCompiler:
    """Models of scikit-learn, and XGBoost's and LightGBM's estimators in its pipelines."""

    name = "sklearn"

    def compile(self, model: Any, signature: Signature) -> Program:
        """Return the program of a fitted model; raises CannotCompile."""
        if not hasattr(model, "predict"):
            raise CannotCompile(f"a {type(model).__name__} is no estimator")
        threshold, positive = None, None
        if isinstance(model, FixedThresholdClassifier | TunedThresholdClassifierCV):
            threshold, positive, model = *_threshold(model), model.estimator_
        inverse = None
        if isinstance(model, TransformedTargetRegressor):
            inverse, model = _inverse(model), model.regressor_
        draft = Draft(signature.inputs, getattr(model, "feature_names_in_", None) is not None)
        last = _prepare(model, draft)
        found = _kernel(last, draft.width)
        if inverse is not None:
            if found.steps["link"] != "identity":
                raise CannotCompile("its target is transformed twice")
            found.steps["link"] = inverse
        labels = _labels(last, signature, threshold, positive)
        steps = {"blocks": draft.blocks, "steps": draft.steps, **found.steps, "labels": labels}
        untouched = not draft.steps and draft.blocks == [{"columns": list(range(len(draft.fields))), "steps": []}]
        borders = found.borders if untouched else None
        return Program(steps, {**draft.arrays, **found.arrays}, found.trees, found.tolerance, borders)


def _kernel(model: Any, width: int) -> Program:
    booster = _BOOSTERS.get(type(model).__module__.partition(".")[0])
    if booster is None:
        return kernel(model, width)
    # Only where the model is one of theirs are they installed for certain.
    made: Program = importlib.import_module(booster).kernel(model, width)
    return made


def _threshold(model: Any) -> tuple[float, Any]:
    fixed = isinstance(model, FixedThresholdClassifier)
    method = getattr(model, "response_method", "auto")
    if method not in ("auto", "predict_proba"):
        raise CannotCompile(f"its threshold is on {method}")
    cut = model.threshold if fixed else model.best_threshold_
    if cut == "auto":
        cut = 0.5
    positive = model.pos_label if getattr(model, "pos_label", None) is not None else model.classes_[1]
    return float(cut), positive


def _inverse(model: Any) -> str:
    function = model.inverse_func if model.transformer is None else None
    name = getattr(function, "__name__", "")
    if function not in (np.exp, np.expm1) or name not in _INVERSES:
        raise CannotCompile("the transformation of its target has no compiled form")
    return _INVERSES[name]


def _labels(model: Any, signature: Signature, threshold: float | None, positive: Any) -> dict[str, Any] | None:
    classes = signature.classes
    if classes is None:
        return None
    own = np.asarray(model.classes_).tolist()
    if len(own) != len(classes) or any(label not in classes for label in own):
        raise CannotCompile(f"its classes {own} are not those of the signature")
    return {
        "order": [classes.index(label) for label in own],
        "threshold": threshold,
        "positive": None if threshold is None else own.index(positive),
        "shares": any(output.name == "probabilities" for output in signature.outputs),
    }


def _prepare(model: Any, draft: Draft) -> Any:
    """Draft the preprocessing of a model; returns its last step."""
    places = list(range(len(draft.fields)))
    if not isinstance(model, Pipeline):
        _take(places, draft)
        return model
    steps = [step for _, step in model.steps if step not in (None, "passthrough")]
    flat = list(_flattened(steps))
    if len(flat) > 1 and isinstance(flat[0], ColumnTransformer):
        draft.blocks = _side_by_side(flat[0], places, draft)
        rest = flat[1:-1]
    else:
        draft.blocks, rest = _blocks(flat[:-1], places, draft), []
    for step in rest:
        draft.steps += _matrix_steps(step, draft)
    return flat[-1]


def _flattened(steps: Sequence[Any]) -> Iterator[Any]:
    for step in steps:
        if isinstance(step, Pipeline):
            yield from _flattened([inner for _, inner in step.steps if inner not in (None, "passthrough")])
        else:
            yield step


def _take(places: list[int], draft: Draft) -> None:
    draft.blocks = _blocks([], places, draft)


def _side_by_side(parts: ColumnTransformer, places: list[int], draft: Draft) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    for name, step, _ in parts.transformers_:
        columns = [places[place] for place in parts._transformer_to_input_indices.get(name, [])]
        if not columns or step == "drop":
            continue
        steps = [] if step == "passthrough" else list(_flattened([step]))
        blocks += _blocks(steps, columns, draft)
    if not blocks:
        raise CannotCompile("its preprocessing drops every column")
    return blocks


def _blocks(steps: list[Any], places: list[int], draft: Draft) -> list[dict[str, Any]]:
    """Draft what some columns go through on their own."""
    if steps and hasattr(steps[-1], "categories_"):
        return _tables(steps, places, draft)
    wrong = [draft.fields[place].name for place in places if draft.fields[place].dtype in ("string", "datetime")]
    if wrong:
        raise CannotCompile(f"the column {wrong[0]} goes into {_named(steps)}, which has no compiled form for it")
    before, draft.width = draft.width, len(places)
    gaps = any(draft.fields[place].optional for place in places)
    found: list[dict[str, Any]] = []
    for step in steps:
        made = _matrix_steps(step, draft)
        found += [one for one in made if gaps or one["op"] != "fill" or one["flagged"]]  # no gaps, nothing to fill
    draft.width += before
    return [{"columns": places, "steps": found}]


def _matrix_steps(step: Any, draft: Draft) -> list[dict[str, Any]]:
    """Return a transformer of numbers as operations on a matrix of ``draft.width`` columns."""
    name = type(step).__name__
    if isinstance(step, SimpleImputer):
        return [_fill(step, draft)]
    ones, zeros = np.ones(draft.width), np.zeros(draft.width)
    if name == "StandardScaler":
        mean = step.mean_ if step.with_mean else zeros
        spread = step.scale_ if step.with_std else ones
        return [_scaled("subtract_divide", mean, spread, draft)]
    if name == "RobustScaler":
        centre = step.center_ if step.with_centering else zeros
        spread = step.scale_ if step.with_scaling else ones
        return [_scaled("subtract_divide", centre, spread, draft)]
    if name == "MinMaxScaler" and not step.clip:
        return [_scaled("multiply_add", step.scale_, step.min_, draft)]
    if name == "MaxAbsScaler" and not getattr(step, "clip", False):
        return [_scaled("subtract_divide", zeros, step.scale_, draft)]
    if name == "FunctionTransformer" and step.func is None:
        return []
    if hasattr(step, "get_support") and hasattr(step, "transform"):
        kept = np.flatnonzero(step.get_support())
        draft.width = len(kept)
        return [_scaled("columns", kept, kept, draft)]
    raise CannotCompile(f"{name} has no compiled form yet")


def _scaled(op: str, one: Any, other: Any, draft: Draft) -> dict[str, Any]:
    return {"op": op, "one": draft.keep(one), "other": draft.keep(other)}


def _fill(step: SimpleImputer, draft: Draft) -> dict[str, Any]:
    values = np.asarray(step.statistics_, dtype=object)
    if step.missing_values is not np.nan and step.missing_values == step.missing_values:
        raise CannotCompile(f"it takes {step.missing_values!r} for missing")
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        raise CannotCompile("it fills gaps with texts") from None
    if np.isnan(numbers).any():
        raise CannotCompile("its imputer drops a column that was empty in training")
    flagged = list(map(int, step.indicator_.features_)) if step.add_indicator else []
    draft.width += len(flagged)
    return {"op": "fill", "values": draft.keep(numbers), "flagged": flagged}


def _tables(steps: list[Any], places: list[int], draft: Draft) -> list[dict[str, Any]]:
    """Read off, level by level, which numbers each column's encoder gives: whatever stands before it is in that."""
    encoder = steps[-1]
    known = [list(levels) for levels in encoder.categories_]
    widths = getattr(encoder, "_n_features_outs", None) or [1] * len(known)
    if len(known) != len(places) or not all(known):
        raise CannotCompile(f"{_named(steps)} changes the number of columns")
    levels = [[value for value in column if value is not None and value == value] for column in known]
    if any(not column for column in levels):
        raise CannotCompile("a column had no level in training")
    blocks, start = [], 0
    for place, column in enumerate(levels):
        behind = start + int(widths[place])
        asked = [*column, _absent(draft.fields[places[place]]), _novel(draft.fields[places[place]], column)]
        rows = [_encoded(steps, places, levels, place, value, draft) for value in asked]
        table = [row[start:behind] for row in rows if row is not None]
        spots = iter(range(len(table)))
        spot = [None if row is None else next(spots) for row in rows]
        if None in spot[:-2]:
            raise CannotCompile(f"{_named(steps)} refuses a level it knows")
        blocks.append(
            {
                "table": draft.keep(np.array(table)),
                "column": places[place],
                "keys": [value.item() if hasattr(value, "item") else value for value in column],
                "missing": spot[-2],
                "unknown": spot[-1],
            }
        )
        start = behind
    draft.width += start
    return blocks


def _encoded(
    steps: list[Any], places: list[int], levels: list[list[Any]], changed: int, value: Any, draft: Draft
) -> NDArray[np.float64] | None:
    """Encode one row in which one column has ``value`` and the others their first level; None when it is refused."""
    batch = {
        draft.fields[place].name: _column(draft.fields[place], value if spot == changed else levels[spot][0])
        for spot, place in enumerate(places)
    }
    rows: Any = to_frame(batch, tuple(draft.fields[place] for place in places))
    if not draft.names:
        rows = rows.to_numpy()
    try:
        for step in steps:
            rows = step.transform(rows)
    except ValueError:
        return None
    rows = rows.toarray() if hasattr(rows, "toarray") else np.asarray(rows)
    return np.asarray(rows, dtype=np.float64)[0]


def _column(field: Field, value: Any) -> Column:
    try:
        return np.array([value], dtype=field.storage)
    except (TypeError, ValueError) as error:
        raise CannotCompile(f"{field.name} has levels that are no {field.dtype}: {error}") from None


def _absent(field: Field) -> Any:
    return None if field.dtype == "string" else np.nan if field.storage.kind == "f" else 0


def _novel(field: Field, levels: list[Any]) -> Any:
    if field.dtype == "string":
        return NEVER_SEEN
    if field.dtype == "bool":
        return next((value for value in (True, False) if value not in levels), True)
    return max(levels) + 1


def _named(steps: list[Any]) -> str:
    return " and ".join(type(step).__name__ for step in steps) or "the model"
