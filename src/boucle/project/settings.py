"""boucle.yaml as types: strict, every key with its default and its meaning. The JSON Schema is made from here."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from boucle.project.values import NAME, Bound, Bytes, Duration, RowsOrDuration, Section, bytes_of, seconds


class ColumnCheck(Section):
    """The contract of one column. What is left out is not checked."""

    type: Literal["float64", "int64", "bool", "string", "datetime"] | None = Field(
        None, description="type of the values"
    )
    min: float | None = Field(None, description="smallest value that is right")
    max: float | None = Field(None, description="largest value that is right")
    missing: float | None = Field(None, ge=0, le=1, description="largest share of missing values; 0 forbids them")
    categories: list[str | int | bool] | None = Field(None, description="the levels that are right")
    unique: bool = Field(False, description="no value may stand twice")
    pattern: str | None = Field(None, description="regular expression every text value matches whole")
    pii: bool = Field(False, description="personal data: kept out of logs and reports")

    @model_validator(mode="after")
    def _possible(self) -> ColumnCheck:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"`min` {self.min:g} is above `max` {self.max:g}")
        if self.categories is not None and not self.categories:
            raise ValueError("`categories` is empty: no value could be right")
        if self.pattern is not None:
            try:
                re.compile(self.pattern)
            except re.error as error:
                raise ValueError(f"`pattern` is not a regular expression: {error}") from None
        return self


class Split(Section):
    """How rows are parted for testing: at random (the default), stratified, by group or by time."""

    test: float | str = Field(0.2, description="share of rows, or with `time` a duration such as 30d")
    seed: int = Field(42, description="the same seed parts the same rows the same way")
    stratify: bool | None = Field(None, description="keep the share of each class; default: for classification")
    group: str | None = Field(None, description="column whose rows stay together on one side")
    time: str | None = Field(None, description="column of times: the newest rows are the test rows")

    @model_validator(mode="after")
    def _fits(self) -> Split:
        if isinstance(self.test, str):
            if not self.time:
                raise ValueError("a duration for `test` needs `time: COLUMN`; without it write a share such as 0.2")
            seconds(self.test)
        elif not 0 < self.test < 1:
            raise ValueError("`test` is a share between 0 and 1")
        if self.group and self.time:
            raise ValueError("`group` and `time` exclude each other")
        return self


class Data(Section):
    """Where the data comes from, what each column is, and what has to hold in it."""

    source: str | list[str] | dict[str, Any] = Field(
        description="file, folder, glob, SQLAlchemy URL, or module:function; read relative to this file"
    )
    query: str | None = Field(None, description="SQL, when the source is a database")
    target: str = Field(description="the column to predict")
    features: list[str] | None = Field(None, description="input columns; default: all but target, id, and dropped ones")
    drop: list[str] = Field([], description="columns that are not inputs")
    id: str | None = Field(None, description="column that names a row: not an input, never on both sides of the split")
    separator: str | None = Field(None, description="of a CSV file; default: found out")
    encoding: str | None = Field(None, description="of a text file; default: found out")
    split: Split = Split()  # type: ignore[call-arg]
    checks: dict[str, ColumnCheck] = Field({}, description="the contract, column by column")
    rules: list[str] = Field([], description="expressions over columns that hold in every row (pandas.eval syntax)")
    duplicates: Literal["allow", "warn", "refuse"] = Field("warn", description="what to do about rows that stand twice")

    @model_validator(mode="after")
    def _roles(self) -> Data:
        if self.id == self.target:
            raise ValueError(f"'{self.target}' cannot be both `id` and `target`")
        for key, columns in (("features", self.features or []), ("drop", self.drop)):
            if self.target in columns:
                raise ValueError(f"'{self.target}' is the target, it cannot be in `{key}` as well")
        both = sorted(set(self.features or []) & {*self.drop, *([self.id] if self.id else [])})
        if both:
            raise ValueError(f"'{both[0]}' is in `features` and in `drop` or `id`; keep one")
        return self


class Search(Section):
    """How better parameters are looked for (Optuna)."""

    trials: int = Field(20, ge=1, description="settings to try")
    metric: str | None = Field(None, description="what to improve; default: the first of `evaluate.metrics`")
    timeout: Duration | None = Field(None, description="stop after this long")


class Model(Section):
    """What is trained."""

    estimator: str | list[str] = Field(
        "auto", description="auto, an import path such as sklearn.linear_model.Ridge, a list, or module:function"
    )
    params: dict[str, Any] = Field({}, description="parameters of the estimator")
    search: Search | None = Field(None, description="look for better parameters; default: none are tried")
    folds: int = Field(5, ge=2, le=20, description="parts of the cross-validation")
    seed: int = Field(42, description="of everything random in training")
    class_weight: Literal["balanced"] | None = Field(None, description="weigh rare classes up")
    threshold: float | Literal["tune"] | None = Field(
        None, description="decision threshold of a binary classifier; `tune` finds it by cross-validation"
    )


class ChampionGate(Section):
    """The comparison with the version that answers now, on the same rows."""

    margin: float = Field(0.0, ge=0, description="how much worse than the champion is still let through")


class Fairness(Section):
    """The comparison of groups of people."""

    groups: list[str] = Field(description="columns whose groups are compared")
    ratio: float = Field(0.8, gt=0, le=1, description="smallest ratio of selection rates (a convention)")
    difference: float = Field(0.1, gt=0, le=1, description="largest gap in true and false positive rates")
    gate: bool = Field(False, description="fail the gate on a gap, instead of reporting it")


class Robustness(Section):
    """What small noise, missing values and unseen categories do to the answers."""

    gate: bool = Field(False, description="fail the gate instead of reporting")
    flips: float = Field(0.2, gt=0, le=1, description="largest share of answers that small noise may change")


class Evaluate(Section):
    """The gates a version has to pass before it may answer."""

    metrics: list[str] | None = Field(None, min_length=1, description="first is the primary one; default: by task")
    require: dict[str, Bound] = Field({}, description="bounds a version has to meet, such as rmse: '<= 0.75'")
    champion: ChampionGate = ChampionGate()  # type: ignore[call-arg]
    slices: list[str] = Field([], description="columns judged level by level (numeric ones by quarters)")
    fairness: Fairness | None = Field(None, description="compare groups; default: none are")
    robustness: Robustness = Robustness()  # type: ignore[call-arg]


class Capture(Section):
    """How long requests and answers are kept, and where."""

    keep: Duration = Field("30d", description="longest time compacted observations are kept")
    max_disk: Bytes = Field("5GB", description="most that captured data takes on this disk; the oldest goes first")
    archive: str | None = Field(
        None, description="folder or s3://bucket/prefix for compacted observations; default: the directory of the store"
    )

    @model_validator(mode="after")
    def _usable(self) -> Capture:
        if seconds(self.keep) <= 0:
            raise ValueError("`keep` has to be longer than nothing")
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


class Auth(Section):
    """Who may call. API keys are made with `boucle keys add`."""

    required: bool | None = Field(None, description="ask every caller for a key or token; default: if `jwt` is set")
    keys: bool = Field(True, description="believe API keys; false leaves tokens only")
    metrics: Literal["open", "viewer"] = Field("viewer", description="who may read /metrics where a key is required")
    jwt: Jwt | None = Field(None, description="signed tokens; default: none are believed")

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


class Slo(Section):
    """What the service promises."""

    latency_p99_ms: float | None = Field(None, gt=0, description="99 of 100 requests are answered within this")
    error_rate: float | None = Field(None, gt=0, lt=1, description="largest share of failed requests")
    availability: float | None = Field(
        None, gt=0, lt=1, description="smallest share of requests answered, such as 0.999; what is left is the budget"
    )
    period: Duration = Field("30d", description="time the error budget has to last")


class Business(Section):
    """One measure of what the model is for, from events that come back."""

    event: str = Field(description="name of the event in /feedback")
    value: str | None = Field(None, description="`amount` sums the events' values; default: events are counted")


class Drift(Section):
    """When a change of the inputs counts."""

    level: float = Field(0.005, gt=0, lt=0.5, description="false-alarm level per window over all columns")
    effect: float = Field(0.10, gt=0, description="smallest effect that matters")


class Monitor(Section):
    """How the live model is watched."""

    window: RowsOrDuration = Field(500, description="rows, or a duration such as 1h")
    quality_tolerance: float = Field(
        0.1, ge=0, description="relative rise of the loss that passes; of errors, a point at least"
    )
    drift: Drift = Drift()  # type: ignore[call-arg]
    slo: Slo = Slo()  # type: ignore[call-arg]
    business: dict[str, Business] = Field({}, description="measures of what the model is for, by name")


Action = Literal["retrain", "rollback", "disable", "alert", "none"]


class Reaction(Section):
    """What one kind of verdict leads to. An action alone may stand for the section: `drift: retrain`."""

    action: Action = Field(description="what is done")
    cooldown: int = Field(3, ge=0, description="windows to wait before the same action again")
    confirm: int = Field(1, ge=1, le=10, description="windows that must say so first: 2 means 2 of 3, 3 means 3 of 5")


class HardFloor(Reaction):
    """When no answer, or the fallback, is better than the model's: it is switched off."""

    error: float | None = Field(2.0, gt=1, description="times the reference error that is too much; null: not judged")
    failures: float | None = Field(
        0.5, gt=0, lt=1, description="share of failed requests that is too much; null: not judged"
    )
    without_fallback: bool = Field(False, description="switch off even where no `serve.fallback` would answer instead")


def _reaction(value: Any) -> Any:
    return {"action": value} if isinstance(value, str) else value


React1 = Annotated[Reaction, BeforeValidator(_reaction, json_schema_input_type=Action | Reaction)]
Floor1 = Annotated[HardFloor, BeforeValidator(_reaction, json_schema_input_type=Action | HardFloor)]


class React(Section):
    """What each verdict leads to. The defaults are the measured policy."""

    quality_loss: React1 = Reaction(action="retrain")  # type: ignore[call-arg]
    data_fault: React1 = Reaction(action="alert")  # type: ignore[call-arg]
    drift: React1 = Reaction(action="alert", confirm=2)  # type: ignore[call-arg]
    slo_breach: React1 = Reaction(action="rollback")  # type: ignore[call-arg]
    hard_floor: Floor1 = HardFloor(action="disable")  # type: ignore[call-arg]
    follow_up: list[Annotated[int, Field(ge=1)]] = Field(
        [4, 10], max_length=10, description="windows after a loss's retraining to retrain again, on fresh labels"
    )
    since_change: bool = Field(True, description="learn from the rows since the change; false: from all rows")
    stale: Duration | None = Field(None, description="retrain when the champion is older; default: age does not count")
    schedule: str | None = Field(None, description="cron expression: retrain then")
    budget: int = Field(6, ge=0, description="most retrainings a day")
    min_labels: int = Field(200, ge=1, description="labelled rows needed before a retraining")
    dry_run: bool = Field(False, description="decide and record, but do nothing")


class Store(Section):
    """Where state is kept."""

    directory: str = Field(".boucle", description="where bundles, snapshots and state are kept")
    url: str | None = Field(None, description="SQLAlchemy URL of the live state; default: SQLite in the directory")


class Tracking(Section):
    """Where runs and versions are recorded."""

    uri: str | None = Field(None, description="MLflow tracking server; default: SQLite in the directory")
    experiment: str | None = Field(None, description="default: the project's name")


class Settings(Section):
    """A whole project."""

    name: str = Field(pattern=NAME, description="of the model")
    task: Literal["tabular-regression", "tabular-classification"] = Field(description="what is predicted")
    data: Data
    model: Model = Model()  # type: ignore[call-arg]
    evaluate: Evaluate = Evaluate()  # type: ignore[call-arg]
    serve: Serve = Serve()  # type: ignore[call-arg]
    release: Release = Release()  # type: ignore[call-arg]
    monitor: Monitor = Monitor()  # type: ignore[call-arg]
    alerts: list[str] = Field([], description="Apprise URLs; keep secrets out: ${NAME} reads the environment")
    language: Literal["en", "fr"] = Field("en", description="of messages to people")
    react: React = React()  # type: ignore[call-arg]
    store: Store = Store()  # type: ignore[call-arg]
    tracking: Tracking = Tracking()  # type: ignore[call-arg]

    @model_validator(mode="after")
    def _known(self) -> Settings:
        measured = {"errors", "latency", *self.monitor.business}
        for name in self.release.guardrails:
            if name not in measured:
                known = ", ".join(sorted(measured))
                raise ValueError(f"`release.guardrails` names '{name}'; there are: {known}, and `monitor.business`")
        fallback = self.serve.fallback
        asked = [rule.when.column for rule in fallback.rules] if isinstance(fallback, Fallback) else []
        for column in asked:
            if column == self.data.target or (self.data.features is not None and column not in self.data.features):
                raise ValueError(f"`serve.fallback` asks column '{column}', which is no input")
        return self
