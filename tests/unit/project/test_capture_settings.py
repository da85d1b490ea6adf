"""How long captured data is kept: sizes and durations have units, and an address holds no credentials."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from boucle.project.answering import Capture
from boucle.project.values import bytes_of


@pytest.mark.parametrize(
    ("text", "size"),
    [("5GB", 5_000_000_000), ("1.5 kB", 1500), ("2GiB", 2 << 30), ("7B", 7), ("500MB", 500_000_000), (12, 12)],
)
def test_a_size_has_a_unit(text: str | int, size: int) -> None:
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["5", "5iB", "GB", "5gb", "-1GB", "", "5 GB of disk", True, 1.5, None])
def test_what_is_no_size_is_refused(text: Any) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        bytes_of(text)


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"keep": "0d"}, "longer than nothing"),
        ({"keep": "soon"}, "not a duration"),
        ({"max_disk": "9MB"}, "10MB at least"),
        ({"max_disk": "much"}, "not a size"),
        ({"archive": "s3://me:secret@bucket"}, "credentials"),
        ({"keeep": "3d"}, "keeep"),
    ],
)
def test_what_cannot_be_is_refused(told: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why) as caught:
        Capture.model_validate(told)
    assert "secret" not in str(caught.value)
