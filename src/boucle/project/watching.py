"""The sections of the project file that say how the model is watched, and what follows."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from boucle.project.values import Duration, RowsOrDuration, Section


class Slo(Section):
    """What the service promises."""

    latency_p99_ms: float | None = Field(None, gt=0, description="99 of 100 requests are answered within this")
    error_rate: float | None = Field(None, gt=0, lt=1, description="largest share of failed requests")
    availability: float | None = Field(
        None, gt=0, lt=1, description="smallest share of requests answered, such as 0.999; what is left is the budget"
    )
    saturation: float | None = Field(
        None, gt=0, le=1, description="largest share of what may wait for a model that waits, five minutes long; "
        "Prometheus watches it (`boucle rules`)",
    )  # fmt: skip
    period: Duration = Field("30d", description="time the error budget has to last")


class Business(Section):
    """One measure of what the model is for, from events that come back."""

    event: str = Field(description="name of the event in /feedback")
    value: str | None = Field(None, description="`amount` sums the events' values; default: events are counted")
    cap: float | None = Field(
        None, gt=0, description="most that one request counts for; with it, a guardrail of this name compares amounts"
    )

    @model_validator(mode="after")
    def _amounts(self) -> Business:
        if self.cap is not None and self.value is None:
            raise ValueError("`cap` is for a measure with `value: amount`")
        return self


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


class Answer(Section):
    """What an alert of others leads to. An action alone may stand for the section: `CheckoutDown: rollback`."""

    action: Action = Field(description="what is done")
    cooldown: int = Field(3, ge=0, description="windows to wait before the same action again")


class Reaction(Answer):
    """What one kind of verdict leads to. An action alone may stand for the section: `drift: retrain`."""

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
Answer1 = Annotated[Answer, BeforeValidator(_reaction, json_schema_input_type=Action | Answer)]
Floor1 = Annotated[HardFloor, BeforeValidator(_reaction, json_schema_input_type=Action | HardFloor)]


class React(Section):
    """What each verdict leads to. The defaults are the measured policy."""

    quality_loss: React1 = Reaction(action="retrain")  # type: ignore[call-arg]
    data_fault: React1 = Reaction(action="alert")  # type: ignore[call-arg]
    drift: React1 = Reaction(action="alert", confirm=2)  # type: ignore[call-arg]
    slo_breach: React1 = Reaction(action="rollback")  # type: ignore[call-arg]
    hard_floor: Floor1 = HardFloor(action="disable")  # type: ignore[call-arg]
    external: dict[str, Answer1] = Field(
        {}, description="alerts of Alertmanager by name, and what each leads to; default: alert"
    )
    follow_up: list[Annotated[int, Field(ge=1)]] = Field(
        [4, 10], max_length=10, description="windows after a loss's retraining to retrain again, on fresh labels"
    )
    since_change: bool = Field(True, description="learn from the rows since the change; false: from all rows")
    stale: Duration | None = Field(None, description="retrain when the champion is older; default: age does not count")
    schedule: str | None = Field(None, description="cron expression: retrain then")
    budget: int = Field(6, ge=0, description="most retrainings a day")
    min_labels: int = Field(200, ge=1, description="labelled rows needed before a retraining")
    dry_run: bool = Field(False, description="decide and record, but do nothing")
