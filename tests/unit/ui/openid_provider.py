"""A small OpenID provider on this machine: it lets everybody in as whom the test says, and checks what it is sent."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "boucle", "a secret of the client"


class Provider(ThreadingHTTPServer):
    """``claims`` are those of who signs in next; ``twisted`` changes the token's claims, as a forger would."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answers)
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.claims: dict[str, Any] = {"sub": "1", "email": "ana@example.org", "roles": ["operator"]}
        self.twisted: dict[str, Any] = {}
        self.asked: dict[str, dict[str, str]] = {}

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": nonce, **self.claims}
        return jwt.encode({"alg": "RS256", "kid": "one"}, {**claims, **self.twisted}, self.key)


class _Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        found = urlsplit(self.path)
        if found.path == "/.well-known/openid-configuration":
            at = self.server.issuer
            told = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            self._json({"issuer": at, **{name: at + path for name, path in told.items()}})
        elif found.path == "/keys":
            self._json({"keys": [self.server.key.as_dict(private=False)]})
        elif found.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(found.query).items()}
            code = f"code-{len(self.server.asked)}"
            self.server.asked[code] = asked
            self.send_response(303)
            self.send_header(
                "location", f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"
            )
            self.end_headers()

    def do_POST(self) -> None:
        sent = {
            name: values[0]
            for name, values in parse_qs(self.rfile.read(int(self.headers["content-length"])).decode()).items()
        }
        asked = self.server.asked.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        proof = urlsafe_b64encode(digest).decode().rstrip("=")
        client = b64decode(self.headers.get("authorization", "Basic ").split()[-1]).decode()
        if asked is None or asked["code_challenge"] != proof or client.partition(":")[0] != CLIENT:
            self._json({"error": "invalid_grant"}, 400)
            return
        token = self.server.token(asked["nonce"])
        self._json({"access_token": "unused", "token_type": "Bearer", "id_token": token})

    def _json(self, body: Any, status: int = 200) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@contextmanager
def providing() -> Iterator[Provider]:
    """Run a provider while a block lasts."""
    provider = Provider()
    thread = threading.Thread(target=provider.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
        thread.join()
