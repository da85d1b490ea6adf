"""A key leads back to the number it stands for, as near as keys tell numbers apart."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from boucle.measures.keys import keys, value_of


@given(st.floats(-1e6, 1e6), st.floats(-1e3, 1e3), st.floats(1e-3, 1e3))
def test_the_value_of_a_key_is_within_its_resolution(value: float, centre: float, scale: float) -> None:
    key = int(keys([value], centre, scale)[0])
    assert abs(value_of(key, centre, scale) - value) <= abs(value - centre) / 64 + 1e-6 * (abs(centre) + scale)


def test_what_lies_beyond_numbers_is_infinite() -> None:
    assert value_of(0, 0.0, 1.0) == float("-inf")
    assert value_of(0xFFFF, 0.0, 1.0) == float("inf")
