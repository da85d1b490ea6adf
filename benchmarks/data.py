"""Check, snapshot and profile of a big table, against reading the same file with pyarrow; memory of a turn.

What a turn takes for a table of 2,000 rows is the libraries' own memory.
"""

from __future__ import annotations

import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from measuring import compare, table

PROJECT = """
name: big
task: tabular-regression
data:
  source: big.csv
  target: y
  checks:
    n0: {min: -100, max: 100, missing: 0.5}
    c0: {categories: [a, b, c, d]}
model: {estimator: sklearn.linear_model.Ridge}
"""
SMALL, TRAIN = "boucle train, 2,000 rows", "boucle train (Ridge)"
READ = "import pyarrow.csv as c, sys; c.read_csv(sys.argv[1] + '/big.csv').to_pandas()"
STAGES = """
import sys, time
from pathlib import Path
from boucle.data import check, fields, read, snapshot
from boucle.measures.profiles import reference_profile
from boucle.project.load import load
folder = Path(sys.argv[1]); settings = load(folder)
frame = read.read_table(settings.data, folder)
if sys.argv[2] == "all":
    check.check(frame, settings)
    snapshot.Snapshots(folder / ".boucle").keep(frame, source="big.csv", time=0.0)
    inputs = fields.input_fields(frame, settings)
    reference_profile(fields.to_batch(frame, inputs), inputs, frame["y"].to_numpy())
"""
IMPORTS = """
import boucle.data.check, boucle.data.read, boucle.data.snapshot, boucle.data.fields, pyarrow.csv, pandas
import boucle.measures.profiles, boucle.project.load
"""


def make(rows: int, folder: str, small: str) -> float:
    """Write the tables and their projects; returns the big one's size in memory, in MiB."""
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {f"n{i}": rng.normal(size=rows).round(6) for i in range(15)}
    columns |= {f"c{i}": rng.choice(list("abcd"), rows) for i in range(4)}
    columns["y"] = (2 * np.asarray(columns["n0"]) + rng.normal(size=rows)).round(6)
    frame = pd.DataFrame(columns)
    for place, some in ((folder, frame), (small, frame.head(2000))):
        some.to_csv(Path(place) / "big.csv", index=False)
        (Path(place) / "boucle.yaml").write_text(PROJECT)
    return float(frame.memory_usage(deep=True).sum() / 2**20)


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as small:
        # In a process of its own: a child's peak counts what its parent held when it was started.
        with ProcessPoolExecutor(1) as apart:
            size = apart.submit(make, rows, folder, small).result()
        python = [sys.executable, "-c"]
        costs = compare(
            {
                "pyarrow reads": [*python, READ, folder],
                "imports alone": [*python, IMPORTS],
                "boucle reads": [*python, STAGES, folder, "read"],
                "reads, checks, keeps, profiles": [*python, STAGES, folder, "all"],
                SMALL: [sys.executable, "-m", "boucle", "train", "--project", small],
                TRAIN: [sys.executable, "-m", "boucle", "train", "--project", folder],
            },
            rounds=1,
        )
    table(costs, "pyarrow reads")
    extra = costs["reads, checks, keeps, profiles"].cpu - costs["boucle reads"].cpu
    print(f"check, snapshot and profile: {extra / costs['pyarrow reads'].cpu:.2f} x pyarrow's reading")
    peak, libraries = costs[TRAIN].peak, costs[SMALL].peak
    print(f"the table in memory is {size:.0f} MiB; peak of train {peak / size:.2f} x that")
    print(f"of it the libraries {libraries:.0f} MiB; beyond them {(peak - libraries) / size:.2f} x")


if __name__ == "__main__":
    main()
