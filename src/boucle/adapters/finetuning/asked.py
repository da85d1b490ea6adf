"""What a project asks of fine-tuning, read from its model section; what is left out is planned."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, cast

from boucle.core.errors import TrainingError, suggest
from boucle.ports.trainer import Job

Method = Literal["full", "lora", "qlora", "frozen", "probe"]
METHODS: tuple[Method, ...] = ("full", "lora", "qlora", "frozen", "probe")


@dataclass(frozen=True, slots=True)
class Asked:
    """The keys of the section; None where nothing is said.

    ``validation`` is a share of the rows, ``patience`` counts epochs, ``rank`` is of adapters.
    """

    checkpoint: str
    method: Method | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    batch_tokens: int | None = None
    max_tokens: int | None = None
    validation: float | None = None
    patience: int | None = None
    freeze_embeddings: bool | None = None
    rank: int | None = None

    @classmethod
    def of(cls, job: Job) -> Asked:
        """Read a job; raises TrainingError for one that asks for no checkpoint, or for what there is not."""
        given = dict(job.pretrained or {})
        if not given.get("checkpoint"):
            raise TrainingError(
                "No checkpoint is named to start from.", hint="write  model: {pretrained: hf://org/name}  or a folder"
            )
        known = [field.name for field in fields(cls)]
        for key in given:
            if key not in known:
                hint = f"{suggest(key, known)}it has: {', '.join(known)}"
                raise TrainingError(f"Fine-tuning has no '{key}'.", hint=hint)
        asked = cls(**given)
        if asked.method is not None and asked.method not in METHODS:
            hint = f"{suggest(cast('str', asked.method), METHODS)}one of {', '.join(METHODS)}"
            raise TrainingError(f"There is no method '{asked.method}' of fine-tuning.", hint=hint)
        return asked
