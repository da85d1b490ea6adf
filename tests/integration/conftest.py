"""What every integration test may count on."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _environment_stays_as_it_was() -> Iterator[None]:
    """MLflow writes its tracking URI into the environment, where other projects of this process would find it."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)
