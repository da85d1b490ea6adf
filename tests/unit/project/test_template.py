"""The written project file loads back, whatever the columns are called."""

from __future__ import annotations

import tempfile
from pathlib import Path

import yaml
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.signature import DType, Field
from boucle.project.learning import ColumnCheck
from boucle.project.load import load
from boucle.project.settings import Settings
from boucle.project.template import Options, render

ODD = st.sampled_from(
    ["yes", "a: b", '"', "'", "#", "- x", "${HOME}", "$${A", "1", "null", "~", " ", "é", "\u2028", "😀", "<<"]
)
TEXTS = st.one_of(ODD, st.text(min_size=1, max_size=30), st.text(min_size=1, alphabet=st.characters(codec="utf-8")))
DTYPES: tuple[DType, ...] = ("float64", "int64", "bool", "string", "datetime")
NUMBERS = st.floats(-1e300, 1e300) | st.integers(-(2**63), 2**63).map(float)


@st.composite
def fields(draw: st.DrawFn) -> Field:
    low, high = sorted(draw(st.tuples(NUMBERS, NUMBERS)))
    bounds = draw(st.booleans())
    return Field(
        name=draw(TEXTS),
        dtype=draw(st.sampled_from(DTYPES)),
        optional=draw(st.booleans()),
        minimum=low if bounds else None,
        maximum=high if bounds else None,
        categories=draw(
            st.none() | st.lists(TEXTS | st.integers() | st.booleans(), min_size=1, max_size=30).map(tuple)
        ),
        pii=draw(st.booleans()),
    )


def loaded(text: str) -> Settings:
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "boucle.yaml").write_bytes(text.encode())
        return load(Path(name), {})


def wine(**more: object) -> str:
    arguments: dict[str, object] = {
        "name": "wine", "task": "tabular-regression", "source": "wine.csv", "target": "quality", "fields": [],
        "dropped": {}, "id": None, "notes": [], "metric": "rmse", "require": {},
    }  # fmt: skip
    return render(**(arguments | more))  # type: ignore[arg-type]


@given(
    columns=st.lists(fields(), unique_by=lambda field: field.name, max_size=6),
    names=st.lists(TEXTS, min_size=4, max_size=4, unique=True),
    source=TEXTS,
    note=st.text(),
)
def test_any_columns_load_back(columns: list[Field], names: list[str], source: str, note: str) -> None:
    target, key, *dropped = names
    text = wine(
        source=source, target=target, id=key, fields=columns, dropped=dict.fromkeys(dropped, note), notes=[note]
    )
    data = loaded(text).data
    assert (data.source, data.target, data.id, data.drop) == (source, target, key, dropped)
    assert list(data.checks) == [column.name for column in columns]
    for column in columns:
        assert column.dtype != "json"
        assert data.checks[column.name] == ColumnCheck(
            type=column.dtype,
            min=column.minimum,
            max=column.maximum,
            missing=None if column.optional else 0,
            categories=None if column.categories is None else list(column.categories),
            unique=False,
            pattern=None,
            pii=column.pii,
            min_length=None,
            max_length=None,
        )


@given(columns=st.lists(fields(), unique_by=lambda field: field.name, max_size=6))
def test_readers_of_old_yaml_see_the_same_columns(columns: list[Field]) -> None:
    plain = yaml.safe_load(wine(fields=columns))
    assert list(plain["data"].get("checks", {})) == [column.name for column in columns]


def test_a_very_long_column_name_loads_back() -> None:
    name = "é\n" * 2000
    assert list(loaded(wine(fields=[Field(name, "float64")])).data.checks) == [name]


def test_options_are_written_and_the_rest_left_to_defaults() -> None:
    options = Options(
        data={"separator": ";", "query": None},
        split={"time": "bought at", "test": "30d"},
        metrics=["mae", "rmse"],
        slices=["alcohol"],
        class_weight="balanced",
        threshold="tune",
        window="1h",
    )
    settings = loaded(wine(require={"rmse": "<= 0.75"}, options=options))
    assert settings.data.separator == ";"
    assert (settings.data.split.time, settings.data.split.test) == ("bought at", "30d")
    assert settings.evaluate.metrics == ["rmse", "mae"]
    assert settings.evaluate.require == {"rmse": "<= 0.75"}
    assert settings.evaluate.slices == ["alcohol"]
    assert (settings.model.class_weight, settings.model.threshold) == ("balanced", "tune")
    assert settings.monitor.window == "1h"


def test_what_is_written_says_why() -> None:
    text = wine(dropped={"row": "one value per row"}, notes=["1,599 rows, 240 stand twice"])
    assert text.startswith("# yaml-language-server: $schema=.boucle/boucle.schema.json\n")
    assert "    - row  # one value per row\n" in text
    assert "# 1,599 rows, 240 stand twice\n" in text


def test_the_written_reactions_are_the_defaults() -> None:
    written, bare = loaded(wine()), Settings.model_validate(
        {"name": "wine", "task": "tabular-regression", "data": {"source": "wine.csv", "target": "quality"}}
    )  # fmt: skip
    for part in ("react", "release", "monitor", "serve", "model"):
        assert getattr(written, part) == getattr(bare, part)
