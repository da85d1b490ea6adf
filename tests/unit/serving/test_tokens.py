"""Only tokens signed by a known key, for us, at this time, are believed. The tokens are real ones."""

from __future__ import annotations

import base64
import hmac
import json
import warnings
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.errors import SecurityWarning
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from boucle.core.access import Role
from boucle.core.errors import Forbidden, StoreError, Unauthenticated
from boucle.formats.access import Access, TokenRules
from boucle.serving import guard
from boucle.serving.guard import Guard
from boucle.serving.tokens import Verifier

NOW = 1_800_000_000.0
CLAIMS = {"iss": "https://id", "aud": "boucle", "sub": "ada", "roles": "operator", "exp": NOW + 300, "iat": NOW}


@cache
def key(kind: str) -> Key:
    if kind == "RS256":
        return RSAKey.generate_key(2048, {"kid": kind})
    if kind == "ES256":
        return ECKey.generate_key("P-256", {"kid": kind})
    return OKPKey.generate_key("Ed25519", {"kid": kind})


def public(*keys: Key) -> tuple[dict[str, Any], ...]:
    return tuple(dict(one.as_dict(private=False)) for one in keys)


def rules(**changes: Any) -> TokenRules:
    made: dict[str, Any] = {"issuer": "https://id", "audience": "boucle", "algorithms": ("RS256", "ES256", "EdDSA")}
    return TokenRules(**made | {"jwks": public(key("RS256"), key("ES256"), key("EdDSA"))} | changes)


def token(signer: Key | None = None, alg: str = "ES256", kid: str | None = None, **claims: Any) -> bytes:
    """Sign ``CLAIMS`` with the changes; None takes a claim out."""
    signer = signer or key(alg)
    header = {"alg": alg, "kid": kid or signer.kid}
    kept = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # about EdDSA, the older name of Ed25519
        return jwt.encode(header, kept, signer, algorithms=[alg]).encode()


def changed(claims: dict[str, Any]) -> bytes:
    return token(**claims)


def part(data: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=")


def refused(text: bytes, **changes: Any) -> str:
    with pytest.raises(ValueError, match="it") as error:
        Verifier(rules(**changes)).verify(text, NOW)
    return str(error.value)


@pytest.mark.parametrize("alg", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_a_known_key_is_believed(alg: str) -> None:
    caller, until = Verifier(rules()).verify(token(alg=alg), NOW)
    assert (caller.name, caller.role, caller.models, caller.by) == ("ada", Role.OPERATOR, None, "token")
    assert until == NOW + 300 + 60


@pytest.mark.parametrize("claim", ["iss", "aud", "sub", "exp"])
def test_a_token_without_what_counts_is_refused(claim: str) -> None:
    assert claim in refused(changed({claim: None}))


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "another"}, {"aud": ["a", "b"]}, {"aud": 7}, {"iss": "https://evil"}, {"iss": ["https://id"]},
        {"sub": 7}, {"sub": ""}, {"sub": "a\nb"}, {"sub": "x" * 201}, {"exp": "never"}, {"exp": True},
        {"exp": float("nan")}, {"exp": float("inf")}, {"exp": 10**400},
    ],
)  # fmt: skip
def test_a_token_for_others_or_of_others_is_refused(wrong: dict[str, Any]) -> None:
    refused(changed(wrong))


def test_clocks_may_differ_by_the_skew_and_no_more() -> None:
    verifier = Verifier(rules(skew=60.0))
    assert verifier.verify(token(exp=NOW - 59), NOW)
    assert verifier.verify(token(nbf=NOW + 59, iat=NOW + 59), NOW)
    assert "expired" in refused(token(exp=NOW - 61))
    refused(token(nbf=NOW + 61))
    refused(token(iat=NOW + 61))
    assert "expired" in refused(token(exp=NOW - 1), skew=0.0)


def test_a_key_nobody_knows_signs_nothing() -> None:
    stranger = ECKey.generate_key("P-256", {"kid": "stranger"})
    assert "not known" in refused(token(stranger))
    refused(token(stranger, kid="ES256"))  # another's name
    refused(token(), jwks=())


def test_an_unsigned_token_is_refused() -> None:
    claims = part(CLAIMS)
    refused(part({"alg": "none"}) + b"." + claims + b".")
    refused(part({"alg": "none", "kid": "ES256"}) + b"." + claims + b"." + token().rpartition(b".")[2])


@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_a_public_key_is_no_shared_secret(form: str) -> None:
    known = key("RS256")
    assert isinstance(known, RSAKey)
    secret = known.as_pem(private=False) if form == "PEM" else known.as_der(private=False)
    signed = part({"alg": "HS256", "kid": "RS256"}) + b"." + part(CLAIMS)
    forged = base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")
    refused(signed + b"." + forged)


def test_a_shared_secret_among_the_keys_is_left_out() -> None:
    shared = OctKey.generate_key(256, {"kid": "shared"})
    published = (dict(shared.as_dict(private=True)), *public(key("ES256")))
    refused(token(shared, "HS256"), jwks=published)


@pytest.mark.parametrize("algorithms", [("HS256",), ("none",), ("RS256", "HS256"), ()])
def test_rules_that_believe_shared_secrets_are_refused(algorithms: tuple[str, ...]) -> None:
    with pytest.raises(StoreError, match="cannot be believed"):
        Verifier(rules(algorithms=algorithms))


def test_only_the_algorithms_listed_count() -> None:
    refused(token(alg="RS256"), algorithms=("ES256",))


def test_a_changed_claim_breaks_the_signature() -> None:
    head, _, tail = token().split(b".")
    refused(head + b"." + part(CLAIMS | {"roles": "admin"}) + b"." + tail)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_verifier(noise: bytes) -> None:
    refused(noise)
    head, _, tail = token(alg="EdDSA").split(b".")
    refused(head + b"." + noise + b"." + tail)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [("viewer", Role.VIEWER), (["viewer", "approver", "else"], Role.APPROVER), ("else admin", Role.ADMIN)],
)
def test_the_greatest_role_counts(roles: object, expected: Role) -> None:
    assert Verifier(rules()).verify(token(roles=roles), NOW)[0].role is expected


@pytest.mark.parametrize("roles", [None, "", [], "Admin", {"admin": True}, 3])
def test_without_a_known_role_it_is_forbidden(roles: object) -> None:
    with pytest.raises(Forbidden):
        Verifier(rules()).verify(token(roles=roles), NOW)


def test_roles_are_mapped_and_found_inside_other_claims() -> None:
    mapped = rules(role_claim="realm.roles", roles={"ml-ops": Role.OPERATOR})
    assert Verifier(mapped).verify(token(realm={"roles": ["ml-ops"]}), NOW)[0].role is Role.OPERATOR
    assert Verifier(mapped).verify(changed({"realm.roles": "ml-ops"}), NOW)[0].role is Role.OPERATOR
    with pytest.raises(Forbidden):
        Verifier(mapped).verify(token(realm={"roles": "admin"}), NOW)


@pytest.mark.parametrize(
    ("claim", "expected"), [(["wine"], {"wine"}), ("wine churn", {"wine", "churn"}), ("*", None), (None, set())]
)
def test_models_are_read_from_their_claim_and_no_claim_is_no_model(claim: object, expected: set[str] | None) -> None:
    found = Verifier(rules(models_claim="models")).verify(token(models=claim), NOW)[0].models
    assert found == expected


def test_the_guard_verifies_a_token_once_and_forgets_it_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    standing = Guard(Access(True, tokens=rules()))
    verified: list[bytes] = []
    real = Verifier.verify

    def counted(self: Verifier, text: bytes, now: float) -> Any:
        verified.append(text)
        return real(self, text, now)

    monkeypatch.setattr(Verifier, "verify", counted)
    header = b"Bearer " + token()
    assert [standing.admit(header, b"", "wine", NOW + second).name for second in (0, 1, 2)] == ["ada"] * 3
    assert len(verified) == 1
    with pytest.raises(Unauthenticated, match="expired"):
        standing.admit(header, b"", "wine", NOW + 361)


def test_the_guard_remembers_a_bounded_number_of_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "TOKENS", 4)
    standing = Guard(Access(True, tokens=rules()))
    for number in range(12):
        assert standing.admit(b"Bearer " + token(alg="EdDSA", sub=f"u{number}"), b"", "", NOW)
        assert len(standing._tokens) <= 4


def test_a_token_is_refused_where_none_are_believed() -> None:
    with pytest.raises(Unauthenticated):
        Guard(Access(True)).admit(b"Bearer " + token(), b"", "", NOW)


def test_keys_go_on_where_the_package_for_tokens_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "boucle.serving.tokens", None)
    with pytest.raises(Unauthenticated, match="not known"):
        Guard(Access(True, tokens=rules())).admit(b"Bearer " + token(), b"", "", NOW)
