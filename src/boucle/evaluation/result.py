"""What an evaluation leaves behind: numbers and small counts, and of texts a few that were answered wrongly."""

from __future__ import annotations

from dataclasses import dataclass, field

from boucle.core.signature import Task
from boucle.core.verdict import Status, Verdict
from boucle.measures.intervals import Estimate


@dataclass(frozen=True, slots=True)
class Comparison:
    """The version against another one on the same rows. Every difference is an improvement: above 0 is better.

    ``rows_needed`` is how many rows would tell a difference as large as the observed one from ``-margin``;
    ``champion`` and ``challenger`` hold both sides' values.
    """

    reference: str
    primary: str
    margin: float
    status: Status
    differences: dict[str, Estimate]
    champion: dict[str, float]
    challenger: dict[str, float]
    rows_needed: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the rows judged by itself, on the primary metric. ``standing`` compares it with all rows."""

    column: str
    level: str
    estimate: Estimate
    share: float
    standing: str


@dataclass(frozen=True, slots=True)
class Perturbation:
    """What one change of the inputs does to the answers.

    ``flips``: share of changed labels; regression: of answers that move by more than the model's own RMSE.
    ``loss``: how much worse the primary metric gets, in its own unit. ``broken``: rows answered with NaN.
    """

    name: str
    column: str
    rows: int
    flips: float
    loss: float
    broken: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Robustness:
    """All perturbations; ``status`` compares the flips under small noise with ``limit``."""

    perturbations: tuple[Perturbation, ...]
    limit: float
    status: Status
    note: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """One group of people or things. ``rates``: selected, true positive, false positive, accuracy, mean error."""

    level: str
    n: int
    rates: dict[str, Estimate]
    counted: bool


@dataclass(frozen=True, slots=True)
class Gap:
    """The largest distance between two counted groups in one rate: a ratio (least over most) or a difference."""

    name: str
    kind: str
    estimate: Estimate
    bound: str
    status: Status
    between: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Fairness:
    column: str
    groups: tuple[Group, ...]
    gaps: tuple[Gap, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Importance:
    """How much worse the primary metric gets when one column is shuffled."""

    column: str
    loss: Estimate


@dataclass(frozen=True, slots=True)
class Mistake:
    """A row that was answered wrongly, texts cut short and personal ones hidden; ``sure`` is the probability told."""

    row: int
    shown: tuple[str, ...]
    truth: str
    told: str
    sure: float | None = None


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts by true (rows) and answered label (columns); beyond 20 labels the rarest are joined as ``others``."""

    labels: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Ten bins of the told probability: its mean, and the share that turned out so. ``error`` is the mean gap (ECE)."""

    of: str
    told: tuple[float, ...]
    happened: tuple[Estimate, ...]
    error: float


@dataclass(frozen=True, slots=True)
class Roc:
    label: str
    area: float
    false_positive: tuple[float, ...]
    true_positive: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """Counts over two binned numbers: ``counts[row][column]``, rows by ``y`` from low to high."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """What the plots are drawn from."""

    confusion: Confusion | None = None
    calibration: Calibration | None = None
    roc: tuple[Roc, ...] = ()
    predicted_by_true: Grid | None = None
    residual_by_predicted: Grid | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A version measured on rows it has not seen. ``size_bytes`` is 0 where it was not measured."""

    subject: str
    task: Task
    primary: str
    rows: int
    metrics: dict[str, Estimate]
    verdict: Verdict
    baseline: Comparison | None = None
    comparison: Comparison | None = None
    slices: tuple[Slice, ...] = ()
    robustness: Robustness | None = None
    fairness: tuple[Fairness, ...] = ()
    importance: tuple[Importance, ...] = ()
    latency_ms: dict[str, float] = field(default_factory=dict)
    timed_calls: int = 0
    size_bytes: int = 0
    curves: Curves = field(default_factory=Curves)
    mistakes: tuple[Mistake, ...] = ()
    bounds: dict[str, str] = field(default_factory=dict)
    positive: str = ""
    left_out: int = 0
    seconds: float = 0.0
