"""The public keys of an issuer are fetched over https only, kept, and survive an issuer that is away."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from boucle.core.errors import ProjectError
from boucle.loop.issuers import current, public

KEYS = {"keys": [{"kty": "EC", "kid": "a", "crv": "P-256", "d": "private"}, {"kty": "oct", "k": "shared"}]}
PUBLIC = ({"kty": "EC", "kid": "a", "crv": "P-256"},)


class Issuer:
    """A real https server: answers ``body`` with ``status``, and counts how often."""

    def __init__(self, authority: trustme.CA) -> None:
        self.status, self.body, self.location, self.asked = 200, json.dumps(KEYS).encode(), "", 0
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(issuer.status)
                if issuer.location:
                    self.send_header("location", issuer.location)
                self.send_header("content-length", str(len(issuer.body)))
                self.end_headers()
                self.wfile.write(issuer.body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"https://localhost:{self._server.server_port}/jwks"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    issuer = Issuer(authority)
    yield issuer
    issuer.close()


def test_keys_are_fetched_once_and_again_when_they_are_due(issuer: Issuer, tmp_path: Path) -> None:
    kept = tmp_path / "jwks.json"
    assert current(issuer.url, tmp_path, kept, 300, 1000.0) == PUBLIC
    assert current(issuer.url, tmp_path, kept, 300, 1299.0) == PUBLIC
    assert issuer.asked == 1
    assert current(issuer.url, tmp_path, kept, 300, 1300.0) == PUBLIC
    assert issuer.asked == 2


def test_private_parts_and_shared_secrets_are_not_kept(issuer: Issuer, tmp_path: Path) -> None:
    current(issuer.url, tmp_path, tmp_path / "jwks.json", 300, 1000.0)
    assert "private" not in (tmp_path / "jwks.json").read_text()
    assert "shared" not in (tmp_path / "jwks.json").read_text()


def test_an_issuer_that_is_away_leaves_the_keys_and_is_asked_again_soon(issuer: Issuer, tmp_path: Path) -> None:
    kept = tmp_path / "jwks.json"
    current(issuer.url, tmp_path, kept, 300, 1000.0)
    issuer.status = 503
    assert current(issuer.url, tmp_path, kept, 300, 1300.0) == PUBLIC
    assert current(issuer.url, tmp_path, kept, 300, 1329.0) == PUBLIC
    assert issuer.asked == 2
    issuer.status, issuer.body = 200, b'{"keys": []}'
    assert current(issuer.url, tmp_path, kept, 300, 1330.0) == ()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"keys": 1}', b'{"keys": [1]}', b"\xff", b" " * 1_000_001])
def test_what_is_no_key_set_changes_nothing(issuer: Issuer, tmp_path: Path, body: bytes) -> None:
    kept = tmp_path / "jwks.json"
    current(issuer.url, tmp_path, kept, 300, 1000.0)
    issuer.body = body
    assert current(issuer.url, tmp_path, kept, 300, 2000.0) == PUBLIC


def test_an_issuer_may_not_lead_away_from_https(issuer: Issuer, tmp_path: Path) -> None:
    issuer.status, issuer.location = 302, issuer.url.replace("https", "http")
    assert current(issuer.url, tmp_path, tmp_path / "jwks.json", 300, 1000.0) == ()
    assert issuer.asked == 1


def test_a_certificate_nobody_trusts_is_refused(
    issuer: Issuer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "another.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "another.pem"))
    assert current(issuer.url, tmp_path, tmp_path / "jwks.json", 300, 1000.0) == ()
    assert issuer.asked == 0


def test_nothing_is_fetched_where_it_is_not_asked_for(issuer: Issuer, tmp_path: Path) -> None:
    assert current(issuer.url, tmp_path, tmp_path / "jwks.json", None, 1000.0) == ()
    assert issuer.asked == 0


def test_keys_of_another_url_do_not_count(issuer: Issuer, tmp_path: Path) -> None:
    current(issuer.url, tmp_path, tmp_path / "jwks.json", 300, 1000.0)
    assert current("https://localhost:1/jwks", tmp_path, tmp_path / "jwks.json", None, 1000.0) == ()


def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    assert current("keys.json", tmp_path, tmp_path / "jwks.json", None, 0.0) == PUBLIC
    (tmp_path / "keys.json").unlink()
    with pytest.raises(ProjectError, match=r"keys\.json"):
        current("keys.json", tmp_path, tmp_path / "jwks.json", None, 0.0)


@given(st.binary(max_size=200))
def test_noise_is_no_key_set_and_breaks_nothing(document: bytes) -> None:
    with pytest.raises(ValueError, match="it"):
        public(document)
