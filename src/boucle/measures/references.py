"""The reference that quality is compared with: made once, from answers to rows the model had not learned from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from boucle.core.expected import Calibration, Expected, QualityReference
from boucle.core.signature import Kind
from boucle.measures.estimates import calibrate
from boucle.measures.expected import expect, phase_of
from boucle.measures.levels import slices_of
from boucle.measures.metrics import Answers, Floats, Loss, row_losses

LEAST = 50
"""Rows from which on a loss, or a class, is described."""
_LOSSES: dict[Kind, tuple[Loss, ...]] = {"class": ("zero_one", "brier", "log"), "quantity": ("squared", "absolute")}


def quality_reference(
    given: Answers, columns: Mapping[str, Any] | None = None, window: int = 0, times: Floats | None = None
) -> QualityReference:
    """Describe losses, slices and calibration of ``given``: out-of-fold answers with their truth.

    ``columns`` are the rows' inputs, without personal data: their levels are written down. What has fewer than 50
    rows is left out. With a ``window`` of rows, and the rows in order of time, bursts are learnt, and with ``times``
    (Unix seconds, one a row) daily and weekly cycles, of losses over all rows.
    """
    names = _LOSSES.get(given.kind, ("unlike",))
    each: dict[str, Floats] = {name: row_losses(name, given) for name in names}
    if given.binary:
        wrong = each["zero_one"]
        each["precision"] = wrong[given.prediction == given.positive]
        each["recall"] = wrong[given.truth == given.positive]
    # Rows by number say nothing of the time at which a later request is made: without times there is no cycle.
    learnt: dict[str, Expected | None] = {
        name: _described(values, window, times) for name, values in each.items() if name in names
    }
    design = max((one.design for one in learnt.values() if one is not None), default=1.0)
    parts = {name: _described(values) for name, values in each.items() if name not in names}
    spread = {name: replace(one, design=design) for name, one in parts.items() if one is not None}
    losses: dict[str, Expected | None] = {**learnt, **spread}
    known = {name: one for name, one in losses.items() if one is not None}
    whole = known.get(names[0])
    slices = {}
    if whole is not None:
        phase = phase_of(len(given), window, times, whole)
        slices = slices_of(columns or {}, each[names[0]], whole, phase)
    return QualityReference(known, slices, _calibrations(given))


def _described(losses: Floats, window: int = 0, times: Floats | None = None) -> Expected | None:
    if np.isfinite(losses).sum() < LEAST:
        return None
    found = expect(losses, window, times)
    return found if times is not None else replace(found, phases=())


def _calibrations(given: Answers) -> tuple[Calibration, ...]:
    """Calibrate each class against the rest; none where a class has too few rows, or no probabilities."""
    if given.probabilities is None:
        return ()
    classes = [given.positive] if given.binary and given.positive >= 0 else list(range(given.declared))
    known = np.isfinite(given.probabilities).all(axis=1)
    if known.sum() < LEAST or len(set(given.truth[known].tolist())) < 2:
        return ()
    return tuple(calibrate(given.probabilities[known, c], given.truth[known] == c) for c in classes)
