"""Signed tokens (JWT) to callers. Needs the extra ``jwt``; imported only where tokens are to be believed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from joserfc import jwt
from joserfc.errors import (
    ClaimError,
    ExpiredTokenError,
    InvalidKeyIdError,
    JoseError,
    MissingClaimError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import JWKRegistry, KeySet
from joserfc.jws import JWSRegistry

from boucle.core.access import Caller, Role
from boucle.core.errors import Forbidden, StoreError
from boucle.formats.access import TokenRules

ALGORITHMS = frozenset(
    ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
)
"""Signatures with a key pair. Never ``none``, and never HS256: its key would be the public one."""
EVERY = "*"
_PUBLIC = ("RSA", "EC", "OKP")


class _Allowed(JWSRegistry):
    """The listed algorithms and no other; header entries nobody knows are ignored, as RFC 7515 wants it."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(algorithms=frozenset(names), strict_check_header=False)

    def get_alg(self, name: str) -> Any:
        if name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError(f"{name} is not allowed")
        return self.algorithms[name]  # without joserfc's warning about EdDSA, the name issuers write


class Verifier:
    """Checks tokens against one set of rules. Raises StoreError for keys or algorithms that must not be used."""

    def __init__(self, rules: TokenRules) -> None:
        wrong = sorted(set(rules.algorithms) - ALGORITHMS)
        if wrong or not rules.algorithms:
            raise StoreError(f"Tokens signed by {', '.join(wrong) or 'nothing'} cannot be believed.")
        self._rules = rules
        self._keys = _key_set(rules)
        self._allowed = _Allowed(rules.algorithms)

    def verify(self, token: bytes, now: float) -> tuple[Caller, float]:
        """Return who the token speaks of, and until when; raises ValueError with the reason, and Forbidden."""
        try:
            found = jwt.decode(token, self._keys, registry=self._allowed)
            self._claims(now).validate(found.claims)
            until = float(found.claims["exp"]) + self._rules.skew
        except ExpiredTokenError:
            raise ValueError("it has expired") from None
        except MissingClaimError as error:
            raise ValueError(f"it has no claim {error.description}") from None
        except ClaimError as error:
            raise ValueError(f"its claim {error.claim} is not the one expected") from None
        except InvalidKeyIdError:
            raise ValueError("its key is not known") from None
        except (JoseError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
            # whatever a parser makes of a stranger's bytes: the answer is no
            raise ValueError("it is not a token signed by a known key") from None
        return self._caller(found.claims), until

    def _claims(self, now: float) -> jwt.JWTClaimsRegistry:
        wanted: dict[str, jwt.ClaimsOption] = {
            self._rules.name_claim: {"essential": True},
            "iss": {"essential": True, "value": self._rules.issuer},
            "aud": {"essential": True, "value": self._rules.audience},
            "exp": {"essential": True},
        }
        return jwt.JWTClaimsRegistry(int(now), int(self._rules.skew), **wanted)

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        rules = self._rules
        name = claims[rules.name_claim]
        if not isinstance(name, str) or not name.isprintable() or len(name) > 200:
            raise ValueError(f"its claim {rules.name_claim} is no name")
        roles = [rules.roles[word] for word in _words(_claim(claims, rules.role_claim)) if word in rules.roles]
        if not roles:
            raise Forbidden(f"The token of {name} names no role known here.", hint=f"it is read off {rules.role_claim}")
        role = max(roles, key=list(Role).index)
        if rules.models_claim is None:
            return Caller(name, role, None, "token")
        models = frozenset(_words(_claim(claims, rules.models_claim)))
        return Caller(name, role, None if EVERY in models else models, "token")


def _key_set(rules: TokenRules) -> KeySet:
    """Keep public keys only: a shared secret among them would let anybody sign who can read it."""
    try:
        keys = [JWKRegistry.import_key(dict(one)) for one in rules.jwks if one.get("kty") in _PUBLIC]
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise StoreError(f"The keys of {rules.issuer} cannot be read: {error}.") from error
    return KeySet(keys)


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """Return a claim; ``realm_access.roles`` is also looked for one level down."""
    if name in claims:
        return claims[name]
    here: Any = claims
    for part in name.split("."):
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def _words(value: Any) -> list[str]:
    """Read a claim that lists words: a JSON list, or one text with spaces between them."""
    if isinstance(value, str):
        return value.split()
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
