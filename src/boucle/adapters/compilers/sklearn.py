"""Compile scikit-learn models: pipelines of imputers, scalers and encoders before linear models, trees and votes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.pipeline import Pipeline

from boucle.adapters.compilers.draft import Draft, Part
from boucle.adapters.compilers.kernels import part
from boucle.adapters.compilers.tables import tables
from boucle.adapters.compilers.transforms import transform
from boucle.adapters.runtimes.compiled import VERSION
from boucle.adapters.runtimes.sklearn import WRAPPERS, split
from boucle.core.signature import Signature
from boucle.ports.compiler import CannotCompile, Program

_INVERSES = ("exp", "expm1", "square", "sinh")


@dataclass
class Around:
    """What stands around the model that scores: the threshold of a decision, functions of the answer, from inside."""

    threshold: float | None = None
    positive: Any = None
    inverses: list[str] = field(default_factory=list)


class SklearnCompiler:
    """Models of scikit-learn, and XGBoost's and LightGBM's estimators in its pipelines."""

    name = "sklearn"

    def compile(self, model: Any, signature: Signature) -> Program:
        """Return the program of a fitted model, or of half of it; raises CannotCompile."""
        if not hasattr(model, "predict"):
            raise CannotCompile(f"a {type(model).__name__} is no estimator")
        draft = Draft(signature.inputs, getattr(model, "feature_names_in_", None) is not None)
        try:
            return self._program(model, draft, signature)
        except CannotCompile as reason:
            half = self._half(model, signature, f"{reason}")
            if half is None:
                raise
            return half

    def _half(self, model: Any, signature: Signature, why: str) -> Program | None:
        """Return the program of what comes behind the preprocessing; None where that is not what kept it from it."""
        prepare, last = split(model)
        if prepare is None:
            return None
        draft = Draft(signature.inputs, names=False, blocks=[{"original": True}])
        draft.width = _width(last)
        draft.sources = [-1] * draft.width
        try:
            return replace(self._program(last, draft, signature), before=model, why=why)
        except CannotCompile:
            return None

    def _program(self, model: Any, draft: Draft, signature: Signature) -> Program:
        around = Around()
        last = _unwrapped(model, draft, around)
        if not draft.blocks:
            _take(list(range(len(draft.fields))), draft)
        score = self.part(last, draft)
        decides = score.pop("decides", "")
        if around.inverses and signature.classes is not None:
            raise CannotCompile("the target of a classifier is transformed")
        score["links"] += around.inverses
        labels = _labels(last, signature, around)
        if labels is not None and decides and around.threshold is None:
            labels |= {"decides": decides, "link": score["links"].pop()}
        steps = {"version": VERSION, "blocks": draft.blocks, "score": score, "labels": labels}
        return Program(steps, draft.arrays, tuple(draft.trees), draft.tolerance, draft.found_borders())

    def part(self, model: Any, draft: Draft) -> Part:
        """Return the part of the model that scores; raises CannotCompile."""
        return part(model, draft, self._nested)

    def _nested(self, model: Any, draft: Draft) -> Part:
        """Return the part of a model inside another, which sees features and not columns."""
        around = Around()
        last = _unwrapped(model, draft, around)
        if around.threshold is not None:
            raise CannotCompile("a threshold inside another model has no compiled form yet")
        made = self.part(last, draft)
        made.pop("decides", None)
        made["links"] += around.inverses
        return made


def _unwrapped(model: Any, draft: Draft, around: Around) -> Any:
    """Return the model that scores; what stands before it goes into the draft, what stands around it is noted."""
    if isinstance(model, FixedThresholdClassifier | TunedThresholdClassifierCV):
        if around.threshold is not None:
            raise CannotCompile("it has two thresholds")
        around.threshold, around.positive = _threshold(model)
        return _unwrapped(model.estimator_, draft, around)
    if isinstance(model, TransformedTargetRegressor):
        around.inverses[:0] = _inverse(model)
        return _unwrapped(model.regressor_, draft, around)
    if hasattr(model, "best_estimator_"):  # a search answers as the best it found
        return _unwrapped(model.best_estimator_, draft, around)
    if isinstance(model, Pipeline):
        return _unwrapped(_prepare(model, draft), draft, around)
    return model


def _width(model: Any) -> int:
    """Return how many features a model takes; a wrapper may still tell those of what stood before it."""
    inside = next((inside for kind, inside in WRAPPERS.items() if isinstance(model, kind)), None)
    return int(model.n_features_in_) if inside is None else _width(getattr(model, inside))


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


def _inverse(model: Any) -> list[str]:
    function = model.inverse_func if model.transformer is None else model.transformer
    name = getattr(function, "__name__", "")
    if function is None:
        return []
    if name not in _INVERSES or function is not getattr(np, name):
        raise CannotCompile("the transformation of its target has no compiled form")
    return [name]


def _labels(model: Any, signature: Signature, around: Around) -> dict[str, Any] | None:
    classes = signature.classes
    if classes is None:
        return None
    own = np.asarray(model.classes_).tolist()
    if len(own) != len(classes) or any(label not in classes for label in own):
        raise CannotCompile(f"its classes {own} are not those of the signature")
    return {
        "order": [classes.index(label) for label in own],
        "threshold": around.threshold,
        "positive": None if around.threshold is None else own.index(around.positive),
        "shares": any(output.name == "probabilities" for output in signature.outputs),
    }


def _prepare(model: Pipeline, draft: Draft) -> Any:
    """Draft the preprocessing of a pipeline; returns its last step."""
    *steps, last = _flattened([step for _, step in model.steps])
    if not draft.blocks:
        places = list(range(len(draft.fields)))
        if steps and isinstance(steps[0], ColumnTransformer):
            draft.blocks = _side_by_side(steps[0], places, draft)
            steps = steps[1:]
        else:
            draft.blocks, steps = _blocks(steps, places, draft), []
    for step in steps:
        transform(step, draft)
    return last


def _flattened(steps: Sequence[Any]) -> Iterator[Any]:
    for step in steps:
        if isinstance(step, Pipeline):
            yield from _flattened([inner for _, inner in step.steps])
        elif step is not None and not (isinstance(step, str) and step == "passthrough"):
            yield step


def _take(places: list[int], draft: Draft) -> None:
    draft.blocks = _blocks([], places, draft)


def _side_by_side(parts: ColumnTransformer, places: list[int], draft: Draft) -> list[dict[str, Any]]:
    blocks: list[dict[str, Any]] = []
    sources: list[int] = []
    for name, step, _ in parts.transformers_:
        columns = [places[place] for place in parts._transformer_to_input_indices.get(name, [])]
        if not columns or (isinstance(step, str) and step == "drop"):
            continue
        blocks += _blocks(list(_flattened([step])), columns, draft)
        sources += draft.sources
    if not blocks:
        raise CannotCompile("its preprocessing drops every column")
    draft.sources, draft.width = sources, len(sources)
    return blocks


def _blocks(steps: list[Any], places: list[int], draft: Draft) -> list[dict[str, Any]]:
    """Draft what some columns go through on their own."""
    if steps and hasattr(steps[-1], "categories_"):
        return tables(steps, places, draft)
    wrong = [draft.fields[place].name for place in places if draft.fields[place].dtype in ("string", "datetime")]
    if wrong:
        raise CannotCompile(f"the column {wrong[0]} goes into {_named(steps)}, which has no compiled form for it")
    draft.steps, draft.width, draft.sources = [], len(places), list(places)
    for step in steps:
        transform(step, draft)
    gaps = any(draft.fields[place].optional for place in places)
    found = [one for one in draft.steps if gaps or one["op"] != "fill" or one["flagged"]]  # no gaps, nothing to fill
    draft.steps = []
    return [{"columns": places, "steps": found}]


def _named(steps: list[Any]) -> str:
    return " and ".join(type(step).__name__ for step in steps) or "the model"
