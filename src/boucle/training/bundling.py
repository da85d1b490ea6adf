"""Make a bundle of a model: save it, load it again, and see that it answers as it did before."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle import plugins
from boucle.core.errors import BundleError, RequestError
from boucle.core.expected import QualityReference
from boucle.core.json import dumps
from boucle.core.model import BundleInfo
from boucle.core.profile import Profile
from boucle.core.signature import Batch, Column, Field, Signature
from boucle.formats import bundle
from boucle.formats.files import write_atomic
from boucle.formats.mlmodel import write_mlmodel
from boucle.measures.derived import MEDIA, answered, derived, reference_columns
from boucle.measures.metrics import answers
from boucle.measures.profiles import reference_profile
from boucle.measures.references import quality_reference
from boucle.ports.runtime import Predictor, Runtime, Tried
from boucle.training import parity
from boucle.training.edges import odd_texts

CHECKED_ROWS, PROFILED_ROWS, ODD_ROWS = 200, 100_000, 10
FEWER_CHECKED, FEWER_PROFILED = 40, 2000
"""Rows of texts and images, which models take a thousand times longer for: where they have to be asked."""
FEW_TRIED, FEW_WRITTEN = 4, 200
"""Rows of a model that is compared by a trial, since it writes its answers word by word: tried, and profiled."""
COMPILED, PARITY = "compiled", "parity.json"
NEVER_SEEN = "\N{BLACK QUESTION MARK ORNAMENT}never seen"
_STALE = 86_400.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What becomes a bundle. ``answers`` are columns of answers to the rows of ``sample`` for the reference profile.

    ``pickled`` is the file a model was read from with consent; ``tolerance`` how far numbers may differ after loading.
    ``truth`` stands beside ``answers``: what losses to expect is learned from it. ``times`` (Unix seconds) and
    ``window`` (rows) are given when the reference is to be profiled in order of time.
    """

    name: str
    model: Any
    signature: Signature
    sample: Batch
    answers: Batch | None = None
    lineage: Mapping[str, Any] | None = None
    threshold: float | None = None
    pickled: Path | None = None
    tolerance: float = 1e-9
    truth: Column | None = None
    times: Column | None = None
    window: int | None = None


def make(plan: Plan, runtime: Runtime, root: Path) -> tuple[BundleInfo, Path, str]:
    """Write, check and publish the bundle under ``root``; returns its info, directory and digest.

    Raises BundleError when the model cannot be kept safely or answers otherwise once loaded; then nothing is left.
    """
    _sweep(root / "staging")
    staged = bundle.staging(root)
    try:
        info = _write(plan, runtime, staged)
        original = runtime.wrap(plan.model, plan.signature)
        loaded: Predictor = runtime.load(staged, info)
        _compare(original, loaded, plan)
        if getattr(runtime, "compiles", False) and not _unlike_tables(plan.signature):
            info, loaded = _compile(plan, info, loaded, staged)
        bundle.write_profile(staged, _profile(plan, loaded))
        if plan.answers is not None and plan.truth is not None:
            bundle.write_quality(staged, _quality(plan, plan.answers, plan.truth))
        path, digest = bundle.publish(staged, root)
    except BaseException:
        shutil.rmtree(staged, ignore_errors=True)
        raise
    return info, path, digest


def _unlike_tables(signature: Signature) -> bool:
    """Say whether texts or images go in: a compiled model takes a matrix, and theirs would be mostly zeros."""
    return any(field.dtype in ("text", "image") for field in signature.inputs)


def rows_of(batch: Batch, rows: NDArray[np.intp]) -> dict[str, Column]:
    """Return the chosen rows of every column."""
    return {name: column[rows] for name, column in batch.items()}


def spread(rows: int, most: int) -> NDArray[np.intp]:
    """Return at most ``most`` places, evenly spread over ``rows``."""
    return np.unique(np.linspace(0, rows - 1, min(rows, most)).round().astype(np.intp)) if rows else np.arange(0)


def _write(plan: Plan, runtime: Runtime, staged: Path) -> BundleInfo:
    saved = runtime.save(plan.model, staged, plan.signature, plan.pickled)
    info = BundleInfo(
        name=plan.name,
        signature=plan.signature,
        runtime=runtime.name,
        created=time.time(),
        options=dict(saved.options),
        lineage=dict(plan.lineage or {}),
        trusted=saved.trusted,
        threshold=plan.threshold,
        requirements=saved.requirements,
    )
    bundle.write_info(staged, info)
    kept_out = any(field.pii or field.dtype == "image" for field in plan.signature.inputs)
    example = None if kept_out else rows_of(plan.sample, np.arange(min(1, _length(plan.sample))))
    write_mlmodel(staged, info, saved, example)
    return info


def _compile(plan: Plan, info: BundleInfo, loaded: Predictor, staged: Path) -> tuple[BundleInfo, Predictor]:
    """Put the compiled form beside the original, and have it served, if it answers the same."""
    runtime: Runtime = plugins.load("runtimes", COMPILED)()
    program, report = parity.compiled(
        plan.model, plan.signature, loaded, plan.sample, lambda program: runtime.wrap(program, plan.signature)
    )
    info = replace(info, parity=report.plain())
    if program is not None:
        saved = runtime.save(program, staged, plan.signature)
        options = {**info.options, **saved.options, "original": info.runtime}
        needed = saved.requirements if program.before is None else (*saved.requirements, *info.requirements)
        info = replace(info, runtime=COMPILED, options=options, requirements=tuple(dict.fromkeys(needed)))
        loaded = runtime.load(staged, info)
    write_atomic(staged / PARITY, dumps(report.plain()))
    bundle.write_info(staged, info)
    return info, loaded


def _compare(original: Predictor, loaded: Predictor, plan: Plan) -> None:
    most = FEWER_CHECKED if _unlike_tables(plan.signature) else CHECKED_ROWS
    if isinstance(original, Tried) and isinstance(loaded, Tried):
        original, loaded, most = original.trial(), loaded.trial(), FEW_TRIED
    known = rows_of(plan.sample, spread(_length(plan.sample), most))
    try:
        told = original.predict(known)
    except RequestError as error:
        raise BundleError(
            f"The model cannot predict the rows it was given as a sample: {error.message}",
            hint="give rows with the columns and types it was trained on",
        ) from error
    if not _same(told, _answers(loaded, known), plan.tolerance):
        raise _otherwise("known rows")
    for kind, batch in _strange(known, plan.signature.inputs):
        if not _alike(original, loaded, batch, plan.tolerance):
            raise _otherwise(kind)


def _otherwise(kind: str) -> BundleError:
    return BundleError(
        f"The saved model answers otherwise than the one in memory on {kind}.",
        hint="its class keeps state that is not saved; use another estimator, or adopt it as a pickle",
    )


def _alike(original: Predictor, loaded: Predictor, batch: Batch, tolerance: float) -> bool:
    """Have both answer the same rows: together, or in halves for as long as one of them is refused."""
    before = _answers(original, batch)
    if not _same(before, _answers(loaded, batch), tolerance):
        return False
    rows = _length(batch)
    halves = np.array_split(np.arange(rows), 2) if before is None and rows > 1 else ()
    return all(_alike(original, loaded, rows_of(batch, half), tolerance) for half in halves)


def _strange(known: Batch, fields: tuple[Field, ...]) -> list[tuple[str, dict[str, Column]]]:
    """Return rows as production sends them: values missing where they may be, levels nobody has seen."""
    if not _length(known):
        return []
    few = rows_of(known, np.arange(min(ODD_ROWS, _length(known))))
    many = rows_of(known, np.resize(np.arange(_length(known)), ODD_ROWS))
    gaps = {f.name: np.full_like(few[f.name], _absent(f)) for f in fields if f.optional}
    novel = {f.name: np.full(len(few[f.name]), NEVER_SEEN, dtype=object) for f in fields if f.dtype == "string"}
    odd = {f.name: odd_texts(ODD_ROWS) for f in fields if f.dtype == "text"}
    kinds = (("rows with missing values", few, gaps), ("rows with unseen categories", few, novel))
    return [(kind, {**rows, **changed}) for kind, rows, changed in (*kinds, ("odd texts", many, odd)) if changed]


def _absent(field: Field) -> Any:
    return None if field.storage.kind == "O" else np.datetime64("NaT") if field.dtype == "datetime" else np.nan


def _answers(predictor: Predictor, batch: Batch) -> Batch | None:
    """Predict; None when the model refuses the rows, which it then has to do both times."""
    try:
        return predictor.predict(batch)
    except RequestError:
        return None


def _same(before: Batch | None, after: Batch | None, tolerance: float) -> bool:
    if before is None or after is None:
        return before is after
    return set(before) == set(after) and all(_equal(before[name], after[name], tolerance) for name in before)


def _equal(before: Column, after: Column, tolerance: float) -> bool:
    if before.shape != after.shape:
        return False
    if before.dtype.kind == "f" and after.dtype.kind == "f":
        return bool(np.allclose(before, after, rtol=tolerance, atol=tolerance, equal_nan=True))
    return bool((before == after).all())


def _profile(plan: Plan, loaded: Predictor) -> Profile:
    asked = plan.answers is None and _unlike_tables(plan.signature)
    most = FEW_WRITTEN if isinstance(loaded, Tried) else FEWER_PROFILED
    rows, window = _in_order(plan, most if asked else PROFILED_ROWS)
    ends = (0.0, 0.0)
    if plan.times is not None and window is not None:
        ends = (float(plan.times[rows[0]]), float(plan.times[rows[-1]]))
    batch = rows_of(plan.sample, rows)
    kept = loaded.predict(batch) if plan.answers is None else rows_of(plan.answers, rows)
    fields, said = plan.signature.inputs, answered(plan.signature.kind, kept["prediction"])
    watched = reference_columns(loaded, fields, batch)
    return reference_profile(batch, fields, said, _shares(kept), length=window, times=ends, watched=watched)


def _quality(plan: Plan, said: Batch, truth: Column) -> QualityReference:
    rows, window = _in_order(plan, PROFILED_ROWS)
    kept, signature = rows_of(said, rows), plan.signature
    given = answers(signature.task, truth[rows], kept["prediction"], _shares(kept), signature.classes)
    known = {f.name: plan.sample[f.name][rows] for f in signature.inputs if not f.pii}
    columns = {f.name: known[f.name] for f in signature.inputs if f.name in known and f.dtype not in MEDIA}
    columns |= derived(signature.inputs, known)
    times = None if plan.times is None or window is None else plan.times[rows].astype(np.float64)
    return quality_reference(given, columns, window or 0, times)


def _in_order(plan: Plan, most: int) -> tuple[NDArray[np.intp], int | None]:
    """Return the rows of the reference, ``most`` of them, and the rows of a window if they are in order of time."""
    rows = spread(_length(plan.sample), most)
    if plan.times is None or plan.window is None or not len(rows):
        return rows, None
    return rows[np.argsort(plan.times[rows], kind="stable")], plan.window


def _shares(answered: Batch) -> NDArray[np.float64] | None:
    return None if "probabilities" not in answered else np.asarray(answered["probabilities"], dtype=np.float64)


def _length(batch: Batch) -> int:
    return len(next(iter(batch.values()))) if batch else 0


def _sweep(staging: Path) -> None:
    """Remove what trainings that were killed more than a day ago left behind."""
    now = time.time()
    for left in staging.iterdir() if staging.is_dir() else ():
        try:
            if now - left.stat().st_mtime > _STALE:
                shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue
