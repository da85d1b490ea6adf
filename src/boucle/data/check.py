"""Check a table against its contract: every violation listed, with its column, rule, count and example rows."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api import types

from boucle.core.dataset import Violation
from boucle.core.errors import DataError, ProjectError, suggest
from boucle.core.signature import KINDS
from boucle.core.verdict import Check, Verdict
from boucle.data import contents
from boucle.data.infer import MOST_CLASSES, infer_target, repeated
from boucle.measures.spans import spans_of
from boucle.project.learning import ColumnCheck
from boucle.project.settings import Settings

EXAMPLES = 5
_KINDS = {
    "float64": types.is_numeric_dtype,
    "int64": types.is_numeric_dtype,
    "bool": types.is_bool_dtype,
    "string": lambda d: types.is_string_dtype(d) or types.is_object_dtype(d),
    "datetime": types.is_datetime64_any_dtype,
    "text": lambda d: types.is_string_dtype(d) or types.is_object_dtype(d),
    "image": types.is_object_dtype,
}


def check(frame: pd.DataFrame, settings: Settings) -> tuple[Verdict, tuple[Violation, ...]]:
    """Return the verdict of kind ``data`` and every violation; those that only warn do not fail it.

    Raises ProjectError for a contract that cannot be checked, such as a rule with an unknown column.
    """
    frame = frame.reset_index(drop=True)  # rows are named by their place, whatever the index was
    found = [*_absent(frame, settings), *_target(frame, settings), *_columns(frame, settings), *_rules(frame, settings)]
    warned = list(_duplicates(frame, settings)) if settings.data.duplicates != "allow" else []
    if settings.data.duplicates == "refuse":
        found, warned = found + warned, []
    for violation, grave in _contents(frame, settings):
        (found if grave else warned).append(violation)
    warned += _lonely(frame, settings)
    found, warned = _discreet(found, settings), _discreet(warned, settings)
    checks = [
        Check(f"{v.column}: {v.rule}", "fail", float(v.count), "0 rows", n=len(frame), note=_shown(v)) for v in found
    ]
    passed = Check("contract", "pass", float(len(settings.data.checks)), "every rule", n=len(frame))
    return Verdict.of(settings.name, "data", checks or [passed], rows=len(frame)), (*found, *warned)


def _discreet(found: list[Violation], settings: Settings) -> list[Violation]:
    """Leave the examples of personal data out: violations are logged and shown."""
    private = {name for name, c in settings.data.checks.items() if c.pii}
    return [replace(v, examples=()) if v.column in private else v for v in found]


def _absent(frame: pd.DataFrame, settings: Settings) -> Iterator[Violation]:
    """Every column that the project names is there; the target has a rule of its own."""
    data = settings.data
    known = [str(c) for c in frame.columns]
    roles = (data.id, data.split.group, data.split.time)
    for name in dict.fromkeys([*data.checks, *(data.features or ()), *filter(None, roles)]):
        if name not in known and name != data.target:
            near = suggest(name, known).strip()
            yield Violation(name, f"the column is missing{f' ({near})' if near else ''}", len(frame))


def _target(frame: pd.DataFrame, settings: Settings) -> Iterator[Violation]:
    """The target can be learned: it is there, varies, and is of the project's task."""
    name = settings.data.target
    if name not in frame.columns:
        yield Violation(name, "the target is not in the data", len(frame))
        return
    absent = frame[name].isna().to_numpy()
    if absent.any():
        yield _violation(name, "the target is missing", frame[name], absent)
    kind = KINDS[settings.task]
    if kind not in ("class", "quantity"):
        yield from _structured(frame, settings) if kind == "spans" else ()
        return
    try:
        task, _ = infer_target(frame[name])
    except DataError as error:
        yield Violation(name, error.message.rstrip("."), len(frame))
        return
    if kind == "quantity" and not types.is_numeric_dtype(frame[name].dtype):
        numbers = pd.to_numeric(frame[name], errors="coerce")
        wrong = numbers.isna().to_numpy() & ~absent
        if wrong.any():
            yield _violation(name, "the target of a regression is a number", frame[name], wrong)
    if kind == "class" and task == "tabular-regression" and frame[name].nunique() > 100:
        yield Violation(name, f"the target of a classification has {frame[name].nunique()} classes", len(frame))


def _structured(frame: pd.DataFrame, settings: Settings) -> Iterator[Violation]:
    """Every target is a list of spans that lie within the row's text."""
    target = frame[settings.data.target]
    texts = [name for name, wanted in settings.data.checks.items() if wanted.type == "text" and name in frame.columns]
    lengths = frame[texts[0]].astype(str).str.len() if texts else None
    broken, outside = np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool)
    for row, value in enumerate(target):
        try:
            ends = [span.end for span in spans_of(value)]
        except ValueError:
            broken[row] = True
            continue
        outside[row] = lengths is not None and bool(ends) and max(ends) > lengths.iloc[row]
    if broken.any():
        yield _violation(settings.data.target, "a list of spans with label, start and end", target, broken)
    if outside.any():
        yield _violation(settings.data.target, "spans lie within the text", target, outside)


def _contents(frame: pd.DataFrame, settings: Settings) -> Iterator[tuple[Violation, bool]]:
    """Look into declared texts and images; yields each violation with whether it is grave."""
    data = settings.data
    for name, wanted in data.checks.items():
        if name not in frame.columns or wanted.type not in ("text", "image"):
            continue
        values = frame[name]
        for one in contents.texts(values, wanted) if wanted.type == "text" else contents.images(values):
            if one.wrong.any():
                yield _violation(name, one.rule, values, one.wrong), one.grave
        if data.target in frame.columns and KINDS[settings.task] == "class":
            twice = contents.labelled_twice(values, frame[data.target])
            if twice.any():
                yield _violation(name, f"the same {wanted.type} has one label", values, twice), False


def _lonely(frame: pd.DataFrame, settings: Settings) -> Iterator[Violation]:
    """A class of one row cannot be both learned and tested."""
    name = settings.data.target
    if name in frame.columns and KINDS[settings.task] == "class":
        counts = frame[name].value_counts()
        alone = frame[name].isin(counts.index[counts == 1]).to_numpy()
        if alone.any() and len(counts) <= MOST_CLASSES:
            yield _violation(name, "a class has two rows or more", frame[name], alone)


def _columns(frame: pd.DataFrame, settings: Settings) -> Iterator[Violation]:
    """The column contract; values of the wrong type are found before it, and pandera lists what breaks it."""
    checks = settings.data.checks
    present = {name: c for name, c in checks.items() if name in frame.columns}
    ready: dict[str, pd.Series[Any]] = {}
    for name, wanted in present.items():
        kind = _kind(frame[name], wanted)
        values, wrong = _typed(frame[name], kind)
        if kind == "image":
            continue
        if wrong.any():
            yield _violation(name, f"values are of type {kind}", frame[name], wrong)
        ready[name] = values
    left_out = {*settings.data.drop, settings.data.id}
    for name in [c for c in frame.columns if c not in left_out]:
        values = ready.get(name, frame[name])
        if not types.is_float_dtype(values.dtype):
            continue
        endless = np.isinf(values.to_numpy(dtype=np.float64, na_value=np.nan))
        if endless.any():
            yield _violation(str(name), "values are finite", frame[name], endless)
    broken = {name: c for name, c in present.items() if name in ready and not _holds(ready[name], c)}
    if broken:
        yield from _pandera(pd.DataFrame({name: ready[name] for name in broken}, index=frame.index), broken)


def _kind(values: pd.Series[Any], wanted: ColumnCheck) -> str | None:
    """Return the declared type; a range says that text is numbers, for it could not be compared otherwise."""
    ranged = wanted.min is not None or wanted.max is not None
    numeric = types.is_numeric_dtype(values.dtype)
    return "float64" if ranged and not numeric and wanted.type in (None, "string") else wanted.type


def _typed(values: pd.Series[Any], kind: str | None) -> tuple[pd.Series[Any], np.ndarray[Any, Any]]:
    """Return the values as of type ``kind`` (what is not becomes missing), and which were of another."""
    none = np.zeros(len(values), dtype=bool)
    if kind is None or (_KINDS[kind](values.dtype) and kind != "int64"):
        return values, none
    known = values.notna()
    if kind == "datetime":
        # a number could count days or seconds; text is read as the training reads it
        text = pd.Series(pd.NaT, values.index) if types.is_numeric_dtype(values.dtype) else values
        turned: pd.Series[Any] = pd.to_datetime(text, errors="coerce", format="ISO8601", utc=True)
    elif kind in ("string", "text"):
        return values.astype(str).where(known), none
    else:
        blank = values.astype(str).str.strip() == "" if types.is_string_dtype(values.dtype) else ~known
        known &= ~blank
        turned = pd.to_numeric(values.where(known), errors="coerce")
        if kind == "int64":
            numbers = turned.astype("float64")
            turned = turned.where((numbers == np.rint(numbers)) & (numbers.abs() < 2.0**63))
        elif kind == "bool":
            turned = turned.where(turned.isin((0, 1)))
    return turned, (known & turned.isna()).to_numpy()


@dataclass(frozen=True, slots=True)
class _Rule:
    """``holds`` takes a column and says so for each value, or once for the whole column."""

    text: str
    holds: Callable[[pd.Series[Any]], Any]
    about_missing: bool = False


def _holds(values: pd.Series[Any], wanted: ColumnCheck) -> bool:
    """Say whether every rule of a column holds; where a rule cannot be applied, pandera says why."""
    known = values[values.notna()]
    try:
        return all(np.all(rule.holds(values if rule.about_missing else known)) for rule in _column_rules(wanted))
    except (TypeError, ValueError, AttributeError):
        return False


def _pandera(frame: pd.DataFrame, checks: dict[str, ColumnCheck]) -> Iterator[Violation]:
    # Most tables keep their contract, and pandera brings a tenth of a second, or half a one where Polars is installed.
    import pandera.pandas as pa

    columns = {
        name: pa.Column(
            None,
            [pa.Check(r.holds, ignore_na=not r.about_missing, error=r.text) for r in _column_rules(wanted)],
            nullable=True,
            required=False,
        )
        for name, wanted in checks.items()
    }
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandera tells of its own use of pandas
            pa.DataFrameSchema(columns).validate(frame, lazy=True)
    except pa.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        for (name, rule), part in cases.groupby(["column", "check"], sort=False):
            if part["index"].isna().all():
                yield _aggregate(str(name), str(rule), frame[str(name)], checks[str(name)])
                continue
            wrong = np.zeros(len(frame), dtype=bool)
            wrong[frame.index.get_indexer_for(part["index"])] = True
            yield _violation(str(name), str(rule), frame[str(name)], wrong)


def _column_rules(wanted: ColumnCheck) -> Iterator[_Rule]:
    """Yield the rules of one column, named as the user reads them."""
    if (low := wanted.min) is not None:
        yield _Rule(f"at least {low:g}", lambda s: s >= low)
    if (high := wanted.max) is not None:
        yield _Rule(f"at most {high:g}", lambda s: s <= high)
    if wanted.categories is not None:
        levels = {str(v) for v in wanted.categories}
        yield _Rule("one of the categories", lambda s: s.isin([v for v in s.unique() if _text(v) in levels]))
    if (pattern := wanted.pattern) is not None:
        yield _Rule(f"matches {pattern}", lambda s: s.astype(str).str.fullmatch(pattern))
    if wanted.unique:
        yield _Rule("no value stands twice", lambda s: ~s.duplicated(keep=False))
    if (share := wanted.missing) is not None:
        yield _Rule(f"at most {share:.1%} missing", lambda s: bool(s.isna().mean() <= share), about_missing=True)


def _aggregate(name: str, rule: str, values: pd.Series[Any], wanted: ColumnCheck) -> Violation:
    """A rule about the whole column, such as the share of missing values."""
    return _violation(name, rule, values, values.isna().to_numpy())


def _rules(frame: pd.DataFrame, settings: Settings) -> Iterator[Violation]:
    for rule in settings.data.rules:
        try:
            holds = frame.eval(rule)
        except Exception as error:
            known = [str(c) for c in frame.columns]
            raise ProjectError(
                f"The rule '{rule}' cannot be checked: {error}.",
                hint=f"{suggest(str(error).split(chr(39))[1] if chr(39) in str(error) else rule, known)}"
                "names with spaces stand in backticks",
            ) from error
        if not isinstance(holds, pd.Series) or not types.is_bool_dtype(holds.dtype):
            raise ProjectError(f"The rule '{rule}' does not say true or false.", hint="compare: `a` <= `b`")
        broken = ~holds.to_numpy(dtype=bool)
        if broken.any():
            yield Violation("row", rule, int(broken.sum()), (), tuple(np.flatnonzero(broken)[:EXAMPLES].tolist()))


def _duplicates(frame: pd.DataFrame, settings: Settings) -> Iterator[Violation]:
    name = settings.data.id
    if name is not None and name in frame.columns:
        twice = frame[name].duplicated(keep="first").to_numpy()
        if twice.any():
            yield _violation(name, "an id stands once", frame[name], twice)
    same = repeated(frame)
    if same.any():
        yield Violation(
            "row", "no row stands twice", int(same.sum()), (), tuple(np.flatnonzero(same)[:EXAMPLES].tolist())
        )


def _violation(name: str, rule: str, values: pd.Series[Any], wrong: np.ndarray[Any, Any]) -> Violation:
    places = np.flatnonzero(wrong)
    first = places[:EXAMPLES]
    examples = tuple(_plain(v) for v in values.iloc[first].tolist())
    return Violation(name, rule, len(places), examples, tuple(first.tolist()))


def _plain(value: Any) -> Any:
    if isinstance(value, float) and value != value:
        return None
    return value if isinstance(value, int | float | bool) or value is None else contents.shown(value)


def _text(value: Any) -> str:
    """1.0 read from a column with missing values is the category 1."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _shown(violation: Violation) -> str:
    return f"e.g. {', '.join(map(str, violation.examples))}" if violation.examples else ""
