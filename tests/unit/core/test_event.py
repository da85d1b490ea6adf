from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.event import GENESIS, Event, first_break


def chain(length: int) -> list[Event]:
    made: list[Event] = []
    for seq in range(1, length + 1):
        event = Event("release", float(seq), f"reason {seq}", "wine", seq, data={"n": seq})
        made.append(event.sealed(seq, made[-1].digest if made else GENESIS))
    return made


def test_a_chain_that_was_left_alone_holds() -> None:
    assert first_break([]) is None
    assert first_break(chain(5)) is None
    assert first_break(chain(5)[2:], chain(5)[1].digest) is None


@pytest.mark.parametrize("field", ["kind", "reason", "model", "actor", "previous", "digest"])
def test_a_changed_word_breaks_the_chain_where_it_stands(field: str) -> None:
    events = chain(5)
    changes: dict[str, Any] = {field: "other"}
    events[2] = replace(events[2], **changes)
    assert first_break(events) == 3


@given(st.integers(2, 8), st.data())
def test_deleting_reordering_or_renumbering_shows(length: int, data: st.DataObject) -> None:
    events = chain(length)
    at = data.draw(st.integers(0, length - 2))
    assert first_break(events[:at] + events[at + 1 :]) == (2 if at == 0 else at + 1)
    swapped = [*events[:at], events[at + 1], events[at], *events[at + 2 :]]
    assert first_break(swapped) is not None
    renumbered = [replace(e, seq=e.seq + 1) for e in events]
    assert first_break(renumbered) == 2


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()))
def test_equal_events_have_equal_digests_whatever_the_order_of_their_data(data: dict[str, object]) -> None:
    turned = dict(reversed(list(data.items())))
    one, two = (Event("gate", 1.0, "r", data=d).sealed(1, GENESIS) for d in (data, turned))
    assert one.digest == two.digest
