"""Check, snapshot and profile of a big table, against reading the same file with pyarrow; memory of a turn."""

from __future__ import annotations

import sys
import tempfile
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


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    rng = np.random.default_rng(0)
    columns: dict[str, object] = {f"n{i}": rng.normal(size=rows).round(6) for i in range(15)}
    columns |= {f"c{i}": rng.choice(list("abcd"), rows) for i in range(4)}
    columns["y"] = (2 * np.asarray(columns["n0"]) + rng.normal(size=rows)).round(6)
    with tempfile.TemporaryDirectory() as folder:
        frame = pd.DataFrame(columns)
        frame.to_csv(Path(folder) / "big.csv", index=False)
        size = frame.memory_usage(deep=True).sum() / 2**20
        (Path(folder) / "boucle.yaml").write_text(PROJECT)
        python = [sys.executable, "-c"]
        costs = compare(
            {
                "pyarrow reads": [*python, READ, folder],
                "imports alone": [*python, IMPORTS],
                "boucle reads": [*python, STAGES, folder, "read"],
                "reads, checks, keeps, profiles": [*python, STAGES, folder, "all"],
                "boucle train (Ridge)": [sys.executable, "-m", "boucle", "train", "--project", folder],
            },
            rounds=1,
        )
    table(costs, "pyarrow reads")
    extra = costs["reads, checks, keeps, profiles"].cpu - costs["boucle reads"].cpu
    print(f"check, snapshot and profile: {extra / costs['pyarrow reads'].cpu:.2f} x pyarrow's reading")
    print(
        f"the table in memory is {size:.0f} MiB; peak of train {costs['boucle train (Ridge)'].peak / size:.2f} x that"
    )


if __name__ == "__main__":
    main()
