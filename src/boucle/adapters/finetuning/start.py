"""The checkpoint a training starts from: opened, checked against the labels, its head new where it has to be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from boucle.adapters.finetuning.asked import Asked
from boucle.adapters.finetuning.examples import Examples
from boucle.adapters.pretrained import checkpoints, versions
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.folders import WEIGHTS
from boucle.adapters.pretrained.heads import tasks_of
from boucle.adapters.pretrained.hub import SCHEME
from boucle.core.errors import TrainingError
from boucle.core.signature import KINDS
from boucle.ports.trainer import Job

_MARKED = ("mbart", "m2m_100", "nllb-moe", "plbart")
_SEES = ("vit", "resnet", "convnext", "swin", "beit", "deit", "efficientnet", "mobilenet", "dinov2", "levit")


@dataclass(frozen=True, slots=True)
class Start:
    """A checkpoint with the job's labels, and what is said of it."""

    checkpoint: Checkpoint
    keeps_head: bool
    notes: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Tell this checkpoint from others, and from itself once its weights are changed."""
        file = self.checkpoint.folder / WEIGHTS
        size, changed = (file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else (0, 0)
        return f"{self.checkpoint.origin} {self.checkpoint.revision} {size} {changed}"


def opened(asked: Asked, job: Job, examples: Examples) -> Start:
    """Open the checkpoint; raises BundleError, or TrainingError where it is of another kind."""
    source: str | Path = asked.checkpoint
    if not asked.checkpoint.startswith(SCHEME):
        place = Path(job.directory) / Path(asked.checkpoint).expanduser()
        source = place if place.exists() or Path(asked.checkpoint).exists() else asked.checkpoint
    checkpoint = checkpoints.resolve(source, job.task, labels=examples.names, trained=False)
    _require_kind(checkpoint, job)
    own = _own_labels(checkpoint) if examples.classes else []
    if job.task not in tasks_of(checkpoint.config) or not own:
        return Start(checkpoint, False, ())
    if set(own) == set(examples.names):
        return Start(checkpoint, True, ())
    extra = [label for label in examples.names if label not in own]
    what = f"'{extra[0]}' is new to it" if extra else f"it also knows '{min(set(own) - set(examples.names))}'"
    note = f"the checkpoint's {len(own)} labels are not those of the data ({what}): its head is trained anew"
    return Start(checkpoint, False, (note,))


def aligned(examples: Examples, start: Start) -> Examples:
    """Order the classes as the checkpoint's head has them, where that is kept."""
    if not start.keeps_head:
        return examples
    return examples.ordered_as(_own_labels(start.checkpoint))


def load(start: Start, examples: Examples, seed: int, **settings: Any) -> tuple[Any, frozenset[str]]:
    """Load the model in float32 with a head for the classes; returns it and the parameters that begin at random.

    ``settings`` are further arguments of ``from_pretrained``.
    """
    import torch  # the plan of a training is made without it

    names = dict(enumerate(examples.names))
    labels = {"num_labels": len(names), "id2label": names, "label2id": {name: code for code, name in names.items()}}
    torch.manual_seed(seed)
    model, told = versions.from_pretrained(
        versions.CLASSES[start.checkpoint.task],
        start.checkpoint,
        **(labels if names else {}),
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        dtype=torch.float32,
        **settings,
    )
    end = getattr(model.config, "eos_token_id", None)
    if isinstance(end, int) and getattr(model.config, "pad_token_id", None) is None:
        model.config.pad_token_id = end  # a model that writes texts classifies by the last token that is no padding
    fresh = {str(key) for key in told.get("missing_keys") or ()}
    fresh |= {str(key[0] if isinstance(key, tuple) else key) for key in told.get("mismatched_keys") or ()}
    return model, frozenset(fresh)


def _require_kind(checkpoint: Checkpoint, job: Job) -> None:
    config = checkpoint.config
    sees = str(config.get("model_type", "")).startswith(_SEES) or "image_size" in config
    tasks = ", ".join(tasks_of(config)) or "no task it names"
    if sees != (job.task == "image-classification"):
        raise TrainingError(
            f"The checkpoint {checkpoint.origin} is made for {'images' if sees else 'texts'} ({tasks}); "
            f"{job.task} cannot start from it.",
            hint=f"take one made for {'texts' if sees else 'images'}, or set  task: image-classification"
            if sees
            else "take one made for images, such as a ViT or a ResNet",
        )
    if KINDS[job.task] == "text" and job.task != "question-answering":
        _require_writer(checkpoint, job)
    elif config.get("is_encoder_decoder"):
        raise TrainingError(
            f"The checkpoint {checkpoint.origin} writes texts ({tasks}); {job.task} cannot start from it.",
            hint="take an encoder, such as a BERT, a RoBERTa or a MiniLM",
        )


def _require_writer(checkpoint: Checkpoint, job: Job) -> None:
    config, both = checkpoint.config, bool(checkpoint.config.get("is_encoder_decoder"))
    if job.task not in tasks_of(config) or both == (job.task == "text-generation"):
        raise TrainingError(
            f"The checkpoint {checkpoint.origin} is made for {', '.join(tasks_of(config)) or 'no task it names'}; "
            f"{job.task} cannot start from it.",
            hint="take one that goes on writing, such as a GPT-2 or a SmolLM"
            if job.task == "text-generation"
            else "take one that reads a text and writes another, such as a T5 or a BART",
        )
    if str(config.get("model_type")) in _MARKED:
        raise TrainingError(
            f"The checkpoint {checkpoint.origin} marks languages in its texts, which is not learned here.",
            hint="take one without such marks: a T5, a BART, a Marian",
        )


def _own_labels(checkpoint: Checkpoint) -> list[str]:
    listed = checkpoint.config.get("id2label") or {}
    try:
        return [str(listed[key]) for key in sorted(listed, key=int)]
    except (TypeError, ValueError):
        return []
