"""What a training needs before its first step: the model, its rows as numbers, the plan, one look at all rows."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from boucle.adapters.finetuning import quantized
from boucle.adapters.finetuning.anatomy import Anatomy
from boucle.adapters.finetuning.asked import Asked
from boucle.adapters.finetuning.examples import Examples, validation_rows
from boucle.adapters.finetuning.feeding import Kept, Material, Pictures, Texts, survey
from boucle.adapters.finetuning.hardware import Hardware
from boucle.adapters.finetuning.pairs import Pairs, Written
from boucle.adapters.finetuning.precision import narrowed
from boucle.adapters.finetuning.questions import Questioned, Windows
from boucle.adapters.finetuning.recipe import LONG, Facts, Recipe, max_tokens, needed, plan
from boucle.adapters.finetuning.start import Start, load
from boucle.adapters.pretrained.pictures import Preparation
from boucle.adapters.pretrained.tokens import Tokens, limit_of
from boucle.core.errors import TrainingError
from boucle.ports.trainer import Job, Progress

_TAKES = ("input_ids", "attention_mask", "token_type_ids", "pixel_values")


@dataclass(frozen=True, slots=True)
class Ready:
    """``learned`` and ``held`` are rows; ``vectors`` the embeddings of all, shape (rows, width).

    ``kept`` is what enters the first layer that is trained, where that is computed once; ``fresh`` are the parameters
    that begin at random.
    """

    model: Any
    fresh: frozenset[str]
    material: Material
    hardware: Hardware
    anatomy: Anatomy | None
    recipe: Recipe
    learned: NDArray[np.intp]
    held: NDArray[np.intp]
    vectors: NDArray[np.float32]
    kept: Kept | None
    notes: tuple[str, ...]


def limited(start: Start, asked: Asked) -> Start:
    """Return the start with texts cut where the plan says; pictures are not cut."""
    if start.checkpoint.task == "image-classification":
        return start
    limit = max_tokens(asked, limit_of(start.checkpoint))
    return replace(start, checkpoint=start.checkpoint.with_options(max_length=limit))


def made(job: Job, asked: Asked, examples: Examples, start: Start, progress: Progress) -> Ready:
    """Open the model, plan, and run it over all rows once."""
    progress("opening the checkpoint", 0.01)
    hardware = Hardware.here()
    model, fresh = (quantized.opened if asked.method == "qlora" else load)(start, examples, job.seed)
    model.to(hardware.device)
    material, notes = _material(model, examples, start)
    _attend(model, material, hardware)
    anatomy = Anatomy.of(model)
    writes = isinstance(material, Pairs)
    facts = Facts(
        lengths=material.lengths,
        layers=0 if anatomy is None else len(anatomy.layers),
        width=_width(model),
        parameters=model.num_parameters(),
        cacheable=anatomy is not None and anatomy.feed is not None and not writes,
        writes=writes,
        weights=model.get_memory_footprint(),
    )
    recipe = plan(asked, facts, hardware, int(start.checkpoint.options.get("max_length", 0)))
    _require_room(recipe, facts, hardware)
    held = validation_rows(examples, recipe.validation, job.seed)
    vectors, kept = np.empty((len(examples), 0), dtype=np.float32), None
    if not writes:
        with narrowed(model, hardware.bf16):
            vectors, kept = survey(
                model, material, hardware, anatomy, recipe.frozen if recipe.cached else 0,
                lambda share: progress("reading all rows with the checkpoint", 0.02 + 0.18 * share),
            )  # fmt: skip
    learned = np.setdiff1d(np.arange(len(examples)), held)
    return Ready(model, fresh, material, hardware, anatomy, recipe, learned, held, vectors, kept, notes)


def _material(model: Any, examples: Examples, start: Start) -> tuple[Material, tuple[str, ...]]:
    name = examples.field.name
    if start.checkpoint.task == "image-classification":
        return Pictures(Preparation.read(start.checkpoint.folder), examples.inputs, name), ()
    known = inspect.signature(model.forward).parameters
    takes = frozenset(name for name in _TAKES if name in known)
    limit = start.checkpoint.options["max_length"]
    if isinstance(examples, Questioned):
        windows = Windows(start.checkpoint, examples, takes)
        told = f"{windows.cut} of {len(examples)} texts are read about their answer only, {limit} tokens (max_tokens)"
        return windows, (told,) if windows.cut else ()
    if isinstance(examples, Written):
        pairs = Pairs(start.checkpoint, examples, model)
        cut = sum(bool(one.overflowing) for one in pairs.encodings)
        return pairs, (f"{cut} of {len(examples)} texts are cut (max_tokens)",) if cut else ()
    texts = Texts(Tokens(start.checkpoint), examples.inputs, takes, name)
    cut = sum(bool(one.overflowing) for one in texts.encodings)
    return texts, (f"{cut} of {len(texts.encodings)} texts are cut after {limit} tokens (max_tokens)",) if cut else ()


def _attend(model: Any, material: Material, hardware: Hardware) -> None:
    """On a CPU compute attention plainly: there the fused form takes twice as long backward."""
    change = getattr(model, "set_attn_implementation", None)
    if change is not None and hardware.device == "cpu" and int(material.lengths.max()) <= LONG:
        change("eager")


def _width(model: Any) -> int:
    found = getattr(model.config, "hidden_size", None) or getattr(model.config, "hidden_sizes", None) or 768
    return int(found[-1] if isinstance(found, list) else found)


def _require_room(recipe: Recipe, facts: Facts, hardware: Hardware) -> None:
    """Refuse what cannot fit before hours are spent; raises TrainingError saying what would."""
    if recipe.method == "probe":
        return
    share = 1.0 if recipe.method == "full" else 1 - recipe.frozen / max(1, facts.layers)
    trained = round(facts.parameters * (0.02 if recipe.method in ("lora", "qlora") else share))
    wanted = needed(recipe, facts, trained)
    if recipe.method == "qlora" and hardware.device == "cpu":
        wanted = max(wanted, 4 * facts.parameters)  # what it is merged into
    if wanted > hardware.memory:
        narrower = "qlora" if hardware.device == "cuda" else "probe"
        lighter = {"full": "lora", "lora": narrower}.get(recipe.method, "probe")
        raise TrainingError(
            f"Training {facts.parameters / 1e6:,.0f} million parameters takes about {wanted / 1e9:.1f} GB; "
            f"{hardware.memory / 1e9:.1f} GB are free.",
            hint=f"use  method: {lighter}, a smaller checkpoint, or lower batch_tokens (now {recipe.batch_tokens})",
            needed=wanted,
            free=hardware.memory,
        )
