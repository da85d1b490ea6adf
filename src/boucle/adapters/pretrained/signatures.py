"""The signature of a checkpoint: what each task takes and gives, whatever the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.core.errors import BundleError, ContractError
from boucle.core.signature import KINDS, SEEING, Field, Signature, Task, outputs_of

_SIZES = ("hidden_size", "d_model", "dim", "n_embd", "hidden_sizes")
_READABLE = ("text", "string", "image")


def signature_of(checkpoint: Checkpoint, fields: Sequence[Field] | None = None) -> Signature:
    """Return the signature; ``fields`` are the inputs by the names of somebody's columns, else ours are used."""
    inputs = default_inputs(checkpoint.task) if fields is None else tuple(fields)
    return Signature(inputs, outputs(checkpoint), task=checkpoint.task)


def default_inputs(task: Task) -> tuple[Field, ...]:
    """Return the inputs of a task under our names."""
    if task in SEEING:
        return (Field("image", "image"),)
    if task == "question-answering":
        return (Field("question", "text"), Field("context", "text"))
    return (Field("text", "text"),)


def outputs(checkpoint: Checkpoint) -> tuple[Field, ...]:
    """Return the outputs of a checkpoint's task; raises BundleError when it has fewer than two classes."""
    kind, task = KINDS[checkpoint.task], checkpoint.task
    if kind == "class":
        _require_classes(checkpoint)
        return outputs_of(checkpoint.labels)
    if kind == "vector":
        return (Field("prediction", "float64", shape=(dimensions(checkpoint),)),)
    if kind in ("boxes", "spans", "candidates"):
        return (Field("prediction", "json"),)
    answer = Field("prediction", "text")
    if task == "question-answering":
        return (answer, Field("score", "float64"), Field("start", "int64"), Field("end", "int64"))
    return (answer,)


def dimensions(checkpoint: Checkpoint) -> int:
    """Return the length of a checkpoint's vectors; raises BundleError when its configuration does not say."""
    for name in _SIZES:
        found = checkpoint.config.get(name)
        found = found[-1] if isinstance(found, list) and found else found
        if isinstance(found, int):
            return found
    raise BundleError(f"The configuration of {checkpoint.folder} does not say how long its vectors are (hidden_size).")


def chosen(task: Task, fields: Sequence[Field]) -> tuple[Field, ...]:
    """Pick a task's inputs among the columns of a sample: by our names, or the only ones that can be meant.

    Raises ContractError naming the columns there are.
    """
    wanted = default_inputs(task)
    by_name = {field.name: field for field in fields}
    if all(field.name in by_name for field in wanted):
        return tuple(replace(field, pii=by_name[field.name].pii) for field in wanted)
    able = [field for field in fields if field.dtype in _READABLE and not field.shape]
    exact = [field for field in able if field.dtype == wanted[0].dtype]
    able = exact if len(exact) == len(wanted) else able
    if len(able) != len(wanted):
        names = " and ".join(f"'{field.name}'" for field in wanted)
        raise ContractError(
            f"{task} takes {names}; the sample has {', '.join(field.name for field in fields) or 'no columns'}.",
            hint=f"name the column{'s' if wanted[1:] else ''} {names}",
            field=wanted[0].name,
        )
    return tuple(replace(want, name=field.name, pii=field.pii) for want, field in zip(wanted, able, strict=True))


def _require_classes(checkpoint: Checkpoint) -> None:
    if len(checkpoint.labels) >= 2:
        return
    if checkpoint.task == "zero-shot-classification":
        raise BundleError(
            "zero-shot-classification needs the labels to choose from.",
            hint='give at least two: labels=["a", "b"], or --labels a,b',
        )
    raise BundleError(
        f"The checkpoint {checkpoint.origin or checkpoint.folder} has {len(checkpoint.labels)} class"
        f"{'' if len(checkpoint.labels) == 1 else 'es'}: it gives a number, not a class.",
        hint="fine-tune it with at least two classes",
    )
