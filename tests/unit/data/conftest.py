"""A small table of flats, and its project."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from boucle.project.settings import Settings

Make = Callable[..., Settings]


@pytest.fixture
def flats() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rooms = rng.integers(1, 7, 300)
    return pd.DataFrame(
        {
            "id": [f"F{i}" for i in range(300)],
            "rooms": rooms,
            "size": (rooms * 20 + rng.normal(0, 5, 300)).round(2),
            "quarter": rng.choice(["north", "south"], 300),
            "lift": rng.random(300) < 0.5,
            "rent": (rooms * 300 + rng.normal(0, 50, 300)).round(2),
        }
    )


@pytest.fixture
def make() -> Make:
    def settings(task: str = "tabular-regression", target: str = "rent", **data: Any) -> Settings:
        return Settings.model_validate(
            {"name": "flats", "task": task, "data": {"source": "f.csv", "target": target, **data}}
        )

    return settings
