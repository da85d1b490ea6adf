"""summarization, translation, text-generation: a text from a text, and the next word of a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from boucle.adapters.pretrained.batches import by_length
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.engines import Engine, Tensors, Writer, Writing
from boucle.adapters.pretrained.folders import read_json
from boucle.adapters.pretrained.tasks import languages
from boucle.adapters.pretrained.tasks.chat import Chat
from boucle.adapters.pretrained.tasks.proof import Trial
from boucle.adapters.pretrained.tasks.texts import Reader
from boucle.adapters.pretrained.tokens import limit_of, texts
from boucle.core.errors import BundleError, RequestError
from boucle.core.signature import Batch, Column, Signature

DEFAULT_LENGTH = 128
_OWN = ("num_beams", "repetition_penalty", "min_new_tokens", "max_new_tokens")


class Author(Reader):
    """Answers are what is written, without the prompt. Long inputs are cut; a prompt keeps its end, else the begin.

    A row of text-generation may be a conversation: a list of messages, or its JSON text.
    """

    def __init__(self, checkpoint: Checkpoint, engine: Engine, signature: Signature) -> None:
        if not isinstance(engine, Writer):
            raise BundleError(f"This engine cannot write texts, which {checkpoint.task} needs.")
        self._writer = engine
        self._continues = not checkpoint.config.get("is_encoder_decoder")
        self.side = "left" if self._continues else "right"
        self._own = read_json(checkpoint.folder / "generation_config.json", optional=True)
        length = _length(checkpoint, self._own)
        super().__init__(checkpoint, engine, signature, room=length if self._continues else 0, direction=self.side)
        self._prefix = _prefix(checkpoint)
        self._chat = Chat(checkpoint, self._tokens) if checkpoint.task == "text-generation" else None
        marked = checkpoint.task == "translation" and not _told(checkpoint)
        target, source = (
            languages.mark(self._tokens, checkpoint, option) if marked else None
            for option in ("target_language", "source_language")
        )
        self._source, self._sources = source, languages.sources(self._tokens) if source is not None else frozenset()
        self._writing = _writing(checkpoint, length, target)
        self._begin = None if self._continues else checkpoint.config.get("decoder_start_token_id")

    def predict(self, batch: Batch) -> Batch:
        """Write one text a row; raises RequestError for a prompt without a token, or a conversation without sense."""
        return {"prediction": np.array(self.written(self.encoded(batch)), dtype=object)}

    def describe(self, batch: Batch) -> Batch:
        """Do as every reader does; what goes in is enough for it, so nothing is written. NaN where that is refused."""
        try:
            shares = self._tokens.unknown(self.encoded(batch))
        except RequestError:
            shares = np.full(len(batch[self._name]), np.nan)
        return {f"{self._name}.unknown": shares}

    def trial(self) -> Trial:
        """Return what shows that two of these are one model, in far fewer tokens."""
        return Trial(self)

    @property
    def settings(self) -> str:
        """All that the answers depend on beside the weights and the row."""
        spoken = None if self._chat is None else self._chat.settings
        return repr((self._tokens.limit, self._prefix, self._source, self._writing, self._own, spoken))

    def encoded(self, batch: Batch) -> list[Encoding]:
        """Encode the rows, conversations in the checkpoint's own form; raises RequestError."""
        column = batch[self._name]
        talks = self._talks(column)
        rows = texts(["" if row in talks else value for row, value in enumerate(column)], self._name)
        encodings = self._tokens.encode([self._prefix + text for text in rows], field=self._name)
        for row, one in talks.items():
            encodings[row] = one
        for row, one in enumerate(encodings):
            if not len(one):
                raise RequestError(f"Row {row} of '{self._name}' is empty: there is nothing to go on from.", row=row)
        return encodings

    def written(self, encodings: list[Encoding], most: int | None = None) -> list[str]:
        """Write a text a row, of ``most`` tokens instead of the settings' own."""
        writing = self._writing if most is None else _shorter(self._writing, most)
        found = [""] * len(encodings)
        for places in self._batches([len(one) for one in encodings]):
            feeds = self._feeds([encodings[place] for place in places])
            for place, ids in zip(places, self._writer.write(feeds, writing), strict=True):
                found[place] = self._tokens.decode(ids).strip()
        return found

    def scored(self, encodings: list[Encoding]) -> NDArray[np.float32] | None:
        """Return the scores of the next token, shape (rows, vocabulary); None where it is not known what begins one."""
        if not self._continues and not isinstance(self._begin, int):
            return None
        found = []
        for one in encodings:  # by itself: the scores of all places of many rows would fill the memory
            feeds = dict(self._feeds([one]))
            if not self._continues:
                feeds["decoder_input_ids"] = np.array([[self._begin]], dtype=np.int64)
            found.append(self._engine.run(feeds)["logits"][0, -1])
        return np.array(found, dtype=np.float32)

    def _talks(self, column: Column) -> dict[int, Encoding]:
        """Return the rows that are conversations, encoded."""
        if self._chat is None:
            return {}
        found = ((row, self._chat.read(value, self._name, row)) for row, value in enumerate(column))
        return {row: self._chat.encode(said, self._name, row) for row, said in found if said is not None}

    def _feeds(self, encodings: Sequence[Encoding]) -> Tensors:
        feeds = self._tokens.feeds(encodings, frozenset({"attention_mask"}), self.side)
        if self._source is not None:
            feeds["input_ids"][np.isin(feeds["input_ids"], list(self._sources))] = self._source
        return feeds

    def _batches(self, lengths: list[int]) -> Any:
        """A text that is drawn must not depend on what is drawn beside it: such rows are written one by one."""
        if self._writing.temperature is not None:
            return [np.array([row]) for row in range(len(lengths))]
        return by_length(lengths, self._engine.budget, self._engine.slack)


def _length(checkpoint: Checkpoint, own: Mapping[str, Any]) -> int:
    """Return how many tokens may be written; never so many that no room is left for a prompt."""
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


def _shorter(writing: Writing, most: int) -> Writing:
    least = min(writing.min_new_tokens, most)
    return replace(writing, max_new_tokens=min(writing.max_new_tokens, most), min_new_tokens=least)
