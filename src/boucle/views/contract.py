"""Data and contract: what may come in, what of it came, and how much of it broke the contract."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boucle.core.deployment import Target
from boucle.core.errors import BoucleError
from boucle.core.json import from_data
from boucle.core.observation import Window
from boucle.core.profile import RATES, Counts
from boucle.core.signature import Field, Signature
from boucle.formats.bundle import read_info
from boucle.loop.project import Project
from boucle.loop.telling.said import Said, said
from boucle.measures.law import Law
from boucle.monitoring.look import law_of
from boucle.ports.stores import Transaction
from boucle.views.drift import Fault, faults_of
from boucle.views.histogram import Histogram, histogram
from boucle.views.newest import Newest
from boucle.views.overview import read
from boucle.views.story import known

FIELDS, FAULTS = 200, 50
MASKED = "•••"
_BROKEN = ("unseen", "far")


@dataclass(frozen=True, slots=True)
class FieldRow:
    """One field of the contract. ``missing`` and ``broken`` are shares of the rows of the newest window, with ``rows``.

    ``was_missing`` is the reference's share. ``example`` is a typical value, masked for personal fields.
    """

    name: str
    dtype: str
    optional: bool
    minimum: float | None
    maximum: float | None
    categories: tuple[str, ...]
    pii: bool
    missing: float | None
    was_missing: float | None
    broken: float | None
    outside: float | None
    rows: int
    example: Any
    histogram: Histogram | None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference of the contract from the version before: added, removed or changed."""

    name: str
    kind: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ContractView:
    """``refused`` are the newest window's requests that were wrong themselves, of ``requests`` in all."""

    model: str
    version: int | None
    time: float
    heading: Said
    lead: Said
    fields: tuple[FieldRow, ...]
    outputs: tuple[FieldRow, ...]
    changes: tuple[Change, ...]
    previous: int | None
    refuse: tuple[str, ...]
    requests: int
    refused: int
    window: Window | None
    faults: tuple[Fault, ...]
    fault_status: str
    trouble: str


@dataclass(frozen=True, slots=True)
class FaultLook:
    """One window's faults; ``time`` is when they were judged (Unix seconds)."""

    time: float
    version: int
    status: str
    faults: tuple[Fault, ...]


def contract(project: Project, model: str) -> ContractView:
    """Return the contract of the champion of ``model``, and how the newest window kept it."""
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        card, seen = read(tx, model, project.clock.now())
        signature, law, trouble = _champion(tx, project, model, card.version)
        before = _signature(tx, project, model, seen.held.previous)
    extra = seen.counts.extra if seen.counts is not None else {}
    requests, refused = int(extra.get("requests", 0) + extra.get("refused", 0)), int(extra.get("refused", 0))
    inputs = signature.inputs[:FIELDS] if signature is not None else ()
    outputs = signature.outputs if signature is not None else ()
    fault = seen.verdict("fault")
    heading, lead = _headed(model, signature, seen, requests, refused)
    return ContractView(
        model=model,
        version=card.version,
        time=project.clock.now(),
        heading=heading,
        lead=lead,
        fields=tuple(_row(one, law, seen) for one in inputs),
        outputs=tuple(_row(one, None, seen) for one in outputs),
        changes=changes(before, signature),
        previous=seen.held.previous,
        refuse=tuple(project.settings.serve.refuse),
        requests=requests,
        refused=refused,
        window=seen.window,
        faults=faults_of(fault),
        fault_status=fault.status if fault is not None else "inconclusive",
        trouble=trouble,
    )


def faults(project: Project, model: str, since: float = 0.0) -> tuple[FaultLook, ...]:
    """Return what the newest windows' data faults were, 50 windows at most, the newest first."""
    now = project.clock.now()
    with project.state.begin(write=False) as tx:
        known(tx, project, model)
        found = tx.windows.spread(model, "fault", since, now, FAULTS)
    return tuple(FaultLook(time, version, v.status, faults_of(v)) for time, version, v in reversed(found))


def _champion(
    tx: Transaction, project: Project, model: str, version: int | None
) -> tuple[Signature | None, Law | None, str]:
    if version is None:
        return None, None, ""
    try:
        bundle = bundle_of(tx, project, model, version)
        return read_info(bundle).signature, law_of(bundle), ""
    except (BoucleError, OSError) as error:
        return None, None, str(error)


def bundle_of(tx: Transaction, project: Project, model: str, version: int) -> Path:
    """Return where a version's bundle lies: as delivery keeps it, else by the registry. Raises NotFound."""
    kept: Any = tx.settings.get(f"target:{model}/{version}")
    return Path((from_data(kept, Target) if kept is not None else project.target(model, version)).bundle)


def _signature(tx: Transaction, project: Project, model: str, version: int | None) -> Signature | None:
    try:
        return None if version is None else read_info(bundle_of(tx, project, model, version)).signature
    except (BoucleError, OSError):
        return None


def _row(field: Field, law: Law | None, seen: Newest) -> FieldRow:
    counts = seen.counts
    place = _place(law, field.name)
    fits = law is not None and place is not None and counts is not None and counts.bins.shape == law.total.bins.shape
    shares = _shares(counts, place) if fits and counts is not None and place is not None else {}
    before = _shares(law.total, place) if law is not None and place is not None else {}
    picture = histogram(law, counts, field.name) if fits and law is not None and counts is not None else None
    return FieldRow(
        name=field.name,
        dtype=field.dtype,
        optional=field.optional,
        minimum=field.minimum,
        maximum=field.maximum,
        categories=tuple(str(c) for c in (field.categories or ())[:FIELDS]),
        pii=field.pii,
        missing=shares.get("missing"),
        was_missing=before.get("missing"),
        broken=sum(shares[rate] for rate in _BROKEN) if shares else None,
        outside=shares.get("outside"),
        rows=counts.rows if counts is not None else 0,
        example=MASKED if field.pii else _example(law, place),
        histogram=None if field.pii else picture,
    )


def _place(law: Law | None, name: str) -> int | None:
    columns = law.profile.columns if law is not None else ()
    return next((i for i, column in enumerate(columns) if column.name == name), None)


def _shares(counts: Counts, place: int) -> dict[str, float]:
    rows = max(counts.rows, 1)
    return {rate: float(counts.rates[place, i]) / rows for i, rate in enumerate(RATES)}


def _example(law: Law | None, place: int | None) -> Any:
    """Return the reference's median, or its commonest level."""
    if law is None or place is None:
        return None
    column = law.profile.columns[place]
    if column.numeric:
        return column.centre
    counts = law.total.bins[law.place(place)]
    return column.levels[int(counts.argmax())] if len(column.levels) and counts.any() else None


def changes(before: Signature | None, after: Signature | None) -> tuple[Change, ...]:
    """Return how a contract differs from the one before, field by field."""
    if before is None or after is None:
        return ()
    old, new = ({f.name: f for f in one.inputs} for one in (before, after))
    found = [Change(name, "added", "", _told(new[name])) for name in new if name not in old]
    found += [Change(name, "removed", _told(old[name]), "") for name in old if name not in new]
    found += [
        Change(name, "changed", _told(old[name]), _told(new[name]))
        for name in new
        if name in old and old[name] != new[name]
    ]
    return tuple(found[:FIELDS])


def _told(field: Field) -> str:
    """Write a field in one line: its type and what is allowed."""
    parts = [field.dtype + ("?" if field.optional else "")]
    if field.minimum is not None or field.maximum is not None:
        parts.append(f"{field.minimum:g} … {field.maximum:g}" if None not in (field.minimum, field.maximum) else "")
    if field.categories is not None:
        shown = ", ".join(map(str, field.categories[:8]))
        parts.append(shown + (f" + {len(field.categories) - 8}" if len(field.categories) > 8 else ""))
    return " ".join(part for part in parts if part)


def _headed(model: str, signature: Signature | None, seen: Newest, requests: int, refused: int) -> tuple[Said, Said]:
    if signature is None:
        return said("contract.none", model=model), said("home.none.lead")
    lead = said("contract.fields", n=len(signature.inputs))
    if not requests or seen.window is None:
        return said("contract.quiet", model=model), lead
    fault = seen.verdict("fault")
    if fault is not None and fault.status == "fail":
        return said("contract.faulty", n=len(faults_of(fault)), model=model), lead
    if refused:
        return said("contract.refused", share=refused / requests, n=requests), lead
    return said("contract.kept", n=requests), lead
