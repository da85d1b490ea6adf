"""boucle doctor as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from boucle.cli.main import run


def asked(folder: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        run(["doctor", "--project", str(folder), *words])
    return int(ended.value.code or 0), capsys.readouterr().out


def test_it_exits_with_1_when_something_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "boucle.yaml").write_text("name: [")
    code, out = asked(tmp_path, capsys, "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (1, False)
    assert told["findings"][0]["level"] == "broken"


def test_it_exits_with_0_when_nothing_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    (tmp_path / "boucle.yaml").write_text(
        "name: tone\ntask: text-classification\ndata: {source: t.csv, target: y}\nmodel: {pretrained: hf://org/name}\n"
    )
    code, out = asked(tmp_path, capsys)
    assert code == 0, out
    assert "org/name is fetched when it is first needed" in out
