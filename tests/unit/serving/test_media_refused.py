"""Texts and images that are wrong or too large are refused with what is wrong, and nothing is ever fetched."""

from __future__ import annotations

import base64
import socket
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from boucle import plugins
from boucle.measures.pictures import blank
from boucle.serving.app import App
from boucle.serving.options import ServeOptions
from boucle.serving.plane import assemble

from .media_models import SIGNATURES, Runtime, asked, form, release

PNG = blank(24)
HUGE = PNG[:16] + struct.pack(">II", 20_000, 20_000) + PNG[24:]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    state = tmp_path_factory.mktemp("media") / ".boucle"
    release(state, *SIGNATURES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plugins, "load", lambda group, name: Runtime)
        options = ServeOptions(str(state), max_characters=50, max_image=10_000, max_pixels=1_000_000, max_rows=3)
        plane = assemble(options, "test")
        plane.engine.start()
        yield App(plane)
        plane.close()


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ({"text": ""}, "", 422, "empty_text"),
        ({"text": " \n\t"}, "", 422, "empty_text"),
        (b"", "text/plain", 422, "empty_text"),
        ({"text": "x" * 51}, "", 422, "too_long"),
        ({"text": "a\0b"}, "", 422, "binary"),
        ({"text": None}, "", 422, "missing_value"),
        ({"text": 3}, "", 422, "wrong_type"),
        ({"text": {"url": "x"}}, "", 422, "wrong_type"),
        ({"txt": "x"}, "", 422, "unknown_column"),
        (b"caf\xe9", "text/plain", 400, "malformed"),
        (b"x", "text/plain; charset=klingon", 415, "unsupported"),
        ({"text": {"b64": "/w=="}}, "", 422, "not_utf8"),
        (PNG, "image/png", 415, "unsupported"),
        (["x"] * 4, "", 413, "too_many_rows"),
        ([], "", 400, "empty"),
    ],
)
def test_a_wrong_text_is_refused(app: App, body: Any, kind: str, status: int, code: str) -> None:
    said = asked(app, "/predict/mood", body, kind)
    assert (said.status, said.json["code"]) == (status, code), said.body


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"", "image/png", 422, "not_an_image"),
        (b"GIF", "image/gif", 422, "not_an_image"),
        (PNG[:18], "image/png", 422, "not_an_image"),
        (b"<svg></svg>", "image/png", 422, "not_an_image"),
        (HUGE, "image/png", 422, "too_many_pixels"),
        (PNG + b"\0" * 10_000, "image/png", 422, "too_long"),
        ({"image": "no base64!"}, "", 422, "not_base64"),
        ({"image": base64.b64encode(b"text").decode()}, "", 422, "not_an_image"),
        ({"image": 3}, "", 422, "wrong_type"),
        (b"x", "image/svg+xml", 415, "unsupported"),
        (b"x", "text/plain", 415, "unsupported"),
        (form(picture=("a.png", PNG))[0], form()[1], 422, "unknown_column"),
        (b"--edge\r\n", form()[1], 400, "malformed"),
        (b"x", "multipart/form-data", 400, "malformed"),
        (b"--edge--", form()[1], 400, "malformed"),
    ],
)
def test_a_wrong_image_is_refused(app: App, body: Any, kind: str, status: int, code: str) -> None:
    said = asked(app, "/predict/shapes", body, kind)
    assert (said.status, said.json["code"]) == (status, code), said.body


@pytest.mark.parametrize(
    "body",
    ["https://example.org/a.png", {"image": "http://169.254.169.254/x"}, {"image": {"url": "file:///etc/passwd"}}],
)
def test_an_address_is_refused_and_never_fetched(app: App, body: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("it opened a connection")

    monkeypatch.setattr(socket.socket, "connect", never)
    said = asked(app, "/predict/shapes", body)
    assert (said.status, said.json["code"], said.json["field"]) == (422, "url_refused", "image")
    assert "base64" in said.json["hint"]


def test_a_refusal_names_the_row_what_was_expected_and_what_came(app: App) -> None:
    told = asked(app, "/predict/mood", [{"text": "good"}, {"text": 7}]).json
    assert (told["field"], told["row"], told["expected"], told["got"]) == ("text", 1, "a text", "7")


def test_what_the_model_cannot_decode_is_the_callers_to_mend(app: App) -> None:
    """A picture 13 pixels wide is one the model refuses: its neighbours in the same call are answered."""
    said = asked(app, "/predict/shapes", blank(13), "image/png")
    assert (said.status, said.json["code"], said.json["field"]) == (422, "not_an_image", "image")
    assert asked(app, "/predict/shapes", PNG, "image/png").status == 200


def test_tables_take_no_files(app: App) -> None:
    body, kind = form(image=("a.png", PNG))
    assert asked(app, "/predict/mood", *form(text=b"good")).status == 200
    assert asked(app, "/v1/models/shapes:predict", body, kind).status == 415
    assert asked(app, "/predict/mood", body, kind).json["code"] == "unknown_column"
