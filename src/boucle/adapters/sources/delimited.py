"""Delimited text: separator, encoding and decimal sign found out from the first part of the file."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.csv as pc

from boucle.core.errors import SourceError

_SAMPLE = 256 * 1024
_BEYOND = 2**63
_SEPARATORS = (",", ";", "\t", "|")
_MISSING = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "<NA>"]
_OPENERS = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def read(path: Path, separator: str | None = None, encoding: str | None = None) -> pd.DataFrame:
    """Read a delimited file; raises SourceError when it is no table."""
    raw = _bytes(path)
    encoding = encoding or find_encoding(raw)
    try:
        sample = raw[:_SAMPLE].decode(encoding, errors="ignore")
    except LookupError as error:
        raise SourceError(f"'{encoding}' is not an encoding.", hint="write for example utf-8 or cp1252") from error
    if "\0" in sample:
        raise SourceError(f"{path.name} is not text.", hint="is it really what its ending says?")
    separator = separator or find_separator(sample)
    names = _heading(sample, separator)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise SourceError(f"{path.name} has the column '{twice[0]}' twice.", hint="give each column a name of its own")
    decimal = _decimal(sample, separator)
    parse = pc.ParseOptions(delimiter=separator, newlines_in_values=True)
    try:
        table = pc.read_csv(
            io.BytesIO(raw),
            read_options=pc.ReadOptions(encoding=encoding),
            parse_options=parse,
            convert_options=pc.ConvertOptions(
                decimal_point=decimal, null_values=_MISSING, strings_can_be_null=True, quoted_strings_can_be_null=True,
                true_values=["true", "True", "TRUE"], false_values=["false", "False", "FALSE"],
            ),
        )  # fmt: skip
    except (pa.ArrowException, UnicodeDecodeError) as error:
        hint = (
            "name the right one with data.encoding" if _is_decoding(error) else "name the separator with data.separator"
        )
        reason = str(error).splitlines()[0].rstrip(".")
        raise SourceError(
            f"{path.name} cannot be read as {encoding} text parted by '{separator}': {reason}.", hint=hint
        ) from error
    return _pandas(table, path.name, raw, parse, encoding)


def _pandas(table: pa.Table, name: str, raw: bytes, parse: pc.ParseOptions, encoding: str) -> pd.DataFrame:
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_binary(field.type):
            raise SourceError(
                f"Column '{field.name}' of {name} is not {encoding} text.",
                hint="name the right encoding with data.encoding, such as cp1252",
                field=field.name,
            )
        if pa.types.is_floating(field.type) and (compute.max(compute.abs(column)).as_py() or 0.0) >= _BEYOND:
            _refuse_huge_integers(field.name, name, raw, parse, encoding)
    return table.to_pandas()


def _refuse_huge_integers(field: str, name: str, raw: bytes, parse: pc.ParseOptions, encoding: str) -> None:
    """Whole numbers beyond 64 bits would be read as rounded ones: a name for a row would no longer be its name."""
    text = pc.read_csv(
        io.BytesIO(raw),
        read_options=pc.ReadOptions(encoding=encoding),
        parse_options=parse,
        convert_options=pc.ConvertOptions(include_columns=[field], column_types={field: pa.string()}),
    )
    long = next(
        (v for v in text.column(0).to_pylist() if v and v.strip().lstrip("-").isdigit() and abs(int(v)) >= _BEYOND),
        None,
    )
    if long is not None:
        raise SourceError(
            f"Column '{field}' of {name} holds integers beyond 64 bits, such as {long[:40]}.",
            hint="if it is a name for the row, write it with a letter in front, or leave the column out",
            field=field,
        )


def _bytes(path: Path) -> bytes:
    opener: Any = _OPENERS.get(path.suffix.lower())
    if opener is None:
        return path.read_bytes()
    with opener(path) as handle:
        return bytes(handle.read())


def find_encoding(raw: bytes) -> str:
    """Return utf-8, utf-16 by its mark, or cp1252, which reads any Western European text that is not utf-8."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        raw[: 64 * _SAMPLE].decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start < min(len(raw), 64 * _SAMPLE) - 4:
            return "cp1252"
    return "utf-8"


def find_separator(sample: str) -> str:
    """Return the separator by which the first lines have the same number of fields, most fields first."""
    lines = sample.splitlines()[:60]
    best, most = ",", 1
    for separator in _SEPARATORS:
        rows = list(csv.reader(lines[:-1] if len(lines) > 2 else lines, delimiter=separator))
        widths = Counter(len(row) for row in rows if row)
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        if width > most and count >= 0.9 * len([r for r in rows if r]):
            best, most = separator, width
    return best


def _heading(sample: str, separator: str) -> list[str]:
    try:
        return [name.removeprefix("\ufeff") for name in next(csv.reader(sample.splitlines(), delimiter=separator))]
    except (StopIteration, csv.Error) as error:
        raise SourceError("The file has no heading.") from error


def _decimal(sample: str, separator: str) -> str:
    """Return a comma where numbers are written 3,14: only possible when fields are not parted by commas."""
    if separator == ",":
        return "."
    rows = list(csv.reader(sample.splitlines()[1:50], delimiter=separator))
    cells = [cell for row in rows for cell in row]
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
    return isinstance(error, UnicodeDecodeError) or "UTF" in str(error).upper() or "decod" in str(error)
