from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import RequestError
from boucle.core.model import ModelRef, ModelVersion

NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", fullmatch=True)


@given(NAMES, st.none() | st.integers(1, 999_999_999))
def test_a_reference_by_version_reads_back_as_written(name: str, version: int | None) -> None:
    ref = ModelRef(name, version)
    assert ModelRef.parse(str(ref)) == ref


@given(NAMES, st.from_regex(r"[a-z][a-z0-9_-]*", fullmatch=True))
def test_a_reference_by_alias_reads_back_as_written(name: str, alias: str) -> None:
    ref = ModelRef(name, alias=alias)
    assert ModelRef.parse(str(ref)) == ref


@pytest.mark.parametrize(
    "text", ["", "/7", "wine/0", "wine/07", "wine/-1", "wine/1.5", "wine/7@champion", "wine@", "wine@Champion", "-wine",
             "../wine", "wine/../x", "wi ne", "w" * 101, "wine/9999999999", "wine\n", "wine/7\n", "vin rosé"],
)  # fmt: skip
def test_what_is_no_reference_is_refused_with_the_forms_there_are(text: str) -> None:
    with pytest.raises(RequestError, match="NAME/7"):
        ModelRef.parse(text)


def test_a_version_names_itself() -> None:
    assert ModelVersion("wine", 7, "d", "run", 0.0).ref == "wine/7"
