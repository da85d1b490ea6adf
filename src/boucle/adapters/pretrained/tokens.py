"""Texts to tokens and back, by ``tokenizers`` alone; always cut at what the model can take."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from boucle.adapters.pretrained import older
from boucle.adapters.pretrained.checkpoints import Checkpoint
from boucle.adapters.pretrained.folders import convertible, read_json
from boucle.core.errors import BundleError, RequestError

FILE = "tokenizer.json"
DEFAULT_LIMIT, NO_LIMIT = 512, 1_000_000
CHARACTERS_A_TOKEN = 100
"""A text is not read beyond so many characters for each token that is kept."""
_POSITIONS = ("max_position_embeddings", "n_positions", "n_ctx", "max_source_positions")
_OFFSET = ("roberta", "xlm-roberta", "camembert", "xlm-roberta-xl", "roberta-prelayernorm", "longformer", "mpnet")
"""Models whose positions begin behind the one of padding, so that two of them are never used."""
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # a server's parallelism is its workers, and workers fork


class Tokens:
    """A checkpoint's tokenizer. ``limit`` is the most tokens of an input, those that mark its ends included.

    ``direction`` says which end of a text that is too long is cut.
    """

    def __init__(
        self, checkpoint: Checkpoint, *, room: int = 0, direction: str = "right", stride: int | None = None
    ) -> None:
        folder = checkpoint.folder
        self._tokenizer = _read(folder)
        told = read_json(folder / "tokenizer_config.json", optional=True)
        named = {**read_json(folder / "special_tokens_map.json", optional=True), **told}
        self.limit = limit_of(checkpoint, told) - room
        self._characters = CHARACTERS_A_TOKEN * self.limit
        self._direction = direction
        self.pad = self._padding(checkpoint.config, named)
        mark = _content(named.get("unk_token"))
        self._unknown = None if mark is None else self.id_of(mark)
        self.mask = _content(named.get("mask_token"))
        self.named = {key: text for key, value in named.items() if key[-6:] == "_token" and (text := _content(value))}
        """The marks that have a role of their own, such as ``bos_token``, as texts."""
        self._tokenizer.no_padding()
        if stride is None:
            self._tokenizer.enable_truncation(self.limit, direction=direction)
        else:
            self._tokenizer.enable_truncation(
                self.limit, stride=min(stride, self.limit // 4), strategy="only_second", direction="right"
            )

    def encode(
        self, first: Sequence[str], second: Sequence[str] | None = None, *, field: str = "text"
    ) -> list[Encoding]:
        """Encode texts, or pairs of them; raises RequestError naming the row that cannot be."""
        given: list[Any] = [self._clipped(text) for text in first]
        if second is not None:
            given = list(zip(given, (self._clipped(text) for text in second), strict=True))
        try:
            return list(self._tokenizer.encode_batch(given))
        except Exception as error:
            row = next((row for row, texts in enumerate(given) if not _valid(texts)), None)
            raise _unreadable(error, field, row) from error

    def whole(self, text: str, *, field: str, row: int) -> Encoding | None:
        """Encode a text that brings its own marks, as a conversation does; None when it would have to be cut.

        Raises RequestError when it cannot be encoded.
        """
        if len(text) > self._characters:
            return None
        try:
            found = self._tokenizer.encode(text, add_special_tokens=False)
        except Exception as error:
            raise _unreadable(error, field, row) from error
        return None if found.overflowing else found

    def length(self, text: str) -> int:
        """Return how many tokens a text has, cut or not, without those that mark its ends."""
        return len(self._tokenizer.encode(self._clipped(text), add_special_tokens=False))

    def decode(self, ids: Sequence[int]) -> str:
        """Return the text of some tokens, without those that mark its ends."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def id_of(self, token: str) -> int | None:
        """Return the number of a token; None if it is not known."""
        found = self._tokenizer.token_to_id(token)
        return None if found is None else int(found)

    def added(self) -> dict[str, int]:
        """Return the tokens that were added to the vocabulary, such as marks of languages."""
        return {token.content: int(place) for place, token in self._tokenizer.get_added_tokens_decoder().items()}

    def marks(self) -> list[str]:
        """Return the texts that are read as marks wherever they stand, such as those of the ends."""
        return [token.content for token in self._tokenizer.get_added_tokens_decoder().values() if token.special]

    def unknown(self, encodings: Sequence[Encoding]) -> NDArray[np.float64]:
        """Return the share of tokens of each text that are not in the vocabulary; NaN for a text without a token."""
        shares = np.full(len(encodings), np.nan)
        for row, one in enumerate(encodings):
            kept = [token for token, special in zip(one.ids, one.special_tokens_mask, strict=True) if not special]
            if kept:
                shares[row] = sum(token == self._unknown for token in kept) / len(kept)
        return shares

    def token(self, place: int) -> str:
        """Return the text of a single token."""
        return self.decode([place]).strip() or str(self._tokenizer.id_to_token(place))

    def feeds(
        self, encodings: Sequence[Encoding], takes: frozenset[str], side: str = "right"
    ) -> dict[str, NDArray[np.int64]]:
        """Return the arrays of a batch, shape (rows, longest), padded on one ``side``."""
        width = max(1, max(len(one) for one in encodings))
        made = {"input_ids": _padded([one.ids for one in encodings], width, self.pad, side)}
        if "attention_mask" in takes:
            made["attention_mask"] = _padded([one.attention_mask for one in encodings], width, 0, side)
        if "token_type_ids" in takes:
            made["token_type_ids"] = _padded([one.type_ids for one in encodings], width, 0, side)
        return made

    def _clipped(self, text: str) -> str:
        if len(text) <= self._characters:
            return text
        return text[-self._characters :] if self._direction == "left" else text[: self._characters]

    def _padding(self, config: Mapping[str, Any], named: Mapping[str, Any]) -> int:
        token = _content(named.get("pad_token"))
        found = None if token is None else self.id_of(token)
        for candidate in (found, config.get("pad_token_id"), config.get("eos_token_id")):
            if isinstance(candidate, list):
                candidate = candidate[0] if candidate else None
            if isinstance(candidate, int) and candidate >= 0:
                return candidate
        return 0  # masked wherever it stands


def limit_of(checkpoint: Checkpoint, told: Mapping[str, Any] | None = None) -> int:
    """Return the most tokens a checkpoint takes: what it can, or less if ``max_length`` asks so.

    Raises BundleError when ``max_length`` asks for more.
    """
    told = read_json(checkpoint.folder / "tokenizer_config.json", optional=True) if told is None else told
    config = checkpoint.config
    config = {**config, **config.get("text_config", {})} if isinstance(config.get("text_config"), dict) else config
    spare = 2 if config.get("model_type") in _OFFSET else 0
    known = [int(config[name]) - spare for name in _POSITIONS if isinstance(config.get(name), int)][:1]
    said = told.get("model_max_length")
    if isinstance(said, int | float) and 0 < said < NO_LIMIT:
        known.append(int(said))
    most = min(known, default=DEFAULT_LIMIT)
    asked = checkpoint.options.get("max_length")
    if asked is None:
        own = read_json(checkpoint.folder / "sentence_bert_config.json", optional=True).get("max_seq_length")
        return min(most, own) if checkpoint.task == "feature-extraction" and isinstance(own, int) and own > 0 else most
    if asked > most and config.get("model_type") not in ("t5", "mt5", "umt5", "longt5"):  # their positions are relative
        raise BundleError(
            f"max_length is {asked}, {checkpoint.origin or checkpoint.folder} takes {most} tokens at most.",
            hint=f"set it to {most} or less",
            limit=most,
        )
    return int(asked)


def texts(column: Sequence[Any] | NDArray[Any], field: str) -> list[str]:
    """Return a column as texts; raises RequestError naming the row that is none."""
    for row, value in enumerate(column):
        if not isinstance(value, str):
            what = "missing" if value is None or value != value else f"a {type(value).__name__}"
            raise RequestError(f"Row {row} of '{field}' is {what}, not a text.", field=field, row=row)
    return list(column)


def _unreadable(error: Exception, field: str, row: int | None) -> RequestError:
    which = "A row" if row is None else f"Row {row}"
    return RequestError(
        f"{which} of '{field}' cannot be read as text: {_line(error)}.",
        hint="send valid Unicode: a text that was read in the wrong encoding holds halves of characters",
        field=field,
        row=row,
    )


def _valid(texts: Any) -> bool:
    """Say whether a text, or both of a pair, can be written as UTF-8: half a surrogate pair cannot."""
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        return False
    return True


def _read(folder: Path) -> Tokenizer:
    file = folder / FILE
    if not file.is_file() and convertible(folder):
        found: Tokenizer = older.tokenizer(folder)
        return found
    try:
        return Tokenizer.from_str(file.read_text(encoding="utf-8"))
    except Exception as error:
        raise BundleError(
            f"The tokenizer {file} cannot be read: {_line(error)}.", hint="fetch the checkpoint again"
        ) from error


def _padded(rows: Sequence[Sequence[int]], width: int, value: int, side: str) -> NDArray[np.int64]:
    made = np.full((len(rows), width), value, dtype=np.int64)
    for place, row in enumerate(rows):
        if side == "left":
            made[place, width - len(row) :] = row
        else:
            made[place, : len(row)] = row
    return made


def _content(token: Any) -> str | None:
    """Return a special token's text, which is written as a string or as an object."""
    found = token.get("content") if isinstance(token, dict) else token
    return found if isinstance(found, str) else None


def _line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")[:200]
