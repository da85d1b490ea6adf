"""summarization, translation, text-generation: a text from a text."""

from __future__ import annotations

from typing import Any

import numpy as np

from boucle.adapters.pretrained.batches import by_length
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine, Writer, Writing
from boucle.adapters.pretrained.folders import read_json
from boucle.adapters.pretrained.tasks import languages
from boucle.adapters.pretrained.tasks.texts import Reader
from boucle.adapters.pretrained.tokens import limit_of, texts
from boucle.core.errors import BundleError, RequestError
from boucle.core.signature import Batch, Signature

DEFAULT_LENGTH = 128
_OWN = ("num_beams", "repetition_penalty", "min_new_tokens", "max_new_tokens")


class Author(Reader):
    """Answers are what is written, without the prompt. Long inputs are cut; a prompt keeps its end, else the begin."""

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        if not isinstance(engine, Writer):
            raise BundleError(f"This engine cannot write texts, which {checkpoint.task} needs.")
        self._writer = engine
        self._continues = not checkpoint.config.get("is_encoder_decoder")
        length = _length(checkpoint)
        room = length if self._continues else 0
        super().__init__(checkpoint, engine, signature, room=room, direction=self._side)
        self._prefix = _prefix(checkpoint)
        marked = checkpoint.task == "translation" and not _told(checkpoint)
        target, source = (
            languages.mark(self._tokens, checkpoint, option) if marked else None
            for option in ("target_language", "source_language")
        )
        self._source, self._sources = source, languages.sources(self._tokens) if source is not None else frozenset()
        self._writing = _writing(checkpoint, length, target)

    @property
    def _side(self) -> str:
        return "left" if self._continues else "right"

    def predict(self, batch: Batch) -> Batch:
        """Write one text a row; raises RequestError for a prompt without a token."""
        rows = [self._prefix + text for text in texts(batch[self._name], self._name)]
        encodings = self._tokens.encode(rows, field=self._name)
        for row, one in enumerate(encodings):
            if not len(one):
                raise RequestError(f"Row {row} of '{self._name}' is empty: there is nothing to go on from.", row=row)
        found = np.empty(len(rows), dtype=object)
        for places in self._batches([len(one) for one in encodings]):
            feeds = self._tokens.feeds([encodings[p] for p in places], frozenset({"attention_mask"}), self._side)
            if self._source is not None:
                feeds["input_ids"][np.isin(feeds["input_ids"], list(self._sources))] = self._source
            for place, ids in zip(places, self._writer.write(feeds, self._writing), strict=True):
                found[place] = self._tokens.decode(ids).strip()
        self._last.keep(batch, None, encodings)
        return {"prediction": found}

    def _batches(self, lengths: list[int]) -> Any:
        """A text that is drawn must not depend on what is drawn beside it: such rows are written one by one."""
        if self._writing.temperature is not None:
            return [np.array([row]) for row in range(len(lengths))]
        return by_length(lengths, self._engine.budget, self._engine.slack)


def _length(checkpoint: Checkpoint) -> int:
    """Return how many tokens may be written; never so many that no room is left for a prompt."""
    own = read_json(checkpoint.folder / "generation_config.json", optional=True)
    told = _told(checkpoint)
    asked = checkpoint.options.get("max_new_tokens")
    length = asked or own.get("max_new_tokens") or told.get("max_length") or DEFAULT_LENGTH
    if checkpoint.config.get("is_encoder_decoder"):
        return int(length)
    most = limit_of(checkpoint) - 8
    if asked is not None and asked > most:
        raise BundleError(
            f"max_new_tokens is {asked}, {checkpoint.origin or checkpoint.folder} has room for {most}.",
            hint="lower it",
        )
    return min(int(length), max(8, limit_of(checkpoint) // 2)) if asked is None else int(asked)


def _told(checkpoint: Checkpoint) -> dict[str, Any]:
    """Return what the configuration says of the task itself: T5 was trained with a sentence before each input."""
    told = checkpoint.config.get("task_specific_params") or {}
    if checkpoint.task == "summarization":
        return dict(told.get("summarization") or {})
    return languages.told(checkpoint) if checkpoint.task == "translation" else {}


def _prefix(checkpoint: Checkpoint) -> str:
    return str(checkpoint.options.get("prefix", _told(checkpoint).get("prefix", "")))


def _writing(checkpoint: Checkpoint, length: int, first: int | None) -> Writing:
    told = {key: value for key, value in _told(checkpoint).items() if key in _OWN}
    asked = {name: value for name, value in checkpoint.options.items() if name in Writing.__dataclass_fields__}
    return Writing(**{**told, **asked, "max_new_tokens": length, "first_token": first})
