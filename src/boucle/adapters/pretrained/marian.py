"""Tokenizers of Marian's translators (``source.spm``, ``vocab.json``) in the form that ``tokenizers`` reads.

The pieces and how likely each is stand in a protobuf of sentencepiece; the numbers of the pieces in ``vocab.json``.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from boucle.adapters.pretrained.folders import read_json
from boucle.core.errors import BundleError

PIECES, NUMBERS = "source.spm", "vocab.json"
MARKS = END, UNKNOWN, PADDING = "</s>", "<unk>", "<pad>"
OTHER_SIDE = "\0"
"""What is put before a piece that only what is written has, so that nothing is read as it; it is decoded without.
Single characters are read as they are, as Marian does."""
PENALTY = 10.0
"""How much less likely than any piece a character is that the source does not know, as in sentencepiece."""
_LANGUAGE = re.compile(r">>.+<<")
_UNIGRAM = 1
_Field = tuple[int, bytes | int]


def is_marian(folder: Path) -> bool:
    return (folder / PIECES).is_file() and (folder / NUMBERS).is_file()


def tokenizer(folder: Path) -> Tokenizer:
    """Make the tokenizer that reads; what is written is decoded by the same numbers. Raises BundleError."""
    numbers = read_json(folder / NUMBERS)
    try:
        likely, characters = _pieces((folder / PIECES).read_bytes())
    except (ValueError, IndexError, struct.error, TypeError) as error:
        raise BundleError(
            f"{folder / PIECES} is no file of sentencepiece: {error}.", hint="fetch the checkpoint again"
        ) from error
    ordered = sorted(numbers, key=lambda piece: int(numbers[piece]))
    if [int(numbers[piece]) for piece in ordered] != list(range(len(ordered))) or UNKNOWN not in numbers:
        raise BundleError(f"{folder / NUMBERS} does not number its pieces one by one.", hint="fetch it again")
    own = [one if one in likely or _marks(one) or len(one) == 1 else OTHER_SIDE + one for one in ordered]
    least = min(likely.values()) - PENALTY
    made = Tokenizer(models.Unigram([(one, likely.get(one, least)) for one in own], numbers[UNKNOWN]))
    alike = [normalizers.Precompiled(characters)] if characters else []
    made.normalizer = normalizers.Sequence([*alike, normalizers.Replace(Regex(" {2,}"), " "), normalizers.Strip()])
    made.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    made.decoder = decoders.Sequence([decoders.Replace(OTHER_SIDE, ""), decoders.Metaspace(prepend_scheme="always")])
    made.add_special_tokens([AddedToken(one, rstrip=one not in MARKS) for one in ordered if _marks(one)])
    made.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", pair=f"$A $B {END}", special_tokens=[(END, numbers[END])]
    )
    return made


def _marks(piece: str) -> bool:
    """Say whether it is no piece of a text: an end, a filling, or the language of an answer such as ``>>fra<<``."""
    return piece in MARKS or _LANGUAGE.fullmatch(piece) is not None


def _pieces(raw: bytes) -> tuple[dict[str, float], bytes]:
    """Return the pieces with the logarithm of their likelihood, and the table that characters are made alike by."""
    likely: dict[str, float] = {}
    characters = b""
    for number, value in _fields(raw):
        if not isinstance(value, bytes):
            continue
        if number == 1:
            said = dict(_fields(value))
            likely[bytes(said[1]).decode()] = struct.unpack("<f", struct.pack("<I", said.get(2, 0)))[0]
        elif number == 2 and dict(_fields(value)).get(3, _UNIGRAM) != _UNIGRAM:
            raise ValueError("it is no unigram model")
        elif number == 3:
            characters = bytes(dict(_fields(value)).get(2, b""))
    if not likely:
        raise ValueError("it has no pieces")
    return likely, characters


def _fields(raw: bytes) -> Iterator[_Field]:
    """Yield the numbered fields of a protobuf message; fixed numbers as their bits."""
    place = 0
    while place < len(raw):
        key, place = _varint(raw, place)
        kind = key & 7
        if kind == 0:
            value, place = _varint(raw, place)
            yield key >> 3, value
            continue
        size = {1: 8, 5: 4}.get(kind)
        if kind == 2:
            size, place = _varint(raw, place)
        if size is None or place + size > len(raw):
            raise ValueError("it is cut off")
        taken, place = raw[place : place + size], place + size
        yield key >> 3, taken if kind == 2 else int.from_bytes(taken, "little")


def _varint(raw: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[place]
        value, shift, place = value | (byte & 127) << shift, shift + 7, place + 1
        if byte < 128:
            return value, place
