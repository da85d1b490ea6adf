"""``boucle optimize``: another form of a version that answers nearly the same for less."""

from __future__ import annotations

from pathlib import Path

from boucle import plugins
from boucle.core.errors import RequestError
from boucle.core.signature import Batch
from boucle.data import fields
from boucle.loop.deriving import Derived, Parent, derive
from boucle.loop.project import Project
from boucle.ports.exporter import Exported, Exporter
from boucle.ports.frames import to_batch
from boucle.ports.trainer import Progress

DEFAULT, AGREEMENT = "int8", 0.95
"""8 bits are the quickest form there is on a CPU; of twenty answers one may differ, no more."""
TRIED = 400


def optimize(
    project: Project,
    ref: str,
    target: str = DEFAULT,
    progress: Progress = lambda text, share: None,
    *,
    agreement: float = AGREEMENT,
) -> Derived:
    """Make the version ``ref`` anew as ``target`` and register it, judged beside the version it was made from.

    Raises NotFound for a target there is not, BundleError for one this model cannot have, saying what to use.
    """
    if not 0 <= agreement <= 1:
        raise RequestError(
            f"The agreement asked for is {agreement:g}.", hint="it is a share of the rows, 0 to 1", field="agreement"
        )
    exporter: Exporter = plugins.load("exporters", target)()

    def make(parent: Parent, folder: Path) -> Exported:
        progress(f"making {target} of {parent.version.ref}", 0.1)
        return exporter.export(parent.directory, parent.info, folder, _tried(parent))

    return derive(project, ref, "optimized", target, make, progress, agreement=agreement)


def _tried(parent: Parent) -> Batch:
    """Return rows to choose a form by: those the parent has learned from, so that it is judged by others."""
    rows = parent.judging if parent.train is None else parent.train
    inputs = parent.info.signature.inputs
    return to_batch(fields.conform(rows.head(TRIED), inputs), inputs)
