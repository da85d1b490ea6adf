"""Where a student begins: some layers of its teacher, or a checkpoint of its own."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
from torch import nn

from boucle.adapters.exporters.parents import with_weights
from boucle.adapters.finetuning import leaving, start
from boucle.adapters.finetuning.anatomy import Anatomy
from boucle.adapters.finetuning.asked import Asked
from boucle.adapters.finetuning.examples import Examples
from boucle.adapters.finetuning.start import Start
from boucle.adapters.pretrained import pooled, versions
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.core.errors import BoucleError, RequestError, TrainingError
from boucle.core.model import BundleInfo
from boucle.ports.trainer import Job

_LAYERS = re.compile(r"layers=(\d+(?:,\d+)*)")


def begun(
    directory: Path, info: BundleInfo, student: str, asked: Asked, examples: Examples, folder: Path, seen_from: str
) -> Start:
    """Return what the training starts from; raises RequestError, TrainingError or BundleError."""
    found = _LAYERS.fullmatch(student)
    if found:
        teacher = with_weights(directory, info, "a student of its layers")
        return Start(cut(teacher, [int(place) for place in found[1].split(",")], folder), True, ())
    if student.startswith("layers"):
        raise RequestError(
            f"'{student}' names no layers.", hint="write layers=0,5: places from 0, in the order they are computed",
            field="student",
        )  # fmt: skip
    job = Job(info.signature.task, info.signature.inputs, "", pd.DataFrame(), directory=seen_from)
    return start.opened(asked, job, examples)


def cut(teacher: Checkpoint, places: list[int], folder: Path) -> Checkpoint:
    """Write the teacher with only some of its layers into ``folder``: embeddings and head are its own."""
    model = versions.load_model(teacher.with_options(precision="float32"))
    anatomy = None if isinstance(model, pooled.PooledClassifier) else Anatomy.of(model)
    if anatomy is None:
        raise TrainingError(
            "The teacher's layers are not in one list, or its head is a probe's: none can be left out.",
            hint="name a checkpoint as the student: --student hf://org/name",
        )
    most = len(anatomy.layers)
    if sorted(set(places)) != places or places[-1] >= most or len(places) >= most:
        raise RequestError(
            f"layers={','.join(map(str, places))} cannot be taken of {most} layers.",
            hint=f"name fewer than {most}, each once, from 0 to {most - 1}, in their order",
            field="student",
        )
    setattr(anatomy.owner, anatomy.attribute, nn.ModuleList([anatomy.layers[place] for place in places]))
    try:
        model.config.num_hidden_layers = len(places)
        return leaving.written(model, teacher, folder)
    except BoucleError:
        raise
    except Exception as error:
        raise TrainingError(
            f"A {teacher.config.get('model_type')} cannot do with fewer layers: {error}",
            hint="name a checkpoint as the student: --student hf://org/name",
        ) from error
