"""What a ``model.onnx`` takes and gives, whoever computes it."""

from __future__ import annotations

from collections.abc import Sequence

from boucle.adapters.pretrained.checkpoints import ONNX, Checkpoint
from boucle.core.errors import BundleError
from boucle.core.signature import KINDS

VECTOR = "vector"
"""An output a file may have besides: one vector a row, of what goes in; drift of meaning is found on it."""
_VECTORS = (VECTOR, "sentence_embedding", "pooler_output", "embeddings")
_OUTPUTS: dict[str, tuple[str, ...]] = {
    "question-answering": ("start_logits", "end_logits"),
    "feature-extraction": ("last_hidden_state",),
}
INPUTS = ("input_ids", "attention_mask", "token_type_ids", "pixel_values")


def wanted(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return our names of what the task needs of a file."""
    return _OUTPUTS.get(checkpoint.task, ("logits",))


def require_scores(checkpoint: Checkpoint, who: str) -> None:
    """Raise BundleError for a task that writes texts; ``who`` does not do that here."""
    if KINDS[checkpoint.task] == "text" and checkpoint.task != "question-answering":
        raise BundleError(
            f"{checkpoint.task} writes texts, which {who} does not do here.",
            hint="use the checkpoint with its safetensors weights: the runtime `pretrained`",
        )


def picture(checkpoint: Checkpoint, takes: Sequence[str]) -> str | None:
    """Return the file's own name of the pictures it takes; None where it takes something else."""
    return takes[0] if checkpoint.task == "image-classification" and len(takes) == 1 else None


def outputs(checkpoint: Checkpoint, gives: Sequence[str]) -> dict[str, str]:
    """Return our names of the outputs and the file's; raises BundleError when it gives what the task cannot use."""
    needed = wanted(checkpoint)
    also = {VECTOR: VECTOR} if VECTOR in gives else {}
    if all(name in gives for name in needed):
        return {name: name for name in needed} | also
    if checkpoint.task == "feature-extraction":
        for name in _VECTORS:
            if name in gives:
                return {VECTOR: name}
    if len(gives) == len(needed):
        return dict(zip(needed, gives, strict=True))
    raise BundleError(
        f"{checkpoint.folder / ONNX} gives {', '.join(gives)}; {checkpoint.task} needs {' and '.join(needed)}.",
        hint="export the checkpoint again, for this task",
    )
