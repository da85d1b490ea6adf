"""What boucle doctor says of machines that are broken in the usual ways; the machines are made up, but for one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boucle.loop.doctor import Finding, diagnose, examine
from boucle.loop.machine import Machine, ranges, within
from boucle.project.load import load

SOUND = Machine(
    packages={"torch": "2.13.0+cpu", "transformers": "5.23.0", "pandas": "3.1.1"},
    flags=frozenset({"avx512_bf16"}),
    wanted={"pandas": ">=2.2,<4"},
)
TUNED = """
name: tone
task: text-classification
data: {source: tone.csv, target: label}
model: {pretrained: "hf://org/encoder@main"}
"""


def named(found: list[Finding], name: str) -> Finding:
    return next(finding for finding in found if finding.name == name)


def test_nothing_is_wrong_with_a_sound_machine() -> None:
    assert {finding.level for finding in diagnose(SOUND)} == {"ok"}


@pytest.mark.parametrize(
    ("change", "name", "level", "says"),
    [
        ({"packages": {**SOUND.packages, "torchvision": "0.28.0"}}, "torchvision", "broken", "every import"),
        ({"cuda": "13.0"}, "torch", "warning", "no GPU"),
        ({"gpu": True}, "torch", "warning", "not used"),
        ({"flags": frozenset({"avx2"})}, "bfloat16", "warning", "float32"),
        ({"packages": {"pandas": "1.5.3"}}, "pandas", "broken", ">=2.2,<4"),
        (
            {"packages": {"keras": "3.15.1"}, "environ": {"KERAS_BACKEND": "jax"}},
            "KERAS_BACKEND", "broken", "not installed",
        ),
        (
            {"packages": {"keras": "3.15.1"}, "environ": {"KERAS_BACKEND": "theano"}},
            "KERAS_BACKEND", "broken", "theano",
        ),
        ({"packages": {"keras": "3.15.1"}}, "KERAS_BACKEND", "warning", "TensorFlow|tensorflow"),
    ],
)  # fmt: skip
def test_a_trap_is_named_with_what_mends_it(change: dict[str, object], name: str, level: str, says: str) -> None:
    found = named(diagnose(replace(SOUND, **change)), name)  # type: ignore[arg-type]
    assert found.level == level
    assert any(word in found.note for word in says.split("|"))
    assert found.hint


def test_being_offline_without_the_checkpoint_of_the_project_is_broken(tmp_path: Path) -> None:
    (tmp_path / "boucle.yaml").write_text(TUNED)
    settings = load(tmp_path)
    offline = replace(SOUND, environ={"HF_HUB_OFFLINE": "1"}, cache=tmp_path / "hub")
    assert named(diagnose(offline, settings), "hub").level == "broken"
    (tmp_path / "hub" / "models--org--encoder" / "snapshots" / "abc").mkdir(parents=True)
    assert named(diagnose(offline, settings), "hub").level == "ok"


def test_a_project_file_that_is_wrong_is_a_finding_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "boucle.yaml").write_text("name: [")
    assert examine(tmp_path, SOUND)[0].level == "broken"


def test_an_extra_that_the_project_asks_for_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "boucle.yaml").write_text(TUNED)
    monkeypatch.setattr("boucle.loop.doctor.importable", lambda module: module != "transformers")
    assert "boucle[text]" in named(diagnose(SOUND, load(tmp_path)), "extras").hint


def test_this_machine_is_read_without_importing_torch() -> None:
    here = Machine.here()
    assert here.packages["pandas"]
    assert here.wanted["numpy"] == ranges()["numpy"]
    assert within(here.packages["numpy"], here.wanted["numpy"])


@given(st.integers(0, 9), st.integers(0, 30), st.integers(0, 9), st.integers(0, 30))
def test_ranges_compare_versions_as_numbers(a: int, b: int, c: int, d: int) -> None:
    assert within(f"{a}.{b}", f">={c}.{d}") == ((a, b) >= (c, d))
    assert within(f"{a}.{b}+cpu", f"<{c}.{d}") == ((a, b) < (c, d))
    assert within(f"{a}.{b}.0", f">={a}.{b},<{a + 1}")
