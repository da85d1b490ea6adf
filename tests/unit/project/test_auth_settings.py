"""What `serve` says about who may call is read strictly: an unsafe word is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from boucle.core.errors import ProjectError
from boucle.project.answering import Serve
from boucle.project.load import load

PROJECT = "name: wine\ntask: tabular-regression\ndata: {source: w.csv, target: y}\nserve:\n"
JWT = "issuer: i, audience: a, jwks: k.json"


def serve(folder: Path, text: str, **environ: str) -> Serve:
    (folder / "boucle.yaml").write_text(PROJECT + f"  {text}\n")
    return load(folder, environ).serve


def test_nobody_is_asked_unless_the_project_says_so(tmp_path: Path) -> None:
    found = serve(tmp_path, "port: 1")
    assert (found.auth.on, found.insecure, found.tls, found.host) == (False, False, None, "127.0.0.1")


def test_naming_an_issuer_means_that_callers_are_asked(tmp_path: Path) -> None:
    assert serve(tmp_path, f"auth: {{jwt: {{{JWT}}}}}").auth.on
    assert not serve(tmp_path, f"auth: {{required: false, jwt: {{{JWT}}}}}").auth.on
    assert serve(tmp_path, "port: 1", BOUCLE_SERVE__AUTH__REQUIRED="true").auth.on


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("auth: {jwt: {issuer: i, audience: a, jwks: 'http://i/keys'}}", "https only"),
        ("auth: {jwt: {issuer: i, audience: a, jwks: 'file:///etc/keys'}}", "https only"),
        (f"auth: {{jwt: {{{JWT}, algorithms: [HS256]}}}}", "algorithms"),
        (f"auth: {{jwt: {{{JWT}, algorithms: [none]}}}}", "algorithms"),
        (f"auth: {{jwt: {{{JWT}, algorithms: []}}}}", "algorithms"),
        (f"auth: {{jwt: {{{JWT}, skew: 1h}}}}", "skew"),
        (f"auth: {{jwt: {{{JWT}, roles: {{ops: god}}}}}}", "roles"),
        ("auth: {jwt: {issuer: i, jwks: k.json}}", "audience"),
        ("auth: {jwt: {issuer: '', audience: a, jwks: k.json}}", "issuer"),
        ("auth: {metrics: everybody}", "metrics"),
        ("auth: {requird: true}", "required"),
        ("tls: {certificate: c.pem}", "key"),
    ],
)
def test_what_is_unsafe_or_unknown_is_refused_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ProjectError, match=told) as refused:
        serve(tmp_path, text)
    assert refused.value.facts["line"] == 5
