"""The sections of the project file that say how requests are answered, and how traffic moves."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from boucle.project.values import Bytes, Duration, RowsOrDuration, Section, bytes_of, seconds


class Capture(Section):
    """How long requests and answers are kept, and where."""

    keep: Duration = Field("30d", description="longest time compacted observations are kept")
    live: Duration = Field(
        "30d",
        description="longest time requests stay in the live state, where judging reads them, once they are in the "
        "archive; give it the longest time a truth takes to come back",
    )
    max_disk: Bytes = Field("5GB", description="most that captured data takes on this disk; the oldest goes first")
    archive: str | None = Field(
        None, description="folder or s3://bucket/prefix for compacted observations; default: the directory of the store"
    )

    texts: Literal["keep", "redact", "hash", "drop"] = Field(
        "redact",
        description="how texts are kept: as they are, without e-mail addresses, phone, card and account numbers, "
        "as a hash, or not at all",
    )
    images: Literal["hash", "thumbnail", "keep"] = Field(
        "hash", description="how images are kept: hash and size, a small one of 128 pixels as well, or the whole file"
    )

    @model_validator(mode="after")
    def _usable(self) -> Capture:
        if seconds(self.keep) <= 0:
            raise ValueError("`keep` has to be longer than nothing")
        if seconds(self.live) < 86400.0:
            raise ValueError("`live` has to be 1d at least")
        if bytes_of(self.max_disk) < 10_000_000:
            raise ValueError("`max_disk` has to be 10MB at least")
        if self.archive is not None and "@" in urlsplit(self.archive).netloc:
            raise ValueError("`archive` holds credentials; they are taken from the environment or a profile")
        return self


Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class Jwt(Section):
    """Which signed tokens are believed, besides API keys. Needs the extra `jwt`."""

    issuer: str = Field(min_length=1, description="the claim `iss` has to be this")
    audience: str = Field(min_length=1, description="the claim `aud` has to name this")
    jwks: str = Field(min_length=1, description="public keys: a file beside this one, or an https URL")
    refresh: Duration = Field("5m", description="how often a URL is read again; the keeper does it")
    algorithms: list[Algorithm] = Field(["RS256", "ES256", "EdDSA"], min_length=1, description="signatures that count")
    skew: Duration = Field("60s", description="how much the clocks may differ")
    name_claim: str = Field("sub", min_length=1, description="claim with the caller's name")
    role_claim: str = Field("roles", min_length=1, description="claim with roles; a.b is b inside a")
    roles: dict[str, Literal["viewer", "operator", "approver", "admin"]] | None = Field(
        None, description="the claim's words and the role each stands for; default: the roles' own names"
    )
    models_claim: str | None = Field(None, description="claim with the models allowed, * for all; default: no limit")

    @model_validator(mode="after")
    def _safe(self) -> Jwt:
        if "://" in self.jwks and not self.jwks.startswith("https://"):
            raise ValueError("`jwks` is fetched over https only; anybody between could put keys of their own in")
        if not 0 <= seconds(self.skew) <= 600:
            raise ValueError("`skew` is at most 10m")
        return self


class Oidc(Section):
    """Signing in to the console through an OpenID provider. Needs the extra `oidc`."""

    issuer: str = Field(min_length=1, description="the provider's address, as its tokens name it")
    client_id: str = Field(min_length=1, description="what the provider calls this console")
    client_secret: str | None = Field(None, description="its secret, as a reference: ${NAME}")
    name: str = Field("OpenID", min_length=1, max_length=40, description="what the button calls the provider")
    scopes: list[str] = Field(["openid", "profile", "email"], description="what is asked of the provider")
    algorithms: list[Algorithm] = Field(["RS256", "ES256", "EdDSA"], min_length=1, description="signatures that count")
    name_claim: str = Field("email", min_length=1, description="claim with the person's name")
    role_claim: str = Field("roles", min_length=1, description="claim with roles; a.b is b inside a")
    roles: dict[str, Literal["viewer", "operator", "approver", "admin"]] | None = Field(
        None, description="the claim's words and the role each stands for; default: the roles' own names"
    )

    @model_validator(mode="after")
    def _safe(self) -> Oidc:
        found = urlsplit(self.issuer)
        if found.scheme != "https" and found.hostname not in ("127.0.0.1", "localhost", "::1"):
            raise ValueError("`issuer` is an https address; anybody between could be anybody")
        return self


class Auth(Section):
    """Who may call. API keys are made with `boucle keys add`."""

    required: bool | None = Field(None, description="ask every caller for a key or token; default: if `jwt` is set")
    keys: bool = Field(True, description="believe API keys; false leaves tokens only")
    metrics: Literal["open", "viewer"] = Field("viewer", description="who may read /metrics where a key is required")
    jwt: Jwt | None = Field(None, description="signed tokens; default: none are believed")
    oidc: Oidc | None = Field(None, description="signing in to the console; default: with an API key only")

    @property
    def on(self) -> bool:
        """Whether callers are asked who they are."""
        return self.jwt is not None if self.required is None else self.required


class Tls(Section):
    """Encrypted connections, for both planes. Files in PEM form, read relative to this file."""

    certificate: str = Field(description="file with the certificate and what lies between it and its root")
    key: str = Field(description="file with its private key, without a password")


class When(Section):
    """A question to one column of a row; a missing value answers only ``missing``."""

    column: str = Field(description="an input column")
    op: Literal["<", "<=", ">", ">=", "==", "!=", "in", "missing"] = Field(description="how it is compared")
    value: bool | int | float | str | list[bool | int | float | str] | None = Field(
        None, description="with what: a number, a text, for `in` a list; times as ISO 8601"
    )

    @model_validator(mode="after")
    def _answerable(self) -> When:
        if (self.value is None) != (self.op == "missing"):
            raise ValueError("`value` is what `op` compares with; only `missing` has none")
        if isinstance(self.value, list) != (self.op == "in"):
            raise ValueError("`in` takes a list, anything else takes one value")
        if self.op in ("<", "<=", ">", ">=") and isinstance(self.value, bool):
            raise ValueError(f"`{self.op}` compares numbers or times")
        return self


class FallbackRule(Section):
    """One answer without a model."""

    when: When
    then: bool | int | float | str = Field(description="the answer of rows where that holds")


class Fallback(Section):
    """What is answered while the model is disabled, the first that can: a version, rules, a constant."""

    model_config = ConfigDict(serialize_by_alias=True)

    previous: bool = Field(False, description="the champion before, kept loaded for it")
    rules: list[FallbackRule] = Field([], max_length=100, description="in order; the first that holds answers a row")
    otherwise: bool | int | float | str | None = Field(None, alias="else", description="where nothing above answers")

    @model_validator(mode="after")
    def _whole(self) -> Fallback:
        if self.rules and self.otherwise is None:
            raise ValueError("`rules` need an `else`, for rows where none holds")
        if not self.previous and self.otherwise is None:
            raise ValueError("say `previous: true`, or an `else`, or write a constant in place of the section")
        return self


def _fallback(value: Any) -> Any:
    return Fallback.model_validate(value) if isinstance(value, dict) else value


class Serve(Section):
    """How requests are answered."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="of the data plane; 0 takes a free one")
    control_port: int = Field(8081, ge=0, le=65535, description="of the control plane")
    grpc_port: int | None = Field(
        None, ge=0, le=65535, description="answer the Open Inference Protocol over gRPC too (extra `grpc`); default: no"
    )
    workers: int = Field(1, ge=1, le=64, description="processes that answer")
    max_body: int = Field(8_388_608, ge=1024, description="largest request in bytes")
    max_rows: int = Field(10_000, ge=1, description="most rows in one request")
    max_characters: int = Field(100_000, ge=1, description="most characters of one text")
    max_image: Bytes = Field("8MB", description="most bytes of one image; `max_body` bounds it as well")
    max_pixels: int = Field(50_000_000, ge=1, description="most pixels of one image, by what its head declares")
    queue_rows: int = Field(20_000, ge=1, description="rows that may wait; more are answered 503")
    deadline: Duration = Field("30s", description="longest a request waits for its answer")
    max_wait: Duration | None = Field(
        None,
        description="longest a request may wait for a slow model; more are answered 503; default: `monitor.slo`, "
        "else by how long the model takes",
    )
    memory: Bytes | None = Field(
        None, description="most memory for models, such as 2GB; those asked longest ago sleep until asked again"
    )
    routing_key: str | None = Field(None, description="input field that keeps a caller on one version")
    refuse: list[Literal["range", "category"]] = Field(
        [], description="refuse values outside the declared range or categories instead of counting them"
    )
    fallback: Annotated[Fallback | bool | int | float | str | None, BeforeValidator(_fallback)] = Field(
        None, description="answered while the model is disabled: a constant, or a section; default: 503"
    )
    auth: Auth = Auth()  # type: ignore[call-arg]
    tls: Tls | None = Field(None, description="answer https; default: http")
    insecure: bool = Field(False, description="allow a `host` others can reach without asking who they are")
    capture: Capture = Capture()  # type: ignore[call-arg]


class Release(Section):
    """How traffic moves to a new version."""

    strategy: Literal["canary", "shadow", "blue-green", "direct"] = Field(
        "canary", description="how traffic moves to a new version"
    )
    steps: list[float] = Field([10, 50], description="per cent of traffic the challenger takes, step by step")
    min_feedback: int = Field(200, ge=1, description="labelled rows of the challenger needed at each step")
    margin: float | None = Field(
        None, ge=0, description="how much worse live still passes; default: `evaluate.champion`"
    )
    guardrails: dict[str, Annotated[float, Field(gt=0, lt=1)]] = Field(
        {"errors": 0.05, "latency": 0.05},
        description="what else has to hold, and how much larger the share of failed or slow requests, or of requests "
        "without the event of a measure under `monitor.business`, may be at promotion",
    )
    wait: Duration = Field("1h", description="time an event of `monitor.business` takes to come in")
    deadline: RowsOrDuration = Field(
        "14d", description="longest a step may stay undecided, or most rows the challenger answers; then it ends"
    )
    replay: int = Field(200, ge=0, le=100_000, description="newest requests the challenger answers before any traffic")
    replay_errors: float = Field(0.0, ge=0, lt=1, description="largest share of replayed requests that may newly fail")
    require_approval: bool = Field(False, description="wait for `boucle promote` before any traffic")

    @model_validator(mode="after")
    def _rise(self) -> Release:
        if list(self.steps) != sorted(set(self.steps)) or not all(0 < s < 100 for s in self.steps):
            raise ValueError("`steps` are rising shares between 0 and 100, such as [10, 50]")
        return self
