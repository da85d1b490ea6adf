"""The sections of the project file that say what is learned: the data, the model, the gates."""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, model_validator

from boucle.project.values import Bound, Duration, Section, seconds


class ColumnCheck(Section):
    """The contract of one column. What is left out is not checked."""

    type: Literal["float64", "int64", "bool", "string", "datetime", "text", "image"] | None = Field(
        None, description="type of the values"
    )
    min: float | None = Field(None, description="smallest value that is right")
    max: float | None = Field(None, description="largest value that is right")
    missing: float | None = Field(None, ge=0, le=1, description="largest share of missing values; 0 forbids them")
    categories: list[str | int | bool] | None = Field(None, description="the levels that are right")
    unique: bool = Field(False, description="no value may stand twice")
    pattern: str | None = Field(None, description="regular expression every text value matches whole")
    min_length: int | None = Field(None, ge=0, description="fewest characters of a text")
    max_length: int | None = Field(None, ge=1, description="most characters of a text")
    pii: bool = Field(False, description="personal data: kept out of logs and reports")

    @model_validator(mode="after")
    def _possible(self) -> ColumnCheck:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min:g} is above `max` {self.max:g}")
        if self.type == "image" and (self.min is not None or self.max is not None or self.pattern is not None):
            raise ValueError("an image has no `min`, `max` or `pattern`")
        if self.min_length is not None and self.max_length is not None and self.min_length > self.max_length:
            raise ValueError(f"`min_length` {self.min_length} is above `max_length` {self.max_length}")
        if self.categories is not None and not self.categories:
            raise ValueError("`categories` is empty: no value could be right")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"`pattern` is not a regular expression: {error}") from None
        return self


class Split(Section):
    """How rows are parted for testing: at random (the default), stratified, by group or by time."""

    test: float | str = Field(0.2, description="share of rows, or with `time` a duration such as 30d")
    seed: int = Field(42, description="the same seed parts the same rows the same way")
    stratify: bool | None = Field(None, description="keep the share of each class; default: for classification")
    group: str | None = Field(None, description="column whose rows stay together on one side")
    time: str | None = Field(None, description="column of times: the newest rows are the test rows")

    @model_validator(mode="after")
    def _fits(self) -> Split:
        if isinstance(self.test, str):
            if not self.time:
                raise ValueError("a duration for `test` needs `time: COLUMN`; without it write a share such as 0.2")
            seconds(self.test)
        elif not 0 < self.test < 1:
            raise ValueError("`test` is a share between 0 and 1")
        if self.group and self.time:
            raise ValueError("`group` and `time` exclude each other")
        return self


class Data(Section):
    """Where the data comes from, what each column is, and what has to hold in it."""

    source: str | list[str] | dict[str, Any] = Field(
        description="file, folder, glob, SQLAlchemy URL, or module:function; read relative to this file"
    )
    query: str | None = Field(None, description="SQL, when the source is a database")
    target: str = Field(description="the column to predict")
    features: list[str] | None = Field(None, description="input columns; default: all but target, id, and dropped ones")
    drop: list[str] = Field([], description="columns that are not inputs")
    id: str | None = Field(None, description="column that names a row: not an input, never on both sides of the split")
    separator: str | None = Field(None, description="of a CSV file; default: found out")
    encoding: str | None = Field(None, description="of a text file; default: found out")
    split: Split = Split()  # type: ignore[call-arg]
    checks: dict[str, ColumnCheck] = Field({}, description="the contract, column by column")
    rules: list[str] = Field([], description="expressions over columns that hold in every row (pandas.eval syntax)")
    duplicates: Literal["allow", "warn", "refuse"] = Field("warn", description="what to do about rows that stand twice")

    @model_validator(mode="after")
    def _roles(self) -> Data:
        if self.id == self.target:
            raise ValueError(f"'{self.target}' cannot be both `id` and `target`")
        for key, columns in (("features", self.features or []), ("drop", self.drop)):
            if self.target in columns:
                raise ValueError(f"'{self.target}' is the target, it cannot be in `{key}` as well")
        both = sorted(set(self.features or []) & {*self.drop, *([self.id] if self.id else [])})
        if both:
            raise ValueError(f"'{both[0]}' is in `features` and in `drop` or `id`; keep one")
        return self


class Search(Section):
    """How better parameters are looked for (Optuna)."""

    trials: int = Field(20, ge=1, description="settings to try")
    metric: str | None = Field(None, description="what to improve; default: the first of `evaluate.metrics`")
    timeout: Duration | None = Field(None, description="stop after this long")


Method = Literal["full", "lora", "qlora", "frozen", "probe"]
TUNING = (
    "method", "epochs", "learning_rate", "batch_tokens", "max_tokens", "validation", "patience",
    "freeze_embeddings", "rank",
)  # fmt: skip
"""The keys of `model` that only fine-tuning has."""


class Model(Section):
    """What is trained: an estimator on a table, or a pretrained model of texts or images that is fine-tuned."""

    estimator: str | list[str] = Field(
        "auto", description="auto, an import path such as sklearn.linear_model.Ridge, a list, or module:function"
    )
    params: dict[str, Any] = Field({}, description="parameters of the estimator")
    search: Search | None = Field(None, description="look for better parameters; default: none are tried")
    folds: int = Field(5, ge=2, le=20, description="parts of the cross-validation")
    seed: int = Field(42, description="of everything random in training")
    class_weight: Literal["balanced"] | None = Field(None, description="weigh rare classes up")
    threshold: float | Literal["tune"] | None = Field(
        None, description="decision threshold of a binary classifier; `tune` finds it by cross-validation"
    )
    pretrained: str | None = Field(
        None, min_length=1, description="checkpoint to fine-tune: hf://org/name, hf://org/name@revision, or a folder"
    )
    method: Method | None = Field(
        None,
        description="full trains all layers, frozen the upper ones, lora small adapters, qlora these over layers kept "
        "in 4 bits, probe a linear head on frozen embeddings; default: frozen on small data, else full",
    )
    epochs: int | None = Field(
        None, ge=1, le=1000, description="passes over the rows, at most; default: by their number"
    )
    learning_rate: float | None = Field(None, gt=0, le=1, description="default: by the method")
    batch_tokens: int | None = Field(None, ge=16, description="tokens of a step; default: what makes about 16 texts")
    max_tokens: int | None = Field(None, ge=8, description="longer texts are cut; default: by the lengths met")
    validation: float | None = Field(
        None, gt=0, le=0.5, description="share of the training rows that says when to stop; default: by their number"
    )
    patience: int | None = Field(
        None, ge=0, description="epochs without gain after which training stops, 0 to never stop early; default: 1"
    )
    freeze_embeddings: bool | None = Field(
        None, description="leave token embeddings as they are; default: on small data"
    )
    rank: int | None = Field(None, ge=1, le=512, description="of the adapters of lora and qlora; default: 8")

    @model_validator(mode="after")
    def _one_kind(self) -> Model:
        given = {key for key, field in type(self).model_fields.items() if getattr(self, key) != field.default}
        if self.pretrained is None:
            alone = [key for key in TUNING if key in given]
            if alone:
                raise ValueError(f"`{alone[0]}` belongs to fine-tuning: name a checkpoint with `pretrained`")
            return self
        for key in ("estimator", "params", "search"):
            if key in given:
                raise ValueError(f"`{key}` and `pretrained` exclude each other: a checkpoint is its own estimator")
        if self.rank is not None and self.method not in ("lora", "qlora"):
            raise ValueError("`rank` is of adapters: it needs `method: lora` or `qlora`")
        if self.method == "probe":
            idle = [key for key in ("epochs", "learning_rate", "patience", "freeze_embeddings") if key in given]
            if idle:
                raise ValueError(f"`{idle[0]}` does nothing with `method: probe`, which trains no layer")
        return self

    @property
    def tuning(self) -> dict[str, Any] | None:
        """What is asked of fine-tuning, by key; None when an estimator is trained. Keys left out are not in it."""
        if self.pretrained is None:
            return None
        asked = {key: getattr(self, key) for key in TUNING}
        return {"checkpoint": self.pretrained, **{key: value for key, value in asked.items() if value is not None}}


class ChampionGate(Section):
    """The comparison with the version that answers now, on the same rows."""

    margin: float = Field(0.0, ge=0, description="how much worse than the champion is still let through")


class Fairness(Section):
    """The comparison of groups of people."""

    groups: list[str] = Field(description="columns whose groups are compared")
    ratio: float = Field(0.8, gt=0, le=1, description="smallest ratio of selection rates (a convention)")
    difference: float = Field(0.1, gt=0, le=1, description="largest gap in true and false positive rates")
    gate: bool = Field(False, description="fail the gate on a gap, instead of reporting it")


class Robustness(Section):
    """What small noise, missing values and unseen categories do to the answers."""

    gate: bool = Field(False, description="fail the gate instead of reporting")
    flips: float = Field(0.2, gt=0, le=1, description="largest share of answers that small noise may change")


class Evaluate(Section):
    """The gates a version has to pass before it may answer."""

    metrics: list[str] | None = Field(None, min_length=1, description="first is the primary one; default: by task")
    require: dict[str, Bound] = Field({}, description="bounds a version has to meet, such as rmse: '<= 0.75'")
    champion: ChampionGate = ChampionGate()  # type: ignore[call-arg]
    slices: list[str] = Field([], description="columns judged level by level (numeric ones by quarters)")
    fairness: Fairness | None = Field(None, description="compare groups; default: none are")
    robustness: Robustness = Robustness()  # type: ignore[call-arg]
