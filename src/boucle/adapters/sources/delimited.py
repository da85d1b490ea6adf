"""Delimited text: separator, encoding and decimal sign found out from the first part of the file."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import lzma
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as pc

from boucle.adapters.sources.tables import emptied
from boucle.core.errors import SourceError

_SAMPLE = 256 * 1024
_SAMPLE_ROWS = 60
_ENCODING_SAMPLE = 16 * 1024 * 1024
_BLOCK = 1024 * 1024
_SEPARATORS = (",", ";", "\t", "|")
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>"]
_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
COMPRESSED = tuple(_OPENERS)


def read(path: Path, separator: str | None = None, encoding: str | None = None) -> pd.DataFrame:
    """Read a delimited file; raises SourceError when it is no table."""
    with opened(path) as handle:
        head = handle.read(_ENCODING_SAMPLE + 1)
    encoding = encoding or find_encoding(head)
    try:
        sample = head[:_SAMPLE].decode(encoding, errors="ignore").removeprefix("\ufeff")
    except LookupError as error:
        raise SourceError(f"'{encoding}' is not an encoding.", hint="write for example utf-8 or cp1252") from error
    if "\0" in sample:
        raise SourceError(f"{path.name} is not text.", hint="is it really what its ending says?")
    separator = separator or find_separator(sample)
    parse = pc.ParseOptions(delimiter=separator, newlines_in_values=True)
    convert = {
        "decimal_point": _decimal(sample, separator), "null_values": _MISSING, "strings_can_be_null": True,
        "quoted_strings_can_be_null": True, "true_values": ["true", "True", "TRUE"],
        "false_values": ["false", "False", "FALSE"],
    }  # fmt: skip
    try:
        kinds = _kinds(head[: 2 * _BLOCK], encoding, parse, convert) if len(head) > _BLOCK else {}
        table = _table(path, encoding, parse, convert, kinds)
        _refuse_other_bytes(table, path.name, encoding)
        _refuse_huge_integers(table, path, encoding, parse)
    except (pa.ArrowException, UnicodeError) as error:
        hint = "name the right one with data." + ("encoding" if _is_decoding(error) else "separator")
        reason = str(error).splitlines()[0].rstrip(".")
        raise SourceError(
            f"{path.name} cannot be read as {encoding} text parted by '{separator}': {reason}.", hint=hint
        ) from error
    return emptied(table)


def _table(path: Path, encoding: str, parse: Any, convert: dict[str, Any], kinds: dict[str, pa.DataType]) -> pa.Table:
    """Read block by block, each column as of its kind; found out over all rows where that does not hold to the end.

    To find the types out, Arrow keeps the whole text in memory; with them it keeps a few blocks.
    """
    options = pc.ConvertOptions(**convert, column_types=kinds)
    try:
        with opened(path) as handle:
            return pc.read_csv(handle, read_options=_blocks(encoding), parse_options=parse, convert_options=options)
    except pa.ArrowInvalid:
        if not kinds:
            raise
    return _table(path, encoding, parse, convert, {})


def _kinds(head: bytes, encoding: str, parse: Any, convert: dict[str, Any]) -> dict[str, pa.DataType]:
    """Return the types of the columns in the first block; none where it cannot be read by itself."""
    options = pc.ConvertOptions(**convert)
    try:
        with pc.open_csv(
            io.BytesIO(head), read_options=_blocks(encoding), parse_options=parse, convert_options=options
        ) as reader:
            return {field.name: field.type for field in reader.schema}
    except (pa.ArrowException, UnicodeError):
        return {}


def _blocks(encoding: str) -> Any:
    return pc.ReadOptions(encoding=encoding, block_size=_BLOCK)


def _refuse_other_bytes(table: pa.Table, name: str, encoding: str) -> None:
    """Text that is not of its encoding is read as bytes."""
    for field in table.schema:
        if pa.types.is_binary(field.type):
            raise SourceError(
                f"Column '{field.name}' of {name} is not {encoding} text.",
                hint="name the right encoding with data.encoding, such as cp1252",
                field=field.name,
            )


def _refuse_huge_integers(table: pa.Table, path: Path, encoding: str, parse: Any) -> None:
    """Whole numbers beyond 64 bits are read as rounded fractions, which would hide that rows have become the same."""
    huge = []
    for place, field in enumerate(table.schema):
        if pa.types.is_floating(field.type):
            ends = compute.min_max(table.column(place)).as_py()
            if ends["min"] is not None and max(abs(ends["min"]), abs(ends["max"])) >= 2.0**63:
                huge.append(field.name)
    if not huge:
        return
    text = {"include_columns": huge, "null_values": _MISSING, "strings_can_be_null": True}
    written = _table(path, encoding, parse, text, dict.fromkeys(huge, pa.string()))
    for field in huge:
        known = written.column(field).drop_null()
        if compute.all(compute.match_substring_regex(known, r"^\s*[-+]?\d+\s*$")).as_py():
            longest = max(known.to_pylist(), key=len)
            raise SourceError(
                f"Column '{field}' of {path.name} holds integers beyond 64 bits, such as {longest[:40]}.",
                hint="if it names the row, write it with a letter in front, or leave the column out of the file",
                field=field,
            )


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Yield the file's bytes, unpacked when its ending says it is packed; raises SourceError."""
    opener: Any = _OPENERS.get(path.suffix.lower())
    if opener is None:
        with path.open("rb") as handle:
            yield handle
        return
    try:
        with opener(path) as handle:
            yield handle
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise SourceError(
            f"{path.name} cannot be unpacked: {error}.", hint="is it whole, and packed as its ending says?"
        ) from error


def find_encoding(raw: bytes) -> str:
    """Return utf-8, utf-16 by its mark, or cp1252, which reads any Western European text that is not utf-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        decoder.decode(raw[:_ENCODING_SAMPLE], final=len(raw) <= _ENCODING_SAMPLE)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def find_separator(sample: str) -> str:
    """Return the separator by which the first rows have the same number of fields, most fields first."""
    best, most = ",", 1
    for separator in _SEPARATORS:
        widths = Counter(len(row) for row in _rows(sample, separator))
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        if width > most and count >= 0.9 * widths.total():
            best, most = separator, width
    return best


def _rows(sample: str, separator: str) -> list[list[str]]:
    """Parse the first rows; the last one of a cut sample may be half a row and is left out."""
    rows = [row for row in _parsed(sample, separator) if row]
    return rows[:-1] if len(sample) > _SAMPLE // 8 and 2 < len(rows) < _SAMPLE_ROWS else rows


def _parsed(sample: str, separator: str) -> Iterator[list[str]]:
    reader = csv.reader(io.StringIO(sample, newline=""), delimiter=separator)
    try:
        for _ in range(_SAMPLE_ROWS):
            yield next(reader)
    except (StopIteration, csv.Error):
        return


def _decimal(sample: str, separator: str) -> str:
    """Return a comma where numbers are written 3,14: only possible when fields are not parted by commas."""
    if separator == ",":
        return "."
    cells = [cell for row in _rows(sample, separator)[1:] for cell in row]
    commas = sum(_is_number(c.replace(",", ".", 1)) for c in cells if c.count(",") == 1 and "." not in c)
    points = sum(_is_number(c) for c in cells if "." in c)
    return "," if commas > points else "."


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_decoding(error: Exception) -> bool:
    return isinstance(error, UnicodeError) or "UTF" in str(error).upper() or "decod" in str(error)
