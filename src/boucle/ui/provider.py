"""Signing in through an OpenID provider: authorization code with PKCE, the identity token verified by its keys.

What a sign-in under way needs to be told from a forged one, its state, nonce and verifier, is kept here in memory for
ten minutes, and bound to the browser by a cookie with the state.
"""

from __future__ import annotations

import secrets
import time
from base64 import urlsafe_b64decode
from dataclasses import dataclass, replace
from typing import Any

import httpx
import msgspec

# The extra `oidc`; this module is imported only where a provider is named.
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client

from boucle.core.access import Role
from boucle.core.errors import Forbidden, Unauthenticated
from boucle.core.person import Person
from boucle.formats.access import TokenRules
from boucle.loop.issuers import public
from boucle.loop.project import Project
from boucle.project.answering import Oidc
from boucle.serving.tokens import Verifier

WITHIN = 600.0
"""Seconds a sign-in may take at the provider."""
_KNOWN = 3600.0
"""Seconds for which the provider's addresses and keys are believed."""
_MOST = 1000
_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in under way: what has to come back, and where the reader wants to go."""

    nonce: str
    verifier: str
    to: str
    back: str
    time: float


class Provider:
    """One provider, as the project names it."""

    def __init__(self, project: Project, settings: Oidc) -> None:
        self._project = project
        self._settings = settings
        self._begun: dict[str, Begun] = {}
        self._about: dict[str, Any] = {}
        self._verifier: Verifier | None = None
        self._read = 0.0

    @property
    def name(self) -> str:
        return self._settings.name

    def begin(self, back: str, to: str) -> tuple[str, str]:
        """Return the provider's address to send the reader to, and the state that has to come back."""
        about = self._told()
        nonce, verifier = secrets.token_urlsafe(16), generate_token(64)
        with self._client(back) as client:
            url, state = client.create_authorization_url(
                about["authorization_endpoint"], code_verifier=verifier, nonce=nonce
            )
        now = time.monotonic()
        self._begun = {key: one for key, one in self._begun.items() if now - one.time < WITHIN}
        while len(self._begun) >= _MOST:
            self._begun.pop(next(iter(self._begun)))
        self._begun[state] = Begun(nonce, verifier, to, back, now)
        return url, state

    def finish(self, state: str, code: str) -> tuple[Person, str]:
        """Return who has signed in and where they want to go; raises Unauthenticated.

        A person without a role is kept all the same: an admin can give one.
        """
        begun = self._begun.pop(state, None)
        if begun is None or time.monotonic() - begun.time > WITHIN:
            raise Unauthenticated("This sign-in was not begun here, or too long ago.", hint="sign in again")
        about = self._told()
        try:
            with self._client(begun.back) as client:
                token = client.fetch_token(about["token_endpoint"], code=code, code_verifier=begun.verifier)
        except (OAuthError, httpx.HTTPError, ValueError) as error:
            raise Unauthenticated(f"The provider did not say who you are: {error}.", hint="sign in again") from error
        return self._kept(*self._verified(str(token.get("id_token", "")), begun.nonce)), begun.to

    def _verified(self, token: str, nonce: str) -> tuple[dict[str, Any], Role | None]:
        """Return the claims of an identity token and the role they name; raises Unauthenticated."""
        now = self._project.clock.now()
        assert self._verifier is not None
        role: Role | None = None
        try:
            role = self._verifier.verify(token.encode(), now)[0].role
        except Forbidden:
            pass  # it is who it says, and names no role
        except ValueError as error:
            raise Unauthenticated(f"The provider's token is not valid: {error}.", hint="sign in again") from None
        payload = token.split(".")[1]
        claims: dict[str, Any] = msgspec.json.decode(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        if not secrets.compare_digest(str(claims.get("nonce", "")), nonce):
            raise Unauthenticated("The provider's token is for another sign-in.", hint="sign in again")
        return claims, role

    def _kept(self, claims: dict[str, Any], role: Role | None) -> Person:
        """Keep who it is. A role that an admin gave stands; the provider's own follows the provider."""
        subject = f"{self._settings.issuer}|{claims['sub']}"
        name, now = str(claims[self._settings.name_claim]), self._project.clock.now()
        with self._project.state.begin() as tx:
            known = tx.people.get(subject) or Person(subject, name, role, first=now)
            decided = known.role if known.given == "admin" else role
            person = replace(known, name=name, role=decided, last=now)
            tx.people.put(person)
        return person

    def _told(self) -> dict[str, Any]:
        """Return the provider's own description, read again once an hour with its keys; raises Unauthenticated."""
        if self._about and time.monotonic() - self._read < _KNOWN:
            return self._about
        settings = self._settings
        try:
            with httpx.Client(timeout=_TIMEOUT) as client:
                found = client.get(f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration")
                about = found.raise_for_status().json()
                keys = public(client.get(about["jwks_uri"]).raise_for_status().content)
            if about["issuer"] != settings.issuer:
                raise ValueError(f"it calls itself {about['issuer']}")
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise Unauthenticated(
                f"The provider {settings.issuer} cannot be asked: {error}.", hint="sign in with an API key"
            ) from error
        roles = {role.value: role for role in Role}
        if settings.roles is not None:
            roles = {word: Role(role) for word, role in settings.roles.items()}
        self._verifier = Verifier(
            TokenRules(
                settings.issuer, settings.client_id, tuple(settings.algorithms), keys, settings.name_claim,
                settings.role_claim, roles,
            )
        )  # fmt: skip
        self._about, self._read = dict(about), time.monotonic()
        return self._about

    def _client(self, back: str) -> OAuth2Client:
        settings = self._settings
        return OAuth2Client(
            settings.client_id,
            settings.client_secret,
            scope=" ".join(settings.scopes),
            redirect_uri=back,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if settings.client_secret else "none",
            timeout=_TIMEOUT,
        )
