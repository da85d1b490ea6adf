"""Every domain type goes to JSON and back unchanged."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.alarm import Alarm
from boucle.core.dataset import Snapshot, Violation
from boucle.core.deployment import Deployment, RouteTable
from boucle.core.event import Event
from boucle.core.json import dumps, from_data, loads, to_data
from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Feedback, Joined, Observation, Window
from boucle.core.run import Run
from boucle.core.signature import Field, Signature
from boucle.core.verdict import Verdict

FLOATS = st.floats(allow_nan=False, allow_infinity=False)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | FLOATS | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
st.register_type_strategy(float, FLOATS)
NAMES = st.text(min_size=1, max_size=8)
FIELDS = st.builds(
    Field,
    name=NAMES,
    dtype=st.sampled_from(["float64", "int64", "bool", "string", "datetime"]),
    shape=st.tuples() | st.tuples(st.integers(1, 9)),
    minimum=st.none() | st.floats(-9, 0),
    maximum=st.none() | st.floats(0, 9),
    categories=st.none() | st.lists(st.integers() | st.text(), max_size=3).map(tuple),
)
SIGNATURES = st.builds(
    Signature,
    inputs=st.lists(FIELDS, max_size=3, unique_by=lambda f: f.name).map(tuple),
    outputs=st.lists(FIELDS, min_size=1, max_size=2, unique_by=lambda f: f.name).map(tuple),
)
DATA = st.dictionaries(st.text(), PLAIN, max_size=3)
COLUMNS = st.dictionaries(st.text(), st.lists(PLAIN, max_size=3), max_size=3)
TYPES = [
    st.builds(Alarm, data=DATA),
    st.builds(BundleInfo, signature=SIGNATURES, options=DATA, lineage=DATA),
    st.builds(Deployment),
    st.builds(Event, data=DATA),
    st.builds(Feedback, truth=st.none() | st.lists(PLAIN, max_size=3)),
    st.builds(
        Joined,
        predictions=st.lists(PLAIN, max_size=2),
        probabilities=st.lists(PLAIN, max_size=2),
        truths=st.lists(PLAIN, max_size=2),
        inputs=COLUMNS,
    ),
    st.builds(ModelVersion),
    st.builds(Observation, inputs=COLUMNS, outputs=COLUMNS),
    st.builds(RouteTable, routes=st.just(())),
    st.builds(Run, params=DATA),
    SIGNATURES,
    st.builds(Snapshot),
    st.builds(Verdict, inputs=DATA, checks=st.just(())),
    st.builds(Violation, examples=st.just(())),
    st.builds(Window),
]


@given(st.one_of(*TYPES))
def test_every_domain_type_goes_there_and_back(value: Any) -> None:
    assert loads(dumps(value), type(value)) == value
    assert from_data(to_data(value), type(value)) == value
    assert dumps(loads(dumps(value), type(value))) == dumps(value)


@given(DATA)
def test_equal_objects_have_equal_bytes(data: dict[str, Any]) -> None:
    turned = dict(reversed(list(data.items())))
    assert dumps(data) == dumps(turned)


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"model": 1}', b'{"model": "wine", "generation": "1"}', b"\xff"])
def test_what_is_not_the_type_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        loads(raw, Deployment)
